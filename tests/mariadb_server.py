"""A real MariaDB for tests, and databases on it to throw away.

`INTERLOCK_TEST_MARIADB` names a server as `mysql://USER:PASSWORD@HOST:PORT` whose user may create
users and databases; without it root on 127.0.0.1:3306 is tried with an empty password.
"""

import asyncio
import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import asyncmy
import pytest
from asyncmy.errors import MySQLError

_LOCAL = "mysql://127.0.0.1:3306"  # as root, without a password
_NO_MARIADB = (
    "No MariaDB: set INTERLOCK_TEST_MARIADB=mysql://USER:PASSWORD@HOST:PORT,"
    " or let root without a password in on 127.0.0.1:3306."
)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a MariaDB listens, and an administrator who may create users and databases."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Login:
    """A user and its password."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class MariaDatabase:
    """One database and who may enter it; all of it goes away in the end.

    Attributes:
        server: where it is.
        name: the database.
        owner: may do anything inside it, and nothing outside.
        read: may only SELECT from it.
        act: may SELECT, INSERT, UPDATE and DELETE in it.
    """

    server: Server
    name: str
    owner: Login
    read: Login
    act: Login


@lru_cache(maxsize=1)
def server() -> Server:
    """Return the server to test with; skip where there is none, and fail instead in CI."""
    named = os.environ.get("INTERLOCK_TEST_MARIADB")
    found = _from_url(named or _LOCAL)
    if named or _answers(found):
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(_NO_MARIADB, pytrace=False)
    pytest.skip(_NO_MARIADB)


@contextmanager
def throw_away_database(on: Server) -> Iterator[MariaDatabase]:
    """Create a database with an owner, a read and an action login; drop all of it at the end."""
    made = _plan(on)
    run(on, _created(made))
    try:
        yield made
    finally:
        run(on, _dropped(made))


def run(on: Server, statements: Sequence[str]) -> None:
    """Run `statements` as the administrator, also from inside a running event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _run(on, statements)).result()


async def _run(on: Server, statements: Sequence[str]) -> None:
    connection = await asyncmy.connect(
        host=on.host, port=on.port, user=on.user, password=on.password, autocommit=True
    )
    try:
        async with connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)
    finally:
        connection.close()


def _from_url(url: str) -> Server:
    parts = urlsplit(url)
    user, password = unquote(parts.username or "root"), unquote(parts.password or "")
    return Server(parts.hostname or "127.0.0.1", parts.port or 3306, user, password)


def _answers(candidate: Server) -> bool:
    try:
        run(candidate, ["DO 1"])
    except (MySQLError, OSError):
        return False
    return True


def _plan(on: Server) -> MariaDatabase:
    name = f"il_{secrets.token_hex(5)}"  # unique over every xdist worker and every checkout

    def login(kind: str) -> Login:
        return Login(f"{name}_{kind}", secrets.token_hex(12))

    return MariaDatabase(on, name, login("own"), login("read"), login("act"))


def _created(made: MariaDatabase) -> list[str]:
    rights = {
        made.owner: "ALL PRIVILEGES",
        made.read: "SELECT",
        made.act: "SELECT, INSERT, UPDATE, DELETE",
    }
    return [
        f"CREATE DATABASE `{made.name}` CHARACTER SET utf8mb4",
        *(f"CREATE USER '{who.user}'@'%' IDENTIFIED BY '{who.password}'" for who in rights),
        *(f"GRANT {what} ON `{made.name}`.* TO '{who.user}'@'%'" for who, what in rights.items()),
    ]


def _dropped(made: MariaDatabase) -> list[str]:
    logins = (made.owner, made.read, made.act)
    return [
        *(f"KILL USER '{who.user}'@'%'" for who in logins),  # else an open one keeps its tables
        f"DROP DATABASE IF EXISTS `{made.name}`",
        *(f"DROP USER IF EXISTS '{who.user}'@'%'" for who in logins),
    ]
