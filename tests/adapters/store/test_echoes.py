"""What one gateway changes wakes who waits at another, with the commit or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.store import PostgresEchoes, SqlStore, echoes
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import ApprovalRow

pytestmark = pytest.mark.postgres

_NOW = datetime(2026, 1, 2, tzinfo=UTC)
_ROW = ApprovalRow(
    *("A-1", "INC-1", "R-1", "terminate", 1, 0, "you", "orders", "pg.terminate_backend"),
    *("admin", "one-approver", "permissions.csv:1", "pending", 1, "sha256:0", b"", "key"),
    *(_NOW, _NOW + timedelta(minutes=15), "evt_1"),
)


@pytest.fixture
def store_url(postgres_store: str) -> str:
    """Only a store with a server has several gateways."""
    return postgres_store


@asynccontextmanager
async def _listening(url: str) -> AsyncIterator["asyncio.Queue[str]"]:
    heard: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(PostgresEchoes(url).run(heard.put_nowait))
    try:
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until_heard(store: SqlStore, heard: "asyncio.Queue[str]", approval: str) -> None:
    """Change the approval until it is heard of: listening begins, or begins again, by then."""
    async with asyncio.timeout(20):
        while True:
            await store.commit(lambda tx: _change(tx, approval))
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    assert await heard.get() == approval
                return


def _change(tx: Transaction, approval: str) -> None:
    row = tx.get(ApprovalRow, approval)
    if row is None:
        tx.add(replace(_ROW, id=approval, idempotency_key=approval))
    else:
        tx.change(row, version=row.version + 1)


async def test_a_change_is_heard_at_another_gateway(
    opener: Callable[[], SqlStore], store: SqlStore, store_url: str
) -> None:
    other = opener()
    async with _listening(store_url) as heard:
        await _until_heard(store, heard, "A-1")
        await other.commit(lambda tx: _change(tx, "A-1"))
        async with asyncio.timeout(5):
            assert await heard.get() == "A-1"
    await other.aclose()


async def test_what_was_rolled_back_is_heard_by_nobody(store: SqlStore, store_url: str) -> None:
    def breaks(tx: Transaction) -> None:
        _change(tx, "A-1")
        raise ValueError("rolled back")

    async with _listening(store_url) as heard:
        await _until_heard(store, heard, "A-1")
        with pytest.raises(ValueError, match="rolled back"):
            await store.commit(breaks)
        await store.commit(lambda tx: _change(tx, "A-2"))
        await store.commit(lambda tx: _change(tx, "A-2"))
        async with asyncio.timeout(5):
            assert await heard.get() == "A-2"


async def test_a_listener_that_was_cut_off_listens_again(
    store: SqlStore,
    store_url: str,
    postgres_copy: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(echoes, "_AGAIN_S", 0.05)
    async with _listening(store_url) as heard:
        await _until_heard(store, heard, "A-1")
        with psycopg.connect(postgres_copy.superuser, autocommit=True) as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        await _until_heard(store, heard, "A-1")


async def test_a_store_that_is_not_there_is_asked_for_again_and_nothing_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(echoes, "_AGAIN_S", 0.01)
    async with _listening("postgresql://nobody@127.0.0.1:1/none") as heard:
        await asyncio.sleep(0.1)
        assert heard.empty()
