"""Whoever runs the gateway: when it cannot start, it says why in words and ends with 1."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.processes import Home, Logins, Nursery, free_port, gateway_of, settled

TARGETS = {"jobs": Logins("/nowhere/jobs.db", dialect="sqlite")}


@pytest.fixture(scope="module")
def births() -> Iterator[Nursery]:
    """Where gateways come from."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which nothing has run yet."""
    return settled(tmp_path / "home", TARGETS)


def refused(home: Home, births: Nursery) -> str:
    """Return what a gateway says that does not start."""
    log = home.folder / "refusal.log"
    assert births.wait(births.run(["--config", str(home.config)], log, home.env)) == 1
    said = log.read_text()
    assert said.startswith("The gateway cannot start.\n")
    assert "Traceback" not in said
    return said


def test_another_gateway_has_the_store(home: Home, births: Nursery) -> None:
    with gateway_of(home, births):
        said = refused(home.beside(), births)
    assert "Another gateway owns" in said
    assert "use PostgreSQL for several gateways" in said


def test_the_port_is_taken(home: Home, births: Nursery) -> None:
    with socket.create_server(("127.0.0.1", home.port)):
        said = refused(home, births)
    assert f"Port {home.port} of 127.0.0.1 cannot be used: Address already in use" in said
    assert "listen.port" in said


def test_the_store_is_no_database(home: Home, births: Nursery) -> None:
    home.store.parent.mkdir()
    home.store.write_text("somebody's notes, long enough to look at" * 100)
    assert "file is not a database" in refused(home, births)


def test_a_newer_interlock_made_the_store(home: Home, births: Nursery) -> None:
    with gateway_of(home, births) as gateway:
        assert gateway.stop() == 0
    with closing(sqlite3.connect(home.store)) as store, store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "a newer Interlock made it (revision 9999)" in refused(home, births)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody@127.0.0.1:{port}/store", "Connection refused"),
        ("mysql://nobody@127.0.0.1/store", "cannot be a store"),
    ],
)
def test_the_store_is_elsewhere_and_not_there(
    tmp_path: Path, births: Nursery, url: str, words: str
) -> None:
    home = settled(tmp_path / "home", TARGETS, store_url=url.format(port=free_port()))
    assert words in refused(home, births)


def test_the_policy_is_broken(home: Home, births: Nursery) -> None:
    lines = home.folder / "policies" / "permissions.csv"
    lines.write_text(lines.read_text() + "p, everybody, *, *, *, read, *, allow, freely, -\n")
    assert "permissions.csv" in refused(home, births)
