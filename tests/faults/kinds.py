"""Seventeen kinds of faults: where a launch meets one, what happens to it there, and what must follow."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

from tests.faults import places
from tests.faults.harness import AGENTS, Launch, assert_alike, assert_equal, kill, results, wait_for

NANO = ("-m", "strategy=best_of_n,beam", "n=16", "dataset.limit=100")


@contextlib.contextmanager
def fakes(place: Path, *words: str) -> Iterator[Launch]:
    yield Launch(place / "x", *words)


@contextlib.contextmanager
def engines(place: Path, *words: str) -> Iterator[Launch]:
    """Real ones."""
    launch = Launch(place / "x", *words, line=NANO)
    wait_for(lambda: "engines ready" in launch.log.read_text() or launch.process.poll() is not None, 240)
    time.sleep(3)
    yield launch


Place = Callable[..., AbstractContextManager[Launch]]
"""Of a folder, and more words of the line where it is a `usual` one."""
Hit = Callable[[Any, random.Random], object]


def nothing(launch: Launch, chance: random.Random) -> None:
    """The place is the fault."""


@dataclass(frozen=True)
class Kind:
    """
    Attributes:
        hit: what happens, at some moment after `parts` parts at least; 0: soon after the place is there.
        place: where; `usual`: the same without a fault.
        again: the line may have to be given again; then `before` it is.
        says: what the launch has to say of it.
        mounts: it takes a disk of its own.
    """

    name: str
    hit: Hit
    place: Place = fakes
    usual: Place = fakes
    again: bool = False
    before: Hit = nothing
    says: str = ""
    parts: int = 1
    mounts: bool = False


def try_them(kinds: Sequence[Kind], place: Path, seed: int, undisturbed: dict[str, Any]) -> tuple[float, int]:
    """Hits a launch with one after the other, and holds what it finds against what one finds undisturbed. How
    many seconds it took from the first hit to the end, and how often the line was given again."""
    chance = random.Random(f"{' '.join(kind.name for kind in kinds)} {seed}")
    first, last = kinds[0], kinds[-1]
    again = any(kind.again for kind in kinds)
    with first.place(place) as launch:
        try:
            launch.wait_for_parts(_moment(first, chance, alone=first is last))
            time.sleep(chance.random() * (1 if first.parts else 8))
            begun = time.monotonic()
            for kind in kinds:
                if kind is not first:
                    launch.wait_for_a_new_part()
                assert launch.process.poll() is None, launch.log.read_text()
                kind.hit(launch, chance)
                if kind.again and kind is not last:
                    assert launch.end(), f"{kind.name}: it did not end"
                    kind.before(launch, chance)
                    launch.start()
            times = launch.finish(lambda: last.before(launch, chance))
            seconds = time.monotonic() - begun
            left = launch.leftovers(but=AGENTS if again else ())
            assert not left, left
            said = launch.log.read_text()
            assert again or not times, said
            assert all(kind.says in said for kind in kinds), said
            same = assert_alike if first.usual is engines else assert_equal
            same(launch.folder, undisturbed)
            return seconds, times
        finally:
            launch.kill_all()


def _moment(kind: Kind, chance: random.Random, alone: bool) -> int:
    """After how many parts it happens. Where others are to follow, as early as may be."""
    return chance.randint(kind.parts, kind.parts + 2) if kind.parts and alone else kind.parts


def run_undisturbed(usual: Place, place: Path) -> tuple[dict[str, Any], float]:
    """What it finds, and how long it takes from its first part on."""
    with usual(place) as launch:
        launch.wait_for_parts(1)
        begun = time.monotonic()
        assert launch.end() == 0, launch.log.read_text()
        return results(launch.folder), time.monotonic() - begun


def a(role: str, launch: Launch, chance: random.Random) -> None:
    found = launch.of(role)
    assert found, f"no {role} runs"
    kill(chance.choice(found))


def engine(launch: Launch, chance: random.Random) -> None:
    [actor] = (one for one in launch.of("policy") if one.children())
    kill(actor.children()[0])


def driver(launch: Launch, chance: random.Random) -> None:
    launch.process.kill()


def pause(launch: Launch, chance: random.Random, seconds: float = 20) -> None:
    [*others] = (launch.process, *launch.of("policy"), *launch.of("prm"), *launch.of("shard"))
    one = chance.choice(others)
    one.send_signal(signal.SIGSTOP)
    Timer(seconds, one.send_signal, [signal.SIGCONT]).start()


def second_driver(launch: Launch, chance: random.Random) -> None:
    """The first one stands still meanwhile: else, on a busy machine, it may be through before this begins."""
    launch.process.send_signal(signal.SIGSTOP)
    second = Launch(launch.folder, log=launch.log.with_suffix(".second"))
    refused = second.end()
    launch.process.send_signal(signal.SIGCONT)
    assert refused == 2, second.log.read_text()
    assert "in use by process" in second.log.read_text()


def clock(launch: Launch, chance: random.Random) -> None:
    jump = chance.choice([-1, 1]) * chance.randint(3600, 10**6)
    (launch.folder.parent / "offset").write_text(str(jump))


def damage(how: Callable[[Path, random.Random], object], launch: Launch, chance: random.Random) -> None:
    how(chance.choice(sorted(launch.folder.glob("*/*.parquet"))), chance)


def cut_short(file: Path, chance: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: chance.randrange(file.stat().st_size)])


def noise(file: Path, chance: random.Random) -> None:
    file.write_bytes(chance.randbytes(file.stat().st_size))


def fill(launch: Launch, chance: random.Random) -> None:
    places.fill(launch.folder.parent)


def free(launch: Launch, chance: random.Random) -> None:
    places.free(launch.folder.parent)


def close(launch: Launch, chance: random.Random) -> None:
    places.close(launch.folder.parent)


def open_(launch: Launch, chance: random.Random) -> None:
    places.open_again(launch.folder.parent)


def second_raylet(launch: places.Cluster, chance: random.Random) -> None:
    launch.kill_the_second_raylet()


def broken_server(launch: places.OnServer, chance: random.Random) -> None:
    launch.break_server()


ASIDE, FULL, CLOSED = "set aside in damaged/", "No space left on device", "Read-only file system"

KINDS = [
    Kind("a real policy's engine process", engine, engines, engines, says="policy 0 died", parts=0),
    Kind("a policy's actor", partial(a, "policy"), says="died"),
    Kind("the verifier's actor", partial(a, "prm"), says="prm 0 died"),
    Kind("a shard", partial(a, "shard"), says="begun again"),
    Kind("the raylet of a second node", second_raylet, places.two_nodes, says="died"),
    Kind("the GCS", partial(a, "gcs_server"), again=True),
    Kind("the only raylet", partial(a, "raylet"), again=True),
    Kind("the driver", driver, again=True),
    Kind("20 s of silence", pause),
    Kind("a full disk", fill, places.small_disk, again=True, before=free, says=FULL, mounts=True),
    Kind("a read-only folder", close, places.small_disk, again=True, before=open_, says=CLOSED, mounts=True),
    Kind("a part cut short", driver, again=True, before=partial(damage, cut_short), says=ASIDE, parts=2),
    Kind("a part of noise", driver, again=True, before=partial(damage, noise), says=ASIDE, parts=2),
    Kind("a clock that jumps", clock, places.jumping_clock),
    Kind("two drivers at once", second_driver),
    Kind("a server of 429, 500, garbage, nothing", broken_server, places.endpoint, places.endpoint),
    Kind("a second node without the folder", nothing, partial(places.two_nodes, shared=False), mounts=True),
]
