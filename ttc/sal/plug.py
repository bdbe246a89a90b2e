"""search-and-learn's ways to search and to read a run, by name, beside ours (semantics, "search-and-learn"):
entries of the registries. Importing this module adds them."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ttc.grading.extraction import EXTRACTIONS
from ttc.readout.habits import HABITS, Habit
from ttc.readout.subsets import SUBSETS, Subset
from ttc.sal.beam import SalBeam
from ttc.sal.canonical import Canonical
from ttc.sal.dvts import SalDvts
from ttc.sal.prefix import add_sal_prefix
from ttc.stats.arrays import Bools, Ints
from ttc.strategies import STRATEGIES

STATED = ("he answer is", "final answer is")
NUMBER = re.compile(r"-?\d*\.?\d+")
UNITS = re.compile(
    r"(?<!\w)(?:[a-h] .|(?:[acdghlmost]|[ckm]m|k?g|ft|lb|st|th|ab|bc|[ap]m|sq|min|sec|hr|degree|inch|inches|"
    r"feet|mile|yard|unit|square|cubic|percent|day|hour|minute|second|month|year|more|less|number|by|per|are|"
    r"way)s?)(?!\w)"
)
"""The commonest of its units. Its `a .` to `h .` are patterns: they take the `a +` of `a + 2`, too."""
CLEANED = (
    (re.compile(r"\\!|\\(?:left|right)(?![a-z])|\.+$"), ""),
    (re.compile(r"\\text\{[^}]*\}$"), ""),
    *[(UNITS, "")] * 2,
    (re.compile(r"\^(?:\\circ|\{\\circ\})|\\?[$%]|\\[()]|\\mathbf|\\mbox\{[^}]*\}"), ""),
    (re.compile(r"\\text\{([^}]*)\}"), r"\1"),
    (re.compile(r"and|[xyz](?:=|\\in|\\to)"), ""),
    (re.compile(r"(?<=\d)\.0*(?=\D|$)"), ""),
)
"""What becomes of an answer, in order, where anything is left of it then."""


def extract(text: str) -> str | None:
    """As search-and-learn reads, by Qwen2.5-Math's parser, but for its rarer units: what stands between
    "final answer is $" and "$. I hope"; else the last box, also one that never closes (its text then goes on
    to the end) or has no brace (to the next dollar); else all that follows the last "he answer is", else the
    last "final answer is"; else the last number of the text with all commas removed. Its lines are joined,
    and what it takes for units goes wherever it stands alone: `a+1` becomes `+1`, and so does `t+1`."""
    joined = re.sub(r"\n\s*", "", _stated(text.replace("ки", ""))).strip()
    answer = joined.removeprefix(":").removesuffix(".").removesuffix("/").strip()
    for pattern, kept in CLEANED:
        answer = pattern.sub(kept, answer).strip() or answer
    return answer or None


def _stated(text: str) -> str:
    if "final answer is $" in text and "$. I hope" in text:
        return text.partition("final answer is $")[2].partition("$. I hope")[0].strip()
    if "boxed" in text:
        return _box(text.rpartition("boxed")[2])
    for words in STATED:
        if words in text:
            return text.rpartition(words)[2].strip()
    if "答案是" in text:
        return text.split("答案是")[1].strip().split("\n\n")[0]
    return next(iter(NUMBER.findall(text.replace(",", ""))[::-1]), "")


def _box(rest: str) -> str:
    if not rest.startswith("{"):
        return rest.partition("$")[0]
    depth = 0
    for brace in re.finditer("[{}]", rest):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return rest[1 : brace.start()]
    return rest[1:]


def count_blanks(group_BN: Ints, present_BN: Bools) -> Ints:
    """Paths without an answer are a group of their own, and never a right one."""
    blank_BN = (group_BN < 0) & present_BN
    return np.where(blank_BN, group_BN.max(axis=1, keepdims=True, initial=-1) + 1, group_BN)


def keep_trailing(scores: pa.Table) -> pa.Array:
    """Where the source has another list than one score per step (those of empty steps), that list."""
    lists, stored = (scores[name].combine_chunks() for name in ("scores", "raw_scores"))
    other = pc.not_equal(pc.list_value_length(stored), pc.list_value_length(lists))
    return pc.if_else(pc.fill_null(other, False), stored, lists)


EXTRACTIONS["sal"] = extract
HABITS["blanks_vote"] = Habit(regroup=count_blanks)
HABITS["canonical_groups"] = Habit(grouping=Canonical)
HABITS["trailing_scores"] = Habit(scores=keep_trailing)
SUBSETS["sal_prefix"] = Subset(add_sal_prefix)
STRATEGIES["sal_beam"] = SalBeam
STRATEGIES["sal_dvts"] = SalDvts
