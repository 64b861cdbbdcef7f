"""One huge value of a PostgreSQL costs the gateway no memory, whatever it stands in.

Each answer is asked for in a process of its own, which tells how much memory it ever had.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.targets.postgres import PostgresActor
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import Deed, Expect, OutcomeUnknownError, TargetError
from witnesses import Attentive

pytestmark = pytest.mark.postgres

READER = Path(__file__).parents[2] / "huge_reader.py"
HUGE = 300_000_000
BOUNDED = 40_000_000
"""Twenty times the limit of the reader; what Python loads meanwhile is in it."""

ONE_VALUE = f"SELECT repeat('x', {HUGE})"
MANY_COLUMNS = "SELECT " + ", ".join(f"repeat('x', 10000000) c{n}" for n in range(30))
AN_ARRAY = f"SELECT array_fill('0'::bit(1), ARRAY[{HUGE // 10}])::text"
AN_ERROR = f"SELECT repeat('x', {HUGE // 4})::int"


def asked(how: str, dsn: str, sql: str) -> dict[str, Any]:
    """Ask in a process of its own."""
    done = subprocess.run(  # noqa: S603  our own interpreter and script
        [sys.executable, str(READER), how, dsn, sql],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("sql", [ONE_VALUE, MANY_COLUMNS, AN_ARRAY, AN_ERROR])
def test_what_is_larger_than_any_answer_is_refused_before_it_is_held(
    module_database: Database, sql: str
) -> None:
    told = asked("guarded", module_database.read, sql)
    assert told["refusal"].startswith("target-failed: One row of the answer")
    assert "bytes (1,048,576)" in told["refusal"]
    assert told["grown"] < BOUNDED
    assert told["again"] == [[1]]


def test_the_driver_alone_holds_all_of_it(module_database: Database) -> None:
    assert asked("plain", module_database.read, ONE_VALUE)["grown"] > HUGE


def test_rows_before_a_huge_one_are_delivered_and_the_limit_is_named(
    module_database: Database,
) -> None:
    size = f"CASE g WHEN 4 THEN {HUGE} ELSE 10 END"
    sql = f"SELECT g, repeat('x', {size}) FROM generate_series(1, 9) g"  # noqa: S608  a constant
    told = asked("guarded", module_database.read, sql)
    assert (told["rows"], told["truncated"]) == ([10, 10, 10], "bytes (1,048,576)")
    assert told["grown"] < BOUNDED
    assert told["again"] == [[1]]


def test_many_wide_rows_are_cut_at_the_limit(module_database: Database) -> None:
    sql = "SELECT g, repeat('x', 300000) FROM generate_series(1, 5000) g"
    told = asked("guarded", module_database.read, sql)
    assert (told["rows"], told["truncated"]) == ([300_000] * 3, "bytes (1,048,576)")
    assert told["grown"] < BOUNDED


def test_a_row_that_just_fits_is_delivered_whole(module_database: Database) -> None:
    told = asked("guarded", module_database.read, "SELECT repeat('x', 1048000)")
    assert (told["rows"], told["truncated"]) == ([1_048_000], "")


# --- deeds --------------------------------------------------------------------------------------


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@pytest.fixture
def noted(module_database: Database) -> Database:
    role = module_database.act.split("//")[1].split(":")[0]
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        owner.execute("DROP TABLE IF EXISTS notes")
        owner.execute("CREATE TABLE notes (id int)")
        owner.execute("INSERT INTO notes VALUES (1)")
        owner.execute(f"GRANT SELECT, UPDATE ON notes TO {role}".encode())
    return module_database


@pytest.mark.parametrize(
    ("expect", "refused"),
    [(Expect.ROW_COUNT, "target-failed"), (Expect.ONE_ROW, "outcome unknown")],
)
async def test_a_deed_that_returns_a_huge_row_is_rolled_back(
    noted: Database, expect: Expect, refused: str
) -> None:
    sql = "UPDATE notes SET id = 2 RETURNING repeat('x', 30000000)"
    target = Target("orders", Dialect.POSTGRES, "prod", "unused", noted.act)
    deed = Deed(Statement(Dialect.POSTGRES, sql, (), sql), {}, expect, 1, 1)
    with pytest.raises((TargetError, OutcomeUnknownError)) as caught:
        await PostgresActor(AsWritten()).act(target, deed, Limits(seconds=10), Attentive())
    doubted = isinstance(caught.value, OutcomeUnknownError)
    assert ("outcome unknown" if doubted else getattr(caught.value, "code", "")) == refused
    with psycopg.connect(noted.superuser) as connection:
        assert connection.execute("SELECT id FROM notes").fetchall() == [(1,)]
