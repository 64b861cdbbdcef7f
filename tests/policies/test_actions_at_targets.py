"""The catalogued actions that ship, on real servers, through the adapters of the gateway."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from interlock.testing.postgres import Cluster, Database
from interlock_gateway.adapters.policy_files import read
from interlock_gateway.adapters.targets.mysql import MysqlActor, MysqlReader
from interlock_gateway.adapters.targets.mysqlline import RefusedError
from interlock_gateway.adapters.targets.mysqlpacket import LostError
from interlock_gateway.adapters.targets.mysqlwire import Connection, lines
from interlock_gateway.adapters.targets.postgres import PostgresActor, PostgresReader
from interlock_gateway.core.model import Limits, Target
from interlock_gateway.core.statement import translate, undo_of, with_names
from interlock_gateway.service.outcomes import as_expected
from interlock_gateway.service.targets import Deed, Expect, TargetError
from mysql_target import AsWritten, Maria, maria, session
from policy_folder import SHIPPED
from psycopg import sql
from witnesses import Attentive

ACTIONS = read(SHIPPED).actions
QUICK = Limits(seconds=5)


class Operator:
    """Takes one action through its parts, as the gateway does."""

    def __init__(self, name: str, read: str, act: str) -> None:
        self.action = ACTIONS[name]
        postgres = self.action.dialect == "postgres"
        self._reader = (PostgresReader if postgres else MysqlReader)(AsWritten())
        self._actor = (PostgresActor if postgres else MysqlActor)(AsWritten())
        self._target = Target("orders", self.action.dialect, "production", read, act)
        self.given: dict[str, Any] = {}
        self.witness = Attentive()

    async def aclose(self) -> None:
        await self._reader.aclose()

    def asks(self, **given: Any) -> None:
        """Name what the action is for; lists as they come from JSON."""
        kinds = {name: argument.type for name, argument in self.action.arguments.items()}
        self.given = {name: {"type": kinds[name], "value": value} for name, value in given.items()}

    async def shown(self, part: str) -> list[dict[str, Any]]:
        """Return what a part of the action reads."""
        statement = translate(self.action.dialect, getattr(self.action, part).sql)
        values = {name: self.given[name] for name in statement.names}
        rows = await self._reader.read(self._target, statement, values, QUICK)
        return [dict(zip((c.name for c in rows.columns), row, strict=True)) for row in rows.rows]

    async def holds(self, part: str) -> bool:
        """Tell whether a check finds what it expects, within the time that it has."""
        check = getattr(self.action, part)
        statement = translate(self.action.dialect, check.sql)
        values = {name: self.given[name] for name in statement.names}
        ends = time.monotonic() + check.within_s
        while True:
            rows = await self._reader.read(self._target, statement, values, QUICK)
            held = as_expected(rows, check.expect)
            if held or time.monotonic() >= ends:
                return held
            await asyncio.sleep(0.05)

    async def acts(self, rows: int = 0) -> list[tuple[Any, ...]]:
        """Do it, once, given that `rows` were counted before."""
        execute = self.action.execute
        names = {name: str(self.given[name]["value"]) for name in execute.identifiers}
        text = with_names(execute.sql, names) if names else execute.sql
        statement = translate(self.action.dialect, text)
        values = {name: self.given[name] for name in statement.names}
        expect = Expect(self.action.execute.expect)
        image = translate(self.action.dialect, self.action.image.sql)
        deed = Deed(statement, values, expect, rows, self.action.max_rows, image)
        if not image.text:
            deed = replace(deed, image=None)
        self.statement = statement
        return list((await self._actor.act(self._target, deed, QUICK, self.witness)).rows)

    @property
    def undo(self) -> str:
        """What is offered to bring the rows back."""
        assert self.witness.before is not None
        return undo_of(self.statement, self.witness.before)

    async def refusal(self, rows: int = 0) -> str:
        """Do it where it must be refused; return the code."""
        with pytest.raises(TargetError) as caught:
            await self.acts(rows)
        return caught.value.code


# --- sessions of PostgreSQL that are idle in a transaction ------------------------------------


@pytest.fixture
def sessions(module_database: Database) -> Iterator[list[psycopg.Connection]]:
    """Three sessions of the application: two idle in a transaction, one that is just idle."""
    with ExitStack() as stack:
        made = [
            stack.enter_context(closing(psycopg.connect(module_database.app, autocommit=True)))
            for _ in range(3)
        ]
        for idle in made[:2]:
            idle.execute("BEGIN")
            idle.execute("SELECT 1")
        yield made


@pytest.fixture
async def batch(
    module_database: Database, sessions: list[psycopg.Connection]
) -> AsyncIterator[Operator]:
    """The action, asked to end all three."""
    operator = Operator(
        "pg.terminate_idle_in_transaction", module_database.read, module_database.act
    )
    pids = [one.info.backend_pid for one in sessions]
    with psycopg.connect(module_database.superuser) as admin:
        sql = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = ANY (%s) ORDER BY pid"
        found = admin.execute(sql, [pids]).fetchall()
    listed = [{"pid": pid, "backend_start": start.isoformat()} for pid, start in found]
    operator.asks(sessions=listed, idle_s=0)
    yield operator
    await operator.aclose()


@pytest.mark.postgres
async def test_those_of_the_list_that_are_idle_in_a_transaction_are_ended(
    batch: Operator, sessions: list[psycopg.Connection]
) -> None:
    assert batch.action.problems(batch.given) == ("`idle_s` must be at least 10.",)
    shown = await batch.shown("preview")
    assert {row["pid"] for row in shown} == {one.info.backend_pid for one in sessions[:2]}
    assert await batch.holds("precheck")

    assert await batch.acts() == [(True,), (True,)]
    assert await batch.holds("verify")
    assert sessions[2].execute("SELECT 1").fetchall() == [(1,)]
    for ended in sessions[:2]:
        with pytest.raises(psycopg.OperationalError):
            ended.execute("SELECT 1")

    assert not await batch.holds("precheck")
    assert await batch.refusal() == "precondition-failed"


@pytest.mark.postgres
async def test_other_sessions_under_the_same_pids_are_left_alone(
    batch: Operator, sessions: list[psycopg.Connection]
) -> None:
    listed = batch.given["sessions"]["value"]
    others = [one | {"backend_start": "2020-01-01T00:00:00+00:00"} for one in listed]
    batch.asks(sessions=others, idle_s=0)

    assert await batch.shown("preview") == []
    assert await batch.refusal() == "precondition-failed"
    assert all(one.execute("SELECT 1").fetchall() for one in sessions)


@pytest.mark.postgres
async def test_who_was_not_idle_for_that_long_stays(
    batch: Operator, sessions: list[psycopg.Connection]
) -> None:
    batch.asks(sessions=batch.given["sessions"]["value"], idle_s=3600)

    assert await batch.refusal() == "precondition-failed"
    assert all(one.execute("SELECT 1").fetchall() for one in sessions)


# --- replication slots ------------------------------------------------------------------------


@pytest.fixture
async def slot(module_database: Database) -> AsyncIterator[Operator]:
    """A slot that nobody uses, and the function that the action's file says to make."""
    text = (SHIPPED / "actions/pg.drop_inactive_slot.toml").read_text("utf-8")
    made = re.search(r"(?s)#   CREATE SCHEMA.*?TO interlock_act;\n#\n", text)
    assert made
    role = str(urlsplit(module_database.act).username)
    script = made[0].replace("#   ", "").replace("#\n", "").replace("interlock_act", role)
    name = f"il_{secrets.token_hex(4)}"
    with psycopg.connect(module_database.superuser, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS interlock CASCADE")
        admin.execute(script.encode())
        admin.execute("SELECT pg_create_physical_replication_slot(%s, true)", [name])
        sql = "SELECT restart_lsn::text FROM pg_replication_slots WHERE slot_name = %s"
        (place,) = admin.execute(sql, [name]).fetchall()
        operator = Operator("pg.drop_inactive_slot", module_database.read, module_database.act)
        operator.asks(slot=name, restart_lsn=place[0])
        yield operator
        await operator.aclose()
        left = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        admin.execute(f"{left} WHERE slot_name = %s".encode(), [name])


@pytest.mark.postgres
async def test_a_slot_that_nobody_uses_is_dropped_by_a_login_that_may_not_replicate(
    slot: Operator,
) -> None:
    (shown,) = await slot.shown("preview")
    assert (shown["slot_name"], shown["active"]) == (slot.given["slot"]["value"], False)
    assert shown["wal_kept"]
    assert await slot.holds("precheck")

    assert len(await slot.acts()) == 1
    assert await slot.holds("verify")
    assert await slot.refusal() == "precondition-failed"


@pytest.mark.postgres
async def test_a_slot_that_has_moved_is_used_by_somebody_and_stays(slot: Operator) -> None:
    slot.asks(slot=slot.given["slot"]["value"], restart_lsn="0/1")

    assert not await slot.holds("precheck")
    assert await slot.refusal() == "precondition-failed"
    assert not await slot.holds("verify")


# --- a standby --------------------------------------------------------------------------------


@pytest.mark.heavy
@pytest.mark.postgres
async def test_a_paused_standby_goes_on_replaying() -> None:
    with Cluster(settings={"wal_level": "replica"}) as cluster:
        with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
            admin.execute("CREATE ROLE reads LOGIN PASSWORD 'r'")
            admin.execute("GRANT pg_read_all_stats TO reads")
            admin.execute("CREATE ROLE acts LOGIN PASSWORD 'a'")
            admin.execute("GRANT EXECUTE ON FUNCTION pg_wal_replay_resume() TO acts")
        cluster.restart_as_standby()
        with psycopg.connect(cluster.dsn(), autocommit=True) as admin:
            admin.execute("SELECT pg_wal_replay_pause()")
        operator = Operator(
            "pg.resume_replay",
            cluster.dsn(user="reads", password="r"),
            cluster.dsn(user="acts", password="a"),
        )
        try:
            (shown,) = await operator.shown("preview")
            assert (shown["is_standby"], shown["paused"]) == (True, True)
            assert await operator.holds("precheck")
            assert not await operator.holds("verify")

            assert len(await operator.acts()) == 1
            assert await operator.holds("verify")
            assert await operator.refusal() == "precondition-failed"
        finally:
            await operator.aclose()


@pytest.mark.postgres
async def test_a_primary_has_no_replay_to_resume(module_database: Database) -> None:
    operator = Operator("pg.resume_replay", module_database.read, module_database.act)
    try:
        (shown,) = await operator.shown("preview")
        assert (shown["is_standby"], shown["paused"]) == (False, None)
        assert not await operator.holds("precheck")
        assert await operator.refusal() == "target-failed"  # the login may not even call it
    finally:
        await operator.aclose()


# --- a queue ----------------------------------------------------------------------------------


@pytest.fixture
async def queue(module_database: Database) -> AsyncIterator[Operator]:
    """Three jobs that run, of which two are asked for."""
    reads, acts = (urlsplit(url).username for url in (module_database.read, module_database.act))
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        owner.execute("DROP TABLE IF EXISTS jobs")
        owner.execute(
            "CREATE TABLE jobs (id bigint PRIMARY KEY, state text, started_at timestamptz, "
            "attempts int DEFAULT 1)"
        )
        owner.execute(
            "INSERT INTO jobs SELECT g, 'running', '2026-01-01 10:00:00.123456+00' "
            "FROM generate_series(1, 3) AS g"
        )
        owner.execute(f"GRANT SELECT ON jobs TO {reads}".encode())
        owner.execute(f"GRANT SELECT, UPDATE ON jobs TO {acts}".encode())
    operator = Operator("queue.requeue_stuck", module_database.read, module_database.act)
    started = "2026-01-01T10:00:00.123456+00:00"
    operator.asks(jobs=[{"id": 1, "started_at": started}, {"id": 2, "started_at": started}])
    yield operator
    await operator.aclose()


def states(database: Database) -> list[str]:
    with psycopg.connect(database.superuser) as admin:
        return [row[0] for row in admin.execute("SELECT state FROM jobs ORDER BY id")]


@pytest.mark.postgres
async def test_as_many_jobs_are_put_back_as_were_counted(
    queue: Operator, module_database: Database
) -> None:
    ((count,),) = [tuple(row.values()) for row in await queue.shown("count")]
    assert count == len(await queue.shown("preview")) == 2
    assert await queue.holds("precheck")

    await queue.acts(count)
    assert states(module_database) == ["queued", "queued", "running"]
    assert await queue.holds("verify")


@pytest.mark.postgres
async def test_a_job_that_a_worker_has_taken_since_rolls_all_of_it_back(
    queue: Operator, module_database: Database
) -> None:
    with psycopg.connect(module_database.app, autocommit=True) as worker:
        worker.execute("UPDATE jobs SET started_at = now() WHERE id = 2")

    assert await queue.refusal(2) == "precondition-failed"
    assert states(module_database) == ["running", "running", "running"]


@pytest.mark.postgres
async def test_what_is_offered_puts_the_jobs_as_they_were(
    queue: Operator, module_database: Database
) -> None:
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        before = owner.execute("SELECT * FROM jobs ORDER BY id").fetchall()
        await queue.acts(2)
        assert owner.execute("SELECT * FROM jobs ORDER BY id").fetchall() != before
        owner.execute(queue.undo.encode())
        assert owner.execute("SELECT * FROM jobs ORDER BY id").fetchall() == before


@pytest.fixture
async def poisoned(
    queue: Operator,  # noqa: ARG001  its jobs
    module_database: Database,
) -> AsyncIterator[Operator]:
    """Of the three jobs two have failed five times."""
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        owner.execute("UPDATE jobs SET state = 'failed', attempts = 5 WHERE id > 1")
    operator = Operator("queue.quarantine", module_database.read, module_database.act)
    operator.asks(jobs=[{"id": 2, "attempts": 5}, {"id": 3, "attempts": 5}])
    yield operator
    await operator.aclose()


@pytest.mark.postgres
async def test_named_jobs_are_quarantined_and_what_is_offered_brings_them_back(
    poisoned: Operator, module_database: Database
) -> None:
    ((count,),) = [tuple(row.values()) for row in await poisoned.shown("count")]
    assert count == len(await poisoned.shown("preview")) == 2
    assert await poisoned.holds("precheck")
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        before = owner.execute("SELECT * FROM jobs ORDER BY id").fetchall()

        await poisoned.acts(count)
        assert states(module_database) == ["running", "quarantined", "quarantined"]
        assert await poisoned.holds("verify")
        assert not await poisoned.holds("precheck")

        owner.execute(poisoned.undo.encode())
        assert owner.execute("SELECT * FROM jobs ORDER BY id").fetchall() == before


@pytest.mark.postgres
async def test_a_job_that_was_tried_again_since_is_not_quarantined(
    poisoned: Operator, module_database: Database
) -> None:
    with psycopg.connect(module_database.app, autocommit=True) as worker:
        worker.execute("UPDATE jobs SET attempts = 6 WHERE id = 3")

    assert not await poisoned.holds("precheck")
    assert await poisoned.refusal(2) == "precondition-failed"
    assert states(module_database) == ["running", "failed", "failed"]


# --- vacuum -----------------------------------------------------------------------------------

ODD = 'Or"ders; DROP TABLE jobs --'


@pytest.fixture
async def dirty(module_database: Database) -> AsyncIterator[Operator]:
    """A table with an odd name and dead rows, whose owner the action login stands for."""
    role = sql.Identifier(str(urlsplit(module_database.act).username))
    with psycopg.connect(module_database.superuser, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS il_vacuums")
        admin.execute("CREATE ROLE il_vacuums")
        admin.execute(sql.SQL("GRANT il_vacuums TO {}").format(role))
        admin.execute(sql.SQL("CREATE TABLE {} (id int)").format(sql.Identifier(ODD)))
        admin.execute(
            sql.SQL("INSERT INTO {} SELECT generate_series(1, 100)").format(sql.Identifier(ODD))
        )
        admin.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(ODD)))
        admin.execute(sql.SQL("ALTER TABLE {} OWNER TO il_vacuums").format(sql.Identifier(ODD)))
        operator = Operator("pg.vacuum", module_database.read, module_database.act)
        operator.asks(schema="public", table=ODD, vacuum_count=0)
        yield operator
        await operator.aclose()
        admin.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(ODD)))
        admin.execute(sql.SQL("REVOKE il_vacuums FROM {}").format(role))
        admin.execute("DROP ROLE il_vacuums")


