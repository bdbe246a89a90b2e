"""`ttc <command> ...`: what there is beside `launch.py`. A command is one function and one line below."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from ttc.console import make_console, refuse
from ttc.sweep import BAD_INPUT, DONE, FAILED, INTERRUPTED
from ttc.types import EngineDied, TransientError, UserError

Command = Callable[[Sequence[str]], int]
"""Gets the words behind its name, returns the exit code."""


def _verify(words: Sequence[str]) -> int:
    from ttc.verify import verify

    verify(words, make_console())
    return DONE


def _rescore(words: Sequence[str]) -> int:
    from pathlib import Path

    from ttc.rescore import rescore

    if not words or "=" in words[0]:
        raise UserError("name the results folder, as in `ttc rescore results/default prm=length`")
    return rescore(Path(words[0]), words[1:])


RESCORE_USAGE = """FOLDER prm=... [prm.*=... cluster=... readout.*=...]   another verifier for stored paths
    scores what a results folder's unguided searches returned; rows are added, none is changed, and the same
    line again does what is missing"""

VERIFY_USAGE = """SOURCE prm=... [key=value ...]   how good a verifier's scores are
    SOURCE  nano, a .jsonl, .json, .csv or .parquet file with labelled steps, or a results folder (no prm)
    keys    threshold=0.5 agg=last limit=null seed=0 out=null prm.*, and for files columns.question=problem
            columns.steps=steps columns.label=label columns.id=id columns.answer=null"""

COMMANDS: dict[str, tuple[Command, str]] = {
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
