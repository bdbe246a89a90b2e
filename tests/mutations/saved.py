"""Saved sweeps and options of one's own that must be refused."""

from __future__ import annotations

from random import Random

from tests.mutations.common import Kind, Mutation, Place
from tests.mutations.values import KEYS, told, wrong
from ttc.settings.schema import GROUPS

HEAD = "defaults: [config, _self_]\n"
BODIES = [
    *(
        "n: [1",
        "\tn: 2",
        "n: 2\nn: 4",
        "n: &a [*a]",
        "n: *gone",
        "n: !!int x",
        "n: ${nope}",
        "n: ${",
        "nope: 1",
    ),
    *(
        "n: !!python/object/apply:os.system [echo]",
        "policy: fake",
        "policy: null",
        "policy: [1]",
        "n: {a: 1}",
    ),
    *(
        "seeds: 3",
        "hydra: 7",
        "hydra: {mode: x}",
        "hydra: {sweeper: {params: 7}}",
        "1: 2",
        "null: 1",
        "? [a]\n: 1",
    ),
    *("hydra: {mode: MULTIRUN, sweeper: {params: {n: '1,('}}}", "n: 2001-01-01", "name: ../up"),
    *("n: " + "[" * 5000, "n: " + "[" * 400 + "]" * 400, "n: " + "9" * 5000, 'policy: {model: "\\ud800"}'),
]
"""Behind defaults that are right."""
SWEEPS: list[bytes] = [
    *((HEAD + text + "\n").encode() for text in BODIES),
    *(
        b"\xff\xfe\x00",
        b"n: 2\x00\n",
        (HEAD + "n: 2\n").encode("utf-16-le"),
        (HEAD + "name: é\n").encode("latin-1"),
    ),
    *(
        b"[1, 2]",
        b"text",
        b"7",
        b"n: 'open",
        b"\x1b[0m: 1",
        b"x" * 200_000,
        b"%YAML 9\n---\nn: 1",
        b"---\nn: 1\n---\nn: 2",
    ),
    *(
        b"defaults: " + text
        for text in (b"nope", b"[nope]", b"[{a: b}]", b"{a: 1}", b"[mine]", b"[config, 7]")
    ),
    *(b"defaults: [config, " + text for text in (b"[a]]", b"{policy: nope}]")),
    *(
        b"defaults: null\nn: 0\n",
        b"# @package nope\ndefaults: [config]\nx: 1\n",
        b"<<<<<<< HEAD\nn: 1\n=======\nn: 2\n",
    ),
]
NAMED = ("policy", "n", "name", "seeds", "dataset", "prompt", "nope", "1", "a")


def sweep(chance: Random, place: Place) -> Mutation:
    """A saved sweep of one's own."""
    text, file = chance.choice([*SWEEPS, None]), place.here / "mine.yaml"
    if text is None:
        file.mkdir()
    else:
        file.write_bytes(text)
    names = ("-cn mine", "mine.yaml", *(word for key in NAMED for word in told(key)))
    words = place.run("-cd", str(place.here), "-cn", "mine", "max_tokens=9", without="n")
    return Mutation(words, names)


def sweep_value(chance: Random, place: Place) -> Mutation:
    """A wrong value in a saved sweep, or in an option of a group of one's own."""
    numbers = {key: hint for key, (hint, words) in KEYS.items() if not words and not key.startswith("prompt")}
    key = chance.choice([key for key, hint in numbers.items() if {"nan", "x"} <= {*wrong(hint)}])
    bad = chance.choice(["-1", ".nan", ".inf", "x", "{a: 1}", "[a]", "'4'", '""', "2001-01-01", "1_0x", "0x"])
    group, _, inner = key.rpartition(".")
    nested = f"{key}: {bad}\n" if not group else f"{group.replace('.', ': {')}: {{{inner}: {bad}}}"
    nested += "}" * group.count(".") + "\n"
    if group in GROUPS and chance.random() < 0.5:
        (place.here / group).mkdir()
        (place.here / group / "mine.yaml").write_text(f"defaults: [_base, _self_]\n{inner}: {bad}\n")
        return Mutation(place.run("-cd", str(place.here), f"{group}=mine", without=key), told(key))
    (place.here / "mine.yaml").write_text(HEAD + nested)
    return Mutation(place.run("-cd", str(place.here), "-cn", "mine", without=key), told(key))


KINDS: dict[str, Kind] = {"a saved sweep": sweep, "a value in a saved file": sweep_value}
