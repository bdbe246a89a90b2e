"""How a question and its steps are put to a verifier, and how its scores are read (semantics, "Verifiers").

A family is one small class in a file here and one line of FORMATS. All are append-only on token ids: the
input of step k + 1 begins with what step k keeps, so that the prefix cache holds it and only new tokens are
computed.
"""

from __future__ import annotations

from ttc.models.formats.common import Format, Layout, Reads
from ttc.models.formats.judge import Judge
from ttc.models.formats.math_shepherd import MathShepherd
from ttc.models.formats.orm import Orm
from ttc.models.formats.qwen_prm import QwenPrm
from ttc.models.formats.rlhflow import RLHFlow
from ttc.models.formats.skywork import Skywork

FORMATS: dict[str, type[Format]] = {
    "rlhflow": RLHFlow,
    "math_shepherd": MathShepherd,
    "skywork": Skywork,
    "qwen_prm": QwenPrm,
    "orm": Orm,
    "judge": Judge,
}
"""The families, by the name that conf/prm/ gives as `format`. Made from a transformers tokenizer."""
