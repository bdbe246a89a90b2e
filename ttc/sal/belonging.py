"""Do the completions of a row answer its own problem?

search-and-learn's best-of-N once sampled the prompts in one order and cut the completions in another (its
#32): row i got those of problems i x n, i x n + 1, ... All counts are right then, and every figure is wrong.
A solution repeats words and numbers of its problem, so each completion is compared with all problems of the
file. In sound runs of small models the own problem beats 98 % of the others on average, and at least 80 % of
them in 98 % of the rows; where rows are mixed up it beats half.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy.stats import binom

from ttc.sal.source import Source
from ttc.types import UserError

WORD = re.compile(r"[^\W\d_]{3,}|\d+")
LOOK = 8  # completions of a row that are looked at
SHARED = 4  # a completion that shares fewer words than this with every problem says nothing
BEATEN = 0.8  # a row is suspicious whose problem beats less of the others than this
USUAL = 0.03  # share of suspicious rows in sound files, at most
SURE = 1e-3  # refuse where sound files would have so many suspicious rows with less probability than this


def check_belonging(source: Source) -> None:
    """Raises:
    UserError: the completions do not stand with their problems.
    """
    problems = [row.problem.question for row in source.rows]
    judged = standings(problems, [[one.text for one in row.completions] for row in source.rows])
    suspicious = [i for i, (share, _) in judged.items() if share < BEATEN]
    if not suspicious or binom.sf(len(suspicious) - 1, len(judged), USUAL) >= SURE:
        return
    shown = [f"{source.rows[i].place} reads like {source.rows[judged[i][1]].place}" for i in suspicious[:3]]
    raise UserError(
        f"{source.name}: prompts and answers do not belong together: in {len(suspicious)} of {len(judged)} "
        f"rows the completions share more words with other problems ({'; '.join(shown)}). "
        "search-and-learn mixed them up before its #32; check=false imports the file as it is"
    )


def standings(problems: Sequence[str], completions: Sequence[Sequence[str]]) -> dict[int, tuple[float, int]]:
    """Row -> (share of the other problems that its own beats, mean over completions; the best of the others).

    Rows whose completions say nothing are absent. Shape suffixes: P problems, V words.
    """
    words = [set(WORD.findall(text.lower())) for text in problems]
    place = {word: v for v, word in enumerate(set().union(*words))}
    P = len(problems)
    holds_PV = np.zeros((P, len(place)))
    for p, inside in enumerate(words):
        holds_PV[p, [place[word] for word in inside]] = 1
    weight_PV = holds_PV * np.log((P + 1) / holds_PV.sum(axis=0))
    whole_P = weight_PV.sum(axis=1) + 1e-9
    found: dict[int, tuple[float, int]] = {}
    for row in range(P):
        shares, total_P = [], np.zeros(P)
        for text in completions[row][:LOOK]:
            said = [place[word] for word in set(WORD.findall(text.lower())) if word in place]
            if holds_PV[:, said].sum(axis=1).max(initial=0) < SHARED:
                continue
            overlap_P = weight_PV[:, said].sum(axis=1)
            score_P = overlap_P / whole_P * np.sqrt(overlap_P)
            below, equal = (score_P < score_P[row]).sum(), (score_P == score_P[row]).sum() - 1
            shares.append(float(below + equal / 2) / max(1, P - 1))  # equal ones count half
            total_P += score_P
        if shares and P > 1:
            total_P[row] = -1
            found[row] = (float(np.mean(shares)), int(total_P.argmax()))
    return found
