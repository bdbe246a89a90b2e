"""What an OpenAI-compatible server says, read with distrust: its texts, why they ended, its errors.

No two servers agree on more than the outline, so what is not understood is read by its kind, not by its name.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ttc.models.confidence import confidence
from ttc.types import mask

if TYPE_CHECKING:
    from openai import APIError, APIStatusError

API = Literal["completions", "chat"]

ENDS = {
    "broken": ("error", "abort", "cancel", "fail", "interrupt", "timeout", "insufficient"),
    "filtered": (
        *("filter", "safety", "refus", "recitation", "sensitive", "prohibited", "block", "moderat"),
        *("policy", "guardrail", "invalid_prompt"),
    ),
    "length": ("length", "max", "limit", "window"),
}
"""Why a text ended -> what stands in the words for it, however a server spells them. All others (stop, eos,
end_turn, tool_calls) are an end like any."""

FILTERS = re.compile(
    r"content.?(filter|policy|management)|inspection|moderation|put.{1,9}flagged|invalid_prompt|responsible.?ai"
    "|inappropriate|(?<!case-)(?<!case )sensitive|block.?reason",
    re.IGNORECASE,
)
"""What stands in the body of a refusal that a filter made, of one prompt among others that pass."""

FULL = re.compile(
    r"(context|model|sequence).?(length|size|window)|too (long|large)|too many.{1,9}tokens|longer than",
    re.IGNORECASE,
)
"""What the words of a refusal hold that is for the length of a text."""

TELLING = ("message", "msg", "error_description", "detail", "details", "error", "errors", "reason", "title")
"""Where the body of an error says what is wrong; the best first."""


@dataclass(frozen=True)
class Answer:
    """One text that a server wrote.

    Attributes:
        text: without what it only thought, which no server takes for a part of the text.
        finish: "stop", "length" or "filtered" (the server withholds the text); None where nobody says: we
            hung up, or the server does not tell.
        ids, prompt_ids: its tokens and the prompt's, where the server tells them.
        pieces: its tokens as texts; () unless log-probabilities were asked for.
        logprobs: theirs.
        likeliest: the log-probabilities of the likeliest tokens at the place of each; () unless asked for.
        prompt, completion, cached: tokens as the server counts them; None where it does not.
    """

    text: str
    finish: str | None
    ids: tuple[int, ...] | None = None
    pieces: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None
    prompt_ids: tuple[int, ...] = ()
    likeliest: tuple[tuple[float, ...], ...] = ()

    @property
    def confidences(self) -> tuple[float, ...]:
        """Of the pieces; () where the server does not tell, or not of all."""
        return tuple(map(confidence, self.likeliest)) if all(self.likeliest) else ()

    def end(self, tokens: int | None, limit: int) -> Literal["eos", "length"]:
        """Why it ended, where it came to its end: by what the server says, else by its tokens."""
        spent = self.finish is None and tokens is not None and tokens >= limit
        return "length" if spent or self.finish == "length" else "eos"


FILTERED = Answer("", "filtered", ids=())
"""What the server's filter withholds is a text without an answer: asking again would choose among answers."""


def read(answer: Any, api: API) -> Answer:
    """The first text of an answer, or of a chunk of one.

    Raises:
        ValueError: it is none, or it was broken off; with what it says of that.
    """
    try:
        if not answer["choices"] and FILTERS.search(json.dumps(answer)):
            return FILTERED
        return _read(answer, api)
    except (LookupError, TypeError, AttributeError):
        raise ValueError(f"no text: {told(answer)[:200]}") from None


