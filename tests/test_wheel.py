"""The wheel: built, installed into an environment of its own, run from a folder that holds nothing else.

What the wheel depends on is lent by the environment that runs the tests, behind the wheel's own packages:
6 GB need not come twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest

HOME = Path(__file__).parents[1]
FAKES = ("policy=fake", "prm=fake", "cluster=none", "results_dir=kept")

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(uv(), "build", "--wheel", "--out-dir", folder, HOME, cwd=folder)
    [wheel] = folder.glob("ttc_sweep-*.whl")
    return wheel


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the new environment's `python` and `ttc` are."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    call(uv(), "venv", "--python", sys.executable, venv, cwd=venv.parent)
    call(uv(), "pip", "install", "--python", venv / "bin" / "python", "--no-deps", wheel, cwd=venv.parent)
    [packages] = venv.glob("lib/python*/site-packages")
    # a path that a .pth adds is the last, and .pth files found there (an editable ttc's) are not read
    lent = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (packages / "lent.pth").write_text("\n".join(lent) + "\n")
    return venv / "bin"


@pytest.fixture
def ttc(programs: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs the installed `ttc` in an empty folder; returns what it printed."""
    return lambda *words: call(programs / "ttc", *words, cwd=tmp_path)


def uv() -> str:
    found = os.environ.get("UV") or shutil.which("uv")
    assert found, "these tests build with uv: pip install uv"
    return found


def call(*words: str | Path, cwd: Path) -> str:
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "RAY_ADDRESS")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        words, cwd=cwd, env=environment | {"TTC_CACHE": "off"}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(wheel: Path) -> dict[str, int]:
    """Its files, with their checksums; dist-info, which the build makes, apart."""
    return {info.filename: info.CRC for info in ZipFile(wheel).infolist() if info.filename.startswith("ttc/")}


def cells(folder: Path) -> set[tuple[str, int]]:
    rows = pd.read_parquet(folder / "readout.parquet", columns=["strategy", "n"])
    return set(rows.itertuples(index=False, name=None))


def test_the_wheel_carries_every_config_and_every_saved_sweep(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    shipped = {
        f"ttc/{file.relative_to(HOME)}" for top in ("conf", "sweeps") for file in (HOME / top).rglob("*.yaml")
    }
    assert {"ttc/conf/config.yaml", "ttc/sweeps/nano.yaml"} <= shipped <= names
    assert not {name for name in names if name.split("/")[0] in ("conf", "sweeps", "tests")}


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    call(uv(), "build", "--out-dir", tmp_path, HOME, cwd=tmp_path)  # without --wheel: the wheel of the sdist
    [through_sdist] = tmp_path.glob("ttc_sweep-*.whl")

    assert contents(through_sdist) == contents(wheel)


def test_the_wheels_own_ttc_runs_and_not_the_checkouts(programs: Path, tmp_path: Path) -> None:
    file = call(programs / "python", "-c", "import ttc; print(ttc.__file__)", cwd=tmp_path)
    assert Path(file.strip()).is_relative_to(programs.parent)


def test_an_installed_ttc_does_not_take_a_users_commit_for_its_own(programs: Path) -> None:
    repository = programs.parent.parent
    me = ("-c", "user.name=me", "-c", "user.email=me@localhost", "-c", "commit.gpgsign=false")
    call("git", "init", "--quiet", cwd=repository)
    call("git", *me, "commit", "--quiet", "--allow-empty", "--message", "mine", cwd=repository)
    ask = "from ttc.store.provenance import revision; print(revision())"
    assert call(programs / "python", "-c", ask, cwd=repository).strip() == "None"


def test_an_installed_ttc_says_what_it_can_do(ttc: Callable[..., str]) -> None:
    assert {"run", "plan", "compare"} <= set(ttc("--help").split())


def test_an_installed_ttc_runs_a_cell_and_leaves_nothing_but_its_folder(
    ttc: Callable[..., str], tmp_path: Path
) -> None:
    ttc("run", *FAKES, "n=4", "dataset.limit=3")
    assert cells(tmp_path / "kept" / "default") == {("best_of_n", 4)}
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_an_installed_ttc_runs_a_saved_sweep(ttc: Callable[..., str], tmp_path: Path) -> None:
    ttc("run", "-cn", "nano", *FAKES, "dataset.limit=3", "n=1,4")
    expected = {("greedy", 1), ("best_of_n", 1), ("best_of_n", 4), ("beam", 4), ("dvts", 4)}
    assert cells(tmp_path / "kept" / "nano") == expected


def test_an_installed_ttc_runs_a_sweep_of_the_users_own_folder(
    ttc: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "mydir").mkdir()
    (tmp_path / "mydir" / "mine.yaml").write_text(
        "defaults: [config, _self_]\nname: mine\nn: 8\ndataset: {limit: 3}\nstrategy: {width: 2}\n"
    )
    ttc("run", "-cd", "mydir", "-cn", "mine", *FAKES, "strategy=beam")
    assert cells(tmp_path / "kept" / "mine") == {("beam", 8)}
