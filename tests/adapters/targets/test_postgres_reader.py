"""Reads of a real PostgreSQL: protocol, limits, time, cancelling, sessions, errors."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock.wire import encode_value
from interlock_gateway.adapters.targets import pgtransaction
from interlock_gateway.adapters.targets.pgwire import Cap, Saying, exchange
from interlock_gateway.adapters.targets.postgres import PostgresReader
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import TargetError
from unreliable_line import silent

pytestmark = pytest.mark.postgres

ROOMY = Limits(rows=1_000, bytes=1 << 20, seconds=5)


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Orders:
    """A target and the reader under test."""

    def __init__(self, reader: PostgresReader, dsn: str) -> None:
        self.reader = reader
        self.target = Target("orders", Dialect.POSTGRES, "prod", dsn)

    async def ask(self, sql: str, limits: Limits = ROOMY, **params: Any) -> Rows:
        statement = Statement(Dialect.POSTGRES, sql, tuple(params), sql)
        typed = {name: encode_value(value) for name, value in params.items()}
        return await self.reader.read(self.target, statement, typed, limits)

    async def cell(self, sql: str, **params: Any) -> tuple[str, Any]:
        rows = await self.ask(sql, **params)
        return rows.columns[0].type, rows.rows[0][0]

    async def refusal(self, sql: str, limits: Limits = ROOMY, **params: Any) -> TargetError:
        with pytest.raises(TargetError) as caught:
            await self.ask(sql, limits, **params)
        return caught.value


@pytest.fixture
async def orders(module_database: Database) -> AsyncIterator[Orders]:
    reader = PostgresReader(AsWritten())
    yield Orders(reader, module_database.read)
    await reader.aclose()


# --- the protocol -----------------------------------------------------------------------------


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "COMMIT; DROP TABLE t"])
async def test_a_text_without_parameters_also_goes_by_the_extended_protocol(
    orders: Orders, sql: str
) -> None:
    refusal = await orders.refusal(sql)
    assert refusal.code == "target-failed"
    assert "cannot insert multiple commands into a prepared statement" in str(refusal)


async def test_a_text_that_c_would_cut_short_is_not_sent(orders: Orders) -> None:
    assert "NUL" in str(await orders.refusal("SELECT 1\0; DROP TABLE t"))


async def test_a_lone_surrogate_is_not_sent(orders: Orders) -> None:
    assert "Unicode" in str(await orders.refusal("SELECT '\ud800'"))


@pytest.mark.parametrize("value", ["a\0b", [1, "x"], "\ud800"])
async def test_a_parameter_that_cannot_be_sent_is_not_called_a_lost_connection(
    orders: Orders, value: object
) -> None:
    refusal = await orders.refusal("SELECT $1::text", value=value)
    assert refusal.code == "target-failed"
    assert "Nothing was sent" in str(refusal)
    assert (await orders.ask("SELECT 1")).rows == ((1,),)


async def test_missing_and_superfluous_values_are_named(orders: Orders) -> None:
    statement = Statement(Dialect.POSTGRES, "SELECT $1", ("state",), "SELECT :state")
    with pytest.raises(TargetError, match=":other, :state"):
        await orders.reader.read(orders.target, statement, {"other": encode_value(1)}, ROOMY)


# --- limits -----------------------------------------------------------------------------------


async def test_exactly_as_many_rows_as_allowed_are_not_truncated(orders: Orders) -> None:
    rows = await orders.ask("SELECT generate_series(1, 1000)")
    assert (len(rows.rows), rows.truncated) == (1000, "")


async def test_one_row_more_is_truncated_and_says_by_which_limit(orders: Orders) -> None:
    rows = await orders.ask("SELECT generate_series(1, 1001)")
    assert (len(rows.rows), rows.truncated) == (1000, "rows (1,000)")


async def test_the_server_is_stopped_at_the_row_limit(orders: Orders) -> None:
    started = time.monotonic()
    rows = await orders.ask("SELECT generate_series(1, 2000000000)", Limits(rows=5))
    assert (len(rows.rows), rows.truncated) == (5, "rows (5)")
    assert time.monotonic() - started < 4
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_bytes_are_counted_as_they_are_delivered(orders: Orders) -> None:
    wide = "SELECT repeat('ü', 100) FROM generate_series(1, 10000)"
    rows = await orders.ask(wide, Limits(rows=100_000, bytes=2_050))
    assert (len(rows.rows), rows.truncated) == (10, "bytes (2,050)")


async def test_a_single_cell_larger_than_the_limit_is_not_delivered(orders: Orders) -> None:
    rows = await orders.ask("SELECT repeat('x', 5000)", Limits(bytes=1000))
    assert (rows.rows, rows.truncated) == ((), "bytes (1,000)")


async def test_our_own_cancel_at_a_limit_may_come_when_the_server_is_further_on(
    module_database: Database,
) -> None:
    connection = await psycopg.AsyncConnection.connect(module_database.read, autocommit=True)
    many = Saying(b"SELECT generate_series(1, 9000)", cap=Cap(rows=1, bytes=1_000))
    answer, cancelled = await exchange(connection, [many, Saying(b"SELECT pg_sleep(20)")])
    await connection.close()
    assert (len(answer.rows), answer.cut, cancelled.rows) == (1, "rows", [])


# --- time -------------------------------------------------------------------------------------


async def test_the_time_limit_strikes_on_the_server(
    orders: Orders, module_database: Database
) -> None:
    refusal = await orders.refusal("SELECT pg_sleep(60)", Limits(seconds=0.2))
    assert refusal.code == "target-timeout"
    assert "0.2 s" in str(refusal)
    assert at_work(module_database) == 0


async def test_the_time_limit_strikes_when_the_statement_lifts_the_servers_own(
    orders: Orders, module_database: Database
) -> None:
    lifting = (
        "SELECT pg_sleep(g) FROM (SELECT set_config('statement_timeout', '0', false), 60 g) x"
    )
    refusal = await orders.refusal(lifting, Limits(seconds=0.2))
    assert refusal.code == "target-timeout"
    assert at_work(module_database) == 0


async def test_a_line_gone_silent_does_not_hold_a_read_for_ever(
    orders: Orders, module_database: Database
) -> None:
    async with silent(module_database.read, b"SELECT 'hush'") as line:
        orders.target = Target("orders", Dialect.POSTGRES, "prod", line)
        async with asyncio.timeout(10):
            refusal = await orders.refusal("SELECT 'hush'", Limits(seconds=0.2))
    assert refusal.code == "target-timeout"


async def test_waiting_for_a_lock_ends_and_says_so(
    orders: Orders, module_database: Database
) -> None:
    with psycopg.connect(module_database.app) as owner:
        owner.execute("CREATE TABLE locked ()")
        owner.commit()
        owner.execute("LOCK TABLE locked")
        refusal = await orders.refusal("SELECT * FROM locked", Limits(seconds=0.2))
    assert refusal.code == "target-timeout"


async def test_cancelling_the_task_cancels_on_the_server(
    orders: Orders, module_database: Database
) -> None:
    task = asyncio.create_task(orders.ask("SELECT pg_sleep(60)"))
    await until(lambda: at_work(module_database) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: at_work(module_database) == 0)
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what the server does in its own time, but not for ever."""
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 5 s")


