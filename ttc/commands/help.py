"""What `ttc <command> --help` says. Settings, defaults and ranges are read off the settings' dataclasses."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

WIDTH = 100
EXAMPLES = (
    "ttc run -m strategy=best_of_n,beam,dvts n=1,4,16 dataset.limit=20",
    "ttc compare results/default beam@16 best_of_n@16",
)
OUTPUT = """output:
  --json                      the tables' own values as one JSON document, and nothing else, on stdout
  --as json|csv|markdown|latex"""


class Help(NamedTuple):
    """Of one command: its words, one sentence, what the words mean as it is printed, lines to type."""

    usage: str
    what: str
    more: str
    examples: Sequence[str]


def write_overview(write: Callable[[str], None]) -> None:
    """`ttc --help`."""
    write("usage: ttc COMMAND WORDS...\n\n")
    write("The sweep engine for test-time compute: one line runs a whole scaling study.\n\ncommands:\n")
    for name, said in HELP.items():
        write(f"  {name:9}{said.what}\n")
    write("  extend=[FILE,...]: of any command, files of your own that are imported first\n")
    write("  --install-completion, --show-completion: of commands and options, for this shell\n")
    write("\nexamples:\n" + "".join(f"  {line}\n" for line in EXAMPLES))
    write("\n`ttc COMMAND --help` has the command's words, settings and examples.\n")


def write_help(command: str, write: Callable[[str], None]) -> None:
    from ttc.commands.describe import describe_command  # where somebody asks, and not to complete a name

    said = HELP[command]
    write(f"usage: ttc {command} {said.usage}\n\n{textwrap.fill(said.what, WIDTH)}\n")
    if said.more:
        write(f"\n{said.more}\n")
    if settings := list(describe_command(command)):
        write("\n" + "\n".join(settings) + "\n")
    write(f"\n{OUTPUT}\n\nexamples:\n" + "".join(f"  {line}\n" for line in said.examples))


HELP: Mapping[str, Help] = {
    "run": Help(
        "[-m] [-cd FOLDER] [-cn SWEEP] [key=value ...]",
        "Run a grid of strategies and budgets and read it out; again, it does what is missing.",
        """`python launch.py ...` is the same.
  -m              several values of a key, a,b,c, are a grid
  -cn SWEEP       a saved sweep: article, nano, or one of your own
  -cd FOLDER      the folder that your own sweeps and configs are in""",
        (
            "ttc run -m strategy=greedy,best_of_n,beam,dvts n=1,4,16,64 dataset.limit=50",
            "ttc run -m strategy=beam strategy.width=2,4 n=16 seeds=[0,1,2] name=widths",
            "ttc run -cn nano",
            "ttc run policy=fake prm=fake cluster=none",
        ),
    ),
    "plan": Help(
        "[-m] [-cd FOLDER] [-cn SWEEP] [key=value ...]",
        "Say what `ttc run` of the same words would do and cost. Nothing is loaded or written.",
        "",
        ("ttc plan -m strategy=beam,dvts n=1,4,16,64,256", "ttc plan -cn article --json"),
    ),
    "compare": Help(
        "FOLDER [CELL CELL ...] [key=value ...]",
        "Cells side by side, paired by problem: every other against the first, or at equal cost.",
        """  CELL   strategy[+word]@n[:vote[/agg]] or the beginning of a cell's id; a word is of its variant
         (width=8), or policy=, prm=, dataset=, prompt=; no vote: the headline. No CELL: what there is""",
        (
            "ttc compare results/default",
            "ttc compare results/default best_of_n@16 beam@16:best/min",
            "ttc compare results/default best_of_n axis=flops by=level",
        ),
    ),
    "optimal": Help(
        "FOLDER [key=value ...]",
        "Compute-optimal scaling: the best strategy for each difficulty and budget.",
        "",
        (
            "ttc optimal results/default difficulty=level",
            "ttc optimal results/default difficulty=predicted@4 axis=generated_tokens",
        ),
    ),
    "report": Help(
        "FOLDER... [--watch] [key=value ...]",
        "The whole study as one file, which opens from disk: curves, comparisons, search trees.",
        "  --watch   again while a sweep of the folder runs",
        ("ttc report results/default", "ttc report results/a results/b out=both.html"),
    ),
    "show": Help(
        "FOLDER [PROBLEM] [key=value ...]",
        "A search of a problem as a tree: what was drawn, scored, kept and cut, what was returned, who won.",
        """  PROBLEM   its id, the beginning of its key, or its place in the list, as '#3'. None: the list
