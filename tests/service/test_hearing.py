"""A cell waits at one gateway, its approver votes at another: it is woken, and need not look."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from interlock_gateway.adapters.store import PostgresEchoes
from interlock_gateway.service import approvals
from support.house import House, house

pytestmark = pytest.mark.postgres


@pytest.fixture
def store_url(postgres_store: str) -> str:
    """Only a store with a server has several gateways."""
    return postgres_store


@pytest.fixture
async def other(
    home: House, tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """A second gateway; whoever waits at the first looks once an hour, so he has to be woken."""
    monkeypatch.setattr(approvals, "_LOOKS_EVERY_S", 3600.0)
    listening = asyncio.create_task(PostgresEchoes(store_url).run(home.gateway.bell.ring))
    async with house(tmp_path, store_url) as opened:
        yield opened
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


async def test_a_vote_at_another_gateway_wakes_who_waits(
    home: House, other: House, asked: str
) -> None:
    waiting = asyncio.create_task(home.gateway.approvals.wait(asked, 1, 60))
    approver = await other.login("approver")
    async with asyncio.timeout(20):
        await approver.vote(asked)
        row = await waiting
    assert (row.state, row.version) == ("approved", 2)


async def test_a_withdrawal_at_another_gateway_does_too(
    home: House, other: House, asked: str
) -> None:
    waiting = asyncio.create_task(home.gateway.approvals.wait(asked, 1, 60))
    responder = await other.login("responder")
    async with asyncio.timeout(20):
        await responder.post(f"/v1/approvals/{asked}/withdraw", {"reason": "it healed"})
        row = await waiting
    assert row.state == "withdrawn"
