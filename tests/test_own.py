"""`extend=[./my_search.py]`: what a file adds, what an edit of it means, what it may not be; `ttc new`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import own
from ttc.commands.cli import main
from ttc.settings import extensions
from ttc.store import Folder
from ttc.strategies import STRATEGIES

Launch = Callable[..., int]
Capture = pytest.CaptureFixture[str]
SOFTMAX = ("strategy=softmax", "n=4", "dataset.limit=3")


@pytest.mark.parametrize("line", own.LINES[1:], ids=lambda line: line[-3])
def test_a_line_of_the_documentation_runs_and_prints_its_table(
    line: list[str], launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for name in own.FILES:
        own.write(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert launch(*line) == 0
    printed = [row.rstrip() for row in capsys.readouterr().out.splitlines()]
    if "tau" in " ".join(line):
        assert [row for row in printed if row.endswith("headline")] == own.TABLE.splitlines()


def test_an_edit_of_a_strategy_is_a_new_search_and_said_aloud(
    launch: Launch, tmp_path: Path, capsys: Capture
) -> None:
    texts = [own.FILES["softmax.py"], own.FILES["softmax.py"] + "\n"]
    todo = []
    for text in [*texts, texts[0]]:
        capsys.readouterr()
        assert launch(*SOFTMAX, own.write("softmax.py", tmp_path, text)) == 0
        said = capsys.readouterr().out
        todo.append(("to do: 3 searches" in said, "softmax.py has changed since the launch of 2" in said))
    assert todo == [(True, False), (True, True), (False, False)]
    [cell], _ = Folder(tmp_path / "default").cells()  # the later content stands for it
    first = Folder(tmp_path / "default").runs()[0]
    assert cell.cell == first["cells"][0]["cell"]
    assert [(one["name"], one["text"], one["adds"]) for one in first["extend"]] == [
        ("softmax.py", texts[0], {"strategy": ["softmax"]})
    ]


def test_an_edit_of_a_vote_samples_nothing_and_of_a_verifier_scores_anew(
    launch: Launch, tmp_path: Path, capsys: Capture
) -> None:
    def run(*edited: str) -> str:
        texts = {name: own.FILES[name] + "\n" * (name in edited) for name in ("square.py", "digits.py")}
        for name, text in texts.items():
            own.write(name, tmp_path, text)
        files = ",".join(str(tmp_path / name) for name in texts)
        assert launch(f"extend=[{files}]", "prm=digits", "n=4", "dataset.limit=3") == 0
        return capsys.readouterr().out

    assert "to do: 3 searches" in run()
    assert "everything is done already" in run("square.py")
    said = run("digits.py")
    assert "digits.py has changed since the launch of 2" in said
    assert ": its scores are new" in said
    assert "to do: 3 stored pools to score" in said


STRATEGY = """from dataclasses import dataclass
from ttc.types import Strategy
@dataclass(frozen=True)
class Mine(Strategy):
    n: int = 4
    {}
    async def search(self, root, policy, verifier, context):
        return {}
