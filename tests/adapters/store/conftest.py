"""One store per test, on both engines: the same specification holds for each."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.log_keys import LogKeys
from interlock_gateway.adapters.randomness import SystemRandomness, random_bytes
from interlock_gateway.adapters.store import SqlStore, open_store
from sqlalchemy import make_url
from support.stores import embedded


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store is: a file or a database with an empty store in it."""
    if request.param == "sqlite":
        return f"sqlite:///{embedded(tmp_path / 'store.db')}"
    return str(request.getfixturevalue("postgres_store"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be made: a file that is not there, or a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bare.db"
    return str(request.getfixturevalue("postgres_dsn"))


@pytest.fixture
def opener(store_url: str, tmp_path: Path) -> Callable[[], SqlStore]:
    """Open the store, as often as a test restarts it."""
    random = SystemRandomness()
    return lambda: open_store(
        store_url, SystemClock(), random.identifier, random_bytes, LogKeys(tmp_path / "log-keys")
    )


@pytest.fixture
async def store(opener: Callable[[], SqlStore]) -> AsyncIterator[SqlStore]:
    """An open store."""
    opened = opener()
    yield opened
    await opened.aclose()


@pytest.fixture
def engine_name(store_url: str) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(store_url).get_backend_name()
