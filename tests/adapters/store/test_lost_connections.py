"""A store whose connections are cut off refuses what it did not take, and is found again."""

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.store import SqlStore
from interlock_gateway.service.ports import Reading, StoreUnwritableError, Transaction
from interlock_gateway.service.records import IncidentRow

pytestmark = pytest.mark.postgres


def cut_off(database: Database) -> None:
    """End every session of the database but the one that does it."""
    with psycopg.connect(database.superuser, autocommit=True) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def store_url(postgres_dsn: str) -> str:
    """Only a store with a server can lose its connections."""
    return postgres_dsn


async def test_a_unit_whose_connection_is_cut_off_is_refused_and_the_next_one_is_not(
    store: SqlStore, postgres_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def unit(tx: Transaction) -> int:
        cut_off(postgres_database)
        return tx.number("series")

    with pytest.raises(StoreUnwritableError):
        await store.commit(unit)
    assert await store.commit(lambda tx: tx.number("series")) == 1
    assert "Traceback" not in caplog.text


async def test_a_question_whose_connection_is_cut_off_is_refused_and_the_next_one_is_not(
    store: SqlStore, postgres_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def question(tx: Reading) -> int:
        cut_off(postgres_database)
        return tx.count(IncidentRow)

    with pytest.raises(StoreUnwritableError):
        await store.read(question)
    assert await store.read(lambda tx: tx.count(IncidentRow)) == 0
    assert "Traceback" not in caplog.text
