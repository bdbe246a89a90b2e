"""Uploads to the Hugging Face Hub: a dataset or a static Space, in one commit."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from ttc.types import TransientError, UserError, in_a_line, keep_secret

REACH = 10.0
"""Seconds that the Hub may take to say whether it has a repository."""
NAME = re.compile(r"[\w.-]+/[\w.-]+")
"""OWNER/NAME"""


def upload(
    kind: Literal["dataset", "space"],
    name: str,
    files: Mapping[str, Path | bytes],
    private: bool,
    message: str,
) -> str:
    """Makes the repository if need be, and puts the files there; what else lies in their folders goes.
    Returns its address.

    Args:
        name: as NAME has it.
        files: by their place in the repository.
        private: of a repository that is made; one that is there stays as it is.

    Raises:
        UserError: the Hub refuses it, or it is public and was to be private.
        TransientError: the Hub does not answer, or is broken.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
    from huggingface_hub.utils import disable_progress_bars

    keep_secret(get_token() or "")
    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi()
    with _told(name, api.endpoint):
        there = _look_up(api, kind, name)
        if private and there and not there.private:
            raise UserError(f"{name}: is there, and public; private=false puts the files there")
        sdk = "static" if kind == "space" else None
        made = api.create_repo(name, repo_type=kind, private=private, exist_ok=True, space_sdk=sdk)
        old = [file.rfilename for file in (there.siblings or ())] if there else []
        api.create_commit(
            name,
            repo_type=kind,
            operations=[
                *(CommitOperationAdd(place, file) for place, file in files.items()),
                *(CommitOperationDelete(place) for place in stale(old, files)),
            ],
            commit_message=message,
        )
    return str(made)


def stale(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """Files that lie in a folder of the new ones and are none of them: parts that were merged, say."""
    new = set(new)
    folders = {place.partition("/")[0] for place in new if "/" in place}
    return [place for place in old if place not in new and place.partition("/")[0] in folders]


def _look_up(api: Any, kind: str, name: str) -> Any:
    """The repository's facts; None: there is none, as far as we may see."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return api.repo_info(name, repo_type=kind, timeout=REACH)
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 404):
            return None
        raise


REFUSALS = {
    401: "the Hub does not know who asks: `hf auth login`, or HF_TOKEN",
    403: "the Hub's answer is that this token may not write there: it needs the right `write`",
    404: "the Hub has no such place, or shows it to others only: is the owner right?",
}


@contextmanager
def _told(name: str, endpoint: str) -> Iterator[None]:
    """What the client raises, in a line."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except UserError:
        raise
    except ValueError as error:  # a name, or a card, that cannot be
        raise UserError(f"{name}: {in_a_line(error)}") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status >= 500 or status == 429:
            raise TransientError(f"{name}: the Hub is broken or busy ({status}); try again later") from None
        raise UserError(f"{name}: {REFUSALS.get(status) or in_a_line(error)} ({status})") from None
    except Exception as error:  # the client raises whatever its HTTP library does
        reason = f"{type(error).__name__}: {in_a_line(error)}"
        raise TransientError(f"{name}: {endpoint} cannot be reached ({reason})") from None