@pytest.mark.postgres
async def test_a_table_is_vacuumed_whatever_its_name(
    dirty: Operator, module_database: Database
) -> None:
    (shown,) = await dirty.shown("preview")
    assert (shown["relname"], shown["vacuum_count"]) == (ODD, 0)
    assert await dirty.holds("precheck")

    assert await dirty.acts() == []
    assert dirty.witness.told == []  # it commits by itself: there is no moment before
    assert dirty.statement.text == 'VACUUM (ANALYZE) "public"."Or""ders; DROP TABLE jobs --"'
    assert await dirty.holds("verify")
    assert not await dirty.holds("precheck")  # somebody has vacuumed it since it was looked at
    with psycopg.connect(module_database.superuser) as admin:
        found = admin.execute(
            "SELECT last_vacuum IS NOT NULL, last_analyze IS NOT NULL FROM pg_stat_user_tables "
            "WHERE relname = %s",
            [ODD],
        ).fetchall()
    assert found == [(True, True)]


@pytest.mark.postgres
async def test_a_vacuum_that_was_only_warned_about_is_a_failure(
    dirty: Operator, module_database: Database
) -> None:
    with psycopg.connect(module_database.superuser, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER TABLE {} OWNER TO postgres").format(sql.Identifier(ODD)))
        assert await dirty.refusal() == "target-failed"
    assert not await dirty.holds("verify")


@pytest.mark.postgres
async def test_a_vacuum_that_gets_no_lock_is_a_failure(
    dirty: Operator, module_database: Database
) -> None:
    with psycopg.connect(module_database.superuser) as other:
        other.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(ODD)))
        assert await dirty.refusal() == "target-timeout"


