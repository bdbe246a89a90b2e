"""Keys and tokens, planted wherever ttc meets them: no file of a results folder and no line holds one."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pyarrow.parquet as pq
import pytest

from tests.faults.harness import Launch
from tests.models.scripted import CHAT, Reply, Scripted, message, models, scripted
from tests.pages import blocks_of
from ttc.commands.cli import main
from ttc.models.endpoint import PROBE
from ttc.store import Folder
from ttc.types import MASK, UserError, mask

GRID = ("strategy=best_of_n", "n=2", "dataset.limit=12", "policy=openai", "prm=fake", "policy.retries=0")
VARIABLES = ("HF_TOKEN", "OPENAI_API_KEY", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "RAY_AUTH_TOKEN")


@pytest.fixture
def server() -> Iterator[Scripted]:
    """Chats; to two problems of three it only says, in one way or another, how it was asked."""
    with scripted() as made:

        def chat(body: dict) -> Reply:
            said = json.dumps(body["messages"])
            headers = f"you sent {made.asked[-1][2]['Authorization']}, and that is no good"
            way = 0 if json.dumps(PROBE)[1:-1] in said else crc32(said.encode()) % 6
            if way in (1, 2):
                return (400, {"error": {"message": headers}}) if way == 1 else (500, headers)
            return (200, f"{'x' * 70} {headers}") if way == 3 else message("It is \\boxed{4}.", 10)

        made.replies |= {"models": models({"id": "m", "max_model_len": 256}), CHAT: chat}
        yield made


def everything(folder: Path) -> str:
    """All that stands in a folder, compressed or not."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    tables = [str(pq.read_table(file).to_pylist()) for file in files if file.suffix == ".parquet"]
    packed = [str(blocks_of(file.read_bytes())) for file in files if file.suffix == ".html"]
    return "\n".join([*tables, *packed, *(file.read_bytes().decode(errors="replace") for file in files)])


def assert_failed(folder: Path, said: str) -> None:
    """The failures are there to be read, without what let us in."""
    rows = Folder(folder).read("searches", ["status", "reason"]).to_pylist()
    reasons = {row["reason"] for row in rows if row["status"] == "failed"}
    assert {"done", "failed"} == {row["status"] for row in rows}
    assert len([one for one in reasons if f"you sent {said} {MASK}" in one]) >= 2, reasons


@pytest.mark.engines
def test_no_key_reaches_a_file_or_a_line_of_a_sweep_on_ray(server: Scripted, tmp_path: Path) -> None:
    planted = {name: secrets.token_hex(20) for name in (*VARIABLES, "A_DOOR")}
    words = (f"policy.base_url={server.url}", "policy.api_key=A_DOOR")
    launch = Launch(tmp_path / "x", *words, line=GRID, **planted)
    try:
        assert launch.end() == 1, launch.log.read_text()
    finally:
        launch.kill_all()
    found = everything(launch.folder) + launch.log.read_text()
    assert [name for name, secret in planted.items() if secret[:12] in found] == []
    assert server.asked[-1][2]["Authorization"] == f"Bearer {planted['A_DOOR']}"
    assert_failed(launch.folder, "Bearer")
    assert (launch.folder / "logs" / "policy-0.log").exists()


def test_what_a_url_holds_is_masked_and_the_reader_told(
    server: Scripted, launch: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    user, password = secrets.token_hex(8), secrets.token_hex(12)
    url = server.url.replace("//", f"//{user}:{password}@")
    assert launch(*GRID, f"policy.base_url={url}") == 1
    assert main(["status", str(tmp_path / "default")]) == 0
    assert main(["rescore", str(tmp_path / "default"), "prm=length"]) == 2
    said = capfd.readouterr()
    found = everything(tmp_path) + said.out + said.err
    sent = b64encode(f"{user}:{password}".encode()).decode()
    assert server.asked[-1][2]["Authorization"] == f"Basic {sent}"
    assert [one for one in (user, password, sent[:20]) if one in found] == []
    assert_failed(tmp_path / "default", "Basic")
    assert f"policy.base_url={server.url.replace('//', f'//{MASK}@')}" in said.out
    assert "stands for a secret" in said.out
    assert said.err.count("stands for a secret") == 1
    [run] = Folder(tmp_path / "default").runs()
    assert any("stands for a secret" in note for note in run["notes"])


def test_a_url_in_the_environment_is_masked_and_its_line_stays_whole(
    server: Scripted, launch: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = secrets.token_hex(12)
    monkeypatch.setenv("LLM", server.url.replace("//", f"//me:{password}@"))
    assert launch(*GRID, "policy.base_url=${oc.env:LLM}") == 1
    assert main(["rescore", str(tmp_path / "default"), "prm=length"]) == 0
    assert password not in everything(tmp_path)
    assert "policy.base_url=${oc.env:LLM}" in Folder(tmp_path / "default").runs()[0]["overrides"]


@pytest.mark.parametrize("name", ["api_key", "key", "access_token", "sig"])
def test_a_refusal_shows_no_parameter_of_a_url_that_lets_in(
    name: str, launch: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    secret = secrets.token_hex(8)
    url = f"http://127.0.0.1:9/v1?version=2&{name}={secret}"
    assert launch(*GRID, f'policy.base_url="{url}"') == 2
    said = capfd.readouterr()
    assert secret not in said.out + said.err
    assert f"version=2&{name}={MASK}" in said.err


def test_what_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANY_TOKEN", "hf_0123456789abcdef")
    monkeypatch.setenv("SORT_KEY", "weighted")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "a-long-word-that-is-no-secret")
    for text in ("weighted", "a-long-word-that-is-no-secret", "http://host:8000/v1?version=2", "a@b.c: no"):
        assert mask(text) == text
    assert str(UserError("with hf_0123456789abcdef.")) == f"with {MASK}."
    assert mask("git+https://t0ken@host/x and http://h?a=1&sig=ab#x") == (
        f"git+https://{MASK}@host/x and http://h?a=1&sig={MASK}#x"
    )
