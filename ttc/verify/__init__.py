"""`ttc verify`: how good is a verifier, on steps with labels or on a results folder?

ttc verify nano prm=nano                            the embedded world's own labelled solutions
ttc verify processbench_math.jsonl prm=qwen-prm-7b  a file in ProcessBench's schema, or by columns.*
ttc verify phase2_test.jsonl prm=rlhflow-8b-deepseek format=prm800k
ttc verify results/default                          stored scores against grades; no model is loaded
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ttc.report.console import Console, relative, say
from ttc.report.formats import count, counted
from ttc.report.progress import count_up
from ttc.settings.schema import PrmConfig
from ttc.types import Problem
from ttc.verify.settings import LabelSettings, Task, parse


def verify(words: Sequence[str], console: Console) -> None:
    """Checks the words, judges, prints the figures and saves them.

    Raises:
        UserError: what is wrong with the words, then with the source, then with the verifier.
        TransientError, EngineDied: the verifier failed.
    """
    task = parse(words)
    if isinstance(task.settings, LabelSettings):
        assert task.prm, "parse wants one for labelled steps"
        _verify_labels(task, task.settings, task.prm, console)
    else:
        _verify_folder(task, console)
    say(console, f"figures: {relative(task.out)}")


def _verify_labels(task: Task, settings: LabelSettings, prm: PrmConfig, console: Console) -> None:
    from ttc.models import look_up
    from ttc.verify.data import load
    from ttc.verify.figures import label_figures
    from ttc.verify.judging import engine_log, judge
    from ttc.verify.report import print_labels, save

    solutions, left_out = load(task.source, settings)
    # the verifier must know every word of questions and steps
    texts = [Problem(one.id, text, "") for one in solutions for text in (one.question, *one.steps)]
    model = look_up(prm, texts)
    prm = model.runs(prm)
    wrong = sum(solution.label >= 0 for solution in solutions)
    steps = sum(len(solution.steps) for solution in solutions)
    size = f"{counted(len(solutions), 'solution')} of {counted(steps, 'step')}"
    say(console, f": {size}, {count(wrong)} with an error; prm {prm.name} ({prm.engine})", bold=task.source)
    if left_out:
        rows = counted(left_out, "row")
        say(console, f": {rows} left out, whose labelling was given up before the end", bold=task.source)
    with engine_log(task.out / "engine.log"), count_up(console, "solutions", len(solutions)) as count_one:
        judged = asyncio.run(judge(prm, solutions, count_one))
    figures = label_figures(judged, settings.threshold, settings.agg, settings.seed)
    print_labels(figures, console)
    config = {"source": task.source, "settings": settings, "prm": prm, "identity": model.identity}
    save(task.out, figures, config, judged)


def _verify_folder(task: Task, console: Console) -> None:
    from ttc.store import Folder
    from ttc.verify.folder import folder_figures
    from ttc.verify.report import print_folder, save

    figures = folder_figures(Folder(task.source), task.settings.seed)
    print_folder(figures, console)
    save(task.out, figures, {"source": task.source, "settings": task.settings})