@pytest.mark.postgres
@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW odd_one AS SELECT 1 AS a",
        "CREATE TABLE odd_one (a int) PARTITION BY RANGE (a)",
        "CREATE MATERIALIZED VIEW odd_one AS SELECT 1 AS a",
        "SELECT 1",
    ],
    ids=["a view", "a partitioned table", "a materialized view", "nothing"],
)
async def test_only_a_plain_table_that_is_there_is_vacuumed(
    dirty: Operator, module_database: Database, made: str
) -> None:
    with psycopg.connect(module_database.superuser) as admin:
        admin.execute(made.encode())
        admin.commit()
        dirty.asks(schema="public", table="odd_one", vacuum_count=0)
        assert not await dirty.holds("precheck")
        word = made.split("odd_one", maxsplit=1)[0].removeprefix("CREATE ")
        if word.endswith(" "):
            admin.execute(f"DROP {word} odd_one".encode())
        admin.commit()


# --- sessions of MariaDB ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop() -> Iterator[Maria]:
    with maria(["orders"]) as made:
        yield made


@pytest.fixture
async def busy(shop: Maria) -> AsyncIterator[tuple[Connection, "asyncio.Task[object]"]]:
    """A session of the application whose statement takes long."""
    async with session(shop.owner) as other:
        task = asyncio.create_task(_sleeps(other))
        await asyncio.sleep(0.2)
        yield other, task
        task.cancel()


