"""A replica's host, without Ray around it."""

from __future__ import annotations

import asyncio

import pytest

from ttc.cluster import hosts
from ttc.types import EngineDied


def test_a_call_to_an_engine_that_is_not_up_yet_goes_elsewhere_and_kills_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A shard without an open call does not see a process die, and calls the next one while that loads."""
    monkeypatch.setattr(hosts, "Log", lambda *_: None)

    async def call() -> None:
        host = hosts.Host("log", "home")
        await host.ask("shard", [(7, "generate", ())])
        [(number, _, error)] = await host.answers("shard")
        assert number == 7
        assert isinstance(error, EngineDied)
        assert not host._dead.is_set(), "the engine that loads is left in peace"

    asyncio.run(call())
