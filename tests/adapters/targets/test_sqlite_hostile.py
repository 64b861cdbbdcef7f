"""The engine lock alone: hostile statements go straight to SQLite, past the classifier."""

import re
import sqlite3
import time
import tomllib
from contextlib import aclosing, closing, suppress
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest
from interlock_gateway.adapters.targets import sqlite_lock
from interlock_gateway.adapters.targets.sqlite import SqliteReader
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import TargetError


class Case(NamedTuple):
    must: str
    why: str
    sql: str


def cases() -> list[Case]:
    """Every statement of the file; a comment line before each says what must hold."""
    text = (Path(__file__).parent / "hostile_sqlite.sql").read_text()
    parts = re.split(r"^-- (refused|harmless): (.*)\n", text, flags=re.MULTILINE)[1:]
    chunks = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [Case(must, why, sql.rstrip("\n")) for must, why, sql in chunks]


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


SOMETHING_TO_LOSE = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO t SELECT value, 'row ' || value FROM json_each('[1,2,3,4,5,6,7,8,9,10]');
INSERT INTO t SELECT id + 10, v FROM t;
INSERT INTO t SELECT id + 20, v FROM t;
CREATE INDEX t_v ON t (v);
CREATE VIRTUAL TABLE words USING fts5(x);
INSERT INTO words VALUES ('hello world');
CREATE VIEW w AS SELECT id FROM t;
CREATE TRIGGER w_insert INSTEAD OF INSERT ON w BEGIN DELETE FROM t; END;
CREATE VIEW v_evil AS SELECT load_extension('/tmp/evil');
"""


@pytest.fixture(scope="module")
def content() -> bytes:
    """The bytes of a database file with something to lose in it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SOMETHING_TO_LOSE)
        return connection.serialize()


@pytest.fixture
def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "orders.sqlite"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.why)
async def test_nothing_a_statement_says_gets_through_the_engine_lock(
    case: Case, file: Path
) -> None:
    before = everything(file)
    target = Target("orders", Dialect.SQLITE, "prod", str(file))
    statement = Statement(Dialect.SQLITE, case.sql, (), case.sql)
    refused = False
    async with aclosing(SqliteReader(AsWritten())) as reader:
        try:
            await reader.read(target, statement, {}, Limits(seconds=0.3))
        except TargetError:
            refused = True
    assert refused is (case.must == "refused")
    assert everything(file) == before


def without(*words: str) -> list[Case]:
    return [case for case in cases() if not any(word in case.sql for word in words)]


@pytest.mark.parametrize("case", without("%.*c"), ids=lambda case: case.why)
def test_the_authorizer_holds_alone_on_a_writable_file(case: Case, file: Path) -> None:
    before = everything(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        sqlite_lock.lock(connection, sqlite_lock.reading, read_only=False)
        give_up_after(connection, 0.3)
        run(connection, case.sql)
    assert everything(file) == before


# Other files and the memory of the process are the authorizer's alone to protect.
@pytest.mark.parametrize(
    "case", without("%.*c", "interlock-hostile", "heap_limit"), ids=lambda case: case.why
)
def test_the_read_only_file_holds_without_the_authorizer(case: Case, file: Path) -> None:
    before = everything(file)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        sqlite_lock.lock(connection, lambda *_: sqlite3.SQLITE_OK, read_only=True)
        give_up_after(connection, 0.3)
        run(connection, case.sql)
    assert everything(file) == before


def give_up_after(connection: sqlite3.Connection, seconds: float) -> None:
    started = time.monotonic()
    connection.set_progress_handler(lambda: time.monotonic() - started > seconds, 1_000)


def run(connection: sqlite3.Connection, sql: str) -> None:
    with suppress(sqlite3.Error, sqlite3.Warning):
        connection.execute(sql).fetchmany(10)


def everything(file: Path) -> tuple[bytes, list[Path]]:
    """Return the file's bytes and what lies beside it."""
    return file.read_bytes(), sorted(file.parent.iterdir())


def test_what_the_classifier_lets_run_is_not_refused_here() -> None:
    data = resources.files("interlock_gateway.core.statement") / "data/sqlite/functions.toml"
    functions = set(tomllib.loads(data.read_text())["read"].split())
    assert functions - sqlite_lock.FUNCTIONS == {
        "generate_series"
    }  # a table, which is read, not called


def test_the_file_of_hostile_statements_is_worth_running() -> None:
    assert len(cases()) > 60
    assert not Path("/tmp/interlock-hostile").exists()  # noqa: S108  named in the statements
