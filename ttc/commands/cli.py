"""`ttc <command> ...`: what there is beside `launch.py`. A command is one function and one line below."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ttc.commands.sweep import BAD_INPUT, DONE, FAILED, INTERRUPTED
from ttc.report.console import make_console, refuse
from ttc.store import Folder
from ttc.types import EngineDied, TransientError, UserError

Command = Callable[[Sequence[str]], int]
"""Gets the words behind its name, returns the exit code."""


def _verify(words: Sequence[str]) -> int:
    from ttc.verify import verify

    verify(words, make_console())
    return DONE


def _rescore(words: Sequence[str]) -> int:
    from ttc.commands.rescore import rescore

    return rescore(Folder(_results("rescore", words)), words[1:])


def _regrade(words: Sequence[str]) -> int:
    from ttc.commands.regrade import regrade

    regrade(Folder(_results("regrade", words)), words[1:], make_console())
    return DONE


def _import(words: Sequence[str]) -> int:
    from ttc.sal.importer import import_sal

    if not words or words[0] != "sal":
        raise UserError("name the kind of run, as in `ttc import sal completions.jsonl`; there is: sal")
    import_sal(words[1:], make_console())
    return DONE


def _quirks(words: Sequence[str]) -> int:
    from ttc.sal.report import report

    folder = _results("quirks", words)
    if len(words) > 1:
        raise UserError(f"{words[1]}: quirks takes a results folder and nothing else")
    report(folder, make_console())
    return DONE


def _compare(words: Sequence[str]) -> int:
    from ttc.studies.compare import compare

    compare(_results("compare", words), words[1:], make_console())
    return DONE


def _optimal(words: Sequence[str]) -> int:
    from ttc.studies.optimal import optimal

    optimal(_results("optimal", words), words[1:], make_console())
    return DONE


def _results(command: str, words: Sequence[str]) -> Path:
    """The results folder that the first word names."""
    if not words or "=" in words[0] or "@" in words[0]:
        raise UserError(f"name the results folder, as in `ttc {command} results/default`")
    return Path(words[0]).expanduser()


COMPARE_USAGE = """FOLDER [A B ...]   cells side by side, paired: every other against the first
    A       strategy[+word]@n[:vote[/agg]] or the beginning of a cell id, as beam@16:best/last; a word is of
            its variant (width=8), or policy=, prm=, dataset=, prompt=; no vote: the headline. No A: all"""

OPTIMAL_USAGE = """FOLDER [difficulty=level axis=n splits=50]   compute-optimal scaling, by difficulty
    difficulty  level (the dataset's), oracle (share of right paths), predicted (mean score of a pool), or
                predicted@m (m probe paths, and their cost counts)
    axis        n, generated_tokens, policy_tokens, flops, seconds"""

QUIRKS_USAGE = """FOLDER   what each of search-and-learn's ways to read a run is worth
    accuracy under our rules, with each quirk switched on alone, and with all; saved as quirks.parquet"""

IMPORT_USAGE = """sal FILE... [key=value ...]   runs of search-and-learn become a results folder
    FILE    its JSONL of completions (one file a seed), or a dataset of the Hub (with config=...)
    keys    name=import-<FILE> results_dir=results strategy=sal_best_of_n|sal_beam|sal_dvts policy=... prm=...
            dataset=... seed=0 seeds=[0,1,...] width=4 temperature=0.8 top_p=1.0 max_tokens=2048 config=...
            split=train check=true readout=default|sal readout.*; else what the file's name says"""

RESCORE_USAGE = """FOLDER prm=... [prm.*=... cluster=... readout.*=...]   another verifier for stored paths
    scores what a results folder's unguided searches returned; rows are added, none is changed, and the same
    line again does what is missing"""

REGRADE_USAGE = """FOLDER [readout.grader=exact|numeric|math_verify] [readout.extract=boxed|last_number|sal]
    another grading of stored paths; rows are added, none is changed, and the same line again does what is
    missing. Then where the folder's gradings disagree; all of it in disagreements.parquet"""

VERIFY_USAGE = """SOURCE prm=... [key=value ...]   how good a verifier's scores are
    SOURCE  nano, a .jsonl, .json, .csv or .parquet file with labelled steps, or a results folder (no prm)
    keys    threshold=0.5 agg=last limit=null seed=0 out=null prm.*, and for files columns.question=problem
            columns.steps=steps columns.label=label columns.id=id columns.answer=null"""

COMMANDS: dict[str, tuple[Command, str]] = {
    "compare": (_compare, COMPARE_USAGE),
    "optimal": (_optimal, OPTIMAL_USAGE),
    "import": (_import, IMPORT_USAGE),
    "quirks": (_quirks, QUIRKS_USAGE),
    "regrade": (_regrade, REGRADE_USAGE),
    "rescore": (_rescore, RESCORE_USAGE),
    "verify": (_verify, VERIFY_USAGE),
}
"""Name -> the command, and how it is called."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that `arguments` (None: the command line) name; returns the exit code.

    A user's mistake is a line, never a traceback.
    """
    name, *words = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if {"-h", "--help"} & {name, *words}:
        print("\n".join(f"ttc {known} {usage}" for known, (_, usage) in COMMANDS.items()))
        return DONE
    try:
        if name not in COMMANDS:
            raise UserError(f"{name}: no such command; take one of {', '.join(COMMANDS)}")
        return COMMANDS[name][0](words)
    except UserError as error:
        refuse(error)
        return BAD_INPUT
    except (EngineDied, TransientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
