"""Who may import whom (docs/design.md), read from the syntax trees: of ours, and of the heavy libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ttc"

MAY_IMPORT = {
    "types": set(),
    "schema": set(),
    "looks": set(),
    "hardware": set(),
    "strategies": {"types"},
    "voting": {"strategies"},
    "statistics": set(),
    "comparison": set(),
    "optimal": set(),
    "grading_worker": set(),
    "grading": {"grading_worker"},
    "prompts": {"types"},
    "nano": {"types"},
    "config": {"grading", "strategies", "types"},
    "compose": {"types"},
    "problems": {"config", "grading", "nano", "types"},
    "grid": {"config", "strategies", "types"},
    "plan": {"grid", "problems", "schema", "types"},
    "meter": {"types"},
    "rows": {"grading", "meter", "plan", "types"},
    "store": {"schema", "types"},
    "models": {"config", "grading", "nano", "prompts", "types"},
    "search": {"config", "grading", "meter", "models", "plan", "rows", "store", "types"},
    "local": {"models", "plan", "search", "store"},
    "cluster": {"config", "hardware", "models", "plan", "problems", "search", "store", "types"},
    "resume": {"plan", "problems", "store", "types"},
    "estimate": {"plan", "store"},
    "runlog": {"config", "grid", "hardware", "lookup", "plan", "problems", "store"},
    "lookup": {"config", "models", "plan", "types"},
    "rescore": {"compose", "grid", "store", "sweep", "types"},
    "regrade": {"grading", "rows", "schema", "store", "types"},
    "prepare": {"config", "grid", "lookup", "models", "plan", "problems", "types"},
    "readout": {"config", "grading", "grading_worker", "schema", "statistics", "store", "types", "voting"},
    "importing": {
        *("analysis", "compose", "config", "grading", "plan", "problems", "readout", "rows", "runlog"),
        *("schema", "store", "types"),
    },
    "analysis": {
        *("comparison", "config", "looks", "optimal", "readout", "schema", "statistics", "store"),
        *("strategies", "types", "voting"),
    },
    "console": {"estimate", "plan", "search", "types"},
    "verify": {
        *("compose", "config", "lookup", "looks", "meter", "models", "nano", "runlog", "store"),
        *("strategies", "types", "voting"),
    },
    "cli": {"analysis", "importing", "regrade", "rescore", "console", "sweep", "types", "verify"},
}
"""Rooms -> the rooms they may import. sweep is the door's other side and may import any."""

HOMES = {
    "hydra": {"compose"},
    "omegaconf": {"compose"},
    "ray": {"cluster"},
    "vllm": {"models"},
    "torch": {"models", "nano"},
    "transformers": {"models", "nano"},
    "openai": {"models"},
    "pyarrow": {"schema", "store", "readout"},
    "matplotlib": {"analysis"},
    "math_verify": {"grading_worker"},
}
"""Heavy libraries -> the rooms that may name them."""

LAZY = {"hydra", "omegaconf", "vllm", "torch", "transformers", "datasets", "openai"}
"""Only inside functions, outside of the training code: importing ttc stays cheap."""


def files() -> Iterator[tuple[str, Path]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        inner = file.relative_to(PACKAGE).parts
        if inner != ("__init__.py",):
            yield inner[0].removesuffix(".py"), file


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            if node.module == "ttc":
                yield from (f"ttc.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def top_level(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(ast.Module([node], []))


@pytest.mark.parametrize(("room", "file"), list(files()), ids=lambda value: str(value)[-40:])
def test_every_import_goes_one_way(room: str, file: Path) -> None:
    tree = ast.parse(file.read_text())
    ours = {name.split(".")[1] for name in imports(tree) if name.startswith("ttc.")} - {room}
    if room != "sweep":
        assert ours <= MAY_IMPORT[room]
    for name in {name.split(".")[0] for name in imports(tree)} & HOMES.keys():
        assert room in HOMES[name], f"{name} belongs in {HOMES[name]}"
    if room != "nano":
        assert not {name.split(".")[0] for name in top_level(tree)} & LAZY


def test_strategies_are_standard_library_only() -> None:
    import sys

    for room, file in files():
        if room == "strategies":
            outside = {name.split(".")[0] for name in imports(ast.parse(file.read_text()))} - {"ttc"}
            assert outside <= sys.stdlib_module_names


def test_files_and_functions_stay_small() -> None:
    for _, file in files():
        text = file.read_text()
        assert len(text.splitlines()) <= 300, f"{file}: would you find your way in it?"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 50, f"{file.name}: {node.name}"
