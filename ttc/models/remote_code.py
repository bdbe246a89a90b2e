"""Code that comes with a checkpoint: found before anything is loaded, and run only where it is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ttc.models.provider import part_of
from ttc.settings.schema import EngineConfig
from ttc.types import UserError


def check_code(config: EngineConfig, folder: Path | None) -> None:
    """Refuses a model that cannot do without its own code, unless `trust_remote_code` is on.

    A checkpoint that brings code for a kind of model that transformers has needs none of it, and is loaded
    without.

    Args:
        folder: of the checkpoint, or of a tokenizer alone.

    Raises:
        UserError: it needs code; names the files and the key.
    """
    if config.trust_remote_code or folder is None:
        return
    about = _read(folder / "config.json")
    mapped = (about.get("auto_map"), _read(folder / "tokenizer_config.json").get("auto_map"))
    files = sorted({file for one in mapped for file in _files(one)})
    if files and not _known(about.get("model_type")):
        group = part_of(config)
        raise UserError(
            f"{group}.trust_remote_code=false: {config.model or folder} runs only by code that comes with it "
            f"({', '.join(files[:4])}), which may do whatever you may; read it, then say true"
        )


def _files(mapped: Any) -> list[str]:
    """What an `auto_map` names: "file.Class", "org/repo--file.Class", or several, as files."""
    if isinstance(mapped, dict | list):
        inner = mapped.values() if isinstance(mapped, dict) else mapped
        return [file for one in inner for file in _files(one)]
    return [f"{mapped.rpartition('.')[0]}.py"] if isinstance(mapped, str) else []


def _known(kind: Any) -> bool:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return isinstance(kind, str) and kind in CONFIG_MAPPING_NAMES


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # whoever needs it says so
        return {}
    return found if isinstance(found, dict) else {}
