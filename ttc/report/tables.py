"""One description of a table, written for a person (a terminal, Markdown, LaTeX) or a program (CSV, JSON).

A description has the values as they were measured; what is written of them is the columns' business, so every
rendering says the same. Nothing here knows what the tables are about. console.py shows them.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from ttc.report.formats import FORMATS, WORDS, visible

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """What stands under one head. Its text is made of the values of `keys`.

    Attributes:
        kind: a name of FORMATS, or a function that writes the values as words.
        missing: stands where a value was not measured (NaN); one that does not apply (None) is blank.
        fold: said once: blank in a row where it is as in the row above.
    """

    title: str
    kind: str | Callable[..., str]
    keys: tuple[str, ...]
    missing: str = "-"
    fold: bool = False

    def text(self, row: Row) -> str:
        values = [row.get(key) for key in self.keys]
        if any(value is None for value in values):
            return ""
        if any(isinstance(value, float) and value != value for value in values):
            return self.missing
        return (FORMATS[self.kind] if isinstance(self.kind, str) else self.kind)(*values)


def column(
    title: str, kind: str | Callable[..., str], *keys: str, missing: str = "-", fold: bool = False
) -> Column:
    return Column(title, kind, keys, missing, fold)


@dataclass(frozen=True)
class Table:
    """Columns over rows of raw values.

    Attributes:
        name: for programs: what kind of table it is.
        rows: may have more keys than the columns write: programs get them all.
        notes: what must be said of it, a line each.
        facts: figures of the whole table; for programs.
        bright: the key that is true of the rows that count; the others are dim. None: all count.
        tight: columns stand close, where there are many.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    title: str = ""
    notes: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    bright: str | None = None
    tight: bool = False

    @property
    def heads(self) -> list[str]:
        return [one.title for one in self.columns]

    @property
    def right(self) -> list[bool]:
        """Which columns stand right: those of numbers, but for the first one, which names the row."""
        words = [callable(one.kind) or one.kind in WORDS for one in self.columns]
        return [place > 0 and not left for place, left in enumerate(words)]

    def lines(self) -> list[list[str]]:
        """The texts of every row."""
        lines: list[list[str]] = []
        before: list[str] = []
        for row in self.rows:
            texts = [one.text(row) for one in self.columns]
            told = bool(before)  # what stands left of here is as in the row above
            line = list(texts)
            for place, one in enumerate(self.columns):
                if one.fold:
                    told = told and texts[place] == before[place]
                    line[place] = "" if told else texts[place]
            lines.append(line)
            before = texts
        return lines


def in_order(names: Iterable[str], registry: Iterable[str]) -> list[str]:
    """The different names as the registry has them; those it does not know come last, by name."""
    ranks = {name: rank for rank, name in enumerate(registry)}
    return sorted(set(names), key=lambda name: (ranks.get(name, len(ranks)), name))


def to_markdown(table: Table) -> str:
    """As GitHub draws it: the title in bold, the table, the notes."""

    def line(texts: Iterable[str]) -> str:
        return "| " + " | ".join(re.sub(r"([\\|*`])", r"\\\1", text) for text in texts) + " |"

    rule = "| " + " | ".join("---:" if right else "---" for right in table.right) + " |"
    drawn = "\n".join([line(table.heads), rule, *map(line, table.lines())])
    title = [f"**{table.title}**"] if table.title else []
    return "\n\n".join([*title, drawn, *table.notes]) + "\n"


def to_latex(table: Table) -> str:
    """A `table` with the title as its caption and the notes below; it needs the package booktabs."""

    def line(texts: Iterable[str]) -> str:
        return " & ".join(map(_tex, texts)) + r" \\"

    places = "".join("r" if right else "l" for right in table.right)
    parts = ["\\begin{table}", "\\centering"]
    parts += [f"\\caption{{{_tex(table.title)}}}"] if table.title else []
    parts += [f"\\begin{{tabular}}{{{places}}}", "\\toprule", line(table.heads), "\\midrule"]
    parts += [*map(line, table.lines()), "\\bottomrule", "\\end{tabular}"]
    parts += [f"\\par\\footnotesize {_tex(note)}" for note in table.notes]
    return "\n".join([*parts, "\\end{table}"]) + "\n"


TEX = str.maketrans(
    {one: f"\\{one}" for one in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
)


def _tex(text: str) -> str:
    return re.sub(r"(?<![\w.)])-(?=\d)", "$-$", text.translate(TEX))  # a hyphen is no minus


def to_html(table: Table) -> str:
    """A `<table>` with its title as the caption, and the notes below. All text is escaped, and of control
    characters and marks that turn a line around the names are shown."""

    def line(tag: str, texts: Iterable[str]) -> str:
        cells = (
            f'<{tag} style="text-align: {"right" if right else "left"}">{_html(text)}</{tag}>'
            for text, right in zip(texts, table.right, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"

    parts = ["<table>", *([f"<caption>{_html(table.title)}</caption>"] if table.title else [])]
    parts += [f"<thead>{line('th', table.heads)}</thead>", "<tbody>"]
    parts += [*(line("td", texts) for texts in table.lines()), "</tbody>", "</table>"]
    return "\n".join([*parts, *(f"<p>{_html(note)}</p>" for note in table.notes)]) + "\n"


def _html(text: str) -> str:
    return html.escape(visible(text))


def to_csv(table: Table) -> str:
    """The values behind the columns, as they were measured; empty where there is none."""
    keys = list(dict.fromkeys(key for one in table.columns for key in one.keys))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows([as_json(row.get(key)) for key in keys] for row in table.rows)
    return out.getvalue()


def to_json(tables: Sequence[Table]) -> str:
    """One document: {"tables": [{"name", "title", "rows", "notes", and the table's own facts}]}."""
    content = [
        {"name": one.name, "title": one.title, **as_json(one.facts), "rows": as_json(one.rows)}
        | {"notes": list(one.notes)}
        for one in tables
    ]
    return json.dumps({"tables": content}, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def as_json(value: Any) -> Any:
    """As JSON can hold it: NaN is null, numpy's numbers are Python's, a dataclass is an object."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [as_json(inner) for inner in value]
    if hasattr(value, "tolist"):
        return as_json(value.tolist())
    return None if isinstance(value, float) and value != value else value


RENDERINGS: Mapping[str, Callable[[Sequence[Table]], str]] = {
    "json": to_json,
    "csv": lambda tables: "\n".join(map(to_csv, tables)),
    "markdown": lambda tables: "\n".join(map(to_markdown, tables)),
    "latex": lambda tables: "\n".join(map(to_latex, tables)),
}
"""What tables can be written down as, beside the terminal."""
