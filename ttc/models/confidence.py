"""How sure a policy was of a token: minus the mean log-probability of the 20 likeliest tokens at its place
(DeepConf, Fu et al. 2508.15260, section 3.1).

Of the model's own distribution, at temperature 1 and before top_p. A flat distribution over V tokens gives
log V; the surer the model is, the larger the number: the other 19 become unlikely.
"""

from __future__ import annotations

from collections.abc import Iterable

LIKELIEST = 20
"""Tokens whose log-probabilities count: as many as vLLM and OpenAI's servers tell."""


def confidence(logprobs: Iterable[float]) -> float:
    """Of the likeliest tokens at one place, in any order. More than 20 (engines add the one that was sampled)
    or fewer (a small vocabulary) may come; the 20 largest count.

    Raises:
        ValueError: there is none.
    """
    largest = sorted(logprobs, reverse=True)[:LIKELIEST]
    if not largest:
        raise ValueError("no log-probabilities")
    return -sum(largest) / len(largest)
