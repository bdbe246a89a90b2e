"""`ttc push` beside a stub of the Hub on loopback: what is seen there, what is not, what a refusal says."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import yaml

from tests.hub import Hub, stub
from ttc.commands.cli import main
from ttc.data.upload import stale
from ttc.store.schema import TABLES

GRID = ("-m", "strategy=greedy,best_of_n,beam", "n=1,4", "dataset.limit=6")
TOKEN = f"hf_{secrets.token_hex(17)}"
SCRIPT = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from ttc.commands.cli import main
told = []
for words in json.loads(sys.argv[1]):
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main(words)
    told.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(told))
"""


class Told(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def hub() -> Iterator[Hub]:
    with stub() as made:
        yield made


def push(url: str, *lines: Sequence[str | Path], token: str | None = TOKEN) -> list[Told]:
    """Several pushes by one process of its own: the client looks at its variables when it is imported."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    own |= {"HF_ENDPOINT": url, "HF_HOME": "/nowhere"} | ({"HF_TOKEN": token} if token else {})
    words = json.dumps([["push", *map(str, line)] for line in lines])
    done = subprocess.run([sys.executable, "-c", SCRIPT, words], env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return [Told(*one) for one in json.loads(done.stdout)]


@pytest.fixture
def folder(launch: Callable[..., int], tmp_path: Path) -> Path:
    """A study, and beside it what is nobody's business."""
    assert launch(*GRID) == 0
    where = tmp_path / "default"
    for name in (
        "logs/policy-0.log",
        "damaged/paths/000009-ab.parquet",
        "paths/.000002.writing",
        "notes.txt",
    ):
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text("not for you")
    pd.DataFrame({"salary": [1]}).to_parquet(where / "salaries.parquet")
    assert (where / ".lock").exists()
    return where


def test_a_folder_comes_back_as_it_was_and_nothing_else_is_seen(
    hub: Hub, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import datasets

    line = ("hf", "me/study", folder)
    only_said, pushed = push(hub.url, [*line, "dry_run=true"], [*line, "license=mit", "--json"])
    assert (only_said.code, only_said.err) == (0, "")
    assert f"private dataset me/study, from {folder}" in only_said.out
    repository = hub.repositories["dataset", "me/study"]
    files = repository["files"]
    assert hub.commits == [("default, by ttc push", len(files), 0)]
    assert repository["private"]
    ours = {"README.md", "sweep.json", "answers.parquet", "readout.parquet", "plots/accuracy.png"}
    assert ours <= files.keys()
    theirs = ("logs", "damaged", ".lock", ".writing", "notes", "salaries")
    assert not [name for name in files if any(word in name for word in theirs)]
    said, url = json.loads(pushed.out)["tables"]
    counts = Counter(name.partition("/")[0] + "/" * ("/" in name) for name in files)
    assert {row["what"]: row["files"] for row in said["rows"]} == counts
    assert counts >= Counter({f"{table}/": 1 for table in TABLES})
    assert sum(row["bytes"] for row in said["rows"]) == sum(map(len, files.values()))
    assert url["rows"] == [{"url": f"{hub.url}/datasets/me/study"}]
    assert hub.tokens <= {f"Bearer {TOKEN}", None}

    back = tmp_path / "back"
    for name, data in files.items():
        (back / name).parent.mkdir(parents=True, exist_ok=True)
        (back / name).write_bytes(data)
        assert name == "README.md" or data == (folder / name).read_bytes()
    capfd.readouterr()
    assert main(["compare", str(folder), "--json"]) == main(["compare", str(back), "--json"]) == 0
    assert main(["check", str(back)]) == 0
    for one in yaml.safe_load((back / "README.md").read_text().split("---")[1])["configs"]:
        rows = datasets.load_dataset(
            str(back), one["config_name"], split="train", cache_dir=str(tmp_path / "arrow")
        )
        assert len(rows) == len(pd.read_parquet(back / one["data_files"].partition("/*")[0]))


def test_the_card_has_the_headline_the_line_and_the_versions(hub: Hub, folder: Path) -> None:
    push(hub.url, ["hf", "me/study", folder, "license=mit", "private=false"])
    repository = hub.repositories["dataset", "me/study"]
    assert not repository["private"]
    _, header, card = repository["files"]["README.md"].decode().split("---\n", 2)
    assert yaml.safe_load(header)["license"] == "mit"
    rows = pd.read_parquet(folder / "readout.parquet").query("headline and strategy == 'beam'")
    assert f"| beam | weighted | 4 | {100 * rows['accuracy'].item():.1f} |" in card
    assert "exploratory |" not in card
    assert "\n    ttc run -m strategy=greedy,best_of_n,beam n=1,4 dataset.limit=6 " in card
    assert f"- python: {sys.version.split()[0]}\n" in card
    assert "](plots/accuracy.png)" in card
    assert " best_of_n " in card.partition("![")[0]  # what was found, in words


def test_pushed_again_merged_parts_leave_nothing_behind(
    hub: Hub, folder: Path, launch: Callable[..., int]
) -> None:
    assert launch(*(word.replace("=6", "=8") for word in GRID)) == 0
    line = ("hf", "me/study", folder)
    push(hub.url, line)
    files = hub.repositories["dataset", "me/study"]["files"]
    files |= {"LICENSE": b"theirs", "notes/mine.txt": b"theirs"}
    assert len([name for name in files if name.startswith("searches/")]) == 2
    assert main(["compact", str(folder)]) == 0
    push(hub.url, line)
    [part] = [name for name in files if name.startswith("searches/")]
    assert (folder / part).exists()
    assert {"LICENSE", "notes/mine.txt"} <= files.keys()


def test_a_report_is_a_static_space(hub: Hub, folder: Path) -> None:
    line = ("hf-space", "me/study", folder)
    (folder / "report.html").unlink()
    [none] = push(hub.url, line)
    assert none == (2, "", f"error: {folder}: no report.html yet; `ttc report {folder}` makes it\n")
    (folder / "report.html").write_text("<!doctype html>")
    [made] = push(hub.url, line)
    repository = hub.repositories["space", "me/study"]
    assert (made.code, repository["sdk"], repository["private"]) == (0, "static", True)
    assert repository["files"].keys() == {"index.html", "README.md"}
    assert repository["files"]["index.html"] == b"<!doctype html>"
    header = yaml.safe_load(repository["files"]["README.md"].decode().split("---")[1])
    assert header["sdk"] == "static"


def test_refusals_are_a_line_each(hub: Hub, folder: Path, tmp_path: Path) -> None:
    (folder / "report.html").unlink()
    hub.repositories["dataset", "me/open"] = {"private": False, "sdk": None, "files": {}}
    hub.broken = {f"me/{status}": status for status in (401, 403, 404, 429, 500, 503)}
    says = {
        ("hf", "me/401", folder): (2, "`hf auth login`, or HF_TOKEN (401)"),
        ("hf", "me/403", folder): (2, "it needs the right `write` (403)"),
        ("hf", "me/404", folder): (2, "is the owner right? (404)"),
        ("hf", "me/429", folder): (1, "(429); try again later"),
        ("hf", "me/500", folder): (1, "(500); try again later"),
        ("hf-space", "me/503", folder): (2, "no report.html yet"),
        ("hf", "me/open", folder): (2, "is there, and public; private=false"),
        ("hf", "study", folder): (2, "error: study: a place on the Hub is OWNER/NAME"),
        ("hf", "me/study", tmp_path / "none"): (2, "no results here (no sweep.json)"),
        ("hf", "me/study", folder, "privat=true"): (2, "did you mean private?"),
        ("gh", "me/study", folder): (2, "error: gh: push knows hf, hf-space"),
        ("hf", "me/study"): (2, "as in `ttc push hf me/study results/default`"),
    }
    for told, (code, line) in zip(push(hub.url, *says), says.values(), strict=True):
        assert (told.code, told.err.count("\n")) == (code, 1), told
        assert line in told.err
    [told] = push("http://127.0.0.1:9", ("hf", "me/study", folder))
    assert told.code == 1
    assert told.err.startswith("error: me/study: http://127.0.0.1:9 cannot be reached (ConnectError")
    assert not hub.commits


def test_a_damaged_or_busy_folder_is_not_pushed(hub: Hub, folder: Path) -> None:
    from ttc.store import Folder

    with Folder(folder).held():
        [busy] = push(hub.url, ("hf", "me/study", folder))
    assert busy.code == 2
    assert "in use by process" in busy.err
    [part] = (folder / "steps").iterdir()
    part.write_bytes(part.read_bytes()[:-9])
    [damaged] = push(hub.url, ("hf", "me/study", folder))
    assert damaged == (2, "", f"error: {folder}: damaged; `ttc check {folder}` says where\n")
    assert not hub.repositories


def test_only_files_of_pushed_folders_go() -> None:
    old = ["README.md", "paths/1", "paths/2", "notes/1", "readout.parquet"]
    assert stale(old, ["README.md", "paths/2", "paths/3"]) == ["paths/1"]
