"""Reads of a real MariaDB: protocol, limits, time, cancelling, sessions, logins, errors."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from interlock_gateway.adapters.targets import Targets, mysqlsession
from interlock_gateway.adapters.targets.mysqladdress import address
from interlock_gateway.adapters.targets.mysqlline import RefusedError
from interlock_gateway.adapters.targets.mysqlwire import Connection, command, lines
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import TargetError
from mysql_target import ROOMY, AsWritten, Maria, Orders, maria, session
from unreliable_line import silent

ENDLESS = "SELECT a.seq FROM seq_1_to_1000000 a, seq_1_to_1000000 b"
# Not SLEEP, which ends by itself some time after the client has hung up.
SLOW = "SELECT MAX(SHA2(a.seq * b.seq, 512)) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria() as made:
        made.run(
            "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)",
            "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
        )
        yield made


@pytest.fixture
async def orders(database: Maria) -> AsyncIterator[Orders]:
    made = Orders(database.read)
    yield made
    await made.reader.aclose()


class Watcher:
    """The owner of everything, looking at the server from outside."""

    def __init__(self, connection: Connection, user: str) -> None:
        self.connection = connection
        self.user = user

    async def at_work(self) -> int:
        """Count the sessions of the read login in which something runs."""
        found = await lines(
            self.connection,
            "SELECT COUNT(*) FROM information_schema.processlist "  # noqa: S608  our own name
            f"WHERE user = '{self.user}' AND command <> 'Sleep'",
        )
        return int(found[0][0] or -1)

    async def sessions(self) -> int:
        found = await lines(
            self.connection,
            "SELECT COUNT(*) FROM information_schema.processlist "  # noqa: S608  our own name
            f"WHERE user = '{self.user}'",
        )
        return int(found[0][0] or -1)


@pytest.fixture
async def watcher(database: Maria) -> AsyncIterator[Watcher]:
    async with session(database.act) as connection:
        yield Watcher(connection, address(database.read, "x").user)


async def until(look: Callable[[], object], wanted: object) -> None:
    """Wait for what the server does in its own time, but not for ever."""
    for _ in range(500):
        found = look()
        if (await found if asyncio.iscoroutine(found) else found) == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 5 s")


# --- the protocol -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql", ["SELECT 1; SELECT 2", "COMMIT; DROP TABLE t", "SELECT 1; DELETE FROM t"]
)
async def test_prepare_takes_one_statement_also_without_parameters(
    orders: Orders, sql: str
) -> None:
    refusal = await orders.refusal(sql)
    assert refusal.code == "target-failed"
    assert "error 1064" in str(refusal)
    assert (await orders.ask("SELECT COUNT(*) FROM t")).rows == ((2,),)


async def test_several_statements_are_not_even_offered_to_the_server(database: Maria) -> None:
    """A text query would run them all on a line as asyncmy makes it."""
    async with session(database.read, reading=True) as connection:
        with pytest.raises(RefusedError, match="syntax"):
            await lines(connection, "SELECT 1; SELECT 2")


async def test_a_text_that_c_would_cut_short_is_not_sent(orders: Orders) -> None:
    assert "NUL" in str(await orders.refusal("SELECT 1\0; DROP TABLE t"))


async def test_a_placeholder_in_quotes_or_comments_is_no_placeholder(orders: Orders) -> None:
    rows = await orders.ask("SELECT '?', `id` /* ? */ FROM t WHERE id = ? -- ?", id=2)
    assert rows.rows == (("?", 2),)


async def test_a_value_never_becomes_part_of_the_text(orders: Orders) -> None:
    hostile = "' OR 1 = 1; DROP TABLE t; -- %s \\"
    assert (await orders.ask("SELECT id FROM t WHERE v = ?", v=hostile)).rows == ()
    assert await orders.cell("SELECT ?", v=hostile) == ("text", hostile)


async def test_the_server_must_count_as_many_parameters_as_the_guard(orders: Orders) -> None:
    refusal = await orders.refusal("SELECT ?, ?", one=1)
    assert "counts 2 parameters" in str(refusal)
    assert "guard counted 1" in str(refusal)


async def test_missing_and_superfluous_values_are_named(orders: Orders) -> None:
    target = Target("orders", Dialect.MARIADB, "prod", orders.url)
    statement = Statement(Dialect.MARIADB, "SELECT ?", ("state",), "SELECT :state")
    with pytest.raises(TargetError, match=":other, :state"):
        await orders.reader.read(
            target, statement, {"other": {"type": "integer", "value": 1}}, ROOMY
        )


async def test_a_statement_that_cannot_be_prepared_is_refused_and_says_what_to_do(
    orders: Orders,
) -> None:
    refusal = await orders.refusal("EXECUTE IMMEDIATE 'SELECT 1'")
    assert "cannot prepare this statement" in str(refusal)
    assert "Nothing was run" in str(refusal)


async def test_what_answers_without_rows_is_refused_before_it_runs(orders: Orders) -> None:
    refusal = await orders.refusal("SELECT 1 INTO @x")
    assert "answers without rows, so it is no read" in str(refusal)


async def test_the_door_of_all_dialects_leads_here(database: Maria) -> None:
    targets = Targets(AsWritten())
    target = Target("orders", Dialect.MARIADB, "prod", database.read)
    rows = await targets.read(target, Statement(Dialect.MARIADB, "SELECT 1", (), ""), {}, ROOMY)
    assert rows.rows == ((1,),)
    await targets.aclose()


# --- limits -----------------------------------------------------------------------------------


async def test_exactly_as_many_rows_as_allowed_are_not_truncated(orders: Orders) -> None:
    rows = await orders.ask("SELECT seq FROM seq_1_to_1000")
    assert (len(rows.rows), rows.truncated) == (1000, "")


async def test_one_row_more_is_truncated_and_says_by_which_limit(orders: Orders) -> None:
    rows = await orders.ask("SELECT seq FROM seq_1_to_1001")
    assert (len(rows.rows), rows.truncated) == (1000, "rows (1,000)")


async def test_the_server_is_stopped_at_the_row_limit_and_the_session_lives_on(
    orders: Orders, watcher: Watcher
) -> None:
    before = await orders.cell("SELECT CONNECTION_ID()")
    started = time.monotonic()
    rows = await orders.ask(ENDLESS, Limits(rows=5))
    assert (len(rows.rows), rows.truncated) == (5, "rows (5)")
    assert time.monotonic() - started < 4
    await until(watcher.at_work, 0)
    assert await orders.cell("SELECT CONNECTION_ID()") == before


async def test_bytes_are_counted_as_they_are_delivered(orders: Orders) -> None:
    wide = "SELECT REPEAT('ü', 100) FROM seq_1_to_10000"
    rows = await orders.ask(wide, Limits(rows=100_000, bytes=2_050))
    assert (len(rows.rows), rows.truncated) == (10, "bytes (2,050)")


async def test_the_server_is_stopped_at_the_byte_limit(orders: Orders, watcher: Watcher) -> None:
    rows = await orders.ask(ENDLESS, Limits(rows=10**9, bytes=10_000))
    assert rows.truncated == "bytes (10,000)"
    await until(watcher.at_work, 0)


@pytest.mark.parametrize("size", [5_000, 70_000, 15_000_000])
async def test_a_single_cell_larger_than_the_limit_is_not_delivered(
    orders: Orders, size: int
) -> None:
    rows = await orders.ask(f"SELECT REPEAT('x', {size})", Limits(bytes=1000))
    assert (rows.rows, rows.truncated) == ((), "bytes (1,000)")
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_a_row_in_several_packets_is_dropped_and_not_collected(orders: Orders) -> None:
    halves = ", ".join(["REPEAT('x', 9000000)"] * 3)
    rows = await orders.ask(f"SELECT {halves}")
    assert (rows.rows, rows.truncated) == ((), f"bytes ({ROOMY.bytes:,})")
    assert (await orders.ask("SELECT v FROM t")).rows == (("a",), ("b",))


async def test_a_limit_of_the_server_cannot_shorten_an_answer_in_silence(orders: Orders) -> None:
    assert await orders.cell("SELECT @@sql_select_limit") == ("integer", 2**64 - 1)


@pytest.mark.parametrize(
    ("sql", "limit"),
    [
        ("SELECT id FROM t LIMIT ROWS EXAMINED 1", "rows (LIMIT ROWS EXAMINED)"),
        (
            "SELECT GROUP_CONCAT(REPEAT('x', 1000) SEPARATOR '') FROM seq_1_to_2000",
            "text (GROUP_CONCAT)",
        ),
    ],
)
async def test_an_answer_that_the_server_itself_cut_says_so(
    orders: Orders, sql: str, limit: str
) -> None:
    assert (await orders.ask(sql, Limits())).truncated == limit


# --- time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sql", [SLOW, "SELECT SLEEP(60)", "SELECT id FROM t WHERE SLEEP(60)"])
async def test_the_time_limit_strikes_on_the_server(
    orders: Orders, watcher: Watcher, sql: str
) -> None:
    refusal = await orders.refusal(sql, Limits(seconds=0.2))
    assert refusal.code == "target-timeout"
    assert "0.2 s" in str(refusal)
    await until(watcher.at_work, 0)


async def test_a_row_that_comes_because_time_was_up_is_a_failure(orders: Orders) -> None:
    """MariaDB ends BENCHMARK at the limit with a row and no word."""
    refusal = await orders.refusal("SELECT BENCHMARK(1000000000, MD5('x'))", Limits(seconds=0.2))
    assert refusal.code == "target-timeout"


async def test_the_time_limit_strikes_when_the_statement_lifts_the_servers_own(
    orders: Orders, watcher: Watcher
) -> None:
    lifting = f"SET STATEMENT max_statement_time = 0 FOR {SLOW}"
    refusal = await orders.refusal(lifting, Limits(seconds=0.2))
    assert refusal.code == "target-timeout"
    await until(watcher.at_work, 0)


async def test_a_line_gone_silent_does_not_hold_a_read_for_ever(database: Maria) -> None:
    async with silent(database.read, b"SELECT 'hush'") as line:
        quiet = Orders(line)
        async with asyncio.timeout(10):
            refusal = await quiet.refusal("SELECT 'hush'", Limits(seconds=0.2))
        await quiet.reader.aclose()
    assert refusal.code == "target-timeout"


async def test_waiting_for_a_table_ends_and_says_so(orders: Orders, database: Maria) -> None:
    async with session(database.owner) as owner:
        await command(owner, "LOCK TABLES t WRITE")
        started = time.monotonic()
        refusal = await orders.refusal("SELECT * FROM t", Limits(seconds=0.2))
    assert refusal.code == "target-timeout"
    assert time.monotonic() - started < 3


async def test_cancelling_the_task_cancels_on_the_server(orders: Orders, watcher: Watcher) -> None:
    task = asyncio.create_task(orders.ask(SLOW, Limits(seconds=60)))
    await until(watcher.at_work, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(watcher.at_work, 0)
    assert await orders.cell("SELECT 1") == ("integer", 1)


# --- sessions -----------------------------------------------------------------------------------


async def test_settings_are_pinned_whatever_the_session_was_left_with(orders: Orders) -> None:
    asked = "@@sql_mode, @@time_zone, @@character_set_client, @@autocommit, @@tx_read_only"
    assert (await orders.ask(f"SELECT {asked}, @@max_statement_time, DATABASE()")).rows[0][:5] == (
        "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
        "+00:00",
        "utf8mb4",
        1,
        1,
    )


@pytest.mark.parametrize(
    ("left", "seen", "clean"),
    [
        ("SELECT @left := 1", "SELECT @left", None),
        ("SELECT GET_LOCK('il_left', 0)", "SELECT IS_USED_LOCK('il_left')", None),
        ("SELECT LAST_INSERT_ID(42)", "SELECT LAST_INSERT_ID()", 0),
        ("SELECT SQL_CALC_FOUND_ROWS id FROM t LIMIT 1", "SELECT FOUND_ROWS()", 1),
        ("SELECT CAST('x' AS INT)", "SELECT @@warning_count", 0),
    ],
)
async def test_nothing_of_one_borrower_is_seen_by_the_next(
    orders: Orders, left: str, seen: str, clean: object
) -> None:
    first = await orders.cell("SELECT CONNECTION_ID()")
    await orders.ask(left)
    assert (await orders.ask(seen)).rows == ((clean,),)
    assert await orders.cell("SELECT CONNECTION_ID()") == first


async def test_what_a_session_can_hold_is_gone_when_it_is_given_back(database: Maria) -> None:
    """With the owner's session, which can hold more than a read login ever could."""
    async with session(database.owner) as owner:
        for left in LEFT_BEHIND:
            await command(owner, left)
        assert await mysqlsession.tidied(owner)
        assert await lines(owner, "SELECT COUNT(*), @left FROM t") == [("2", None)]
        with pytest.raises(RefusedError, match="left_over"):
            await lines(owner, "EXECUTE left_over")
        await mysqlsession.begin(owner, ROOMY, read_only=True)
        assert await lines(owner, "SELECT @@sql_mode") == [(mysqlsession.SQL_MODE,)]


