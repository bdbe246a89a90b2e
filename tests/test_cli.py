"""The door: every command's help, what is printed for programs, and mistakes in one line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ttc.commands.cli import COMMANDS, main
from ttc.strategies import STRATEGIES

ROOT = Path(__file__).parents[1]
HEAVY = {"pandas", "pyarrow", "ray", "torch", "transformers", "matplotlib", "scipy", "numpy", "vllm", "hydra"}
FAKES = ("policy=fake", "prm=fake", "cluster=none")


def python(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=ROOT)


# --- Help ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    printed = capsys.readouterr()
    assert not printed.err
    assert printed.out.startswith(f"usage: ttc {command} ")
    assert printed.out.partition("\nexamples:\n")[2].startswith(f"  ttc {command} ")
    assert "--json" in printed.out
    assert all(len(line) <= 110 for line in printed.out.splitlines())


def test_the_door_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--help"], ["-h"]):
        assert main(words) == 0
        text = capsys.readouterr().out
        assert all(re.search(rf"^  {command} +\w", text, re.MULTILINE) for command in COMMANDS)


def test_the_help_of_a_launch_has_the_registry_and_the_groups_and_is_not_hydras(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"strategy={name}" in text for name in STRATEGIES)
    words = ("strategy.width=4 ", "policy=nano ", "prm.check_tags=true", "n=16 ", "readout.subset=resample")
    assert all(word in text for word in words)
    assert "hydra" not in text.lower()
    for line in (["plan", "--help"], ["run", "-m", "n=1,4", "--help"]):
        assert main(line) == 0
        assert "strategy.width=4 " in capsys.readouterr().out
    doors = ["launch.py"], ["-c", "from ttc.commands.cli import main; main(['run', '--help'])"]
    launched, ran = (
        subprocess.run([sys.executable, *door, "--help"], capture_output=True, text=True, cwd=ROOT)
        for door in doors
    )
    assert (launched.returncode, launched.stdout) == (0, ran.stdout)


def test_settings_are_explained_with_defaults_and_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "threshold=0.5 number >= 0 <= 1; a step below it is taken for wrong." in text
    assert "columns.label=label" in text
    assert "limit=null whole number >= 1; so many solutions, the first ones" in text
    assert main(["optimal", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "axis=n n, tokens, generated_tokens, policy_tokens, flops or seconds; what a budget is" in text
    assert "splits=50 whole number >= 1; halvings of the problems." in text


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ttc.commands.cli import COMMANDS, main\n"
        "for command in COMMANDS: main([command, '--help'])\n"
        f"main(['--help']); print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    assert python(code).stdout.splitlines()[-1] == "[]"


def test_a_plan_of_a_new_folder_imports_what_it_needs(tmp_path: Path) -> None:
    code = (
        "import sys; from ttc.commands.cli import main\n"
        "main(['plan', *sys.argv[1:]]); print(sorted({HEAVY!r} & set(sys.modules)))"
    ).replace("{HEAVY!r}", repr(HEAVY))
    assert python(code, f"results_dir={tmp_path}").stdout.splitlines()[-1] == "['hydra', 'numpy', 'pyarrow']"


def test_completion_names_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import atexit, os, sys; os.environ.update(_TTC_COMPLETE='complete_bash', COMP_WORDS='ttc re', "
        "COMP_CWORD='1'); from ttc.commands.cli import main\n"
        f"atexit.register(lambda: print(sorted({HEAVY!r} & set(sys.modules)))); main([])"
    )
    assert python(code).stdout.split() == ["report", "regrade", "rescore", "[]"]


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_a_reader_that_has_seen_enough_ends_it_quietly(words: list[str]) -> None:
    code = "import sys; from ttc.commands.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait()


# --- Mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frobnicate"], "frobnicate: no such command; take one of run, plan, compare"),
        (["--frobnicate"], "No such option: --frobnicate"),
        (["compare", "--jsn", "x"], "No such option: --jsn"),
        (["compare", "x", "--as", "pdf"], "'pdf' is not one of"),
        (["run", "n=0", *FAKES], "n=0: must be greater than or equal to 1"),
        (["plan", "-x", *FAKES], "-x"),
        (["plan", "-cd"], "-cd: expected one argument"),
        (["compare"], "name the results folder, as in `ttc compare results/default`"),
        (["compare", "beam@16", "dvts@16"], "name the results folder"),
        (["compare", "gone"], "gone: no readout here"),
        (["optimal", "gone", "splits=0"], "splits=0: must be greater than or equal to 1"),
        (["optimal", "gone", "level"], "level: settings read key=value"),
        (["optimal", "gone", "difficulty=hard"], "must be level, oracle, predicted or predicted@m"),
        (["import", "them"], "there is: sal"),
        (["import", "sal", "x.jsonl", "polcy=q"], "polcy: unknown key; did you mean policy?"),
        (["quirks", "gone", "n=4"], "n=4: quirks takes a results folder and nothing else"),
        (["quirks", "gone"], "gone: no results here"),
        (["show"], "name the results folder, as in `ttc show results/default`"),
        (["show", "gone", "p"], "gone: no results here"),
        (["export", "gone"], "gone: no results here"),
        (["export", "gone", "out"], "out: settings read key=value"),
        (["regrade", "gone"], "name a grading, as in"),
        (["regrade", "gone", "exact"], "exact: settings read key=value"),
        (["regrade", "gone", "readout.grader=exakt"], "readout.grader='exakt': must be 'math_verify'"),
        (["regrade", "gone", "n=4"], "n: unknown key; known keys: readout.grader, readout.extract"),
        (["rescore", "gone", "prm=fake", "n=4"], "n=4: rescore takes prm=, cluster=, readout="),
        (["rescore", "gone", "prm=fake"], "gone: no results here"),
        (["verify", "prm=fake"], "SOURCE is missing"),
        (["verify", "nano", "prm=fake", "seed=-1"], "seed=-1: must be greater than or equal to 0"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for more in ([], ["--json"]):
        assert main([*words, *more]) == 2
        printed = capsys.readouterr()
        (line,) = printed.err.splitlines()
        assert line.startswith("error: ")
        assert said in line
        assert not printed.out


def test_a_launchs_flags_are_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "here.yaml").write_text("defaults: [config, _self_]\nn: 2\n")
    usual = [*FAKES, "dataset.limit=2", f"results_dir={tmp_path / 'out'}"]
    for words, said in (
        (["-m", "n=1,4"], "2 cells on 2 problems"),
        (["-cn", "nano"], "11 cells on 2 problems, 5 seeds"),
        (["-cd", str(tmp_path), "-cn=here"], "1 cell on 2 problems"),
        (["--multirun", "n=1,4", "--config-name", "config"], "2 cells on 2 problems"),
    ):
        assert main(["plan", *words, *usual]) == 0
        assert said in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_mistakes_come_all_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rescore", "gone", "n=4", "beam"]) == 2
    assert main(["optimal", "gone", "difficulty=hard", "axis=x", "splits=0", "foo", "split=2"]) == 2
    starts = [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()]
    assert starts == ["beam", "n=4", "prm", "foo", "split", "difficulty='hard'", "axis='x'", "splits=0"]


# --- For programs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    grid = ("strategy=best_of_n,beam", "n=1,4", "seeds=[0,1]", "dataset.limit=12")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("TTC_CACHE", "off")
        assert main(["run", "-m", *grid, *FAKES, "name=x", f"results_dir={path}"]) == 0
    return path / "x"


@pytest.fixture
def tables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, Any]]]:
    """What a command gives a program."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TTC_CACHE", "off")

    def call(*words: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        assert main([*words, "--json"]) == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["tables"]
        return found

    return call


Tables = Callable[..., list[dict[str, Any]]]


def same(rows: list[dict[str, Any]], frame: pd.DataFrame, columns: list[str]) -> bool:
    given = pd.DataFrame(rows)[columns].astype(float)
    return bool((given - frame[columns].astype(float).to_numpy()).abs().fillna(0).to_numpy().max() == 0)


def test_a_comparison_for_programs_is_the_parquets(results: Path, tables: Tables) -> None:
    (table,) = tables("compare", str(results), "best_of_n@4", "beam@4")
    frame = pd.read_parquet(results / "compare.parquet")
    assert [row["name"] for row in table["rows"]] == frame["name"].tolist()
    columns = ["accuracy", "accuracy_low", "difference", "difference_high", "p_sign_flip", "problems"]
    assert same(table["rows"], frame, columns)
    assert table["rows"][0]["difference"] is None
    (listed,) = tables("compare", str(results))
    assert {row["name"] for row in listed["rows"]} == {"best_of_n@1", "best_of_n@4", "beam@4"}


def test_compute_optimal_scaling_for_programs_is_the_parquets(results: Path, tables: Tables) -> None:
    curve, choices = tables("optimal", str(results), "splits=2")
    columns = ["budget", "curve", "curve_low", "best", "difference_high", "candidates"]
    assert same(curve["rows"], pd.read_parquet(results / "optimal.parquet"), columns)
    chosen = [one for row in choices["rows"] for one in row["chosen"]]
    frame = pd.read_parquet(results / "optimal_choices.parquet")
    assert same(chosen, frame[frame["too_small"] < 1], ["share", "n"])


def test_a_launch_and_its_plan_for_programs(results: Path, tables: Tables) -> None:
    line = ("-m", "strategy=best_of_n,beam", "n=1,4", "seeds=[0,1]", "dataset.limit=12", *FAKES)
    words = [*line, "name=x", f"results_dir={results.parent}"]
    (plan,) = tables("plan", *words)
    assert (plan["cells"], plan["problems"], plan["expected"]["searches"]) == (3, 12, 0)
    assert [(row["strategy"], row["n"], row["to_do"]) for row in plan["rows"]] == [
        ("best_of_n", [1, 4], 0),
        ("beam", [4], 0),
    ]
    _, table = tables("run", *words)
    frame = pd.read_parquet(results / "readout.parquet").fillna({"agg": ""})
    frame = frame.set_index(["cell", "vote", "n", "subset", "agg"])
    assert len(table["rows"]) == 9
    for row in table["rows"]:
        stored = frame.loc[(row["cell"], row["vote"], row["n"], row["subset"], row["agg"] or "")]
        for key in ("accuracy", "accuracy_low", "policy_tokens", "problems", "variant"):
            assert row[key] == stored[key]


def test_other_commands_for_programs(results: Path, tables: Tables, tmp_path: Path) -> None:
    (gradings,) = tables("regrade", str(results), "readout.grader=exact")
    assert [row["a"] for row in gradings["rows"]] == ["math_verify boxed"]
    (figures,) = tables("verify", str(results), f"out={tmp_path / 'out'}")
    saved = json.loads((tmp_path / "out" / "verify.json").read_text())["figures"]
    whole = [one["auroc"] for one in saved if one["level"] is None]
    assert [row["auroc"] for row in figures["rows"]] == whole


def test_the_same_tables_as_markdown_csv_and_latex(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    starts = {"markdown": "**cells of", "csv": "name,accuracy,problems", "latex": "\\begin{table}\n"}
    for form, start in starts.items():
        capsys.readouterr()
        assert main(["compare", str(results), "--as", form]) == 0
        assert capsys.readouterr().out.startswith(start)