"""
RESULT = "(await policy.finish([root], self.n))[0]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "mine.py: defines no strategy, and adds to no registry (docs/extending.md)"),
        ("x = 1\nx = y", "mine.py, line 2: NameError: name 'y' is not defined"),
        ("x = 1\n\nx = (", "mine.py, line 3: SyntaxError: '(' was never closed"),
        ("import no_such_module", "mine.py, line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "mine.py, line 1: SystemExit: 3"),
        (
            STRATEGY.format("", RESULT).replace("Mine", "Beam"),
            "mine.py: strategy beam: there is one of that name already; take another",
        ),
        (
            STRATEGY.format("", RESULT).replace("Mine", "Majority"),
            "mine.py: strategy majority: there is one of that name already; take another",
        ),
        (
            "from ttc.readout.votes import VOTES\nVOTES['best'] = VOTES['majority']",
            "mine.py: vote best: there is one of that name already; take another",
        ),
        (
            STRATEGY.format("", RESULT).replace("search", "seek"),
            "mine.py: Mine: has no `search`; a class that is only there for others begins with _",
        ),
        (
            STRATEGY.format("", RESULT).replace("async ", "").replace("await ", ""),
            "mine.py: Mine.search: must be `async def`",
        ),
        (
            STRATEGY.format("", RESULT).replace("n: int = 4", "n: int"),
            "mine.py: Mine.n: needs a default: a strategy runs as it is",
        ),
        (
            STRATEGY.format("", RESULT).replace("(frozen=True)", ""),
            "mine.py: Mine: must be a dataclass of its own, @dataclass(frozen=True)",
        ),
        (
            STRATEGY.format("tau: 'Share' = 0.5", RESULT),
            "mine.py: Mine: its fields' types cannot be read (name 'Share' is not defined)",
        ),
        (
            STRATEGY.format("ks: tuple[int, ...] = ()", RESULT),
            "Mine.ks: must be a whole number, a number, a text or a bool, as columns are",
        ),
        (
            STRATEGY.format("width: float = 0.5", RESULT),
            "Mine.width: double, and Beam.width is int32, in one column; take another name",
        ),
        (
            STRATEGY.format("pool: int = 1", RESULT),
            "Mine.pool: a column of ttc's own is called so; take another name",
        ),
    ],
)
def test_a_file_that_is_no_good_is_refused_in_a_line(
    text: str, said: str, launch: Launch, tmp_path: Path, capsys: Capture
) -> None:
    before = dict(STRATEGIES)
    assert launch("strategy=mine", own.write("mine.py", tmp_path, text)) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
    extensions.load(())
    assert before == STRATEGIES


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("extend=[no.py]", "extend: no.py: no such file"),
        ("extend=[no.txt]", "extend: no.txt: must be a Python file that could be imported, as my_search.py"),
        ("extend=no.py", "extend=no.py: must be one list of files, as in extend=[./my_search.py]"),
        (
            "extend=[launch.py,ttc/../launch.py]",
            "extend: two files are called launch.py: give one another name",
        ),
    ],
)
def test_a_word_that_names_no_files_is_refused_in_a_line_by_every_command(
    word: str, said: str, launch: Launch, capsys: Capture
) -> None:
    assert launch("n=4", word) == 2
    assert main(["compare", "results/none", word]) == 2
    assert capsys.readouterr().err == f"error: {said}\n" * 2


def test_a_search_that_raises_names_the_line_of_its_file(
    launch: Launch, tmp_path: Path, capsys: Capture
) -> None:
    word = own.write("mine.py", tmp_path, STRATEGY.format("", "1 / 0"))
    assert launch("strategy=mine", "n=4", "dataset.limit=1", word) == 1
    assert "ZeroDivisionError: division by zero (mine.py, line 8)" in capsys.readouterr().out


def test_a_vote_that_raises_names_the_line_of_its_file(
    launch: Launch, tmp_path: Path, capsys: Capture
) -> None:
    word = own.write("square.py", tmp_path, own.FILES["square.py"].replace(".score_KN", ".marks_KN"))
    assert launch("n=4", "dataset.limit=1", word) == 1
    assert (
        capsys.readouterr().err
        == "error: square.py, line 10: AttributeError: 'Ballots' object has no attribute 'marks_KN'\n"
    )


def test_a_saved_sweep_names_its_files_beside_it(launch: Launch, tmp_path: Path, capsys: Capture) -> None:
    own.write("softmax.py", tmp_path)
    text = "defaults: [config, override strategy: softmax, _self_]\nextend: [./softmax.py]\nn: 4\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert launch("-cd", str(tmp_path), "-cn", "mine", "dataset.limit=3") == 0
    assert "softmax" in capsys.readouterr().out
    (tmp_path / "on_top.yaml").write_text("defaults: [mine, _self_]\nname: other\n")
    (tmp_path / "mine.yaml").write_text(text.replace("[./softmax.py]", "./softmax.py"))
    assert launch("-cd", str(tmp_path), "-cn", "on_top", "dataset.limit=3") == 2
    said = "-cn on_top: extend=./softmax.py: must be a list: extend: [./my_search.py]"
    assert capsys.readouterr().err == f"error: {said}\n"


def test_a_folder_is_read_without_the_files_of_its_strategies(
    launch: Launch, tmp_path: Path, capsys: Capture
) -> None:
    assert launch(*SOFTMAX, "strategy.tau=0.3", own.write("softmax.py", tmp_path)) == 0
    where = str(tmp_path / "default")
    for line in (["status"], ["compare"], ["report"], ["export"], ["show"], ["check"], ["compact"]):
        assert main([line[0], where, *line[1:]]) == 0
    assert "softmax" not in STRATEGIES
    (tmp_path / "default" / "readout.parquet").unlink()
    assert main(["compare", where, "softmax@4", "softmax@4:majority"]) == 2  # no readout: a launch writes it
    assert main(["report", where]) == 0  # makes it anew
    assert set(Folder(where).frame("readout")["tau"]) == {0.3}
    assert launch("n=4", "dataset.limit=3") == 0  # a launch of the folder that has no such file
    assert set(Folder(where).frame("readout")["strategy"]) == {"softmax", "best_of_n"}


def test_a_readout_that_wants_a_vote_says_which_file_it_is_in(
    launch: Launch, tmp_path: Path, capsys: Capture
) -> None:
    word = own.write("square.py", tmp_path)
    assert launch("n=4", "dataset.limit=3", "readout.headline=square", word) == 0
    where = tmp_path / "default"
    assert main(["compare", str(where), "best_of_n@4", "best_of_n@4:majority"]) == 0
    (where / "readout.parquet").unlink()
    capsys.readouterr()
    assert main(["report", str(where)]) == 2
    assert capsys.readouterr().err == (
        f"error: {where}: its last launch read it out with square of square.py: say {word} "
        "(the file's text stands in sweep.json)\n"
    )
    assert main(["report", str(where), word]) == 0


def test_what_a_folder_says_of_files_is_never_run(launch: Launch, tmp_path: Path, capsys: Capture) -> None:
    mark = tmp_path / "mark"
    evil = own.write("evil.py", tmp_path, f"open({str(mark)!r}, 'w')\n{own.FILES['softmax.py']}")
    (tmp_path / "evil.yaml").write_text("defaults: [config, _self_]\nextend: [./evil.py]\nn: 4\n")
    assert launch("n=4", "dataset.limit=3") == 0
    file = tmp_path / "default" / "sweep.json"
    sweep = json.loads(file.read_text())
    for words in ([evil], ["-cd", str(tmp_path), "-cn", "evil"]):
        sweep["runs"][0]["overrides"][:] = [*words, "n=4", "dataset.limit=3", "policy=fake", "cluster=none"]
        file.write_text(json.dumps(sweep))
        assert main(["rescore", str(file.parent), "prm=length"]) == 0
    assert main(["report", str(file.parent)]) == 0
    assert not mark.exists()


def test_what_new_writes_runs_as_it_is_with_its_tests(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"strategy": "my_search", "vote": "my_vote", "verifier": "my_rule"}
    assert [main(["new", kind, name]) for kind, name in names.items()] == [0, 0, 0]
    capsys.readouterr()
    files = f"extend=[{','.join(f'./{name}.py' for name in names.values())}]"
    words = ("strategy=my_search", "prm=my_rule", "readout.headline=my_vote", "n=4", "dataset.limit=3")
    assert launch(files, *words) == 0
    rows = Folder(tmp_path / "default").frame("readout")
    assert set(rows.loc[rows["headline"], "vote"]) == {"my_vote"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    assert all(len(Path(f"{name}.py").read_text().splitlines()) <= 40 for name in names.values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what is new, one of strategy, vote, verifier"),
        (["strategy", "beam"], "beam: there is a strategy of that name already"),
        (["verifier", "orm"], "orm: there is a verifier of that name already"),
        (["strategy", "MySearch"], "MySearch: a name is in snake case, as my_search"),
        (["strategy", "x_y"], "x_y: its class XY would be xy; take another"),
        (["vote", "here"], "here.py: is there already, and stays as it is"),
    ],
)
def test_new_takes_a_name_that_is_free(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.py").write_text("x = 1\n")
    assert main(["new", *words]) == 2
    assert said in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["here.py"]
