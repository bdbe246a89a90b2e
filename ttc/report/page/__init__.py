"""The report as one file: what the page's scripts draw, packed inside a page that needs no network.

Nothing here knows what a study is: `core` is drawn when the page opens, each block when somebody asks for it.
The scripts are classic ones and stand in the page as they are; a policy in its head lets these run and no
other, so that what a model wrote stays text. vendor/ has the libraries (d3, Observable Plot, KaTeX).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ttc.report.tables import Table, as_json

HERE = Path(__file__).parent
LIBRARIES = ("vendor/d3.min.js", "vendor/plot.umd.min.js", "vendor/katex.min.js")
VIEWER = ("math.js", "grow.js", "panel.js", "draw.js", "tree.js")
SECTIONS = ("core.js", "lines.js", "figures.js", "compare.js", "misses.js", "trees.js", "page.js")
SCRIPTS = (*LIBRARIES, *VIEWER, *SECTIONS)
STYLES = ("vendor/katex.css", "page.css", "tree.css")


def render(title: str, core: Mapping[str, Any], blocks: Mapping[str, bytes]) -> bytes:
    """The page as UTF-8.

    Args:
        core: as JSON can hold it (`as_json` is asked).
        blocks: by id, each as `pack` made it.
    """
    import jinja2  # where a report is made

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    script = "\n".join((HERE / name).read_text() for name in SCRIPTS)
    style = "\n".join((HERE / name).read_text() for name in STYLES)
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    own = {"core": pack(as_json(core)), "licences": pack((HERE / "vendor/LICENSES.md").read_text())}
    page = environment.from_string((HERE / "page.html").read_text()).render(
        title=title, script=script, style=style, digest=digest, blocks={**own, **blocks}
    )
    return page.encode()


def pack(content: Any) -> bytes:
    """Plain values as JSON, compressed, in letters that can stand between two tags."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    # half of a surrogate pair, which a model may write, is no UTF-8
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), compresslevel=9, mtime=0))


def as_page(table: Table) -> dict[str, Any]:
    """A table as the page draws it: its texts."""
    bright = [table.bright is None or bool(row[table.bright]) for row in table.rows]
    return {
        "title": table.title,
        "heads": table.heads,
        "right": table.right,
        "lines": table.lines(),
        "bright": bright,
        "notes": list(table.notes),
    }
