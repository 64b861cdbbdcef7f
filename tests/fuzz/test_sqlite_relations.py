"""What the guard tells of a read in SQLite is all that SQLite opens for it, behind views too."""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fuzz.hunt import seconds, seed
from fuzz.strings import Maker
from interlock_gateway.adapters.targets import sqlite_lock
from interlock_gateway.adapters.targets.sqlite_catalogue import EPONYMOUS, snapshot
from interlock_gateway.adapters.targets.sqlite_parser import program
from interlock_gateway.core.model import Classification, Dialect, Effect, Statement
from interlock_gateway.core.statement import Catalogue, StatementError, classify, translate

_WORLD = Path(__file__).parent / "worlds/sqlite.sql"
_MORE = """
CREATE VIEW deep AS SELECT * FROM v WHERE id IN (SELECT t_id FROM u);
CREATE VIEW narrow (x, "a b") AS WITH t AS (SELECT * FROM u) SELECT id, v FROM t JOIN w USING (id);
"""
_FROM = ("t", "u", "v", "w", "deep", "narrow", "words", "json_each('[1]')", "main.t", '"U"', "[V]")
_WHERE = ("1 IN u", "a IN main.w", "EXISTS (SELECT 1 FROM deep)", "id NOT IN narrow", "2 IN 'u'")
_ALIASES = {"main.sqlite_master": "main.sqlite_schema"}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.executescript(_WORLD.read_text("utf-8") + _MORE)
        yield made


def test_no_read_opens_a_table_that_the_guard_does_not_tell_of(
    connection: sqlite3.Connection,
) -> None:
    told, roots = snapshot(connection), kept(connection)
    overlooked: dict[str, set[str]] = {}
    number, opened_any = seed(), 0
    for statement, found in reads(told, number):
        opened = opened_by(connection, statement, roots)
        known = {_ALIASES.get(name, name).removeprefix("main.") for name in found.reached}
        opened_any += bool(opened)
        if not opened <= known:
            overlooked[statement.source] = opened - known
    assert overlooked == {}, number
    assert opened_any > 0


def reads(told: Catalogue, number: int) -> Iterator[tuple[Statement, Classification]]:
    """Yield statements that the guard calls reads, with what it tells of them."""
    maker, chance = Maker(Dialect.SQLITE, number), random.Random(number)  # noqa: S311  no secret
    end = time.monotonic() + seconds()
    while time.monotonic() < end:
        source = joined(chance) if chance.random() < 0.5 else maker.next()
        try:
            statement = translate(Dialect.SQLITE, source)
        except StatementError:
            continue
        found = classify(statement, told)
        if found.effect is Effect.READ:
            yield statement, found


def joined(chance: random.Random) -> str:
    """Return a query that names tables in every place where SQLite takes them."""
    first, second = chance.choices(_FROM, k=2)
    how = chance.choice((",", "JOIN", "NATURAL JOIN", "LEFT JOIN", "CROSS JOIN"))
    using = chance.choice(("USING (id)", "ON 1", "")) if how in ("JOIN", "LEFT JOIN") else ""
    tables = f"{first} {how} {second} {using}"
    query = f"SELECT count(*) FROM {tables}"  # noqa: S608  ours
    query += f" WHERE {chance.choice(_WHERE)}" if chance.random() < 0.4 else ""
    match chance.randrange(5):
        case 0:
            named = f"{chance.choice('tuvw')} AS ({query})"
            return f"WITH {named} SELECT * FROM {chance.choice(_FROM)}"  # noqa: S608  ours
        case 1:
            return f"SELECT ({query}) FROM ({chance.choice(_FROM)})"  # noqa: S608  ours
        case 2:
            other = f"SELECT count(*) FROM {chance.choice(_FROM)} AS t"  # noqa: S608  ours
            return f"{query} UNION {other}"
        case _:
            return query


def kept(connection: sqlite3.Connection) -> dict[int, str]:
    """Return the relation that is kept, or indexed, at each page."""
    rows = connection.execute("SELECT rootpage, lower(tbl_name) FROM sqlite_schema").fetchall()
    return {1: "sqlite_schema"} | {page: name for page, name in rows if page}


def opened_by(
    connection: sqlite3.Connection, statement: Statement, roots: dict[int, str]
) -> set[str]:
    """Return what SQLite opens, by its authorizer and by the pages that its program opens."""
    found: set[str] = set()

    def note(action: int, first: str | None, second: str | None, *more: str | None) -> int:
        kept = more[0] is not None  # in a database: a CTE that counts itself is in none
        if (
            action == sqlite3.SQLITE_READ
            and kept
            and (first, second) != ("sqlite_master", "ROWID")
        ):
            found.add((first or "").lower())
        return sqlite_lock.reading(action, first, second, *more)

    planned = program(connection, statement, note)
    if planned.doubt:
        return set()
    pages = {roots[page] for page in planned.roots if page in roots}
    names = {_ALIASES.get(f"main.{name}", name).removeprefix("main.") for name in found | pages}
    return names - EPONYMOUS
