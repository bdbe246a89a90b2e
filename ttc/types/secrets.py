"""What ttc shows nobody: keys, tokens, and what a URL holds beside its address.

Where words are written down or shown, `mask` is asked: in the errors whose words people read (errors.py), for
what a server says (models/openai_answer.py), for a failed search's reason (run/search.py) and for sweep.json
(store/folder.py).
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

MASK = "***"
NOT_KEPT = (
    f"{MASK} stands for a secret, which is not kept: to run the line again say it again, or keep it in the "
    "environment: policy.base_url='${oc.env:NAME}'"
)

SECRET = "key|token|secret|password|passwd|signature|sig|code"
"""How the names of a URL's parameters end that hold one."""
USER = re.compile(r"(?<=://)[^\s/]+(?=@)")
QUERY = re.compile(rf"(?<=[?&])([^\s=&#'\"]*(?:{SECRET})=)([^\s&#'\"]+)", re.IGNORECASE)
VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)

KNOWN, GUESSED = 8, 16
"""Characters that a secret has at least, where it is known to be one and where a variable's name says so: a
shorter one would mask words."""

_known: set[str] = set()


def keep_secret(key: str, url: str = "") -> None:
    """From now on this process masks the key, and what stands in the URL, wherever they come up again."""
    found = {key, *(value for _, value in QUERY.findall(url))}
    for user in USER.findall(url):
        plain = unquote(user)
        found |= {user, plain, plain.partition(":")[2], b64encode(plain.encode()).decode()}
    _known.update(one for one in found if len(one) >= KNOWN)


def mask(text: str) -> str:
    """The text with MASK where a secret stood: of a variable whose name ends like one, of a URL, or kept."""
    text = QUERY.sub(rf"\1{MASK}", USER.sub(MASK, text))
    held = {value for name, value in os.environ.items() if VARIABLE.search(name) and len(value) >= GUESSED}
    for one in sorted(held | _known, key=len, reverse=True):  # one may hold another
        text = text.replace(one, MASK)
    return text


def mask_all(value: Any) -> Any:
    """The same in all texts of a JSON value."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: mask_all(one) for key, one in value.items()}
    return [mask_all(one) for one in value] if isinstance(value, list | tuple) else value