A line of the tree: index, score, fate (kept, cut, over; or the end: length, blank, unsure), text.""",
        (
            "ttc show results/default",
            "ttc show results/default nano-0-3 strategy=beam n=16 seed=0",
            "ttc show results/default '#3' --json",
        ),
    ),
    "export": Help(
        "FOLDER [table=NAME] [out=FILE]",
        "A results folder's tables for a paper, a spreadsheet or an analysis of one's own.",
        """Without out= the headline is printed, and any other table goes to stdout as CSV (lists as JSON).
Large tables: out=, as .csv or .parquet.""",
        (
            "ttc export results/default --as latex",
            "ttc export results/default table=flat out=paths.parquet",
            "ttc export results/default table=answers out=answers.csv",
        ),
    ),
    "status": Help(
        "FOLDER [--watch]",
        "What of a folder's cells is there, missing or failed, what no readout reads, and who is at work.",
        "  --watch   again every two seconds, until Ctrl-C",
        ("ttc status results/default", "ttc status results/default --watch"),
    ),
    "check": Help(
        "FOLDER",
        "Are all files of a folder as they were written? Every byte is read, nothing is changed.",
        "Exit code 1 where one is not. The line that filled the folder mends it.",
        ("ttc check results/default",),
    ),
    "compact": Help(
        "FOLDER",
        "Merge a folder's many small files into larger ones.",
        "No row is missing at any moment, so readers may go on; a sweep of the folder may not be running.",
        ("ttc compact results/default",),
    ),
    "import": Help(
        "sal FILE... [key=value ...]",
        "Runs of search-and-learn become a results folder.",
        "  FILE   its JSONL of completions (one file a seed), or a dataset of the Hub (with config=...)",
        ("ttc import sal completions.jsonl name=theirs", "ttc import sal a.jsonl b.jsonl seeds=[0,1]"),
    ),
    "quirks": Help(
        "FOLDER",
        "What each of search-and-learn's ways to read a run is worth.",
        "Accuracy under our rules, with each quirk switched on alone, and with all; saved as quirks.parquet.",
        ("ttc quirks results/default",),
    ),
    "regrade": Help(
        "FOLDER [readout.grader=...] [readout.extract=...] [golds=FILE [key=value ...]]",
        "Another grading of stored paths, and where the folder's gradings disagree.",
        """Rows are added, none is changed. All disagreements stand in disagreements.parquet.
  golds=FILE   corrected gold answers: all gradings of their paths are made anew, nothing is sampled anew, and
               the launch's line goes on with the corrected dataset""",
        (
            "ttc regrade results/default readout.grader=exact",
            "ttc regrade results/default readout.extract=sal",
            "ttc regrade results/default golds=corrected.jsonl",
        ),
    ),
    "rescore": Help(
        "FOLDER prm=... [key=value ...]",
        "Another verifier for the stored paths of a folder's unguided searches.",
        "Rows are added, none is changed; the same line again does what is missing.",
        ("ttc rescore results/default prm=length",),
    ),
    "verify": Help(
        "SOURCE [prm=...] [key=value ...]",
        "How good a verifier's scores are.",
        """  SOURCE   nano; a .jsonl, .json, .csv or .parquet file with labelled steps (in ProcessBench's
           columns or those of columns.*, or another format's); or a results folder (then no prm is asked)""",
        (
            "ttc verify nano prm=nano",
            "ttc verify processbench_math.jsonl prm=qwen-prm-7b threshold=0.5",
            "ttc verify phase2_test.jsonl format=prm800k prm=rlhflow-8b-deepseek",
            "ttc verify results/default",
        ),
    ),
    "new": Help(
        "strategy|vote|verifier NAME",
        "Write NAME.py, an idea of your own that runs as it is, and test_NAME.py.",
        """  NAME   in snake case; both files are written here, and none is overwritten
With extend=[./NAME.py] every command knows it (docs/extending.md).""",
        (
            "ttc new strategy my_search",
            "ttc run extend=[./my_search.py] strategy=my_search n=16",
            "ttc new verifier my_rule",
        ),
    ),
    "push": Help(
        "hf DATASET FOLDER | hf-space SPACE FOLDER [key=value ...]",
        "Put a results folder on the Hugging Face Hub as a dataset, or its report as a page.",
        """  hf         tables, pictures and report, with a card; no logs. Downloaded it is a results folder
  hf-space   report.html as a static Space
  DATASET, SPACE   OWNER/NAME. Who you are is said by HF_TOKEN or `hf auth login`""",
        (
            "ttc push hf me/study results/default dry_run=true",
            "ttc push hf me/study results/default private=false license=mit",
            "ttc push hf-space me/study results/default",
        ),
    ),
}
