"""search-and-learn's ways to read a run, by name, beside ours (semantics, "search-and-learn"): entries of the
registries. Importing this module adds them."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ttc.grading.extraction import EXTRACTIONS, FINAL, find_boxes, statement
from ttc.readout.habits import HABITS, Habit
from ttc.readout.subsets import SUBSETS, Subset
from ttc.sal.canonical import Canonical
from ttc.sal.prefix import add_sal_prefix
from ttc.stats.arrays import Bools, Ints

BOX = re.compile(r"\\(?:boxed|fbox)\s*")
NUMBER = re.compile(r"-?\d*\.?\d+")
UNITS = re.compile(r"(?<!\w)[acdghlmost](?!\w)")


def extract(text: str) -> str | None:
    """As search-and-learn reads: the last box, also one that never closes (its text then goes on to the end)
    or has no brace (to the next dollar), else what follows the last "final answer is", else the last number
    of the text with all commas removed. Of that, the letters a c d g h l m o s t are removed wherever they
    stand alone, as units: `a+1` becomes `+1`, and so does `t+1`. A blank remainder is no answer."""
    answer: str | None
    if boxes := list(BOX.finditer(text)):
        rest = text[boxes[-1].end() :]
        closed = find_boxes("\\boxed" + rest) if rest.startswith("{") else {}
        start = len("\\boxed{")
        end = closed.get(start, len(rest) + start) - start + 1
        answer = rest[1:end] if rest[:1] == "{" else rest.split("$")[0]
    elif finals := list(FINAL.finditer(text)):
        answer = statement(text[finals[-1].end() :])
    else:
        answer = next(iter(NUMBER.findall(text.replace(",", ""))[::-1]), None)
    return UNITS.sub("", answer).strip() or None if answer else None


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
