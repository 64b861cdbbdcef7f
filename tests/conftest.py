"""Real parts that tests in every folder share: a PostgreSQL, and databases to throw away."""

import gc
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import settings
from interlock.testing.postgres import Cluster, Database, NoPostgres
from interlock_gateway.adapters.store.migrate import migrate
from interlock_gateway.adapters.targets.logins import action_login_sql, read_login_sql
from psycopg import sql
from sqlalchemy import create_engine

settings.register_profile("interlock", settings(), deadline=None)  # time is no verdict
settings.load_profile("interlock")


def pytest_collection_finish() -> None:
    """Leave what was collected alone: to look for cycles in it again and again takes a while."""
    gc.collect()
    gc.freeze()


_LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The connection string of a superuser on a real server.

    `INTERLOCK_TEST_POSTGRES` if it is set, else a server on this machine that trusts loopback,
    else one started for this session.
    """
    named = os.environ.get("INTERLOCK_TEST_POSTGRES")
    if named:
        yield named
    elif _is_superuser(_LOCAL):
        yield _LOCAL
    else:
        yield from _own_cluster()


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[Database]:
    """A fresh database with an owner, a read login and an action login; dropped afterwards."""
    with throw_away_database(postgres_server) as made:
        yield made


@pytest.fixture
def postgres_dsn(postgres_database: Database) -> str:
    """The owner's connection string of a fresh database; the owner is no superuser."""
    return postgres_database.app


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a database whose schema is this version's store, empty; nothing connects to it.

    To copy it takes a tenth of the time that the migrations take.
    """
    with throw_away_database(postgres_server) as made:
        engine = create_engine(made.app.replace("postgresql://", "postgresql+psycopg://", 1))
        migrate(engine)
        engine.dispose()
        with psycopg.connect(made.superuser) as inside:  # its owner owns what is copied, not it
            inside.execute(f"ALTER DATABASE {made.name} OWNER TO CURRENT_USER")
        yield made.name


class Copies:
    """Copies of the template, made and dropped beside the tests, each ahead of its test."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._thread = ThreadPoolExecutor(1)
        self._next = self._thread.submit(self._make)

    def give(self) -> Database:
        """Return one, with the store's schema in it, which nobody has founded yet."""
        made, self._next = self._next.result(), self._thread.submit(self._make)
        return made

    def take_back(self, made: Database) -> Future[None]:
        """Drop one, soon."""
        return self._thread.submit(self._drop, made)

    def close(self) -> None:
        """Drop what nobody took."""
        self.take_back(self._next.result()).result()
        self._thread.shutdown()

    def _make(self) -> Database:
        made = _plan(self._server)
        owners = map(sql.Identifier, (f"{self._template}_app", f"{made.name}_app"))
        with psycopg.connect(self._server, autocommit=True) as connection:
            _create(connection, made, like=self._template)
        with psycopg.connect(made.superuser, autocommit=True) as inside:
            inside.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(*owners))
        return made

    def _drop(self, made: Database) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            _drop(connection, made)


@pytest.fixture(scope="session")
def postgres_copies(postgres_server: str, postgres_template: str) -> Iterator[Copies]:
    """What gives a copy of the template to each test that wants one."""
    copies = Copies(postgres_server, postgres_template)
    yield copies
    copies.close()


@pytest.fixture
def postgres_copy(postgres_copies: Copies) -> Iterator[Database]:
    """A database with an empty store in it; it has an owner and no other login."""
    made = postgres_copies.give()
    yield made
    postgres_copies.take_back(made)


@pytest.fixture
def postgres_store(postgres_copy: Database) -> str:
    """The connection string of the owner of an empty store's database."""
    return postgres_copy.app


@pytest.fixture(scope="module")
def module_database(postgres_server: str) -> Iterator[Database]:
    """Like `postgres_database`, once for a module whose tests leave it as they found it."""
    with throw_away_database(postgres_server) as made:
        yield made


@contextmanager
def throw_away_database(server: str) -> Iterator[Database]:
    """Create a database with right-sized logins; drop all of it at the end."""
    made = _plan(server)
    with psycopg.connect(server, autocommit=True) as connection:
        _create(connection, made)
        try:
            with psycopg.connect(made.superuser, autocommit=True) as inside:
                for statement in _logins(made):
                    inside.execute(statement.encode())
            yield made
        finally:
            _drop(connection, made)


def _plan(server: str) -> Database:
    name = f"il_{secrets.token_hex(5)}"  # unique over every xdist worker and every checkout

    def login(kind: str) -> str:
        return _with(server, name, user=f"{name}_{kind}", password=secrets.token_hex(12))

    return Database(name, _with(server, name), login("app"), login("read"), login("act"))


def _create(connection: psycopg.Connection, made: Database, like: str = "template1") -> None:
    app = urlsplit(made.app)
    owner = sql.Identifier(app.username or "")
    word = sql.Literal(app.password)
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(owner, word))
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(made.name), owner, sql.Identifier(like)
        )
    )


def _logins(made: Database) -> list[str]:
    owner = urlsplit(made.app).username or ""
    read, act = urlsplit(made.read), urlsplit(made.act)
    name, words = made.name, (read.password or "", act.password or "")
    return [
        *read_login_sql(read.username or "", database=name, owner=owner, password=words[0]),
        *action_login_sql(act.username or "", database=name, password=words[1]),
    ]


def _drop(connection: psycopg.Connection, made: Database) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(made.name))
    )
    for dsn in (made.app, made.read, made.act):
        role = sql.Identifier(urlsplit(dsn).username or "")
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))


def _with(server: str, database: str, *, user: str = "", password: str = "") -> str:
    """Return `server` with another database and, if `user` is given, another login."""
    parts = urlsplit(server)
    host = parts.netloc.rpartition("@")[2]
    place = f"{quote(user)}:{quote(password)}@{host}" if user else parts.netloc
    return urlunsplit(parts._replace(netloc=place, path=f"/{database}"))


def _is_superuser(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=2) as connection:
            row = connection.execute("SHOW is_superuser").fetchone()
    except psycopg.Error:
        return False
    return row == ("on",)


def _own_cluster() -> Iterator[str]:
    try:
        cluster = Cluster().start()
    except NoPostgres as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
    try:
        yield cluster.dsn()
    finally:
        cluster.stop()
