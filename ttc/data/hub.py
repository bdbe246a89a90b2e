"""Datasets of the Hugging Face Hub, and folders laid out as there, read by the `datasets` library."""

from __future__ import annotations

from pathlib import Path

from ttc.data.files import kind_of, read_rows
from ttc.data.values import Row
from ttc.settings.schema import DatasetConfig
from ttc.types import UserError

REACH = 10.0
"""Seconds that the Hub may take to say that it has a dataset."""
CONSENT = "the Hub asks for consent; accept the terms at https://huggingface.co/datasets/{} and set HF_TOKEN"


def read_hub(config: DatasetConfig) -> list[Row]:
    """The rows of `config.split`, at the commit that the cache holds, if it holds one: a run does not change
    because somebody pushed.

    Raises:
        UserError: not in the cache, and the Hub has no such dataset, keeps it closed, or cannot be reached.
    """
    name = config.path or ""
    cached, reason = _find_cached(name), _why_not(name)
    if reason is None:
        return load_library(name, config, revision=cached.name if cached else None)
    if cached is None:
        raise UserError(f"dataset.path={name}: {reason}")
    return load_library(str(cached), config)


def load_library(where: str, config: DatasetConfig, revision: str | None = None) -> list[Row]:
    """The rows of a Hub id, or of a folder laid out as a dataset's repository.

    Raises:
        UserError: what the library says, in one line.
    """
    import datasets

    datasets.disable_progress_bars()
    try:
        if (Path(where) / "state.json").exists():  # as `save_to_disk` leaves one split
            return list(datasets.load_from_disk(where))
        if Path(where).is_dir():
            parts = datasets.load_dataset_builder(where, config.config).config
            files = [Path(file) for file in (parts.data_files or {}).get(config.split, ())]
            # the library would take texts for numbers; what only it can read, it reads
            if files and all(map(kind_of, files)) and not getattr(parts, "field", None):
                return [row for file in files for _, row in read_rows(file)]
        return list(datasets.load_dataset(where, config.config, split=config.split, revision=revision))
    except Exception as error:  # the library raises a dozen kinds, and says what is there
        text = str(error) or type(error).__name__
        if "gated dataset" in text:
            text = CONSENT.format(where)
        asked = f"dataset.path={config.path} dataset.config={config.config} dataset.split={config.split}"
        raise UserError(f"{asked}: {' '.join(text.splitlines()[:2])}") from None


def _find_cached(name: str) -> Path | None:
    """The folder of the dataset's newest commit in the Hub's cache, where `hf download` puts it, too."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, repo_type="dataset", local_files_only=True))
    except (OSError, ValueError):  # it is not cached, or the name is no Hub id
        return None


def _why_not(name: str) -> str | None:
    """Why the Hub does not give the dataset; None where it does."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:
        # asked first: the library tries for half a minute where there is no network
        HfApi().dataset_info(name, timeout=REACH)
    except GatedRepoError:
        return CONSENT.format(name)
    except (RepositoryNotFoundError, HFValidationError):
        return "neither a file here nor a dataset of the Hub (private ones need HF_TOKEN)"
    except Exception as error:  # the client raises whatever its HTTP library does
        return (
            f"not in the cache, and the Hub cannot be reached ({type(error).__name__}). With a network: "
            f"`hf download --repo-type dataset {name}` puts it into the cache ($HF_HOME, else "
            "~/.cache/huggingface); without: copy a file of it here, and dataset.path=FILE"
        )
    return None
