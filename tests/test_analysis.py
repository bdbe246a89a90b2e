"""docs/analysis.md, analysis.ipynb: every snippet runs, and pandas, polars and DuckDB say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from ttc.commands.cli import main

DOCS = Path(__file__).parents[1] / "docs"
PREAMBLE, *QUESTIONS = re.split(r"^## ", (DOCS / "analysis.md").read_text(), flags=re.MULTILINE)

GRID = ("strategy=greedy,best_of_n,beam,dvts", "n=1,4,16")
LAUNCHES = [
    (*GRID, "policy.fail_rate=0.1"),  # some searches fail,
    GRID,  # and are done the second time
    ("strategy=beam", "n=8", "search_tokens=380"),  # some are cut
    ("strategy=beam", "n=12", "policy.fail_rate=0.3"),  # failed ones stay
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in, with results/default."""
    here = tmp_path_factory.mktemp("analysis")
    words = ["policy=fake", "prm=fake", "cluster=none", "seeds=[0,1]", "dataset.limit=30", "max_failures=999"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTC_CACHE", "off")
        for line in LAUNCHES:
            main(["run", "-m", *line, *words, f"results_dir={here / 'results'}"])
    return here


def snippets(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def evaluate(code: str, names: dict[str, Any]) -> Any:
    """Runs the lines as a notebook does; what the last one is worth."""
    *lines, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(lines, []), "analysis.md", "exec"), names)
    return eval(compile(ast.Expression(last.value), "analysis.md", "eval"), names)


def table(value: Any) -> pd.DataFrame:
    """A frame of pandas, polars or DuckDB, its rows in an order of their own."""
    frame = value.df() if hasattr(value, "df") else value if hasattr(value, "iloc") else value.to_pandas()
    numbers = {name: pd.api.types.is_any_real_numeric_dtype(frame[name]) for name in frame}
    frame = frame.astype({name: "float64" if number else "str" for name, number in numbers.items()})
    return frame.set_axis([*numbers], axis=1).sort_values([*numbers], ignore_index=True)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda text: text.splitlines()[0])
def test_all_three_give_one_answer(question: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    names: dict[str, Any] = {}
    exec(snippets(PREAMBLE)[0], names)
    by_pandas, by_polars, by_duckdb = (table(evaluate(code, dict(names))) for code in snippets(question))
    assert len(by_pandas)
    pd.testing.assert_frame_equal(by_pandas, by_polars)
    pd.testing.assert_frame_equal(by_pandas, by_duckdb)


def test_there_are_ten_questions() -> None:
    assert [question.split(".")[0] for question in QUESTIONS] == [str(number + 1) for number in range(10)]


def test_the_notebook_runs_from_top_to_bottom(place: Path) -> None:
    """In a kernel, as a person runs it: a cell's error would be raised here."""
    notebook = nbformat.read(DOCS / "analysis.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear its outputs before it is kept"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(place)}}).execute()
    shown = {cell["id"]: [*cell["outputs"][-1]["data"]] for cell in notebook.cells if cell.get("outputs")}
    assert {name for name, kinds in shown.items() if "text/html" in kinds} >= {
        "load",
        "compare",
        "tree",
        "duckdb",
    }
    assert "image/png" in shown["curve"]
