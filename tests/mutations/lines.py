"""Command lines that must be refused: choices, syntax, pairs, commands."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.mutations.common import Kind, Mutation, Place
from tests.mutations.values import told
from ttc.settings.schema import GROUPS


def choice(chance: Random, place: Place) -> Mutation:
    group = chance.choice(["strategy", "prompt", *GROUPS])
    names = ["none!such", "fakee", "../config", "../../pyproject", "../dataset/_x", "/etc/passwd", "''", "7"]
    names += ["null", "[fake]", "{a: 1}", "ключ", "nan", "fake,fake", "a\x00b", "a\udc80", ".", "x" * 5000]
    return Mutation(place.run(f"{group}={chance.choice(names)}"), told(group))


VALUES = r"""[1,2 (1 'x "x {a:1 {a} ] 1, ,1 choice() range() glob( sort(x) cast(1) float(x) int(x) shuffle(
tag( interval(0,1) extend_list(1) ${ ${} $ ${KEY} ${nope} ${nope.deeper} ${oc.env:NOPE_} ${oc.env} ${none:1}
${${n}} !!python/none \ ４ ٤ ½"""
BROKEN = [
    *VALUES.split(),
    *("\x00", "\x1b[31m", "\x07", "\udc80", "\u202e4", "\ufeff4", "\n", "a b\tc:", "'" * 401, "\\" * 401),
    *("[" * 400, "[" * 400 + "]" * 400, "{a:" * 400, "${" * 400, "(" * 400),
]


def syntax(chance: Random, place: Place) -> Mutation:
    key = chance.choice(["n", "max_tokens", "policy.temperature", "cluster.shards", "readout.doubts.cut"])
    return Mutation(place.run(f"{key}={chance.choice(BROKEN).replace('KEY', key)}"), told(key))


PLAIN = """=4 n == = n== + ~ ++=1 +n=2 ~nope ~policy ~dataset ~n=7 ~strategy .n=1 n.=1 n..x=1 policy.=1 @x=1
policy@x=fake policy@=fake +policy@x=fake --nope -x -cn= -cd= -cn=none!such -cd=/none/such -cd=/dev/null
-cn=../../pyproject hydra.mode=x hydra.sweeper.params=7 hydra.nope=1 hydra/launcher=nope hydra=7
+hydra.x.y=1 n=1,2 strategy=beam,dvts n=range(1,4) ключ=1 ?"""
WORDS = [*PLAIN.split(), "a\x00b=1", "\udc80=1", "n\n=1", " =1", ""]


def word(chance: Random, place: Place) -> Mutation:
    word = chance.choice(WORDS)
    key = word.lstrip("+~-").partition("=")[0]
    names = (word, key.partition("@")[0], key.partition(".")[0])
    return Mutation(place.run(word), tuple(name or "''" for name in names))


PAIRS = [
    (("seed=1", "seeds=[1]"), "seed=1 and seeds=[1]"),
    (("strategy=beam", "n=6"), "n=6"),
    (("strategy=dvts", "n=6", "strategy.width=4"), "n=6"),
    (("strategy=beam", "prm=none"), "prm=none"),
    (("strategy=greedy", "strategy.width=4"), "strategy.width"),
    (("dataset=path", "dataset.path=nope.jsonl"), "dataset.path"),
    (("dataset.path=nope.jsonl",), "dataset.draw"),
    (("dataset.levels=[77]",), "dataset.levels"),
    (("dataset.subjects=[nope]",), "dataset.subjects"),
    (("dataset.levels=[]",), "dataset.levels"),
    (("policy.base_url=http://x/v1",), "policy.base_url"),
    (("policy.unseeded=true",), "policy.unseeded"),
    (("prm=logprob",), "policy.logprobs"),
    (("readout.headline=oracle",), "readout.headline"),
    (("readout.headline=majority/last",), "readout.headline"),
    (("readout.headline=weighted/nope",), "readout.headline"),
    (("readout.habits=[nope]",), "readout.habits"),
    (("readout.subset=nope",), "readout.subset"),
    (("prompt.user=nothing",), "prompt.user"),
    (("prompt.separator=''",), "prompt.separator"),
    (("seeds=[]",), "seeds=[]"),
    (("policy.engine=nope",), "policy.engine"),
    (("prm.engine=openai",), "prm.engine"),
    (("policy=openai", "policy.base_url=null"), "policy.base_url"),
    (("-m", "n=2,4", "name=a,b"), "name"),
    (("-m", "n=2,4", "results_dir=a,b"), "results_dir"),
    (("-m", "n=2,4", "cluster.shards=1,2"), "cluster"),
    (("-m", "policy.engine=fake,vllm", "policy.model=null"), "policy"),
    (("-m", "n=range(1,1000000000)"), "n"),
    (("-m", "n=2,0,4"), "n=0"),
    (("name=" + "a" * 300,), "name"),
    (("results_dir=/dev/null",), "/dev/null"),
    (("policy.model='a\udc80'",), "policy.model"),
    (("prompt.user='{question}\ud800'",), "prompt.user"),
    (("dataset=path", "dataset.path='~nobody_/x.jsonl'"), "dataset.path"),
    (("results_dir='a\x00b'",), "a\x00b"),
    (("results_dir=''", "name=.."), "name"),
    (("name=../up",), "name"),
    (("name=/abs",), "name"),
    (("dataset=path", "dataset.path='a\x00b.jsonl'"), "dataset.path"),
    (("dataset=path", "dataset.path=" + "a" * 300 + ".jsonl"), "dataset.path"),
    (("dataset=path", "dataset.path=/dev/null"), "dataset.path"),
    (("dataset=path", "dataset.path=./"), "dataset.path"),
]


def pair(chance: Random, place: Place) -> Mutation:
    words, names = chance.choice(PAIRS)
    return Mutation(place.run(*words), (names,))


COMMANDS = [
    *("status", "check", "compact", "compare", "optimal", "quirks", "regrade", "rescore", "verify"),
    *("show", "export"),
]
MORE = {"regrade": ["readout.grader=exact"], "rescore": ["prm=length"]}


def command(chance: Random, place: Place) -> Mutation:
    """Words that are none of the command's, and folders that are none."""
    name = chance.choice(COMMANDS)
    more = MORE.get(name, [])
    (place.here / "file").write_text("x")
    (place.here / "empty").mkdir()
    folders = [
        "gone",
        "a\x00b",
        "a\udc80",
        "x" * 300,
        "",
        *(str(place.here / name) for name in ("file", "empty")),
    ]
    if chance.random() < 0.5:
        folder = chance.choice(folders)
        return Mutation((name, folder, *more), (Path(folder).name or "folder",))
    words = [
        "nope=1",
        "--nope",
        "=1",
        "nope",
        "columns=7",
        "readout=7",
        "prm=",
        "ключ=1",
        "n\x00=1",
        "\udc80",
    ]
    word = chance.choice(words)
    return Mutation((name, str(place.whole), *more, word), (word.partition("=")[0] or "=",))


KINDS: dict[str, Kind] = {
    "a choice": choice,
    "an override's syntax": syntax,
    "a word": word,
    "settings that contradict": pair,
    "a command's words": command,
}
