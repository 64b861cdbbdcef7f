"""No statement that the guard calls a read does anything else, as the engines see it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.duckdb_judge import DuckdbJudge
from fuzz.hunt import Tally, hunt
from fuzz.mariadb_judge import MariadbJudge
from fuzz.postgres_judge import PostgresJudge
from fuzz.sqlite_judge import SqliteJudge
from interlock.testing.postgres import Database
from interlock_gateway.core.model import Dialect
from mariadb_server import throw_away_database
from own_mariadb import own_server


def unsafe(tally: Tally) -> str:
    return "\n".join(f"{why}: {text!r}" for text, why in tally.unsafe.items())


@pytest.mark.postgres
def test_no_string_passes_as_a_read_that_postgresql_sees_as_anything_else(
    postgres_database: Database, told: Callable[[Tally], None]
) -> None:
    judge = PostgresJudge(postgres_database.app)
    try:
        tally = hunt(Dialect.POSTGRES, judge, judge.catalogue)
    finally:
        judge.close()
    told(tally)

    assert tally.unsafe == {}, unsafe(tally)
    assert tally.ran > 0


def test_no_string_passes_as_a_read_that_sqlite_sees_as_anything_else(
    tmp_path: Path, told: Callable[[Tally], None]
) -> None:
    judge = SqliteJudge(tmp_path)
    try:
        tally = hunt(Dialect.SQLITE, judge)
    finally:
        judge.close()
    told(tally)

    assert tally.unsafe == {}, unsafe(tally)
    assert tally.ran > 0


def test_no_string_passes_as_a_read_that_duckdb_sees_as_anything_else(
    tmp_path: Path, told: Callable[[Tally], None]
) -> None:
    judge = DuckdbJudge(tmp_path)
    try:
        tally = hunt(Dialect.DUCKDB, judge, judge.catalogue())
    finally:
        judge.close()
    told(tally)

    assert tally.unsafe == {}, unsafe(tally)
    assert tally.ran > 0


def test_no_string_passes_as_a_read_that_mariadb_sees_as_anything_else(
    told: Callable[[Tally], None],
) -> None:
    with own_server() as own, throw_away_database(own.server) as database:
        judge = MariadbJudge(database, own.mend)
        try:
            tally = hunt(Dialect.MARIADB, judge, judge.catalogue)
        finally:
            judge.close()
            own.mend()  # else the clean-up fails too, and hides why
    told(tally)

    assert tally.unsafe == {}, unsafe(tally)
    assert tally.ran > 0