LEFT_BEHIND = (
    "CREATE TEMPORARY TABLE t (evil INT)",
    "PREPARE left_over FROM 'SELECT 1'",
    "SET @left = 1, sql_mode = 'ANSI_QUOTES', time_zone = '+09:00'",
    "START TRANSACTION",
    "LOCK TABLES t READ",
)


async def test_a_session_in_another_database_is_not_used(database: Maria) -> None:
    async with session(database.owner) as owner:
        await command(owner, "USE information_schema")
        with pytest.raises(TargetError, match="database is information_schema"):
            await mysqlsession.begin(owner, ROOMY, read_only=True)


async def test_reads_at_the_same_time_have_connections_of_their_own(orders: Orders) -> None:
    slow = "SELECT CONNECTION_ID(), SLEEP(0.1)"
    answers = await asyncio.gather(*(orders.ask(slow) for _ in range(6)))
    assert len({rows.rows[0][0] for rows in answers}) == 4


async def test_a_session_ended_on_the_server_is_replaced(orders: Orders, database: Maria) -> None:
    _, number = await orders.cell("SELECT CONNECTION_ID()")
    database.run(f"KILL {number}")
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_a_session_ended_in_the_middle_is_unreachable(
    orders: Orders, database: Maria, watcher: Watcher
) -> None:
    _, number = await orders.cell("SELECT CONNECTION_ID()")
    task = asyncio.create_task(orders.refusal("SELECT SLEEP(60)"))
    await until(watcher.at_work, 1)
    database.run(f"KILL {number}")
    assert (await task).code == "target-unreachable"
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_another_generation_gets_connections_of_its_own(
    orders: Orders, watcher: Watcher
) -> None:
    before = await orders.cell("SELECT CONNECTION_ID()")
    orders.generation = "2"
    assert await orders.cell("SELECT CONNECTION_ID()") != before
    await until(watcher.sessions, 1)


# --- errors -----------------------------------------------------------------------------------


async def test_the_servers_own_words_come_with_number_and_state(orders: Orders) -> None:
    refusal = await orders.refusal("SELECT * FROM nowhere")
    assert refusal.code == "target-failed"
    assert "nowhere' doesn't exist (error 1146, SQLSTATE 42S02)" in str(refusal)


async def test_a_missing_right_is_said_so(orders: Orders) -> None:
    assert "may not do this" in str(await orders.refusal("SELECT * FROM mysql.global_priv"))


async def test_a_column_tells_where_it_comes_from(orders: Orders, database: Maria) -> None:
    asked = await orders.ask("SELECT v AS w, UPPER(v) FROM t")
    assert [column.origin for column in asked.columns] == [f"{database.name}.t.v", ""]
    asked = await orders.ask("SELECT INFO AS i FROM information_schema.PROCESSLIST")
    assert asked.columns[0].origin == "information_schema.processlist.info"
