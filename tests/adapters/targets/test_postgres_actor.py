"""Deeds on a real PostgreSQL: they stand only as approved, and doubt is called doubt."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock.wire import encode_value
from interlock_gateway.adapters.targets.postgres import PostgresActor
from interlock_gateway.core.model import Before, Dialect, Limits, Rows, Statement, Stored, Target
from interlock_gateway.core.statement import undo_of
from interlock_gateway.service.targets import (
    Deed,
    Expect,
    OutcomeUnknownError,
    Prepared,
    TargetError,
)
from unreliable_line import cut
from witnesses import Attentive, FullStore

pytestmark = pytest.mark.postgres

QUICK = Limits(seconds=3)
TERMINATE = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
    "WHERE pid = $1 AND backend_start = $2::timestamptz"
)


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


def deed(
    sql: str,
    expect: Expect = Expect.ROW_COUNT,
    *,
    rows: int = 1,
    max_rows: int = 10,
    **params: Any,
) -> Deed:
    typed = {name: encode_value(value) for name, value in params.items()}
    statement = Statement(Dialect.POSTGRES, sql, tuple(params), sql)
    return Deed(statement, typed, expect, rows, max_rows)


class Shop:
    """A table of five orders, all open, and what can be done to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.actor = PostgresActor(AsWritten())
        self.witness: Attentive | FullStore = Attentive()

    async def act(self, what: Deed, *, through: str = "", limits: Limits = QUICK) -> Rows:
        dsn = through or self.database.act
        target = Target("orders", Dialect.POSTGRES, "prod", "unused", dsn)
        return await self.actor.act(target, what, limits, self.witness)

    @property
    def before(self) -> Before | None:
        """What the rows of the last deed were, as its witness was told."""
        assert isinstance(self.witness, Attentive)
        return self.witness.before

    async def refusal(self, what: Deed, **how: Any) -> str:
        with pytest.raises(TargetError) as caught:
            await self.act(what, **how)
        return caught.value.code

    def states(self) -> list[str]:
        with psycopg.connect(self.database.superuser) as connection:
            found = connection.execute("SELECT state FROM orders ORDER BY id").fetchall()
        return [row[0] for row in found]


OPEN = ["open"] * 5


@pytest.fixture
def shop(module_database: Database) -> Shop:
    role = urlsplit(module_database.act).username
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        owner.execute("DROP TABLE IF EXISTS orders CASCADE")
        owner.execute("CREATE TABLE orders (id int PRIMARY KEY, state text NOT NULL)")
        owner.execute("INSERT INTO orders SELECT g, 'open' FROM generate_series(1, 5) g")
        owner.execute(f"GRANT SELECT, UPDATE, DELETE ON orders TO {role}".encode())
    return Shop(module_database)


# --- what was approved happens ------------------------------------------------------------------


async def test_a_deed_that_changes_what_was_approved_stands(shop: Shop) -> None:
    rows = await shop.act(deed("UPDATE orders SET state = 'done' WHERE id = $1", id=1))
    assert rows.affected == 1
    assert rows.rows == ()
    assert shop.states() == ["done", *OPEN[1:]]