def _read(answer: Any, api: API) -> Answer:
    choice, usage = answer["choices"][0], _mapping(answer.get("usage"))
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    cached = _count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
    end, fault = end_of(choice.get("finish_reason")), choice.get("error") or answer.get("error")
    if end == "broken" or fault:
        raise ValueError(f"finish_reason={choice.get('finish_reason')!r} {told(fault)}".strip())
    if end == "filtered":
        return replace(FILTERED, prompt=prompt or None, completion=completion, cached=cached)
    content = choice["text"] if api == "completions" else choice["message"].get("content")
    text = words(content).encode(errors="replace").decode()  # half a character is none
    ids = None if choice.get("token_ids") is None else tuple(map(int, choice["token_ids"]))
    pieces, logprobs, likeliest = _pieces(_mapping(choice.get("logprobs")))
    # a prompt of no token, and a text of none, were not counted
    counts = prompt or None, completion if completion or not text else None, cached
    prompt_ids = tuple(choice.get("prompt_token_ids") or ())
    return Answer(text, end, ids, pieces, logprobs, *counts, prompt_ids, likeliest)


def end_of(said: Any) -> str | None:
    """A `finish_reason` as "stop", "length" or a name of ENDS; None where it says nothing."""
    said = str(said or "").lower()
    if said in ("", "null", "none"):
        return None
    return next((end for end, parts in ENDS.items() if any(part in said for part in parts)), "stop")


def words(content: Any) -> str:
    """The text of a content: null where the model only thought or refused, and maybe in parts, of which some
    are thoughts."""
    if isinstance(content, list):
        return "".join(map(words, content))
    if isinstance(content, dict):
        if content.get("type") not in (None, "text", "output_text") or content.get("thought"):
            return ""
        for name in ("text", "value", "content", "parts"):
            if name in content:
                return words(content[name])
    if content is None or isinstance(content, str):
        return content or ""
    raise ValueError(f"a text of type {type(content).__name__}")


def parse(text: str) -> Any:
    """What a body holds: of JSON its value, else the text itself."""
    try:
        return json.loads(text.lstrip("\ufeff"))
    except ValueError:
        return text


def told(body: Any) -> str:
    """What the body of an error says, whatever its shape; all of it, where it has none that we know."""
    if isinstance(body, list):
        return "; ".join(filter(None, map(told, body)))
    if isinstance(body, dict):
        named = {str(key).lower(): value for key, value in body.items()}
        said = next(filter(None, (told(named.get(key)) for key in TELLING)), "") or json.dumps(body)
        return f"{'.'.join(map(str, named['loc']))}: {said}" if isinstance(named.get("loc"), list) else said
    text = "" if body is None or isinstance(body, bool) else str(body)
    if text.lstrip().startswith("<"):  # a page
        text = re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", text)
    return mask(" ".join(text.split()))


def filtered(error: APIStatusError) -> bool:
    """Did a filter refuse this prompt?"""
    return FILTERS.search(error.response.text) is not None


def reason(error: APIError) -> str:
    """Why a call failed, in one line."""
    response = getattr(error, "response", None)
    said = told(error.body) if response is None else told(parse(response.text))
    # the client says "Connection error."; what was wrong with it stands in the cause
    text = said or mask(str(error.__cause__ or "") or error.message)
    status = getattr(error, "status_code", None)
    return " ".join(f"{status}: {text}".split() if status else text.split())[:300]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    """A count of tokens; None where it is no count."""
    return value if type(value) is int and 0 <= value < 2**31 else None


def _pieces(
    logprobs: dict[str, Any],
) -> tuple[tuple[str, ...], tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """The sampled tokens as texts, their log-probabilities, and those of the likeliest tokens at the place of
    each: the two APIs lay them out differently."""
    tokens, values = logprobs.get("tokens") or (), logprobs.get("token_logprobs") or ()
    tops = [(top or {}).values() for top in logprobs.get("top_logprobs") or ()]
    if entries := logprobs.get("content"):
        tokens, values = ([entry[key] for entry in entries] for key in ("token", "logprob"))
        tops = [[one["logprob"] for one in entry.get("top_logprobs") or ()] for entry in entries]
    known = tuple(float("nan" if value is None else value) for value in values)
    return tuple(map(str, tokens)), known, tuple(tuple(map(float, top)) for top in tops)
