"""Every number that a person reads is written here, and nowhere else: a name for each way to write one.

A value that was not measured is no number: tables.py says what stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Write = Callable[..., str]

count: Write = "{:,.0f}".format
"""`1,032`."""
setting: Write = "{:g}".format
"""`0.5`: a number that somebody chose, with all the figures it was given."""
percent: Write = "{:.0%}".format
"""`37%`."""
score: Write = "{:.3f}".format
"""`0.861`: a score, an AUROC, a correlation."""
score_range: Write = "{:.2f} to {:.2f}".format
"""`0.58 to 0.69`: the scores of a bin of problems."""
figures: Write = "{:.3g}".format
"""`26.3`: three figures."""
rate: Write = "{:,.0f} tok/s".format
"""`12,345 tok/s`."""


def counted(number: float, noun: str) -> str:
    """`1 seed`, `1,032 searches` (`noun` may end in its own `(es)`, as in `search(es)`)."""
    stem, _, plural = noun.partition("(")
    return f"{count(number)} {stem}{'' if number == 1 else plural.rstrip(')') or 's'}"


def points(share: float, places: int = 1) -> str:
    """`98.3`: a share in percent, without the sign; `99.72` where the hundredths matter."""
    return f"{100 * share:.{places}f}"


def signed(difference: float) -> str:
    """`+0.8`, in points; what is 0 but for rounding is not told as -0.0."""
    return f"{round(100 * difference, 9) + 0.0:+.1f}"


def amount(value: float) -> str:
    """`428`, `1.3k`, `250k`: a mean cost."""
    if value >= 999.5:
        return f"{value / 1000:.1f}k" if value < 99_950 else f"{value / 1000:,.0f}k"
    return figures(value)


def budget(value: float, probe: float = 0.0) -> str:
    """`1000`, `16.4k`, `2M`, `5G`; `16 + 4` with what measuring the difficulty costs."""
    more = f" + {budget(probe)}" if probe else ""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if abs(value) >= size * 0.9995:
            return f"{value / (1000 if unit == 'k' else size):.3g}{unit}{more}"
    return f"{value:.0f}{more}" if value >= 100 else f"{value:.3g}{more}"


def size(amount: float) -> str:
    """`812 bytes`, `34.5 kB`, `1.2 MB`: of a file."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if amount >= one * 0.9995:
            return f"{figures(amount / one)} {unit}"
    return counted(amount, "byte")


def about(tokens: float) -> str:
    """`866k`, `2.2M`: an estimate."""
    return f"{tokens / 1e6:.1f}M" if tokens >= 1e6 else f"{tokens / 1e3:.0f}k"


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`."""
    full, rest = divmod(round(seconds), 60)
    if full < 60:
        return f"{full} min {rest} s" if full else f"{rest} s"
    return f"{full // 60} h {full % 60} min"


def minutes(seconds: float) -> str:
    """`4 min`: an estimate."""
    return f"{max(1, round(seconds / 60))} min"


def visible(text: str) -> str:
    """What a model or a user wrote, for a terminal: control characters, and marks that nobody sees but that
    turn a line round or hide in it, as escapes (`\\x1b`, `\\u202e`)."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def in_line(text: str) -> str:
    """The same on one line: blanks and line ends are one blank."""
    return visible(" ".join(text.split()))


def _interval(write: Write) -> Write:
    return lambda low, high: f"{write(low)} to {write(high)}"


FORMATS: Mapping[str, Write] = {
    "text": str,
    "list": lambda values: ",".join(map(str, values)),
    "whole": lambda number: str(int(number)),  # an n, a seed, a level: as it is typed
    "count": count,
    "setting": setting,
    "points": points,
    "percent": percent,
    "interval": _interval(points),
    "signed": signed,
    "signed_interval": _interval(signed),
    "points_and_change": lambda share, difference: f"{points(share)} ({signed(difference)})",
    "agreement": lambda share: f"{points(share, 2)} %",
    "p_value": lambda p: f"{p:.3f}" if p >= 0.001 else "< 0.001",
    "score": score,
    "score_interval": _interval(score),
    "score_bin": "{:.1f} to {:.1f}".format,
    "figures": figures,
    "amount": amount,
    "giga": lambda value: amount(value / 1e9),
    "budget": budget,
    "bytes": size,
}
"""What a column of a table may be: each gets the values of the column's keys."""

WORDS = {"text", "list"}
"""The kinds that stand left."""
