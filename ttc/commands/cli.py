"""The door: `ttc <command> ...`. A command is a function that gets its words, and an entry of COMMANDS.

What it says of itself with --help stands in help.py. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from ttc.commands import BAD_INPUT, DONE, FAILED, INTERRUPTED
from ttc.commands.help import HELP, write_help, write_overview
from ttc.settings import extensions
from ttc.settings.line import read_extend, says_extend
from ttc.settings.own import read_files
from ttc.types import EngineDied, Faults, TransientError, Unwritable, UserError, in_a_line

if TYPE_CHECKING:
    from ttc.report.console import Console
    from ttc.store import Folder

Command = Callable[[Sequence[str], "Console"], Any]
"""Gets the words behind its name; returns the exit code, or anything else where all is done."""


def _run(words: Sequence[str], console: Console) -> int:
    from ttc.commands.sweep import main as launch

    return launch(words, console)


def _plan(words: Sequence[str], console: Console) -> int:
    return _run(["plan_only=true", *words], console)


def _import(words: Sequence[str], console: Console) -> None:
    from ttc.sal.importer import import_sal

    if not words or words[0] != "sal":
        raise UserError("name the kind of run, as in `ttc import sal completions.jsonl`; there is: sal")
    import_sal(words[1:], console)


def _quirks(words: Sequence[str], console: Console) -> None:
    from ttc.sal.report import report

    folder = _results("quirks", words)
    if faults := [f"{word}: quirks takes a results folder and nothing else" for word in words[1:]]:
        raise Faults(faults)
    report(folder, console)


def _report(words: Sequence[str], console: Console) -> None:
    from ttc.studies.page import report

    report(words, console)


def _verify(words: Sequence[str], console: Console) -> None:
    from ttc.verify import verify

    verify(words, console)


def _push(words: Sequence[str], console: Console) -> None:
    from ttc.commands.push import push

    push(words, console)


def _new(words: Sequence[str], console: Console) -> None:
    from ttc.commands.new import new

    new(words, console)


def _on_folder(command: str, module: str) -> Command:
    """The function of the command's name: it gets the results folder, the words behind it and a console."""

    def call(words: Sequence[str], console: Console) -> Any:
        folder = _results(command, words)
        return getattr(import_module(module), command)(folder, words[1:], console)

    return call


def _results(command: str, words: Sequence[str]) -> Folder:
    """The results folder that the first word names."""
    from ttc.store import Folder

    if not words or not words[0] or "=" in words[0] or "@" in words[0]:
        raise UserError(f"name the results folder, as in `ttc {command} results/default`")
    return Folder(words[0])


COMMANDS: Mapping[str, Command] = {
    "run": _run,
    "plan": _plan,
    "compare": _on_folder("compare", "ttc.studies.compare"),
    "optimal": _on_folder("optimal", "ttc.studies.optimal"),
    "report": _report,
    "show": _on_folder("show", "ttc.commands.show"),
    "export": _on_folder("export", "ttc.commands.export"),
    "import": _import,
    "quirks": _quirks,
    "status": _on_folder("status", "ttc.commands.status"),
    "check": _on_folder("check", "ttc.commands.upkeep"),
    "compact": _on_folder("compact", "ttc.commands.upkeep"),
    "regrade": _on_folder("regrade", "ttc.commands.regrade"),
    "rescore": _on_folder("rescore", "ttc.commands.rescore"),
    "verify": _verify,
    "push": _push,
    "new": _new,
}

COMPOSED = ("run", "plan")
"""Commands whose line Hydra reads, and their files of `extend=[...]` with it: a saved sweep may name some. Of
any other command's words the door takes them."""


# --- Typer -----------------------------------------------------------------------------------------------


class _Command(TyperCommand):
    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        write_help(str(self.name), formatter.write)


class _Group(TyperGroup):
    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        write_overview(formatter.write)


Words = Annotated[list[str] | None, typer.Argument(metavar="WORDS", show_default=False)]
Form = Annotated[Literal["json", "csv", "markdown", "latex"] | None, typer.Option("--as")]
Json = Annotated[bool, typer.Option("--json")]


def _make_app() -> typer.Typer:
    app = typer.Typer(cls=_Group, rich_markup_mode=None, pretty_exceptions_enable=False)
    for name in COMMANDS:
        # the words of a launch are Hydra's: -m, -cd and -cn pass through, as does --watch
        context = {"ignore_unknown_options": name in ("run", "plan", "status", "report")}
        app.command(name, cls=_Command, help=HELP[name].what, context_settings=context)(_call)
    return app


def _call(context: typer.Context, words: Words = None, form: Form = None, json: Json = False) -> int:
    """Runs the command. In another form its tables go to stdout, and all else that it says to stderr."""
    from ttc.report.console import keep_tables, make_console, redirect
    from ttc.report.tables import RENDERINGS

    name, words = str(context.command.name), words or []
    if name in COMPOSED:
        extensions.load(())
    else:
        extensions.load(read_files(read_extend(words) or ()))
        words = [word for word in words if not says_extend(word)]
    command = COMMANDS[name]
    if not json and not form:
        code = command(words, make_console())
    else:
        sys.stdout.flush()
        with keep_tables() as tables, redirect(1, to=2), redirect_stdout(sys.stderr):
            code = command(words, make_console())
        print(RENDERINGS["json" if json else str(form)](tables), end="")
    return code if isinstance(code, int) else DONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that `arguments` (None: the command line) name; returns the exit code.

    A user's mistake is a line, never a traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    words = ["--help" if word == "-h" else word for word in words]
    try:
        if not words[0].startswith("-") and words[0] not in COMMANDS:
            raise UserError(f"{words[0]}: no such command; take one of {', '.join(COMMANDS)}")
        code = int(_make_app()(words, prog_name="ttc", standalone_mode=False) or DONE)
        sys.stdout.flush()
        return code
    except (UserError, typer.TyperException, EngineDied, TransientError) as error:
        from ttc.report.console import refuse

        refuse(error.format_message() if isinstance(error, typer.TyperException) else error)
        return FAILED if isinstance(error, EngineDied | TransientError | Unwritable) else BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except Exception as error:  # of a user's file, such as a vote's; else a defect of ours
        if (at := extensions.line_of(error)) is None:
            raise
        from ttc.report.console import refuse

        refuse(f"{at}: {type(error).__name__}: {in_a_line(error)}")
        return FAILED
