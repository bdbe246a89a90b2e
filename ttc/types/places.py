"""What a user's words name on the disk."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ttc.types.errors import UserError


def place_of(text: str) -> Path:
    """The file or folder that a text names, `~` being home; it need not be there.

    Raises:
        UserError: nothing can be called so, or be looked at there.
    """
    try:
        place = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.stat(place)
    except (OSError, RuntimeError, ValueError) as error:  # too long, in a circle; nobody's home; a NUL
        raise UserError(f"{text}: {getattr(error, 'strerror', None) or error}") from None
    return place
