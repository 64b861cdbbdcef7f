"""The engine lock alone: hostile statements go straight to the read path, past the classifier."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.targets.postgres import PostgresReader
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import TargetError

pytestmark = pytest.mark.postgres


class Case(NamedTuple):
    must: str
    why: str
    sql: str


def cases() -> list[Case]:
    """Every statement of the file; a comment line before each says what must hold."""
    text = (Path(__file__).parent / "hostile_postgres.sql").read_text()
    parts = re.split(r"^-- (refused|harmless|either): (.*)\n", text, flags=re.MULTILINE)[1:]
    chunks = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [Case(must, why, sql.rstrip("\n")) for must, why, sql in chunks]


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@pytest.fixture(scope="module")
def watcher(module_database: Database) -> Iterator[psycopg.Connection]:
    """A superuser's view from outside, on a database with something to lose in it."""
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        owner.execute(SOMETHING_TO_LOSE)
    with (
        psycopg.connect(module_database.superuser, autocommit=True) as connection,
        psycopg.connect(module_database.act, autocommit=True) as victim,
    ):
        yield connection
        assert victim.execute("SELECT 1").fetchone() == (1,)  # nobody ended its session


@pytest.fixture
async def reader() -> AsyncIterator[PostgresReader]:
    made = PostgresReader(AsWritten())
    yield made
    await made.aclose()


SOMETHING_TO_LOSE = """
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 50) g;
CREATE SEQUENCE s;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
CREATE FUNCTION evil() RETURNS int LANGUAGE sql VOLATILE
  AS $$ INSERT INTO t VALUES (1000, 'evil') RETURNING id $$;
CREATE FUNCTION evil_row(t) RETURNS int LANGUAGE sql VOLATILE
  AS $$ DELETE FROM t RETURNING id $$;
CREATE VIEW v_evil AS SELECT evil();
CREATE FUNCTION secdef() RETURNS int LANGUAGE sql VOLATILE SECURITY DEFINER
  AS $$ DELETE FROM t RETURNING id $$;
CREATE PROCEDURE commits() LANGUAGE plpgsql
  AS $$ BEGIN COMMIT; DELETE FROM t; COMMIT; END $$;
GRANT ALL ON t, s TO PUBLIC;
"""

EVERYTHING = """
SELECT (SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM t),
       (SELECT last_value::text || is_called FROM s),
       (SELECT md5(string_agg(c::text, ',' ORDER BY oid)) FROM (
          SELECT oid, relname, relowner, relacl FROM pg_class WHERE oid >= 16384) c),
       (SELECT count(*) FROM pg_proc WHERE oid >= 16384),
       (SELECT count(*) FROM pg_largeobject_metadata),
       (SELECT md5(string_agg(a::text, ',' ORDER BY oid)) FROM pg_authid a
         WHERE rolname LIKE current_database() || '%'),
       (SELECT count(*) FROM pg_db_role_setting WHERE setrole IN (
          SELECT oid FROM pg_roles WHERE rolname LIKE current_database() || '%')),
       (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()),
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
       (SELECT count(*) FROM pg_description WHERE objoid >= 16384)
"""

AT_WORK = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'interlock' AND state <> 'idle'
"""

SESSION = """
SELECT (SELECT count(*) FROM pg_prepared_statements),
       (SELECT count(*) FROM pg_cursors WHERE name <> ''),
       (SELECT count(*) FROM pg_listening_channels()),
       current_setting('search_path'), current_setting('standard_conforming_strings'),
       current_setting('transaction_read_only'), to_regclass('pg_temp.t') IS NULL
"""
CLEAN = (0, 0, 0, "pg_catalog, public, pg_temp", "on", "on", True)


def ask(sql: str) -> Statement:
    return Statement(Dialect.POSTGRES, sql, (), sql)


@pytest.mark.parametrize("login", ["read", "app"])
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.why)
async def test_nothing_a_statement_says_gets_through_the_engine_lock(
    case: Case,
    login: str,
    reader: PostgresReader,
    watcher: psycopg.Connection,
    module_database: Database,
) -> None:
    """With the right-sized login, and with the owner's, who could do all of it but for us."""
    target = Target("orders", Dialect.POSTGRES, "prod", getattr(module_database, login))
    before = watcher.execute(EVERYTHING).fetchone()
    refused = False
    try:
        await reader.read(target, ask(case.sql), {}, Limits(seconds=0.3))
    except TargetError:
        refused = True
    await at_rest(watcher)
    assert watcher.execute(EVERYTHING).fetchone() == before
    after = await reader.read(target, ask(SESSION), {}, Limits())
    assert after.rows == (CLEAN,)
    if (login == "read" and case.must == "refused") or case.must == "harmless":
        assert refused is (case.must == "refused")


async def at_rest(watcher: psycopg.Connection) -> None:
    """Wait until no session of ours works: a closed one takes a moment to end."""
    for _ in range(500):
        if watcher.execute(AT_WORK).fetchone() == (0,):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a session still works after 5 s")


def test_the_file_of_hostile_statements_is_worth_running() -> None:
    assert len(cases()) > 90
    assert not Path("/tmp/interlock-hostile").exists()  # noqa: S108  named in the statements
