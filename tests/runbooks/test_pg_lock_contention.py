"""pg-lock-contention against real pile-ups: it names the root, frees the others, proves it."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from interlock.testing.postgres import Cluster, Database
from interlock_gateway.adapters.targets.logins import action_login_sql, read_login_sql
from pileup import PileUp
from psycopg import sql
from rehearsal import Rehearsal

pytestmark = pytest.mark.postgres

READS = ("activity", "blockers", "waiters", "long-transactions", "decide", "still-blocking")


def rehearsal(database: Database, **given: Any) -> Rehearsal:
    settings: dict[str, Any] = {"min_block_s": 0, "drain_s": 1, **given}
    return Rehearsal("pg-lock-contention", database.read, act=database.act, **settings)


@pytest.fixture
def pile(postgres_database: Database) -> Iterator[PileUp]:
    with PileUp(postgres_database.app) as pile:
        yield pile


def test_without_waiters_everything_is_ok_and_nothing_is_asked_for(
    postgres_database: Database,
) -> None:
    with rehearsal(postgres_database) as run:
        run.run()
    assert {run.status(step) for step in (*READS, "verify")} == {"ok"}
    assert run.acted == []


def test_an_idle_root_is_found_with_every_victim_once_ended_and_proven_gone(
    pile: PileUp, postgres_database: Database
) -> None:
    root = pile.idle_root()
    pile.seven_waiters()
    with rehearsal(postgres_database) as run:
        run.run()
    (row,) = run.tables["blockers"].dicts()
    assert (row["root_pid"], row["victims"], row["application_name"]) == (
        root,
        7,
        "checkout-worker",
    )
    assert run.status("blockers") == "bad"
    assert f"pid {root} (checkout-worker, idle in transaction) blocks 7 sessions" in run.text(
        "blockers"
    )
    assert run.findings["decide"]["next"] == "terminate"
    assert run.status("still-blocking") == "bad"
    assert [(action, args["pid"]) for action, args in run.acted] == [
        ("pg.terminate_backend", root)
    ]
    assert (run.status("verify"), run.text("verify")) == ("ok", "nobody is blocked any more")
    pile.finish()
    assert len(pile.ended) == 7


def test_waiters_show_what_they_wait_for(pile: PileUp, postgres_database: Database) -> None:
    pile.idle_root()
    pile.seven_waiters()
    with rehearsal(postgres_database) as run:
        run.run("activity", "waiters")
    waiters = {row["application_name"]: row for row in run.tables["waiters"].dicts()}
    assert len(waiters) == len(run.tables["waiters"].rows) == 7
    assert {row["relation"] for row in waiters.values()} == {"public.stock"}
    assert waiters["migration"]["wants"] == "AccessExclusiveLock"
    assert run.text("activity").startswith("7 waiting on locks, 1 idle in transaction, 0 hidden")


def test_an_active_root_has_its_statement_cancelled_and_keeps_its_session(
    pile: PileUp, postgres_database: Database
) -> None:
    root = pile.active_root()
    pile.waiter("cart-1", 1)
    with rehearsal(postgres_database) as run:
        run.run()
    assert run.findings["decide"]["next"] == "cancel"
    assert [(action, args["pid"]) for action, args in run.acted] == [("pg.cancel_backend", root)]
    assert run.status("still-blocking") == "ok"
    assert run.status("verify") == "ok"
    assert pile.root is not None
    pile.root.rollback()
    assert pile.root.execute("SELECT 1").fetchone() == (1,)


def test_of_two_roots_the_worse_one_goes_first_and_verify_tells_of_the_other(
    pile: PileUp, postgres_database: Database
) -> None:
    with PileUp(postgres_database.app, table="other") as other:
        worse = pile.idle_root(1)
        pile.waiter("cart-1", 1)
        pile.waiter("cart-2", 1)
        other.idle_root(1)
        other.waiter("cart-3", 1)
        with rehearsal(postgres_database) as run:
            run.run()
    assert [row["victims"] for row in run.tables["blockers"].dicts()] == [2, 1]
    assert [args["pid"] for _, args in run.acted] == [worse]
    assert run.status("verify") == "bad"
    assert run.findings["verify"]["next"] == "blockers"


def test_short_waits_are_no_reason_to_end_anybody(
    pile: PileUp, postgres_database: Database
) -> None:
    pile.idle_root()
    pile.waiter("cart-1", 1)
    with rehearsal(postgres_database, min_block_s=3600) as run:
        run.run("activity", "blockers", "decide", "cancel", "still-blocking")
    assert run.status("activity") == "warn"
    assert run.status("decide") == "ok"
    assert run.acted == []


def test_a_long_transaction_is_listed(pile: PileUp, postgres_database: Database) -> None:
    root = pile.idle_root()
    time.sleep(1.1)  # the wait must be older than one second
    with rehearsal(postgres_database, long_xact_s=1) as run:
        run.run("activity", "long-transactions")
    assert run.status("long-transactions") == "warn"
    assert [row["pid"] for row in run.tables["long-transactions"].dicts()] == [root]


def test_a_login_that_may_not_look_says_so_and_never_that_all_is_well(
    pile: PileUp, postgres_database: Database
) -> None:
    login = sql.Identifier(urlsplit(postgres_database.read).username or "")
    with psycopg.connect(postgres_database.superuser, autocommit=True) as superuser:
        superuser.execute(sql.SQL("REVOKE pg_read_all_stats FROM {}").format(login))
    pile.idle_root()
    pile.waiter("cart-1", 1)
    with rehearsal(postgres_database) as run:
        run.run(*READS[:5])
    assert run.status("activity") == "warn"
    assert "2 hidden" in run.text("activity")
    assert run.status("blockers") == "warn"
    assert "escalate" in run.text("decide")
    assert run.findings["decide"]["next"] == ""


# --- on the newest PostgreSQL -----------------------------------------------------------------


@pytest.fixture(scope="module")
def newest() -> Iterator[Database]:
    with Cluster(settings={"max_prepared_transactions": "5"}) as cluster:
        with psycopg.connect(cluster.dsn(), autocommit=True) as superuser:
            superuser.execute("CREATE ROLE app LOGIN PASSWORD 'made-up'")
            superuser.execute("CREATE DATABASE shop OWNER app")
        with psycopg.connect(cluster.dsn("shop"), autocommit=True) as superuser:
            for statement in (
                *read_login_sql("reads", database="shop", password="made-up"),
                *action_login_sql("acts", database="shop", password="made-up"),
            ):
                superuser.execute(statement.encode())
        app, reads, acts = (
            cluster.dsn("shop", user=name, password="made-up") for name in ("app", "reads", "acts")
        )
        yield Database("shop", cluster.dsn("shop"), app, reads, acts)


@pytest.fixture
def newest_pile(newest: Database) -> Iterator[PileUp]:
    with PileUp(newest.app) as pile:
        yield pile
    with psycopg.connect(newest.app, autocommit=True) as owner:
        owner.execute("DROP TABLE stock")


def test_it_frees_everybody_on_the_newest_postgresql(
    newest_pile: PileUp, newest: Database
) -> None:
    root = newest_pile.idle_root()
    newest_pile.seven_waiters()
    with rehearsal(newest) as run:
        run.run()
    (row,) = run.tables["blockers"].dicts()
    assert (row["root_pid"], row["victims"]) == (root, 7)
    assert run.status("verify") == "ok"


def test_a_prepared_transaction_is_escalated_and_never_called_well(
    newest_pile: PileUp, newest: Database
) -> None:
    newest_pile.prepared_root()
    newest_pile.waiter("cart-1", 1)
    newest_pile.waiter("cart-2", 1)
    with rehearsal(newest) as run:
        run.run()
    with psycopg.connect(newest.app, autocommit=True) as owner:
        owner.execute("ROLLBACK PREPARED 'left-behind'")
    assert run.text("blockers").startswith("pid 0 (")
    assert "escalate to db-oncall" in run.text("decide")
    assert run.status("still-blocking") == "bad"
    assert run.status("verify") == "bad"
    assert run.acted == []