async def test_rows_that_a_change_returns_are_delivered(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id < 3 RETURNING id", rows=2)
    rows = await shop.act(what)
    assert (rows.rows, rows.affected) == (((1,), (2,)), 2)


async def test_more_rows_returned_than_delivered_are_still_all_changed(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' RETURNING id", rows=5)
    rows = await shop.act(what, limits=Limits(rows=2, seconds=3))
    assert (len(rows.rows), rows.truncated, rows.affected) == (2, "rows (2)", 5)
    assert shop.states() == ["done"] * 5


@pytest.mark.parametrize("many", [1, 63, 64, 65, 128, 200])
async def test_changed_rows_are_counted_whatever_chunks_they_come_back_in(
    shop: Shop, many: int
) -> None:
    with psycopg.connect(shop.database.app) as owner:
        owner.execute("INSERT INTO orders SELECT g, 'open' FROM generate_series(6, 200) g")
    what = deed("DELETE FROM orders WHERE id <= $1 RETURNING *", rows=many, max_rows=200, m=many)
    assert (await shop.act(what)).affected == many


async def test_ending_a_session_works_on_the_one_that_was_looked_at(shop: Shop) -> None:
    with psycopg.connect(shop.database.app) as other:
        started = other.execute(
            "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()
        assert started
        which = {"pid": other.info.backend_pid, "backend_start": started[0]}
        rows = await shop.act(deed(TERMINATE, Expect.ONE_TRUE, **which))
        assert rows.rows == ((True,),)
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")


# --- what the rows were before ------------------------------------------------------------------


def imaged(what: Deed, where: str) -> Deed:
    """A deed that asks for the rows as they were."""
    sql = f"SELECT * FROM orders WHERE ({where})"  # noqa: S608  our own words
    return replace(what, image=Statement(Dialect.POSTGRES, sql, what.statement.names, sql))


async def test_the_rows_are_told_as_they_were_right_before(shop: Shop) -> None:
    change = deed("UPDATE orders SET state = 'done' WHERE id <= $1", rows=2, most=2)
    await shop.act(imaged(change, "id <= $1"))

    assert shop.before is not None
    assert shop.before.rows.rows == ((1, "open"), (2, "open"))
    assert shop.before.stored == (Stored("id", key=True), Stored("state"))
    assert shop.states() == ["done", "done", "open", "open", "open"]


async def test_what_somebody_else_is_changing_is_waited_for(shop: Shop) -> None:
    """Read without a lock, the rows would be those before the other change: a wrong way back."""
    change = deed("UPDATE orders SET state = 'done' WHERE id = $1", id=1)
    with psycopg.connect(shop.database.app) as other:
        other.execute("UPDATE orders SET state = 'held' WHERE id = 1")
        acting = asyncio.create_task(shop.act(imaged(change, "id = $1")))
        await asyncio.sleep(0.7)  # long enough to come to the row, and to wait for it
        assert not acting.done()
        other.commit()
        await acting
    assert shop.before is not None
    assert shop.before.rows.rows == ((1, "held"),)


async def test_a_value_that_is_set_is_no_value_of_the_condition(shop: Shop) -> None:
    change = deed("UPDATE orders SET state = $1 WHERE id = $2", state="done", id=2)
    image = Statement(Dialect.POSTGRES, "SELECT * FROM orders WHERE (id = $1)", ("id",), "")
    await shop.act(replace(change, image=image))
    assert shop.before is not None
    assert shop.before.rows.rows == ((2, "open"),)
    assert shop.states()[1] == "done"


async def test_rows_that_may_not_be_read_are_changed_all_the_same(shop: Shop) -> None:
    role = urlsplit(shop.database.act).username
    with psycopg.connect(shop.database.app, autocommit=True) as owner:
        owner.execute("ALTER TABLE orders ADD COLUMN secret text")
        owner.execute(f"REVOKE SELECT ON orders FROM {role}".encode())  # noqa: S608  our own name
        owner.execute(f"GRANT SELECT (id, state) ON orders TO {role}".encode())
    change = deed("UPDATE orders SET state = 'done' WHERE id = $1", id=1)
    rows = await shop.act(imaged(change, "id = $1"))

    assert shop.before is None
    assert rows.affected == 1
    assert shop.states()[0] == "done"


async def test_more_rows_than_evidence_holds_are_cut_and_all_changed(shop: Shop) -> None:
    with psycopg.connect(shop.database.app, autocommit=True) as owner:
        owner.execute("INSERT INTO orders SELECT g, 'open' FROM generate_series(6, 150) AS g")
    change = deed("UPDATE orders SET state = 'done'", rows=150, max_rows=200)
    rows = await shop.act(imaged(change, "true"))

    assert shop.before is not None
    assert len(shop.before.rows.rows) == 100
    assert shop.before.rows.truncated.startswith("rows (100)")
    assert rows.affected == 150


async def test_a_change_that_is_rolled_back_leaves_the_rows_unlocked(shop: Shop) -> None:
    change = deed("UPDATE orders SET state = 'done' WHERE id <= $1", rows=1, most=2)
    assert await shop.refusal(imaged(change, "id <= $1")) == "exceeded-approved-effect"

    with psycopg.connect(shop.database.app) as other:
        assert other.execute("SELECT id FROM orders FOR UPDATE NOWAIT").fetchall()


HALF_SEEN = [
    "CREATE VIEW seen_part AS SELECT id, state FROM orders",
    """
    CREATE TABLE seen_part (id int PRIMARY KEY, state text);
    CREATE TABLE more (why text NOT NULL) INHERITS (seen_part);
    INSERT INTO more VALUES (1, 'open', 'because')
    """,
    """
    CREATE TABLE seen_part (id int PRIMARY KEY, state text);
    INSERT INTO seen_part VALUES (1, 'open');
    CREATE TRIGGER redundant BEFORE UPDATE ON seen_part
      FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
    """,
    """
    CREATE TABLE seen_part (id int PRIMARY KEY, state text);
    INSERT INTO seen_part VALUES (1, 'open');
    CREATE TABLE lines (id int REFERENCES seen_part ON DELETE CASCADE)
    """,
]
_HALF = ["a view", "a table that another inherits from", "a trigger", "a cascade"]


@pytest.mark.parametrize("made", HALF_SEEN, ids=_HALF)
async def test_rows_of_which_not_everything_is_seen_are_not_offered_back(
    shop: Shop, made: str
) -> None:
    role = urlsplit(shop.database.act).username
    with psycopg.connect(shop.database.app, autocommit=True) as owner:
        owner.execute(made.encode())
        owner.execute(f"GRANT ALL ON seen_part TO {role}".encode())
        sql = "DELETE FROM seen_part WHERE id = 1"
        seen = Statement(Dialect.POSTGRES, "SELECT * FROM seen_part WHERE (id = 1)", (), "")
        await shop.act(replace(deed(sql), image=seen))
        owner.execute(
            "DROP VIEW IF EXISTS seen_part" if "VIEW" in made else "DROP TABLE seen_part CASCADE"
        )

    assert shop.before is not None
    assert shop.before.rows.rows == ((1, "open"),)
    assert undo_of(Statement(Dialect.POSTGRES, sql, (), sql), shop.before) == ""


UNDONE = [
    (3, "UPDATE orders SET state = 'it''s done' WHERE id <= 3"),
    (4, "DELETE FROM orders WHERE id >= 2"),
    (1, "UPDATE orders SET state = NULL, at = now(), data = data || '{\"b\": 2}' WHERE id = 1"),
]


@pytest.mark.parametrize(("count", "sql"), UNDONE)
async def test_what_is_offered_brings_the_rows_back(shop: Shop, count: int, sql: str) -> None:
    with psycopg.connect(shop.database.app, autocommit=True) as owner:
        owner.execute("ALTER TABLE orders ALTER COLUMN state DROP NOT NULL")
        owner.execute(
            r"""
            ALTER TABLE orders ADD COLUMN at timestamptz DEFAULT now(),
              ADD COLUMN raw bytea DEFAULT '\x00ff',
              ADD COLUMN data jsonb DEFAULT '{"a": [1, "it''s \\"]}'
            """
        )
        before = owner.execute("SELECT * FROM orders ORDER BY id").fetchall()
        condition = sql.partition(" WHERE ")[2]
        change = imaged(deed(sql, rows=count), condition)
        await shop.act(change)
        assert shop.before is not None
        undo = undo_of(Statement(Dialect.POSTGRES, sql, (), sql), shop.before)
        assert owner.execute("SELECT * FROM orders ORDER BY id").fetchall() != before

        owner.execute(undo.encode())
        assert owner.execute("SELECT * FROM orders ORDER BY id").fetchall() == before


# --- kept before COMMIT -----------------------------------------------------------------------


async def test_what_a_deed_did_is_told_before_its_commit(shop: Shop) -> None:
    class Looking(Attentive):
        """Looks at the table as everybody else sees it."""

        async def before_commit(self, prepared: Prepared) -> None:
            await super().before_commit(prepared)
            assert shop.states() == OPEN

    shop.witness = Looking()
    await shop.act(deed("UPDATE orders SET state = 'done' WHERE id < 3", rows=2))

    (told,) = shop.witness.told
    assert told.affected == 2
    assert set(told.transaction) == {"xid", "place", "system", "timeline", "database", "since"}
    assert shop.states() == ["done", "done", *OPEN[2:]]


async def test_what_cannot_be_kept_is_rolled_back(shop: Shop) -> None:
    shop.witness = FullStore()
    assert await shop.refusal(deed("UPDATE orders SET state = 'x'", rows=5)) == "store-unwritable"
    assert shop.states() == OPEN
    with psycopg.connect(shop.database.app) as other:
        assert other.execute("SELECT id FROM orders FOR UPDATE NOWAIT").fetchall()


async def test_a_signal_that_cannot_be_kept_is_doubt(shop: Shop) -> None:
    shop.witness = FullStore()
    with pytest.raises(OutcomeUnknownError, match="A signal may have been sent"):
        await shop.act(deed("SELECT true", Expect.ONE_TRUE))


async def test_a_server_that_does_not_tell_its_name_is_no_reason_not_to_act(
    shop: Shop,
) -> None:
    with psycopg.connect(shop.database.superuser, autocommit=True) as admin:
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        try:
            await shop.act(deed("UPDATE orders SET state = 'done' WHERE id = 1"))
        finally:
            admin.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
    assert isinstance(shop.witness, Attentive)
    assert shop.witness.told[-1].transaction == {}
    assert shop.states()[0] == "done"


# --- anything else is rolled back ---------------------------------------------------------------


async def test_one_row_too_many_rolls_all_of_them_back(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id < 4", rows=2)
    assert await shop.refusal(what) == "exceeded-approved-effect"
    assert shop.states() == OPEN


async def test_no_more_rows_than_the_limit_whatever_was_counted_before(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done'", rows=5, max_rows=4)
    assert await shop.refusal(what) == "exceeded-approved-effect"
    assert shop.states() == OPEN


async def test_fewer_rows_than_approved_are_rolled_back_too(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id = 1", rows=2)
    assert await shop.refusal(what) == "precondition-failed"
    assert shop.states() == OPEN


async def test_a_change_that_the_engine_does_not_count_is_rolled_back(shop: Shop) -> None:
    hidden = "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone"
    assert await shop.refusal(deed(hidden, rows=0)) == "precondition-failed"
    assert shop.states() == OPEN


async def test_a_session_that_is_another_one_now_is_left_alone(shop: Shop) -> None:
    with psycopg.connect(shop.database.app) as other:
        pid, earlier = other.info.backend_pid, "2020-01-01 00:00:00+00"
        what = deed(TERMINATE, Expect.ONE_TRUE, pid=pid, backend_start=earlier)
        assert await shop.refusal(what) == "precondition-failed"
        assert other.execute("SELECT 1").fetchone() == (1,)


async def test_another_answer_than_expected_is_a_failed_precondition(shop: Shop) -> None:
    assert (
        await shop.refusal(deed("SELECT 1 WHERE false", Expect.ONE_ROW)) == "precondition-failed"
    )
    assert await shop.refusal(deed("SELECT 1", Expect.NO_ROWS)) == "precondition-failed"


@pytest.mark.parametrize("answer", ["false", "NULL"])
async def test_a_signal_that_did_not_work_in_time_may_work_later(shop: Shop, answer: str) -> None:
    with pytest.raises(OutcomeUnknownError, match="instead of true"):
        await shop.act(deed(f"SELECT {answer}::boolean", Expect.ONE_TRUE))


async def test_a_second_signal_cannot_be_taken_back_and_is_doubt(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknownError, match="2 rows instead of one"):
        await shop.act(deed("VALUES (true), (true)", Expect.ONE_TRUE))


async def test_two_statements_are_refused_by_the_server(shop: Shop) -> None:
    both = "UPDATE orders SET state = 'x' WHERE id = 1; COMMIT"
    assert await shop.refusal(deed(both)) == "target-failed"
    assert shop.states() == OPEN


async def test_a_deed_cannot_commit_by_itself(shop: Shop) -> None:
    with pytest.raises(OutcomeUnknownError):
        await shop.act(deed("COMMIT", Expect.NO_ROWS))


async def test_what_was_not_granted_is_refused(shop: Shop) -> None:
    assert await shop.refusal(deed("INSERT INTO orders VALUES (9, 'x')")) == "target-failed"
    assert await shop.refusal(deed("DROP TABLE orders", Expect.NO_ROWS)) == "target-failed"


async def test_the_time_limit_confirmed_by_the_server_is_a_rollback(shop: Shop) -> None:
    slow = "UPDATE orders SET state = 'done' WHERE id = 1 AND pg_sleep(60) IS NOT NULL"
    assert await shop.refusal(deed(slow), limits=Limits(seconds=0.2)) == "target-timeout"
    assert shop.states() == OPEN


async def test_waiting_for_a_lock_ends_without_effect(shop: Shop) -> None:
    with psycopg.connect(shop.database.app) as owner:
        owner.execute("UPDATE orders SET state = 'held' WHERE id = 1")
        what = deed("UPDATE orders SET state = 'done' WHERE id = 1")
        assert await shop.refusal(what, limits=Limits(seconds=0.2)) == "target-timeout"
        owner.rollback()
    assert shop.states() == OPEN


async def test_a_commit_that_the_server_refuses_is_without_effect(shop: Shop) -> None:
    with psycopg.connect(shop.database.app, autocommit=True) as owner:
        owner.execute("CREATE TABLE states (state text PRIMARY KEY)")
        owner.execute("INSERT INTO states VALUES ('open')")
        owner.execute(
            "ALTER TABLE orders ADD FOREIGN KEY (state) REFERENCES states DEFERRABLE "
            "INITIALLY DEFERRED"
        )
        assert await shop.refusal(deed("UPDATE orders SET state = 'x' WHERE id = 1")) == (
            "target-failed"
        )
        assert shop.states() == OPEN
        owner.execute("DROP TABLE states CASCADE")


async def test_a_target_without_an_action_login_cannot_be_changed(shop: Shop) -> None:
    target = Target("orders", Dialect.POSTGRES, "prod", shop.database.read)
    with pytest.raises(TargetError, match="no action login"):
        await shop.actor.act(target, deed("UPDATE orders SET state = 'x'"), QUICK, shop.witness)


async def test_a_superuser_is_no_action_login(shop: Shop) -> None:
    code = await shop.refusal(deed("SELECT true"), through=shop.database.superuser)
    assert code == "target-failed"


async def test_nothing_was_sent_when_nobody_listens(shop: Shop) -> None:
    closed = "postgresql://u:pw@127.0.0.1:1/d"
    assert await shop.refusal(deed("SELECT true"), through=closed) == "target-unreachable"


# --- doubt --------------------------------------------------------------------------------------


async def test_a_line_cut_before_the_deed_is_without_effect(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id = 1")
    async with cut(shop.database.act, b"BEGIN") as line:
        assert await shop.refusal(what, through=line) == "target-unreachable"
    assert shop.states() == OPEN


async def test_a_line_cut_after_the_deed_was_sent_is_doubt(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id = 1")
    async with cut(shop.database.act, b"UPDATE") as line:
        with pytest.raises(OutcomeUnknownError, match="was sent"):
            await shop.act(what, through=line)


async def test_a_line_cut_at_the_commit_is_doubt_and_the_deed_may_stand(shop: Shop) -> None:
    what = deed("UPDATE orders SET state = 'done' WHERE id = 1")
    async with cut(shop.database.act, b"COMMIT") as line:
        with pytest.raises(OutcomeUnknownError):
            await shop.act(what, through=line)
    assert shop.states() == ["done", *OPEN[1:]]


async def test_a_server_that_stops_answering_is_doubt(shop: Shop) -> None:
    what = deed("SELECT pg_terminate_backend(pg_backend_pid())", Expect.ONE_TRUE)
    with pytest.raises(OutcomeUnknownError):
        await shop.act(what)


async def test_a_signal_stopped_by_the_time_limit_is_doubt(shop: Shop) -> None:
    what = deed("SELECT pg_sleep(60) IS NOT NULL", Expect.ONE_TRUE)
    with pytest.raises(OutcomeUnknownError):
        await shop.act(what, limits=Limits(seconds=0.2))
