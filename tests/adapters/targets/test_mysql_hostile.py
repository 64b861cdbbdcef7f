"""The engine lock alone: hostile statements go straight to the read path, past the classifier."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from interlock_gateway.adapters.targets import mysqlsession
from interlock_gateway.adapters.targets.mysqladdress import address
from interlock_gateway.adapters.targets.mysqlline import open_line
from interlock_gateway.adapters.targets.mysqlwire import Connection, lines
from interlock_gateway.core.model import Dialect, Limits
from interlock_gateway.service.targets import TargetError
from mysql_target import Maria, Orders, maria


class Case(NamedTuple):
    must: str
    why: str
    sql: str


def cases() -> list[Case]:
    """Every statement of the file; a comment line before each says what must hold."""
    text = (Path(__file__).parent / "hostile_mariadb.sql").read_text()
    parts = re.split(r"^-- (refused|harmless|runs): (.*)\n", text, flags=re.MULTILINE)[1:]
    chunks = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [Case(must, why, sql.rstrip("\n")) for must, why, sql in chunks]


SOMETHING_TO_LOSE = (
    "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)",
    "INSERT INTO t SELECT seq, CONCAT('row ', seq) FROM seq_1_to_50",
    "CREATE TABLE old_t (id INT PRIMARY KEY, v TEXT) ENGINE = MyISAM",
    "INSERT INTO old_t SELECT * FROM t",
    "CREATE SEQUENCE s",
    "CREATE VIEW v AS SELECT * FROM t WHERE id < 5",
    "CREATE FUNCTION evil() RETURNS INT BEGIN DELETE FROM t; DELETE FROM old_t; RETURN 1; END",
    "CREATE VIEW v_evil AS SELECT evil() AS n",
    "CREATE PROCEDURE commits() BEGIN COMMIT; DELETE FROM t; COMMIT; END",
)
EVERYTHING = """
CHECKSUM TABLE {db}.t, {db}.old_t;
SELECT next_not_cached_value FROM {db}.s;
SELECT table_name, table_type, create_time FROM information_schema.tables
 WHERE table_schema = '{db}' ORDER BY 1;
SELECT column_name, column_type FROM information_schema.columns
 WHERE table_schema = '{db}' ORDER BY table_name, ordinal_position;
SELECT table_name, view_definition FROM information_schema.views
 WHERE table_schema = '{db}' ORDER BY 1;
SELECT routine_name FROM information_schema.routines WHERE routine_schema = '{db}' ORDER BY 1;
SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '{db}';
SELECT event_name FROM information_schema.events WHERE event_schema = '{db}';
SELECT index_name FROM information_schema.statistics WHERE table_schema = '{db}' ORDER BY 1;
SELECT user, priv FROM mysql.global_priv WHERE user LIKE '{db}%' OR user LIKE 'il_int%';
SELECT user, select_priv, insert_priv FROM mysql.db WHERE user LIKE '{db}%' ORDER BY 1;
SELECT schema_name FROM information_schema.schemata
 WHERE schema_name IN ('{db}', 'mysql', 'il_intruder') ORDER BY 1;
SELECT name FROM mysql.func;
SELECT plugin_name FROM information_schema.plugins WHERE plugin_name LIKE 'fed%';
SELECT server_name FROM mysql.servers;
SELECT @@max_connections, @@general_log_file, @@read_only;
SELECT IS_USED_LOCK('il_hostile')
"""
AT_WORK = (
    "SELECT COUNT(*) FROM information_schema.processlist "
    "WHERE user LIKE '{db}%' AND command <> 'Sleep'"
)
SESSION = (
    "SELECT @il_left, LAST_INSERT_ID(), @@sql_mode, @@tx_read_only, @@autocommit, "
    "@@character_set_client, DATABASE() = '{db}', CURRENT_ROLE()"
)
CLEAN = (None, 0, mysqlsession.SQL_MODE, 1, 1, "utf8mb4", 1, None)


class Watcher:
    """The administrator's view from outside, on a database with something to lose in it."""

    def __init__(self, connection: Connection, database: str) -> None:
        self.connection = connection
        self.database = database

    async def everything(self) -> list[object]:
        asked = EVERYTHING.format(db=self.database).split(";")
        return [await lines(self.connection, question) for question in asked]

    async def at_rest(self) -> None:
        """Wait until no session of ours works: a closed one takes a moment to end."""
        for _ in range(500):
            if await lines(self.connection, AT_WORK.format(db=self.database)) == [("0",)]:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("a session still works after 5 s")


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria() as made:
        made.run(*SOMETHING_TO_LOSE)
        yield made


@pytest.fixture
async def watcher(database: Maria) -> AsyncIterator[Watcher]:
    server = database.database.server
    url = f"mysql://{server.user}:{server.password}@{server.host}:{server.port}/{database.name}"
    there = address(url, "watcher")
    connection = Connection(await open_line(there), there, Dialect.MARIADB)
    yield Watcher(connection, database.name)
    await connection.close()


@pytest.fixture
async def orders(database: Maria) -> AsyncIterator[Orders]:
    made = Orders(database.read)
    yield made
    await made.reader.aclose()


async def outcome(orders: Orders, sql: str) -> str:
    """Return "" if it ran, else why not."""
    try:
        await orders.ask(sql, Limits(seconds=0.3))
    except TargetError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.why)
async def test_nothing_a_statement_says_gets_through_the_engine_lock(
    case: Case, orders: Orders, watcher: Watcher
) -> None:
    before = await watcher.everything()
    refused = await outcome(orders, case.sql)
    await watcher.at_rest()
    assert await watcher.everything() == before
    assert (await orders.ask(SESSION.format(db=watcher.database))).rows == (CLEAN,)
    assert bool(refused) is (case.must == "refused"), refused


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.why)
async def test_it_holds_as_well_for_a_login_that_may_do_all_of_it(
    case: Case, database: Maria, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's login is refused when it connects; here that one lock is open."""
    monkeypatch.setattr(mysqlsession, "too_strong", lambda *_, **__: [])
    owner = Orders(database.owner)
    before = await watcher.everything()
    await outcome(owner, case.sql)
    await watcher.at_rest()
    after = await watcher.everything()
    await owner.reader.aclose()
    assert after == before


async def test_the_read_only_session_refuses_a_change_in_words(
    database: Maria, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysqlsession, "too_strong", lambda *_, **__: [])
    owner = Orders(database.owner)
    assert "refused a write in a read" in await outcome(owner, "ANALYZE DELETE FROM t")
    await owner.reader.aclose()
    await watcher.at_rest()


def test_the_file_of_hostile_statements_is_worth_running() -> None:
    assert len(cases()) > 120
    assert not Path("/dev/shm/il_hostile").exists()  # noqa: S108  named in the statements
