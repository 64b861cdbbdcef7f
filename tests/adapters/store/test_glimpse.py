"""A look into a store that a gateway owns meanwhile: nothing is locked, migrated or made."""

from pathlib import Path

import pytest
from interlock_gateway.adapters.store import glimpse
from interlock_gateway.service.chat.records import LinkRow
from interlock_gateway.service.ports import Reading, StoreUnwritableError
from support.house import House, house


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store is: a file, or a fresh PostgreSQL database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return str(request.getfixturevalue("postgres_dsn"))


def people(tx: Reading) -> list[str]:
    """Ask whose accounts are linked."""
    return [row.person for row in tx.rows(LinkRow, team="T0", ended_at=None)]


async def _link(home: House) -> None:
    row = LinkRow("T0", "U0ANNA", "approver", "code", home.clock.now())
    await home.store.commit(lambda tx: tx.add(row))


async def test_it_reads_beside_the_gateway_that_owns_the_store_and_after_it(
    url: str, tmp_path: Path
) -> None:
    async with house(tmp_path, url) as home:
        await _link(home)
        assert glimpse(url, people) == ["approver"]
        await home.login("you")  # the gateway still writes
    assert glimpse(url, people) == ["approver"]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritableError, match="cannot be read"):
        glimpse(f"sqlite:///{tmp_path}/none.db", people)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
def test_a_database_without_our_tables_is_not_migrated(postgres_dsn: str) -> None:
    with pytest.raises(StoreUnwritableError):
        glimpse(postgres_dsn, people)
    with pytest.raises(StoreUnwritableError):
        glimpse(postgres_dsn, people)
