"""`strategy=optimal`: taught by a finished study, followed on other problems, simulated on stored cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import stored

TABLE: dict[str, Any] = {
    "probe": 3,
    "measure": "tokens",
    "cuts": [0.5],
    "budgets": [
        {"limit": 1000, "bins": [{"strategy": "best_of_n", "n": 2, "parameters": {}}, None]},
        {
            "limit": 3000,
            "bins": [
                {"strategy": "best_of_n", "n": 4, "parameters": {}},
                {"strategy": "beam", "n": 4, "parameters": {"width": 2}},
            ],
        },
    ],
}
WORDS = ("dataset.limit=8", "seeds=[0,1]")


@pytest.fixture
def table(tmp_path: Path) -> str:
    file = tmp_path / "table.json"
    file.write_text(json.dumps(TABLE))
    return str(file)


def test_every_path_is_the_one_that_the_chosen_strategy_finds_without_it(
    table: str, launch: Callable[..., int], tmp_path: Path
) -> None:
    line = ("strategy=optimal", "n=4", f"strategy.table={table}", "budget.tokens=5000", *WORDS)
    assert launch(*line) == 0
    assert launch("-m", "strategy=best_of_n,beam", "n=4", "strategy.width=2", *WORDS) == 0
    paths, steps = stored(tmp_path / "default", "paths"), stored(tmp_path / "default", "steps")
    key = ["problem_key", "seed"]
    probes = steps[(steps["strategy"] == "optimal") & (steps["verb"] == "roll_out")]
    last = probes.sort_values("step").groupby([*key, "address"])["score"].last()
    assert len(last) == 8 * 2 * 3
    easy = last.groupby(key).mean() >= 0.5
    assert 0 < easy.sum() < len(easy), "both bins are used"
    texts = paths.sort_values("address").groupby(["strategy", *key])["steps"].agg(list)
    for place, whether in easy.items():
        chosen = "best_of_n" if whether else "beam"
        assert texts["optimal", *place] == texts[chosen, *place]
    rows = pd.read_parquet(tmp_path / "default" / "readout.parquet")
    rows = rows[(rows["vote"] == "weighted") & (rows["agg"] == "last") & (rows["subset"] == "prefix")]
    spent = rows.set_index("strategy")["policy_tokens"]
    assert spent["optimal"] > spent.drop("optimal").min(), "the probes are paid"


def test_a_study_teaches_it_by_what_is_best_in_each_bin_within_the_budget(
    launch: Callable[..., int], tmp_path: Path
) -> None:
    from ttc.commands.cli import main

    assert launch("-m", "strategy=best_of_n,beam", "n=1,4", "dataset.limit=90", "seeds=[0,1]") == 0
    file = tmp_path / "learnt.json"
    words = ["optimal", str(tmp_path / "default"), "difficulty=predicted@2", "axis=tokens", f"table={file}"]
    assert main(words) == 0
    table = json.loads(file.read_text())
    assert (table["probe"], table["measure"], len(table["cuts"])) == (2, "tokens", 4)
    assert table["cuts"] == sorted(table["cuts"], reverse=True)
    limits = [one["limit"] for one in table["budgets"]]
    assert limits == sorted(limits)
    largest = table["budgets"][-1]["bins"]
    assert {one["strategy"] for one in largest} <= {"beam", "best_of_n"}
    assert {one["n"] for one in largest} == {4}, "more is better here, and this is all the money"
    assert (
        launch(
            *("strategy=optimal", "n=4", f"strategy.table={file}", f"budget.tokens={limits[-1]:.0f}"),
            *("dataset.draw=1", "dataset.limit=5"),
            name="other",
        )
        == 0
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (),
            "strategy.table: name the file that says what to do; `ttc optimal FOLDER difficulty=predicted@4",
        ),
        (("strategy.table={table}",), "budget.tokens=0: the table begins at 1000"),
        (("strategy.table={table}", "budget.tokens=999"), "budget.tokens=999: the table begins at 1000"),
        (
            ("strategy.table={table}", "budget.tokens=3000", "n=2"),
            "n=2: at this budget the table takes up to 4",
        ),
        (
            ("strategy.table=pyproject.toml", "budget.tokens=9"),
            "strategy.table: not a table that `ttc optimal",
        ),
        (("strategy.table=gone.json",), "strategy.table='gone.json': must be a file to read"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    words: tuple[str, ...],
    said: str,
    table: str,
    launch: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert launch("strategy=optimal", *(word.replace("{table}", table) for word in words)) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("difficulty=level", "axis=tokens"), "difficulty=level: of a new problem a controller knows"),
        (("difficulty=predicted@2", "axis=n"), "axis=n: a budget is in tokens, flops or seconds"),
    ],
)
def test_what_cannot_be_taught_is_refused(
    words: tuple[str, ...],
    said: str,
    launch: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from ttc.commands.cli import main

    assert launch("n=2", "dataset.limit=4", "seeds=[0,1]") == 0
    assert main(["optimal", str(tmp_path / "default"), *words, f"table={tmp_path / 't.json'}"]) == 2
    assert said in capsys.readouterr().err