async def _sleeps(connection: Connection) -> object:
    try:
        return await lines(connection, "SELECT SLEEP(30)")
    except (LostError, RefusedError) as error:
        return error


async def seen(shop: Maria, thread: int) -> tuple[int, str]:
    """Return the number of its statement, and its client's address."""
    async with session(shop.owner) as other:
        asked = f"SELECT QUERY_ID, HOST FROM information_schema.PROCESSLIST WHERE ID = {thread}"  # noqa: S608  a number
        ((number, host),) = await lines(other, asked)
    return int(number or 0), str(host)


@pytest.fixture
async def killing(shop: Maria, busy: tuple[Connection, object]) -> AsyncIterator[Operator]:
    number, _ = await seen(shop, busy[0].thread)
    operator = Operator("mariadb.kill_query", shop.read, shop.act)
    operator.asks(id=busy[0].thread, query_id=number)
    yield operator
    await operator.aclose()


async def test_the_statement_that_was_looked_at_is_ended_and_the_session_stays(
    killing: Operator, busy: tuple[Connection, "asyncio.Task[object]"]
) -> None:
    (shown,) = await killing.shown("preview")
    assert shown["query"] == "SELECT SLEEP(30)"
    assert await killing.holds("precheck")

    assert await killing.acts() == []
    await busy[1]
    assert await killing.holds("verify")
    assert await lines(busy[0], "SELECT 1") == [("1",)]
    assert await killing.refusal() == "target-failed"


async def test_the_sessions_next_statement_is_not_hit_instead(
    killing: Operator, busy: tuple[Connection, "asyncio.Task[object]"]
) -> None:
    number = killing.given["query_id"]["value"]
    killing.asks(id=busy[0].thread, query_id=number - 1)

    assert not await killing.holds("precheck")
    assert await killing.refusal() == "target-failed"
    assert not busy[1].done()


async def test_a_session_is_ended_if_it_is_still_the_same_clients(
    shop: Maria, busy: tuple[Connection, "asyncio.Task[object]"]
) -> None:
    _, host = await seen(shop, busy[0].thread)
    operator = Operator("mariadb.kill_connection", shop.read, shop.act)
    try:
        operator.asks(id=busy[0].thread, host="10.0.0.1:5")
        assert not await operator.holds("precheck")

        operator.asks(id=busy[0].thread, host=host)
        (shown,) = await operator.shown("preview")
        assert (shown["HOST"], shown["query"]) == (host, "SELECT SLEEP(30)")
        assert await operator.holds("precheck")
        assert await operator.acts() == []
        assert isinstance(await busy[1], LostError | RefusedError)
        assert await operator.holds("verify")
    finally:
        await operator.aclose()
