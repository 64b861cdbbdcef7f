"""What it costs that DuckDB runs in a process of its own: reads there, and the same work here.

Both open the file, lock it and ask DuckDB's own parser, each time; the child is warm.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from figure import Figure, Side, alternated, milliseconds
from interlock_gateway.adapters.duckdb_parser import DuckdbParser
from interlock_gateway.adapters.targets import duck_work
from interlock_gateway.adapters.targets.duck import DuckdbReader
from interlock_gateway.core.model import Dialect, Limits, Statement, Target

_POINT = "SELECT state FROM orders WHERE id = 77"
_ROWS = "SELECT id, state FROM orders LIMIT 1000"


class _AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


def figures(*, smoke: bool) -> list[Figure]:
    """Measure a read of one row, one of a thousand, and the first of all."""
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        path = Path(folder) / "orders.duckdb"
        with duckdb.connect(path) as connection:
            connection.execute(
                "CREATE TABLE orders AS SELECT range AS id, 'open' AS state FROM range(100000)"
            )
        with _reader(runner) as reader:
            first = _in_child(runner, reader, path, _POINT)
            cold = Figure("first DuckDB read of a file", "ms", first())
            return [
                cold,
                _figure("DuckDB point query", _POINT, path, runner, reader, smoke=smoke),
                _figure("DuckDB read of 1,000 rows", _ROWS, path, runner, reader, smoke=smoke),
            ]


@contextmanager
def _reader(runner: asyncio.Runner) -> Iterator[DuckdbReader]:
    reader = DuckdbReader(_AsWritten())
    try:
        yield reader
    finally:
        runner.run(reader.aclose())


def _figure(
    name: str, sql: str, path: Path, runner: asyncio.Runner, reader: DuckdbReader, *, smoke: bool
) -> Figure:
    sides = {"child": _in_child(runner, reader, path, sql), "here": _here(path, sql)}
    found = alternated(sides, smoke=smoke, times=100, warm_up=5)
    return Figure(name, "ms", found["child"], "in the gateway", found["here"])


def _in_child(runner: asyncio.Runner, reader: DuckdbReader, path: Path, sql: str) -> Side:
    target = Target("orders", Dialect.DUCKDB, "prod", str(path))
    statement = Statement(Dialect.DUCKDB, sql, (), sql)

    return lambda: milliseconds(lambda: runner.run(reader.read(target, statement, {}, Limits())))


def _here(path: Path, sql: str) -> Side:
    parser = DuckdbParser()
    task = duck_work.Task(
        str(path), "orders", Statement(Dialect.DUCKDB, sql, (), sql), {}, Limits()
    )

    return lambda: milliseconds(lambda: duck_work.read(task, parser))
