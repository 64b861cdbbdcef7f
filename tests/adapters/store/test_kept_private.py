"""What the store keeps is for its owner: not for other accounts, and not in its own complaints."""

import stat
from pathlib import Path

import pytest
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import SqlStore, open_store
from interlock_gateway.service.ports import StoreUnwritableError
from interlock_gateway.service.records import PersonRow
from sqlalchemy import create_engine, make_url, text


async def test_other_accounts_cannot_read_the_file(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path / "store.db"
    random = SystemRandomness()
    store = open_store(
        f"sqlite:///{file}",
        SystemClock(),
        random.identifier,
        random_bytes,
        LogKeys(tmp_path_factory.mktemp("keys")),
    )
    await store.commit(lambda tx: tx.number("anything"))
    modes = _modes(tmp_path)
    await store.aclose()
    del modes["store.db.lock"]  # it is empty
    assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_a_complaint_quotes_neither_statement_nor_value(
    store: SqlStore, store_url: str
) -> None:
    _drop_people(store_url)
    with pytest.raises(StoreUnwritableError) as caught:
        await store.read(lambda tx: tx.get(PersonRow, "canary"))
    for secret in ("canary", "SELECT", "parameters"):
        assert secret not in str(caught.value)
    assert "canary" not in str(caught.value.__cause__)


def _drop_people(store_url: str) -> None:
    url = make_url(store_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE people"))
    engine.dispose()
