"""What it costs that SQLite and DuckDB run in processes of their own: reads there, and here.

Here a file is opened, locked and asked by the engine's own parser for each read, as one that was
never open. There the child is warm; one for SQLite keeps its file open, one for DuckDB does not.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from figure import Figure, Side, alternated, milliseconds
from interlock_gateway.adapters.targets import duck_work, sqlite_work
from interlock_gateway.adapters.targets.duck import DuckdbReader
from interlock_gateway.adapters.targets.file_calls import FileReader
from interlock_gateway.adapters.targets.file_child import Task, Work
from interlock_gateway.adapters.targets.sqlite import SqliteReader
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import Secrets

_POINT = "SELECT state FROM orders WHERE id = 77"
_ROWS = "SELECT id, state FROM orders LIMIT 1000"


class _AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@dataclass(frozen=True, slots=True)
class _Engine:
    """An engine that opens files.

    Attributes:
        name: as the table calls it.
        dialect: of its statements.
        fill: makes a file with 100,000 orders.
        reader: reads in children.
        work: what a child does.
    """

    name: str
    dialect: Dialect
    fill: Callable[[Path], None]
    reader: Callable[[Secrets], FileReader]
    work: Callable[[], Work]

    def statement(self, sql: str) -> Statement:
        return Statement(self.dialect, sql, (), sql)


def _fill_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT)")
        rows = ((one, "open") for one in range(100_000))
        connection.executemany("INSERT INTO orders VALUES (?, ?)", rows)
        connection.commit()


def _fill_duckdb(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT range AS id, 'open' AS state FROM range(100000)"
        )


_ENGINES = (
    _Engine("SQLite", Dialect.SQLITE, _fill_sqlite, SqliteReader, sqlite_work.SqliteWork),
    _Engine("DuckDB", Dialect.DUCKDB, _fill_duckdb, DuckdbReader, duck_work.DuckWork),
)


def figures(*, smoke: bool) -> list[Figure]:
    """Measure a read of one row, one of a thousand, and the first of all, on each engine."""
    return [one for engine in _ENGINES for one in _of(engine, smoke=smoke)]


def _of(engine: _Engine, *, smoke: bool) -> list[Figure]:
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        path = Path(folder) / "orders"
        engine.fill(path)
        with _reader(engine, runner) as reader:

            def figure(name: str, sql: str) -> Figure:
                sides = {
                    "child": _in_child(engine, runner, reader, path, sql),
                    "here": _here(engine, path, sql),
                }
                found = alternated(sides, smoke=smoke, times=100, warm_up=5)
                return Figure(name, "ms", found["child"], "in the gateway", found["here"])

            first = _in_child(engine, runner, reader, path, _POINT)
            return [
                Figure(f"first {engine.name} read of a file", "ms", first()),
                figure(f"{engine.name} point query", _POINT),
                figure(f"{engine.name} read of 1,000 rows", _ROWS),
            ]


@contextmanager
def _reader(engine: _Engine, runner: asyncio.Runner) -> Iterator[FileReader]:
    reader = engine.reader(_AsWritten())
    try:
        yield reader
    finally:
        runner.run(reader.aclose())


def _in_child(
    engine: _Engine, runner: asyncio.Runner, reader: FileReader, path: Path, sql: str
) -> Side:
    target = Target("orders", engine.dialect, "prod", str(path))
    statement = engine.statement(sql)

    return lambda: milliseconds(lambda: runner.run(reader.read(target, statement, {}, Limits())))


def _here(engine: _Engine, path: Path, sql: str) -> Side:
    work = engine.work()
    task = Task(str(path), "orders", engine.statement(sql), {}, Limits())

    def read() -> None:
        work.read(task)
        work.rest()

    return lambda: milliseconds(read)
