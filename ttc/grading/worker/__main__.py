"""The killable process, `python -m ttc.grading.worker`.

JSON lines over pipes: {"gold", "answer", "limit"} in, {"correct", "status"} out; {"text", "limit"} in,
{"form"} out; one {"ready"} line after the import. Left out on purpose: math-verify's own timeouts, which need
Python to come back from sympy; the kernel's alarm does not.
"""

from __future__ import annotations

import json
import logging
import resource
import signal
import sys

from ttc.grading.worker.judge import judge

MEMORY = 4 << 30
"""Bytes of address space: `9^{9^9}` asks for all there is before it asks for time."""


def main() -> None:
    logging.disable(logging.CRITICAL)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    replies = sys.stdout
    sys.stdout = sys.stderr  # what a library prints must not look like a reply
    judge("\\frac{1}{2}+x", "x")  # imports and warms the parser, outside anybody's limit
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        # The parent kills at the limit. The alarm is for an orphan: its default action ends even C code.
        signal.setitimer(signal.ITIMER_REAL, 2 * request["limit"] + 1)
        reply = answer_to(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(reply), file=replies, flush=True)


def answer_to(request: dict) -> dict[str, object]:
    if "text" in request:
        return {"form": canonical(request["text"])}
    try:
        correct, status = judge(request["gold"], request["answer"])
    except Exception:  # sympy and the LaTeX grammar raise anything on hostile text
        correct, status = False, "parse_error"
    return {"correct": correct, "status": status}


def canonical(text: str) -> str | None:
    """The LaTeX of the simplified text; None where sympy reads no expression in it.

    Lists and intervals are no expressions: search-and-learn's parser keeps their order and their brackets.
    """
    from latex2sympy2_extended import latex2sympy
    from sympy import Expr, latex, simplify

    try:
        read = latex2sympy(text)
        return str(latex(simplify(read))) if isinstance(read, Expr) else None
    except Exception:  # sympy and the LaTeX grammar raise anything on hostile text
        return None


if __name__ == "__main__":
    main()
