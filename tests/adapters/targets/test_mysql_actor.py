"""Deeds on a real MariaDB: they stand only as approved, and doubt is called doubt."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from interlock.wire import encode_value
from interlock_gateway.adapters.targets.mysql import MysqlActor
from interlock_gateway.adapters.targets.mysqlline import RefusedError
from interlock_gateway.adapters.targets.mysqlpacket import LostError
from interlock_gateway.adapters.targets.mysqlwire import command, lines
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import Deed, Expect, OutcomeUnknownError, TargetError
from mysql_target import AsWritten, Maria, maria, session
from unreliable_line import cut
from witnesses import Attentive, FullStore

QUICK = Limits(seconds=3)


def deed(
    sql: str,
    expect: Expect = Expect.ROW_COUNT,
    *,
    rows: int = 1,
    max_rows: int = 10,
    **params: Any,
) -> Deed:
    typed = {name: encode_value(value) for name, value in params.items()}
    statement = Statement(Dialect.MARIADB, sql, tuple(params), sql)
    return Deed(statement, typed, expect, rows, max_rows)


class Shop:
    """A table of five orders, all open, and what can be done to it."""

    def __init__(self, database: Maria) -> None:
        self.database = database
        self.actor = MysqlActor(AsWritten())
        self.witness: Attentive | FullStore = Attentive()

    async def act(self, what: Deed, *, through: str = "", limits: Limits = QUICK) -> Rows:
        url = through or self.database.act
        target = Target("orders", Dialect.MARIADB, "prod", "unused", url)
        return await self.actor.act(target, what, limits, self.witness)

    async def refusal(self, what: Deed, **how: Any) -> str:
        with pytest.raises(TargetError) as caught:
            await self.act(what, **how)
        return caught.value.code

    async def states(self, table: str = "orders") -> list[str | None]:
        async with session(self.database.owner) as owner:
            asked = f"SELECT state FROM {table} ORDER BY id"  # noqa: S608  our own name
            found = await lines(owner, asked)
        return [row[0] for row in found]


OPEN = ["open"] * 5


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria(["orders", "old_orders"]) as made:
        yield made


@pytest.fixture
def shop(database: Maria) -> Shop:
    for table, engine in (("orders", "InnoDB"), ("old_orders", "MyISAM")):
        database.run(
            f"CREATE OR REPLACE TABLE {table} (id INT PRIMARY KEY, state VARCHAR(20) NOT NULL) "
            f"ENGINE = {engine}",
            f"INSERT INTO {table} SELECT seq, 'open' FROM seq_1_to_5",  # noqa: S608  our own name
        )
    return Shop(database)


# --- what was approved happens ------------------------------------------------------------------


async def test_a_deed_that_changes_what_was_approved_stands(shop: Shop) -> None:
    rows = await shop.act(deed("UPDATE orders SET state = ? WHERE id = ?", state="done", id=1))
    assert (rows.affected, rows.rows) == (1, ())
    assert await shop.states() == ["done", *OPEN[1:]]


async def test_rows_that_match_are_counted_whether_or_not_they_change(shop: Shop) -> None:
    """A preview by SELECT counts them so too; MySQL by itself would count none here."""
    rows = await shop.act(deed("UPDATE orders SET state = 'open' WHERE id < 4", rows=3))
    assert rows.affected == 3


async def test_a_deed_without_rows_and_without_parameters_stands(shop: Shop) -> None:
    await shop.act(deed("DELETE FROM orders", Expect.NO_ROWS))
    assert await shop.states() == []


async def test_a_query_of_another_session_can_be_killed(shop: Shop) -> None:
    async with session(shop.database.owner) as other:
        sleeping = asyncio.create_task(lines(other, "SELECT id FROM orders WHERE SLEEP(10)"))
        await asyncio.sleep(0.1)
        await shop.act(deed("KILL QUERY ?", Expect.NO_ROWS, id=other.thread))
        with pytest.raises(RefusedError, match="interrupted"):
            await sleeping
        assert await lines(other, "SELECT 1") == [("1",)]


async def test_another_session_can_be_ended(shop: Shop) -> None:
    async with session(shop.database.owner) as other:
        await shop.act(deed(f"KILL CONNECTION {other.thread}", Expect.NO_ROWS))
        with pytest.raises((LostError, RefusedError)):
            await lines(other, "SELECT 1")


async def test_a_deed_that_answers_true_stands(shop: Shop) -> None:
    rows = await shop.act(deed("SELECT RELEASE_ALL_LOCKS() = 0", Expect.ONE_TRUE))
    assert rows.rows == ((1,),)


async def test_a_statement_that_commits_by_itself_stands_when_it_answers_as_approved(
    shop: Shop,
) -> None:
    what = deed("ALTER TABLE orders ADD COLUMN note TEXT", Expect.NO_ROWS)
    await shop.act(what, through=shop.database.owner)
    assert await shop.states() == OPEN


# --- anything else is rolled back ---------------------------------------------------------------


async def test_one_row_too_many_rolls_all_of_them_back(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id < 4", rows=2)
    assert await shop.refusal(what) == "exceeded-approved-effect"
    assert await shop.states() == OPEN


async def test_no_more_rows_than_the_limit_whatever_was_counted_before(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done'", rows=5, max_rows=4)
    assert await shop.refusal(what) == "exceeded-approved-effect"
    assert await shop.states() == OPEN


async def test_fewer_rows_than_approved_are_rolled_back_too(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id = 1", rows=2)
    assert await shop.refusal(what) == "precondition-failed"
    assert await shop.states() == OPEN


async def test_rows_that_a_change_returns_are_not_counted_by_the_engine(shop: Shop) -> None:
    what = deed("DELETE FROM orders WHERE id = 1 RETURNING id", rows=1)
    assert await shop.refusal(what) == "precondition-failed"
    assert await shop.states() == OPEN


async def test_a_row_returned_is_one_row_and_delivered(shop: Shop) -> None:
    rows = await shop.act(deed("DELETE FROM orders WHERE id = 1 RETURNING id", Expect.ONE_ROW))
    assert rows.rows == ((1,),)
    assert await shop.states() == OPEN[1:]


async def test_another_answer_than_expected_is_a_failed_precondition(shop: Shop) -> None:
    nothing = deed("SELECT 1 FROM orders WHERE id = 99", Expect.ONE_ROW)
    assert await shop.refusal(nothing) == "precondition-failed"
    assert await shop.refusal(deed("SELECT 1", Expect.NO_ROWS)) == "precondition-failed"


async def test_a_session_that_is_gone_is_a_failed_precondition(shop: Shop) -> None:
    what = deed("KILL QUERY 999999999", Expect.NO_ROWS)
    assert await shop.refusal(what) == "precondition-failed"


async def test_two_statements_are_refused_by_the_server(shop: Shop) -> None:
    both = "UPDATE orders SET state = 'x' WHERE id = 1; COMMIT"
    assert await shop.refusal(deed(both)) == "target-failed"
    assert await shop.states() == OPEN


async def test_what_was_not_granted_is_refused(shop: Shop) -> None:
    assert await shop.refusal(deed("DELETE FROM mysql.global_priv")) == "target-failed"
    assert await shop.refusal(deed("DROP TABLE orders", Expect.NO_ROWS)) == "target-failed"
    assert await shop.states() == OPEN


async def test_the_time_limit_confirmed_by_the_server_is_a_rollback(shop: Shop) -> None:
    slow = "UPDATE orders SET state = 'done' WHERE id <= 1 AND SLEEP(60) = 0"
    assert await shop.refusal(deed(slow), limits=Limits(seconds=0.2)) == "target-timeout"
    assert await shop.states() == OPEN


async def test_waiting_for_a_lock_ends_without_effect(shop: Shop) -> None:
    async with session(shop.database.owner) as owner:
        await command(owner, "START TRANSACTION")
        await command(owner, "UPDATE orders SET state = 'held' WHERE id = 1")
        what = deed("UPDATE orders SET state = 'done' WHERE id = 1")
        assert await shop.refusal(what, limits=Limits(seconds=0.2)) == "target-timeout"
    assert await shop.states() == OPEN


async def test_a_change_that_a_rule_of_the_table_refuses_is_without_effect(shop: Shop) -> None:
    what = deed("INSERT INTO orders VALUES (6, 'open'), (1, 'again')", rows=2)
    assert await shop.refusal(what) == "target-failed"
    assert await shop.states() == OPEN


async def test_a_target_without_an_action_login_cannot_be_changed(shop: Shop) -> None:
    target = Target("orders", Dialect.MARIADB, "prod", shop.database.read)
    with pytest.raises(TargetError, match="no action login"):
        await shop.actor.act(target, deed("UPDATE orders SET state = 'x'"), QUICK, shop.witness)


async def test_a_login_that_may_do_everything_is_no_action_login(shop: Shop) -> None:
    name = f"{shop.database.name}_x"
    shop.database.run(
        f"CREATE USER '{name}'@'%' IDENTIFIED BY 'pw'", f"GRANT ALL ON *.* TO {name}"
    )
    url = shop.database.act.replace(f"{shop.database.name}_a", name)
    try:
        with pytest.raises(TargetError, match=r"too strong .*ALL PRIVILEGES"):
            await shop.act(deed("SELECT 1", Expect.ONE_ROW), through=url)
    finally:
        shop.database.run(f"DROP USER '{name}'@'%'")


async def test_nothing_was_sent_when_nobody_listens(shop: Shop) -> None:
    closed = "mysql://u:pw@127.0.0.1:1/d"
    what = deed("SELECT 1", Expect.ONE_ROW)
    assert await shop.refusal(what, through=closed) == "target-unreachable"


# --- doubt --------------------------------------------------------------------------------------


async def test_a_statement_that_committed_by_itself_and_answers_otherwise_is_doubt(
    shop: Shop,
) -> None:
    what = deed("ALTER TABLE orders ADD COLUMN note TEXT", rows=1)
    with pytest.raises(OutcomeUnknownError, match="committed by itself"):
        await shop.act(what, through=shop.database.owner)


async def test_a_statement_that_committed_by_itself_and_failed_is_doubt(shop: Shop) -> None:
    """DROP TABLE drops what is there and then complains about what is not."""
    what = deed("DROP TABLE old_orders, nowhere", Expect.NO_ROWS)
    with pytest.raises(OutcomeUnknownError, match="error 1051"):
        await shop.act(what, through=shop.database.owner)


async def test_a_table_without_transactions_cannot_be_rolled_back_and_that_is_said(
    shop: Shop,
) -> None:
    what = deed("UPDATE old_orders SET state = 'done'", rows=1)
    with pytest.raises(OutcomeUnknownError, match="no transactions"):
        await shop.act(what)
    assert await shop.states("old_orders") == ["done"] * 5


async def test_a_failure_halfway_through_a_table_without_transactions_is_doubt(
    shop: Shop,
) -> None:
    what = deed("INSERT INTO old_orders VALUES (6, 'open'), (1, 'again')", rows=2)
    with pytest.raises(OutcomeUnknownError, match="no transactions"):
        await shop.act(what)
    assert len(await shop.states("old_orders")) == 6


async def test_an_answer_other_than_true_may_have_worked(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknownError, match="instead of true"):
        await shop.act(deed("SELECT 0", Expect.ONE_TRUE))


async def test_a_line_cut_before_the_deed_is_without_effect(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id = 1")
    for word in (b"START TRANSACTION", b"UPDATE orders"):  # the second only prepares it
        async with cut(shop.database.act, word) as line:
            assert await shop.refusal(what, through=line) == "target-unreachable"
    assert await shop.states() == OPEN


async def test_a_line_cut_after_the_deed_was_sent_is_doubt(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = ? WHERE id = 1", state="marker")
    async with cut(shop.database.act, b"marker") as line:
        with pytest.raises(OutcomeUnknownError, match="was sent"):
            await shop.act(what, through=line)


async def test_a_line_cut_at_the_commit_is_doubt_and_the_deed_may_stand(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id = 1")
    async with cut(shop.database.act, b"COMMIT") as line:
        with pytest.raises(OutcomeUnknownError):
            await shop.act(what, through=line)
    assert await shop.states() == ["done", *OPEN[1:]]


async def test_a_server_that_stops_answering_is_doubt(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknownError):
        await shop.act(deed("KILL CONNECTION CONNECTION_ID()", Expect.NO_ROWS))


async def test_a_signal_stopped_by_the_time_limit_is_doubt(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknownError):
        await shop.act(
            deed("SELECT SLEEP(60) FROM orders", Expect.ONE_TRUE), limits=Limits(seconds=0.2)
        )
