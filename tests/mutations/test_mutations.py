"""Lines and files that are wrong by construction, drawn from a seed: refused soon, in a few lines that name
what is wrong, and never with a traceback.

    TTC_MUTATIONS=500 TTC_MUTATION_SEED=7 pytest -n0 tests/mutations
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.mutations import data, folders, lines, saved, values
from tests.mutations.common import Kind, Mutation, Place
from ttc.commands.cli import main

KINDS: dict[str, Kind] = values.KINDS | lines.KINDS | saved.KINDS | data.KINDS | folders.KINDS
COUNT = int(os.environ.get("TTC_MUTATIONS", "100"))
SEED = int(os.environ.get("TTC_MUTATION_SEED", "0"))
LIMIT = 20
"""Seconds that one may take."""
LINES = 12
"""Lines that a refusal may have."""


class Hangs(BaseException):
    """Not an Exception: nobody may catch it on the way."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    def end(*_: object) -> None:
        raise Hangs(f"{seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault_of(mutation: Mutation, capsys: pytest.CaptureFixture[str]) -> str | None:
    """What is wrong with how the command ends; None: it is refused as it should be."""
    capsys.readouterr()
    started = time.monotonic()
    try:
        with limited(LIMIT):
            code = main([*mutation.words])
    except BaseException as error:
        return "".join(traceback.format_exception(error)[-4:])
    if time.monotonic() - started > LIMIT:  # somebody caught `Hangs` on the way
        return f"took more than {LIMIT} s"
    said = capsys.readouterr()
    everything = said.err + said.out * (code == 1)
    if code not in mutation.codes:
        return f"exit code {code}: {(said.err or said.out[-200:])!r}"
    if "Traceback" in said.err or len(said.err.splitlines()) > LINES or len(said.err) > 6000:
        return f"says too much: {said.err[:300]!r}"
    if not any(name in everything or ascii(name)[1:-1] in everything for name in mutation.names):
        return f"names none of {mutation.names}: {everything[:300]!r}"
    return None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder that every command takes."""
    here = tmp_path_factory.mktemp("whole")
    place = Place(here, here / "results" / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTC_CACHE", "off")
        grid = place.run("-m", "strategy=best_of_n,beam", "n=2,4", "strategy.width=2", "name=whole")
        assert main([*grid]) == 0
        assert main(["regrade", str(place.whole), "readout.extract=sal"]) == 0
    return place.whole


def test_what_is_not_mutated_is_taken(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a mutation would be refused for something else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TTC_CACHE", "off")
    for command in [*folders.ALL, "run"]:
        place = Place(tmp_path / command, whole)
        assert main([*folders.line(place, command, place.copied())]) == 0, command
    for name, reader in data.READERS.items():
        for end, write in data.FORMS.items():
            place = Place(tmp_path / f"{name}{end}", whole)
            place.here.mkdir()
            file = place.here / f"mine{end}"
            file.write_bytes(write([reader.row(i) for i in range(data.ROWS)]))
            assert main([*reader.words(place, str(file))]) == 0, (name, end)


def described(mutation: Mutation, place: Place) -> str:
    """What it takes to see it again."""
    words = (word if len(word) < 120 else f"{word[:100]}...({len(word)})" for word in mutation.words)
    files = (file for file in place.here.glob("**/mine*") if file.is_file())
    shown = (f"; {file.name}: {file.read_bytes()[:200]!r}" for file in files)
    return ascii(" ".join(words)) + "".join(shown)


@pytest.mark.timeout(1800)
def test_what_is_wrong_is_refused(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TTC_CACHE", "off")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    chance, faults, counts, started = Random(SEED), [], Counter[str](), time.monotonic()
    for number in range(COUNT):
        name = list(KINDS)[number % len(KINDS)]
        place = Place(tmp_path / str(number), whole)
        place.here.mkdir()
        mutation, counts[name] = KINDS[name](chance, place), counts[name] + 1
        if fault := fault_of(mutation, capsys):
            faults.append(f"{number} {name}: {described(mutation, place)}\n    {fault}")
        shutil.rmtree(place.here)
    with capsys.disabled():
        print(f"\n{COUNT} mutations, seed {SEED}, {time.monotonic() - started:.0f} s: {dict(counts)}")
    if faults:
        pytest.fail(f"{len(faults)} faults of seed {SEED}:\n" + "\n".join(faults), pytrace=False)
