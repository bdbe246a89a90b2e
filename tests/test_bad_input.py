"""Every mistake is one clear line, exit code 2, and nothing is loaded or written."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GRID = "-m"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["strategy=bem"], "strategy=bem: unknown strategy; take one of ab_mcts, beam, best_of_n"),
        (["strategy=beam,dvts"], "strategy=beam,dvts: several values are a grid, and a grid needs -m"),
        (["n=0"], "n=0: must be greater than or equal to 1"),
        (["strategy=beam", "n=6"], "n=6 is not a multiple of width=4: take n=4 or n=8"),
        (["n=[1,2]"], "n=[1, 2]: must be a valid integer"),
        (["+strategy=[beam,dvts]"], "one name, no list; several are a grid: -m strategy=beam,dvts"),
        ([GRID, "strategy=beam,[dvts,greedy]"], "strategy=[dvts,greedy]: one name, no list"),
        (["prm=null"], "prm=null: null is no name"),
        (["readout.thinking=['<plan>']"], "readout.thinking='<plan>': must be a tag's name, or how it opens"),
        (["max_token=7"], "max_token: unknown key; did you mean max_tokens?"),
        (["policy.max_tokens=7"], "policy.max_tokens: unknown key; did you mean max_tokens?"),
        (["temperature=1"], "temperature: unknown key; did you mean policy.temperature?"),
        (["pmr.dtype=x"], "pmr.dtype: unknown key; did you mean prm.dtype?"),
        (["policy.temprature=1"], "policy.temprature: unknown key; did you mean policy.temperature?"),
        (["policy.temperature=-1"], "policy.temperature=-1: must be greater than or equal to 0"),
        (
            ["strategy=beam", "strategy.agg=median"],
            "strategy.agg='median': must be 'last', 'min', 'prod' or 'mean'",
        ),
        (["dataset.limit=0"], "dataset.limit=0: must be greater than or equal to 1"),
        (["name=../other"], "name='../other': must be one folder name"),
        (["name=2024"], """name=2024: must be a text: "name='2024'\""""),
        (["policy.revision=1234567"], """must be a text: "policy.revision='1234567'\""""),
        (["dataset.subjects=[1]"], """must be a text: "dataset.subjects=['1']\""""),
        (["dataset.levels=1"], "dataset.levels=1: must be a list: dataset.levels=[1]"),
        (["dataset.subjects=algebra"], "must be a list: dataset.subjects=[algebra]"),
        (["seed=1", "seeds=[1]"], "seed=1 and seeds=[1]: give one of them"),
        (["strategy=beam", "prm=none"], "prm=none: beam is guided by a verifier"),
        (["strategy.width=2"], "strategy.width=2: no strategy of this grid (best_of_n) has it"),
        (["dataset=path"], "dataset.path=null: name a .jsonl"),
        (["dataset.path=x.jsonl"], "only the nano dataset is drawn; a file's line has dataset=path, too"),
        (["dataset.columns.questoin=a"], "did you mean dataset.columns.question?"),
        (["dataset=path", "dataset.path=gone.jsonl"], "dataset.path=gone.jsonl: no such file"),
        (["policy=nano", "policy.model=tests"], "tests"),
        ([GRID, "n=1,2", "name=a,b"], "name: one launch has one name"),
        (["n=["], "n=[: cannot be read"),
        (["n=" + "9" * 5000], "99: cannot be read (Exceeds the limit"),
        (["n=" + "[" * 500 + "]" * 500], "]]: cannot be read"),
        (["n=99999999999"], "n=99999999999: must be less than or equal to 2147483647"),
        (["policy.temperature=inf"], "policy.temperature=inf: must be a finite number"),
        (["policy.temperature=${nope}"], "policy.temperature: Interpolation key 'nope' not found"),
        (["policy.model='a\udc80'"], r"policy.model='a\udc80': not UTF-8"),
        (["=4"], "'=4': settings read key=value"),
        (["prm=7"], "prm=7: must be a name"),
        (["prm=../dataset/nope"], "prm=../dataset/nope: unknown prm; take one of"),
        ([GRID, "n=range(1,1000000000)"], "a grid of more than 100,000 points"),
        (["results_dir='~nobody_/x'"], "~nobody_/x: Could not determine home directory"),
        (["dataset=path", "dataset.path='~nobody_/x.csv'"], "dataset.path=~nobody_/x.csv: Could not"),
        (
            ["policy.model=~/mine"],
            "~/mine: cannot be read; such a text stands in quotes of its own: 'policy.model=\"",
        ),
        (
            ["policy.base_url=http://localhost:8000/v1"],
            "policy.engine=fake asks no server; take policy=openai",
        ),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(
    words: list[str],
    said: str,
    launch: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert launch(*words) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not printed.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("text", "-cn mine: a saved sweep begins with `defaults: [config, _self_]`"),
        ("defaults: [config]\nn: [1", "mine.yaml, line 2: no YAML of plain values"),
        ("defaults: [config]\nn: &a [*a]", "-cn mine: cannot be read (maximum recursion depth exceeded"),
        ("defaults: [config, _self_]\nhydra: {mode: x}", "-cn mine: "),
    ],
)
def test_a_saved_sweep_that_is_none(
    text: str,
    said: str,
    launch: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("sweeps")
    (folder / "mine.yaml").write_text(text)
    assert launch("-cd", str(folder), "-cn", "mine") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


def test_what_hydra_would_stop_at_comes_with_all_the_rest(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(GRID, "strategy=beem,dvts", "dvts.x=1", "dataset.limt=3", "max_tokens=-1", "prm=none") == 2
    lines = [line.partition(";")[0] for line in capsys.readouterr().err.splitlines()]
    assert sorted(lines) == [
        "error: dataset.limt: unknown key",
        "error: dvts.x: unknown key",
        "error: max_tokens=-1: must be greater than or equal to 1",
        "error: strategy=beem: unknown strategy",
    ]


def test_faults_of_values_come_all_at_once(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(GRID, "strategy=beam,dvts", "n=0,6", "policy.top_p=2", "dataset.limit=-3") == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("=")[0] for line in lines] == [
        "error: policy.top_p",
        "error: dataset.limit",
        "error: n",
    ]


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ('{"question": "1+1?"}\n', [], "dataset.columns.answer=answer: the data has no such column"),
        ("", [], "is empty"),
        ('{"question": "1+1?", "answer": null}\n', [], "row 1: no answer"),
        ("not json\n", [], "cannot be read"),
        (
            '{"question": "a", "answer": "1", "k": 1}\n{"question": "b", "answer": "1", "k": 1}\n',
            ["dataset.columns.id=k"],
            "row 2: the id '1' of row 1 again",
        ),
    ],
)
def test_a_file_that_is_no_dataset(
    text: str,
    words: list[str],
    said: str,
    launch: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("data") / "mine.jsonl"
    file.write_text(text)
    assert launch("dataset=path", f"dataset.path={file}", *words) == 2
    assert said in capsys.readouterr().err


def test_a_model_that_cannot_read_the_dataset_is_refused_with_the_word(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("data") / "mine.jsonl"
    file.write_text('{"question": "Start with 12. Day 1: juggles 7. How many are there?", "answer": "1"}\n')
    assert launch("policy=nano", "prm=nano", "dataset=path", f"dataset.path={file}") == 2
    lines = capsys.readouterr().err.splitlines()
    assert [("policy.model=" in line, "'juggles'" in line) for line in lines] == [(True, True), (False, True)]


@pytest.mark.parametrize(
    ("cluster", "address", "said"),
    [
        ("local", "127.0.0.1:6379", "RAY_ADDRESS=127.0.0.1:6379 is set, and a second Ray would start"),
        ("auto", "127.0.0.1:1", "RAY_ADDRESS=127.0.0.1:1: no Ray answers there"),
        ("auto", "ray://head:10001", "RAY_ADDRESS=ray://head:10001: give host:port"),
    ],
)
def test_a_ray_address_that_cannot_be_joined(
    cluster: str,
    address: str,
    said: str,
    launch: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert launch(f"cluster={cluster}") == 2
    assert said in capsys.readouterr().err


def test_a_ray_of_other_versions_is_refused_with_both() -> None:
    from ray._private.utils import check_version_info

    from ttc.cluster.driver import refusal

    here = f"ttc here Ray {importlib.metadata.version('ray')} on Python {platform.python_version()}"
    for theirs in (
        {"ray_version": "2.9.0", "python_version": platform.python_version()},
        {"ray_version": importlib.metadata.version("ray"), "python_version": "3.12.4"},
        {"ray_version": importlib.metadata.version("ray"), "python_version": "3.11.99"},
    ):
        with pytest.raises(RuntimeError) as caught:
            check_version_info(theirs, "node 10.0.0.1")
        said = refusal(caught.value)
        assert f"it runs Ray {theirs['ray_version']} on Python {theirs['python_version']}, and {here}" in said
        assert "\n" not in said
    assert said.endswith("set RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL=minor"), "only the patch differs"


def test_nothing_heavy_is_loaded_to_refuse(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; from ttc.commands.cli import main; code = main(['run', 'n=0', 'dataset.limit=0']); "
        "print(code, sorted({'ray', 'vllm', 'torch', 'transformers', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.strip() == "2 []"
