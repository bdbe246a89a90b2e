"""`ttc new strategy|vote|verifier NAME`: a file of the user's own that runs as it is, and its test."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

from ttc.commands import skeletons
from ttc.report.console import Console, say
from ttc.settings.options import options
from ttc.settings.own import name_of, names_of
from ttc.strategies import VOTES_OF
from ttc.types import Faults, Unwritable


class Kind(NamedTuple):
    """What is written, the registry that has its name, and the words of a launch that use it."""

    file: str
    test: str
    registry: str
    words: str


KINDS: Mapping[str, Kind] = {
    "strategy": Kind(skeletons.STRATEGY, skeletons.STRATEGY_TEST, "strategy", "strategy=$name n=16"),
    "vote": Kind(skeletons.VOTE, skeletons.VOTE_TEST, "vote", "n=16 readout.headline=$name"),
    "verifier": Kind(skeletons.VERIFIER, skeletons.VERIFIER_TEST, "heuristic", "prm=$name n=16"),
}


TAKEN: Mapping[str, Callable[[], Iterable[str]]] = {
    "strategy": lambda: VOTES_OF,
    "vote": tuple,
    "verifier": lambda: options("prm"),
}
"""What else has such a name."""


def new(words: Sequence[str], console: Console) -> None:
    """Writes NAME.py and test_NAME.py here.

    Raises:
        Faults: no such kind; no name, or one that is taken; a file that is there already.
    """
    kind, name = [*words, "", ""][:2]
    faults = [f"{word}: new takes a kind and a name" for word in words[2:]]
    if kind not in KINDS:
        faults.append(
            f"{kind or 'new'}: say what is new, one of {', '.join(KINDS)}: ttc new strategy my_search"
        )
    class_ = "".join(map(str.capitalize, name.split("_")))
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*", name) or keyword.iskeyword(name):
        faults.append(f"{name or 'new'}: a name is in snake case, as my_search")
    elif kind in KINDS and name in [*names_of(KINDS[kind].registry), *TAKEN[kind]()]:
        faults.append(f"{name}: there is a {kind} of that name already; take another")
    elif kind == "strategy" and name_of(type(class_, (), {})) != name:
        faults.append(f"{name}: its class {class_} would be {name_of(type(class_, (), {}))}; take another")
    files = {Path(f"{name}.py"): "file", Path(f"test_{name}.py"): "test"}
    faults += [f"{file}: is there already, and stays as it is" for file in files if name and file.exists()]
    if faults:
        raise Faults(faults)
    for file, part in files.items():
        try:
            file.write_text(Template(getattr(KINDS[kind], part)).substitute({"name": name, "Class": class_}))
        except OSError as error:
            raise Unwritable(f"{file}: {error.strerror}") from None
    line = Template(KINDS[kind].words).substitute(name=name)
    say(console, f"{name}.py: `ttc run extend=[./{name}.py] {line}`; test_{name}.py: `pytest test_{name}.py`")
