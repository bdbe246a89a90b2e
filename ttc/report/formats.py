"""Every number that a person reads is written here, and nowhere else: a name for each way to write one.

A value that was not measured is no number: tables.py says what stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def whole(number: int) -> str:
    """`256`: an n, a seed, a level: as it is typed."""
    return f"{int(number)}"


def count(number: float) -> str:
    """`1,032`."""
    return f"{number:,.0f}"


def counted(number: float, noun: str) -> str:
    """`1 seed`, `1,032 searches` (`noun` may end in its own `(es)`, as in `search(es)`)."""
    stem, _, plural = noun.partition("(")
    return f"{count(number)} {stem}{'' if number == 1 else plural.rstrip(')') or 's'}"


def setting(number: float) -> str:
    """`0.5`: a number that somebody chose, with all the figures it was given."""
    return f"{number:g}"


# --- Shares ----------------------------------------------------------------------------------------------


def points(share: float) -> str:
    """`98.3`: a share in percent, without the sign."""
    return f"{100 * share:.1f}"


def points_exactly(share: float) -> str:
    """`99.72`: where the hundredths matter."""
    return f"{100 * share:.2f}"


def interval(low: float, high: float) -> str:
    """`93.9 to 99.6`."""
    return f"{points(low)} to {points(high)}"


def signed(difference: float) -> str:
    """`+0.8`, in points; what is 0 but for rounding is not told as -0.0."""
    return f"{round(100 * difference, 9) + 0.0:+.1f}"


def signed_interval(low: float, high: float) -> str:
    """`-1.7 to +4.2`."""
    return f"{signed(low)} to {signed(high)}"


def points_and_change(share: float, difference: float) -> str:
    """`49.0 (-1.8)`."""
    return f"{points(share)} ({signed(difference)})"


def percent(share: float) -> str:
    """`37%`."""
    return f"{share:.0%}"


def agreement(share: float) -> str:
    """`99.72 %`."""
    return f"{points_exactly(share)} %"


def p_value(p: float) -> str:
    """`0.031`, `< 0.001`."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


# --- Scores ----------------------------------------------------------------------------------------------


def score(value: float) -> str:
    """`0.861`: a score, an AUROC, a correlation."""
    return f"{value:.3f}"


def score_interval(low: float, high: float) -> str:
    """`0.861 to 0.959`."""
    return f"{score(low)} to {score(high)}"


def score_bin(low: float, high: float) -> str:
    """`0.8 to 0.9`."""
    return f"{low:.1f} to {high:.1f}"


def score_range(low: float, high: float) -> str:
    """`0.58 to 0.69`: the scores of a bin of problems."""
    return f"{low:.2f} to {high:.2f}"


# --- Amounts ---------------------------------------------------------------------------------------------


def figures(value: float) -> str:
    """`26.3`: three figures."""
    return f"{value:.3g}"


def amount(value: float) -> str:
    """`428`, `1.3k`, `250k`: a mean cost."""
    if value >= 999.5:
        return f"{value / 1000:.1f}k" if value < 99_950 else f"{value / 1000:,.0f}k"
    return figures(value)


def giga(value: float) -> str:
    """`12.4` of 12.4e9."""
    return amount(value / 1e9)


def budget(value: float, probe: float = 0.0) -> str:
    """`1000`, `16.4k`, `2M`, `5G`; `16 + 4` with what measuring the difficulty costs."""
    more = f" + {budget(probe)}" if probe else ""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if abs(value) >= size * 0.9995:
            return f"{value / (1000 if unit == 'k' else size):.3g}{unit}{more}"
    return f"{value:.0f}{more}" if value >= 100 else f"{value:.3g}{more}"


def about(tokens: float) -> str:
    """`866k`, `2.2M`: an estimate."""
    return f"{tokens / 1e6:.1f}M" if tokens >= 1e6 else f"{tokens / 1e3:.0f}k"


def rate(tokens: float) -> str:
    """`12,345 tok/s`."""
    return f"{count(tokens)} tok/s"


# --- Time ------------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole_seconds = round(seconds)
    if whole_seconds < 60:
        return f"{whole_seconds} s"
    if whole_seconds < 3600:
        return f"{whole_seconds // 60} min {whole_seconds % 60} s"
    return f"{whole_seconds // 3600} h {whole_seconds % 3600 // 60} min"


def minutes(seconds: float) -> str:
    """`4 min`: an estimate."""
    return f"{max(1, round(seconds / 60))} min"


FORMATS: Mapping[str, Callable[..., str]] = {
    "text": str,
    "list": lambda values: ",".join(map(str, values)),
    "whole": whole,
    "count": count,
    "setting": setting,
    "points": points,
    "interval": interval,
    "signed": signed,
    "signed_interval": signed_interval,
    "points_and_change": points_and_change,
    "agreement": agreement,
    "p_value": p_value,
    "score": score,
    "score_interval": score_interval,
    "score_bin": score_bin,
    "figures": figures,
    "amount": amount,
    "giga": giga,
    "budget": budget,
}
"""What a column of a table may be: each gets the values of the column's keys."""

WORDS = {"text", "list"}
"""The kinds that stand left."""
