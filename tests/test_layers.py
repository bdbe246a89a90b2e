"""Who may import whom (docs/design.md), read from the syntax trees: of ours, and of the heavy libraries."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ttc"

MAY_IMPORT = {
    "types": set(),
    "stats": set(),
    "grading": set(),
    "strategies": {"types"},
    "nano": {"types"},
    "store": {"strategies", "types"},
    "settings": {"grading", "strategies", "types"},
    "data": {"grading", "nano", "settings", "types"},
    "models": {"grading", "nano", "settings", "types"},
    "readout": {"grading", "settings", "stats", "store", "strategies", "types"},
    "plan": {"data", "models", "readout", "settings", "store", "strategies", "types"},
    # readout: what a pool is asked while it is sampled (is it enough?) is what a readout asks of the whole
    "run": {"data", "grading", "models", "plan", "readout", "settings", "store", "types"},
    "cluster": {"data", "models", "plan", "run", "settings", "store", "types"},
    "report": {"plan", "readout", "run", "store", "strategies", "types"},
    "studies": {"readout", "report", "settings", "stats", "store", "strategies", "types"},
    "verify": {
        *("data", "models", "nano", "plan", "readout", "report", "run", "settings", "stats", "store"),
        *("strategies", "types"),
    },
    "sal": {
        *("data", "grading", "plan", "readout", "report", "run", "settings", "stats", "store"),
        *("strategies", "types"),  # its searches are entries of the registry
    },
    "commands": {
        *("cluster", "data", "grading", "plan", "readout", "report", "run", "sal", "settings", "store"),
        *("strategies", "studies", "types", "verify"),
    },
}
"""Rooms -> the rooms they may import, from the ground up: each stands on rooms above its line only."""

HOMES = {
    "hydra": {"settings"},
    "omegaconf": {"settings"},
    "typer": {"commands"},
    "ray": {"cluster"},
    "vllm": {"models"},
    "torch": {"models"},
    "transformers": {"models"},
    "openai": {"models"},
    "huggingface_hub": {"data", "models"},
    "datasets": {"data"},
    "pyarrow": {"data", "plan", "readout", "sal", "store", "studies"},  # studies: ttc.load hands tables out
    "jinja2": {"models", "report"},
    "matplotlib": {"report"},
    "rich": {"report", "commands"},
    "math_verify": {"grading"},
    "pydantic": {"settings", "store", "types"},
    "mlflow": {"report"},
    "trackio": {"report"},
    "wandb": {"report"},
}
"""Heavy libraries -> the rooms that may name them."""

LAZY = {
    *("hydra", "omegaconf", "vllm", "torch", "transformers", "datasets", "openai", "huggingface_hub"),
    *("mlflow", "trackio", "wandb"),
}
"""Only inside functions: importing ttc stays cheap."""


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
    assert ours <= MAY_IMPORT[room]
    for name in {name.split(".")[0] for name in imports(tree)} & HOMES.keys():
        assert room in HOMES[name], f"{name} belongs in {HOMES[name]}"
    assert not {name.split(".")[0] for name in top_level(tree)} & LAZY


def test_the_house_has_few_rooms_and_no_circle() -> None:
    """An order in which each room stands on earlier ones only: the order of the table."""
    order = list(MAY_IMPORT)
    assert {room for room, _ in files()} == set(order)
    assert len(order) <= 18
    assert all(order.index(lower) < order.index(room) for room in order for lower in MAY_IMPORT[room])


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


def test_rays_workers_do_not_start_through_uv() -> None:
    """It would upload the folder and make an environment of its own for them: half a minute at each start."""
    code = "import ttc.cluster, ray._private.ray_constants as c; print(c.RAY_ENABLE_UV_RUN_RUNTIME_ENV)"
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ENABLE_UV_RUN_RUNTIME_ENV"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert said.stdout == "False\n", said.stderr
