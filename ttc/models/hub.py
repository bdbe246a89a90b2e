"""Models of the Hugging Face Hub: which commit, and the small files that say what the model is.

The weights are left to the engine: a plan must not download gigabytes.
"""

from __future__ import annotations

from pathlib import Path

from ttc.types import UserError

SMALL_FILES = ["*.json", "*.jinja", "*.model", "*.txt", "*.py"]
"""Code, too: fetched here, and run only where it is asked for (remote_code.py)."""


def snapshot(model: str, revision: str | None) -> tuple[Path, str]:
    """The folder of `model`'s small files in the Hub's cache, and its commit.

    What is cached is used as it is: a run does not change because somebody pushed a new commit, and needs no
    network.

    Raises:
        UserError: not cached, and the Hub has no such model, keeps it closed, or cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    at = f"{model}@{revision}" if revision else model
    pinned = f" --revision {revision}" if revision else ""
    faults: dict[type[Exception], str] = {
        GatedRepoError: f"model={model}: the Hub asks for consent; accept the licence at "
        f"https://huggingface.co/{model} and set HF_TOKEN",
        RevisionNotFoundError: f"model={at}: the Hub has the model, but not this revision",
        RepositoryNotFoundError: f"model={model}: neither a folder here nor a model of the Hub "
        "(private ones need HF_TOKEN)",
    }
    try:
        folder = Path(snapshot_download(model, revision=revision, local_files_only=True))
        if (folder / "config.json").is_file():
            return folder, folder.name
    except (LocalEntryNotFoundError, ValueError):
        pass
    try:
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=SMALL_FILES))
    except Exception as error:  # the client raises whatever its HTTP library does
        fault = next((text for kind, text in faults.items() if isinstance(error, kind)), None)
        raise UserError(
            fault
            or f"model={at}: not in the cache, and the Hub cannot be reached ({type(error).__name__}). "
            f"With a network: `hf download {model}{pinned}` fills $HF_HOME (else ~/.cache/huggingface), "
            "which can be copied here; or copy the model's folder, and model=path/to/folder"
        ) from None
    if not (folder / "config.json").is_file():
        raise UserError(f"model={at}: the Hub's repository has no config.json: not a transformers model")
    return folder, folder.name