def at_work(database: Database) -> int:
    """Count the sessions of ours in which something runs."""
    with psycopg.connect(database.superuser) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'interlock' AND state <> 'idle'"
        ).fetchone()
    return int(row[0]) if row else -1


# --- sessions -----------------------------------------------------------------------------------


async def test_settings_are_pinned_and_cannot_be_preset(
    orders: Orders, module_database: Database
) -> None:
    with psycopg.connect(module_database.superuser) as connection:
        role = module_database.read.split("//")[1].split(":")[0]
        connection.execute(f"ALTER ROLE {role} SET standard_conforming_strings = off".encode())
        connection.execute(f"ALTER ROLE {role} SET search_path = evil".encode())
        connection.execute(f"ALTER ROLE {role} SET \"TimeZone\" = 'Asia/Tokyo'".encode())
    settings = ("standard_conforming_strings", "search_path", "TimeZone", "transaction_read_only")
    asked = ", ".join(f"current_setting('{name}')" for name in settings)
    assert (await orders.ask(f"SELECT {asked}")).rows == (
        ("on", "pg_catalog, public, pg_temp", "UTC", "on"),
    )


async def test_a_statement_behind_a_pin_that_fails_is_never_run(
    orders: Orders, module_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(module_database.read) as other:
        ending = f"SELECT pg_terminate_backend({other.info.backend_pid}, 2000)"
        with monkeypatch.context() as patched:
            # The server takes it over, and says it in another way than it was asked for.
            patched.setitem(pgtransaction._PINNED, "DateStyle", "iso, ymd")  # noqa: SLF001  no server does this by itself
            refusal = await orders.refusal(ending)
        assert refusal.code == "target-failed"
        assert "did not take the pinned settings over" in str(refusal)
        assert "ISO, YMD" in str(refusal)
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_a_connection_is_used_again_and_is_clean(orders: Orders) -> None:
    first = await orders.cell("SELECT pg_backend_pid()")
    await orders.ask("SELECT set_config('app.user', 'somebody', false), pg_advisory_lock(7)")
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    assert await orders.cell(held) == ("integer", 0)
    assert await orders.cell("SELECT current_setting('app.user', true)") in (
        ("text", None),
        ("text", ""),
    )
    assert await orders.cell("SELECT pg_backend_pid()") == first


async def test_reads_at_the_same_time_have_connections_of_their_own(orders: Orders) -> None:
    slow = "SELECT pg_backend_pid(), pg_sleep(0.1)"
    answers = await asyncio.gather(*(orders.ask(slow) for _ in range(6)))
    assert len({rows.rows[0][0] for rows in answers}) == 4


async def test_a_session_ended_on_the_server_is_replaced(
    orders: Orders, module_database: Database
) -> None:
    _, pid = await orders.cell("SELECT pg_backend_pid()")
    with psycopg.connect(module_database.superuser) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_a_session_ended_in_the_middle_is_unreachable(orders: Orders) -> None:
    refusal = await orders.refusal("SELECT pg_terminate_backend(pg_backend_pid())")
    assert refusal.code == "target-unreachable"
    assert await orders.cell("SELECT 1") == ("integer", 1)


async def test_another_generation_gets_connections_of_its_own(
    orders: Orders, module_database: Database
) -> None:
    _, before = await orders.cell("SELECT pg_backend_pid()")
    orders.target = Target(
        "orders", Dialect.POSTGRES, "prod", module_database.read, generation="2"
    )
    _, after = await orders.cell("SELECT pg_backend_pid()")
    assert before != after
    with psycopg.connect(module_database.superuser) as connection:
        alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        await until(lambda: connection.execute(alive, [before]).fetchone() == (0,))


async def test_the_lock_runbook_sees_what_others_run(
    orders: Orders, module_database: Database
) -> None:
    with psycopg.connect(module_database.app) as other:
        other.execute("SELECT 'marker'")
        rows = await orders.ask(
            "SELECT query, backend_start IS NOT NULL FROM pg_stat_activity WHERE pid = $1",
            pid=other.info.backend_pid,
        )
    assert rows.rows == (("SELECT 'marker'", True),)


# --- errors -----------------------------------------------------------------------------------


async def test_the_servers_own_words_come_with_state_and_place(orders: Orders) -> None:
    refusal = await orders.refusal("SELECT * FROM nowhere")
    assert refusal.code == "target-failed"
    assert 'relation "nowhere" does not exist (SQLSTATE 42P01, at character 15)' in str(refusal)


async def test_a_write_is_refused_by_the_engine_and_said_so(orders: Orders) -> None:
    refusal = await orders.refusal("CREATE TABLE x ()")
    assert refusal.code == "target-failed"
    assert "refused a write in a read" in str(refusal)


async def test_a_missing_right_is_said_so(orders: Orders) -> None:
    assert "may not do this" in str(await orders.refusal("SELECT * FROM pg_authid"))


async def test_what_was_let_through_and_tried_to_write_is_reported(orders: Orders) -> None:
    assert "the guard let it pass" in str(await orders.refusal("SELECT txid_current()"))


async def test_a_closed_port_is_said_at_once(orders: Orders) -> None:
    orders.target = Target("orders", Dialect.POSTGRES, "prod", "postgresql://u:pw@127.0.0.1:1/d")
    started = time.monotonic()
    refusal = await orders.refusal("SELECT 1")
    assert refusal.code == "target-unreachable"
    assert "refused" in str(refusal)
    assert time.monotonic() - started < 1


async def test_a_login_that_no_lock_could_hold_is_not_used(
    orders: Orders, module_database: Database
) -> None:
    for dsn, why in ((module_database.superuser, "superuser"), (module_database.act, "signal")):
        orders.target = Target("orders", Dialect.POSTGRES, "prod", dsn)
        refusal = await orders.refusal("SELECT 1")
        assert "too strong" in str(refusal)
        assert why in str(refusal)


MARKED = [
    "postgresql://reader:Pa55Mark@127.0.0.1:1/orders",
    "postgresql://reader:Pa55Mark@127.0.0.1:1",
    "postgresql://reader:Pa55@Mark@127.0.0.1:1/orders",
    "postgresql://reader:Pa55/Mark@127.0.0.1:1/orders",
    "postgresql://reader:12/Pa55Mark@127.0.0.1:1/orders",
    "postgresql://reader:Pa55Mark@127.0.0.1:port/orders",
    "postgresql://reader:Pa55 Mark@127.0.0.1:1/orders",
    "postgresql://reader:%Pa55Mark@127.0.0.1:1/orders",
    "host=127.0.0.1 port=1 dbname=orders password=Pa55Mark nonsense",
    "host=127.0.0.1 port=1 dbname=orders password='Pa55Mark",
    "Pa55Mark",
    "mysql://reader:Pa55Mark@127.0.0.1/orders",
]


@pytest.mark.parametrize("dsn", MARKED)
async def test_no_message_ever_quotes_a_credential(orders: Orders, dsn: str) -> None:
    orders.target = Target("orders", Dialect.POSTGRES, "prod", dsn)
    refusal = await orders.refusal("SELECT 1")
    assert refusal.code == "target-unreachable"
    assert "Pa55" not in str(refusal)
    assert "Mark" not in str(refusal)
    assert refusal.__cause__ is None


async def test_a_wrong_password_is_said_without_saying_it(
    orders: Orders, module_database: Database
) -> None:
    role = module_database.read.split("//")[1].split(":")[0]
    wrong = module_database.read.replace(
        module_database.read.split(":")[2].split("@")[0], "Pa55Mark"
    )
    orders.target = Target("orders", Dialect.POSTGRES, "prod", wrong + "_missing")
    refusal = await orders.refusal("SELECT 1")
    assert refusal.code == "target-unreachable"
    assert "Pa55Mark" not in str(refusal)
    assert role in str(refusal) or "does not exist" in str(refusal)


# --- what it may cost -------------------------------------------------------------------------

CHEAP = Limits(rows=1_000, bytes=1 << 20, seconds=5, cost=1_000)
MANY = "SELECT count(*) FROM generate_series(1, 1000) a, generate_series(1, 1000) b"


async def test_a_read_whose_plan_costs_too_much_is_not_run(orders: Orders) -> None:
    refusal = await orders.refusal(MANY, CHEAP)
    assert refusal.code == "outside-limits"
    assert "its plan costs" in str(refusal)
    assert "limit is 1,000" in str(refusal)


async def test_without_a_limit_it_runs(orders: Orders) -> None:
    assert (await orders.ask(MANY)).rows == ((1_000_000,),)


async def test_what_is_cheap_or_only_planned_runs_under_the_limit(orders: Orders) -> None:
    assert (await orders.ask("SELECT 1", CHEAP)).rows == ((1,),)
    assert (await orders.ask("/* why */ SHOW work_mem", CHEAP)).rows
    assert (await orders.ask(f"EXPLAIN {MANY}", CHEAP)).rows
    asked = await orders.ask("SELECT $1::int + 1", CHEAP, a=1)
    assert asked.rows == ((2,),)


@pytest.mark.parametrize("sql", [f"EXPLAIN ANALYZE {MANY}", f"-- x\nexplain (analyse) {MANY}"])
async def test_what_runs_without_a_plan_of_its_own_is_refused_under_the_limit(
    orders: Orders, sql: str
) -> None:
    assert (await orders.refusal(sql, CHEAP)).code == "outside-limits"


# --- where a column comes from ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "origin"),
    [
        ("SELECT query FROM pg_stat_activity", "pg_catalog.pg_stat_activity.query"),
        ("SELECT a.query AS q FROM pg_stat_activity a", "pg_catalog.pg_stat_activity.query"),
        (
            "SELECT q FROM (SELECT query AS q FROM pg_stat_activity) s",
            "pg_catalog.pg_stat_activity.query",
        ),
        (
            "WITH w AS (SELECT query FROM pg_stat_activity) SELECT * FROM w",
            "pg_catalog.pg_stat_activity.query",
        ),
        ("SELECT left(query, 9) FROM pg_stat_activity", ""),
        ("SELECT a FROM pg_stat_activity a", ""),
        ("SELECT 1", ""),
    ],
)
async def test_a_column_tells_where_it_comes_from(orders: Orders, sql: str, origin: str) -> None:
    for _ in range(2):  # the second time it is known
        assert (await orders.ask(sql)).columns[0].origin == origin


async def test_a_renamed_column_is_known_by_its_new_name_once_names_are_looked_up(
    orders: Orders, module_database: Database
) -> None:
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        owner.execute("CREATE TABLE renamed (old int)")
        assert (await orders.ask("SELECT * FROM renamed")).columns[
            0
        ].origin == "public.renamed.old"
        owner.execute("ALTER TABLE renamed RENAME old TO new")
        await orders.reader.catalogue(orders.target)
        assert (await orders.ask("SELECT * FROM renamed")).columns[
            0
        ].origin == "public.renamed.new"
        owner.execute("DROP TABLE renamed")
