"""What is packed in a report."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

BLOCK = re.compile(r'<script type="text/plain" id="([^"]*)">([^<]*)</script>')


def blocks_of(page: bytes) -> dict[str, Any]:
    """Id -> content."""
    return {
        name: json.loads(gzip.decompress(base64.b64decode(packed)))
        for name, packed in BLOCK.findall(page.decode())
    }


def core_of(page: bytes) -> dict[str, Any]:
    """What is drawn when it opens."""
    return dict(blocks_of(page)["core"])
