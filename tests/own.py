"""The files and lines of docs/extending.md, as a user would have them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "docs" / "extending.md").read_text()

FILES = dict(re.findall(r"`(\w+\.py)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL))
LINES = [shlex.split(line) for line in re.findall(r"^    python launch\.py (.*)$", TEXT, re.MULTILINE)]
[TABLE] = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)


def write(name: str, folder: Path, text: str = "") -> str:
    """Writes one of the files, or another text, into a folder; the word of a line that names it."""
    (folder / name).write_text(text or FILES[name])
    return f"extend=[{folder / name}]"
