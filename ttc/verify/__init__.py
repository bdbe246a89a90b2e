"""`ttc verify`: how good is a verifier, on steps with labels or on a results folder?

ttc verify nano prm=nano                            the embedded world's own labelled solutions
ttc verify processbench_math.jsonl prm=qwen-prm-7b  a file in ProcessBench's schema, or by columns.*
ttc verify results/default                          stored scores against grades; no model is loaded
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path as File

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ttc.settings.schema import PrmConfig
from ttc.verify.settings import FolderSettings, LabelSettings, Task, parse


def verify(words: Sequence[str], console: Console) -> None:
    """Checks the words, judges, prints the figures and saves them.

    Raises:
        UserError: what is wrong with the words, then with the source, then with the verifier.
        TransientError, EngineDied: the verifier failed.
    """
    task = parse(words)
    if isinstance(task.settings, FolderSettings):
        _verify_folder(task, task.settings, console)
    else:
        assert task.prm, "parse wants one for labelled steps"
        _verify_labels(task, task.settings, task.prm, console)
    out = os.path.relpath(task.out) if task.out.is_relative_to(File.cwd()) else str(task.out)
    console.print(f"figures: {escape(out)}")


def _verify_labels(task: Task, settings: LabelSettings, prm: PrmConfig, console: Console) -> None:
    from ttc.verify.data import load
    from ttc.verify.figures import label_figures
    from ttc.verify.judging import engine_log, judge, looked_up
    from ttc.verify.report import print_labels, save

    solutions = load(task.source, settings)
    model = looked_up(prm, solutions)
    prm = model.runs(prm)
    wrong = sum(solution.label >= 0 for solution in solutions)
    steps = sum(len(solution.steps) for solution in solutions)
    console.print(
        f"[bold]{escape(task.source)}[/]: {len(solutions):,} solutions of {steps:,} steps, {wrong:,} with an "
        f"error; prm {escape(prm.name)} ({prm.engine})"
    )
    with engine_log(task.out / "engine.log"), _progress(console) as progress:
        bar = progress.add_task("solutions", total=len(solutions))
        judged = asyncio.run(judge(prm, solutions, lambda: progress.advance(bar)))
    figures = label_figures(judged, settings.threshold, settings.agg, settings.seed)
    print_labels(figures, console)
    config = {"source": task.source, "settings": settings, "prm": prm, "identity": model.identity}
    save(task.out, figures, config, judged)


def _verify_folder(task: Task, settings: FolderSettings, console: Console) -> None:
    from ttc.store import Folder
    from ttc.verify.folder import folder_figures
    from ttc.verify.report import print_folder, save

    figures = folder_figures(Folder(task.source), settings.seed)
    print_folder(figures, console)
    save(task.out, figures, {"source": task.source, "settings": asdict(settings)})


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}[/]"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
