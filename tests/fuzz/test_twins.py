"""No query that the guard lets run tells anything of masked values: asked of real engines."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import psycopg
import pytest
from conftest import throw_away_database
from fuzz.twins import SKIPPED, Answer, Told, Twins, hunt, world
from interlock_gateway.core.model import Column, Dialect


class SqliteTwins:
    """SQLite, in memory."""

    dialect, schema = Dialect.SQLITE, "main"

    def __init__(self) -> None:
        self._both = (sqlite3.connect(":memory:"), sqlite3.connect(":memory:"))
        for twin, connection in enumerate(self._both):
            for statement in world(twin):
                connection.execute(statement)

    def ask(self, sql: str) -> tuple[Answer, Answer]:
        one, other = (self._answer(connection, sql) for connection in self._both)
        return one, other

    def _answer(self, connection: sqlite3.Connection, sql: str) -> Answer:
        try:
            cursor = connection.execute(sql)
            rows = cursor.fetchmany(20_000)
        except sqlite3.Error:
            return "error"
        return [Column(name, "text") for name, *_ in cursor.description], rows

    def close(self) -> None:
        for connection in self._both:
            connection.close()


class DuckdbTwins:
    """DuckDB, in memory."""

    dialect, schema = Dialect.DUCKDB, "main"

    def __init__(self) -> None:
        self._both = (duckdb.connect(":memory:"), duckdb.connect(":memory:"))
        for twin, connection in enumerate(self._both):
            connection.execute("SET enable_external_access = false; SET threads = 1")
            for statement in world(twin):
                connection.execute(statement)

    def ask(self, sql: str) -> tuple[Answer, Answer]:
        one, other = (self._answer(connection, sql) for connection in self._both)
        return one, other

    def _answer(self, connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
        try:
            rows = connection.execute(sql).fetchmany(20_000)
        except duckdb.Error:
            return "error"
        return [Column(name, "text") for name, *_ in connection.description or ()], rows

    def close(self) -> None:
        for connection in self._both:
            connection.close()


class PostgresTwins:
    """PostgreSQL, which also tells which column a result's column comes from."""

    dialect, schema = Dialect.POSTGRES, "public"

    def __init__(self, *dsns: str) -> None:
        self._both = [psycopg.connect(dsn, autocommit=True) for dsn in dsns]
        self._names: list[dict[tuple[int, int], str]] = []
        for twin, connection in enumerate(self._both):
            for statement in world(twin):
                connection.execute(statement.encode())
            connection.execute("SET statement_timeout = '2s'")
            self._names.append(_columns(connection))

    def ask(self, sql: str) -> tuple[Answer, Answer]:
        pairs = zip(self._both, self._names, strict=True)
        one, other = (self._answer(connection, names, sql) for connection, names in pairs)
        return one, other

    def _answer(
        self, connection: psycopg.Connection[Any], names: dict[tuple[int, int], str], sql: str
    ) -> Answer:
        try:
            cursor = connection.execute(sql.encode())
            rows = cursor.fetchmany(20_000)
        except psycopg.errors.QueryCanceled:
            return SKIPPED
        except psycopg.Error:
            return "error"
        said = cursor.pgresult
        assert said is not None
        origins = [(said.ftable(one), said.ftablecol(one)) for one in range(said.nfields)]
        named = zip(cursor.description or (), origins, strict=True)
        return [Column(one.name, "text", names.get(origin, "")) for one, origin in named], rows

    def close(self) -> None:
        for connection in self._both:
            connection.close()


def _columns(connection: psycopg.Connection[Any]) -> dict[tuple[int, int], str]:
    rows = connection.execute(
        "SELECT c.oid, a.attnum, 'public.' || c.relname || '.' || a.attname"
        " FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace"
    )
    return {(relation, number): name for relation, number, name in rows}


@contextmanager
def sqlite() -> Iterator[Twins]:
    twins = SqliteTwins()
    try:
        yield twins
    finally:
        twins.close()


@contextmanager
def in_duckdb() -> Iterator[Twins]:
    twins = DuckdbTwins()
    try:
        yield twins
    finally:
        twins.close()


def told_nothing(twins: Twins, told: Callable[[Told], None]) -> None:
    seen = hunt(twins)
    told(seen)

    assert seen.leaks == {}, "\n".join(f"{sql}\n  {why}" for sql, why in seen.leaks.items())
    assert seen.answered > 0


def test_no_query_tells_masked_values_of_sqlite(told: Callable[[Told], None]) -> None:
    with sqlite() as twins:
        told_nothing(twins, told)


def test_no_query_tells_masked_values_of_duckdb(told: Callable[[Told], None]) -> None:
    with in_duckdb() as twins:
        told_nothing(twins, told)


@pytest.mark.postgres
def test_no_query_tells_masked_values_of_postgresql(
    postgres_server: str, told: Callable[[Told], None]
) -> None:
    with throw_away_database(postgres_server) as one, throw_away_database(postgres_server) as two:
        twins = PostgresTwins(one.app, two.app)
        try:
            told_nothing(twins, told)
        finally:
            twins.close()
