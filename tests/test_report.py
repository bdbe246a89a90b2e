"""One description of a table, written down in every way; and every format of a number."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from rich.console import Console

from ttc.report import formats
from ttc.report.console import keep_tables, say, show
from ttc.report.tables import RENDERINGS, Table, as_json, column, in_order, to_csv, to_latex, to_markdown

NAN = math.nan

TABLE = Table(
    name="trial",
    title="100% of a_b & [x]",
    columns=(
        column("cell", "text", "name", fold=True),
        column("n", "whole", "n"),
        column("95 % interval", "interval", "low", "high", missing="incomplete"),
        column("change", "signed", "change"),
        column("p", "p_value", "p"),
        column("", lambda vote, n: "one path" if n == 1 else vote, "vote", "n"),
    ),
    rows=(
        {"name": "a|b_c", "n": 1, "low": 0.25, "high": 0.5, "change": None, "vote": "best", "main": True},
        {
            "name": "a|b_c",
            "n": np.int64(1024),
            "low": 0.5,
            "high": np.float64(1),
            "change": -0.0163,
            "p": 1e-5,
        }
        | {"vote": "best", "main": False},
        {"name": "~x^2\\", "n": 4, "low": NAN, "high": NAN, "change": -1e-17, "p": NAN}
        | {"vote": "<majority>", "main": True},
    ),
    notes=("It costs $5.",),
    facts={"problems": np.int64(10)},
    bright="main",
)


def printed(table: Table, width: int = 100, indent: str = "", colours: bool = False) -> str:
    out = io.StringIO()
    show(table, Console(file=out, width=width, force_terminal=colours), indent)
    return out.getvalue()


def test_on_a_terminal_numbers_stand_right_and_what_is_said_once_is_left_out() -> None:
    assert [line.rstrip() for line in printed(TABLE).splitlines()] == [
        "100% of a_b & [x]",
        "cell      n  95 % interval  change        p",
        "a|b_c     1   25.0 to 50.0                   one path",
        "       1024  50.0 to 100.0    -1.6  < 0.001  best",
        "~x^2\\     4     incomplete    +0.0        -  <majority>",
        "It costs $5.",
    ]


def test_a_pipe_loses_no_column_and_rows_that_do_not_count_are_dim() -> None:
    table = Table("wide", TABLE.columns, TABLE.rows, bright="main")
    assert printed(table, width=20) == printed(table)
    dim = [line.startswith("\x1b[2m") for line in printed(table, colours=True).splitlines()]
    assert dim == [False, False, True, False]


def test_in_markdown_a_pipe_is_no_column() -> None:
    assert to_markdown(TABLE) == (
        "**100% of a_b & [x]**\n\n"
        "| cell | n | 95 % interval | change | p |  |\n"
        "| --- | ---: | ---: | ---: | ---: | --- |\n"
        "| a\\|b_c | 1 | 25.0 to 50.0 |  |  | one path |\n"
        "|  | 1024 | 50.0 to 100.0 | -1.6 | < 0.001 | best |\n"
        "| ~x^2\\\\ | 4 | incomplete | +0.0 | - | <majority> |\n\n"
        "It costs $5.\n"
    )


def test_in_latex_everything_is_escaped_and_a_minus_is_one() -> None:
    assert to_latex(TABLE) == (
        "\\begin{table}\n\\centering\n\\caption{100\\% of a\\_b \\& [x]}\n"
        "\\begin{tabular}{lrrrrl}\n\\toprule\n"
        "cell & n & 95 \\% interval & change & p &  \\\\\n\\midrule\n"
        "a\\textbar{}b\\_c & 1 & 25.0 to 50.0 &  &  & one path \\\\\n"
        " & 1024 & 50.0 to 100.0 & $-$1.6 & \\textless{} 0.001 & best \\\\\n"
        "\\textasciitilde{}x\\textasciicircum{}2\\textbackslash{} & 4 & incomplete & +0.0 & - & "
        "\\textless{}majority\\textgreater{} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n\\par\\footnotesize It costs \\$5.\n\\end{table}\n"
    )


def test_as_csv_the_values_are_whole_and_nothing_is_left_out() -> None:
    assert to_csv(TABLE) == (
        "name,n,low,high,change,p,vote\n"
        "a|b_c,1,0.25,0.5,,,best\n"
        "a|b_c,1024,0.5,1.0,-0.0163,1e-05,best\n"
        "~x^2\\,4,,,-1e-17,,<majority>\n"
    )


def test_as_json_every_row_has_all_its_values_and_null_is_no_number() -> None:
    (content,) = json.loads(RENDERINGS["json"]([TABLE]))["tables"]
    assert {key: content[key] for key in ("name", "title", "problems", "notes")} == {
        **{"name": "trial", "title": "100% of a_b & [x]", "problems": 10, "notes": ["It costs $5."]}
    }
    assert content["rows"] == as_json(TABLE.rows)
    first, second, third = content["rows"]
    assert first == {"name": "a|b_c", "n": 1, "low": 0.25, "high": 0.5} | {
        **{"change": None, "vote": "best", "main": True}
    }
    assert (second["n"], second["high"], second["change"]) == (1024, 1.0, -0.0163)
    assert (third["low"], third["p"], third["change"]) == (None, None, -1e-17)


def test_tables_can_be_kept_instead_of_printed() -> None:
    out = io.StringIO()
    with keep_tables() as tables:
        show(TABLE, Console(file=out))
        say(Console(file=out), " [bold]is no markup[/]", bold="this")
    assert tables == [TABLE]
    assert out.getvalue() == "this [bold]is no markup[/]\n"
    assert printed(TABLE)


def test_names_come_as_the_registry_has_them_and_strangers_last() -> None:
    assert in_order(["z", "beam", "a", "greedy", "beam"], ["greedy", "beam"]) == ["greedy", "beam", "a", "z"]


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("whole", (1024,), "1024"),
        ("count", (1032,), "1,032"),
        ("setting", (0.125,), "0.125"),
        ("points", (0.98333,), "98.3"),
        ("points", (0.98333, 2), "98.33"),
        ("interval", (0.939, 0.996), "93.9 to 99.6"),
        ("signed", (-1e-16,), "+0.0"),
        ("signed_interval", (-0.0167, 0.0417), "-1.7 to +4.2"),
        ("points_and_change", (0.49, -0.018), "49.0 (-1.8)"),
        ("percent", (0.365,), "36%"),
        ("agreement", (1.0,), "100.00 %"),
        ("p_value", (0.0314,), "0.031"),
        ("p_value", (0.0009,), "< 0.001"),
        ("score", (0.8614,), "0.861"),
        ("score_interval", (0.861, 0.959), "0.861 to 0.959"),
        ("score_bin", (0.8, 0.9), "0.8 to 0.9"),
        ("score_range", (0.58, 0.69), "0.58 to 0.69"),
        ("figures", (26.25,), "26.2"),
        ("amount", (428.4,), "428"),
        ("amount", (1284,), "1.3k"),
        ("amount", (250_000,), "250k"),
        ("giga", (12.4e9,), "12.4"),
        ("budget", (1000,), "1000"),
        ("budget", (16_384,), "16.4k"),
        ("budget", (2e6,), "2M"),
        ("budget", (16, 4), "16 + 4"),
        ("about", (866_000,), "866k"),
        ("about", (2_200_000,), "2.2M"),
        ("rate", (12_345.6,), "12,346 tok/s"),
        ("duration", (45.4,), "45 s"),
        ("duration", (200,), "3 min 20 s"),
        ("duration", (7500,), "2 h 5 min"),
        ("minutes", (20,), "1 min"),
        ("counted", (1, "seed"), "1 seed"),
        ("counted", (1032, "search(es)"), "1,032 searches"),
    ],
)
def test_a_number_is_written_in_one_way(name: str, values: tuple[float, ...], text: str) -> None:
    assert {**vars(formats), **formats.FORMATS}[name](*values) == text
