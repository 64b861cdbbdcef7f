"""Doctor at a real PostgreSQL: right-sized logins, logins that are too strong, harmless probes."""

from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from interlock.testing.postgres import Database
from interlock_gateway.adapters.doctor import Check, Outcome, examine, postgres
from interlock_gateway.adapters.doctor.postgres import PROBES
from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgtransaction import begin
from interlock_gateway.adapters.targets.pgwire import ask
from interlock_gateway.core.model import Dialect, Limits, Target
from interlock_gateway.service.targets import TargetError
from psycopg import sql
from psycopg.pq import TransactionStatus
from unreliable_line import silent

pytestmark = pytest.mark.postgres

_CHANGE = "UPDATE ONLY public.orders SET id = id WHERE false"
_EVERYTHING = """
SELECT json_build_array(
  (SELECT json_agg(c ORDER BY c.oid) FROM (SELECT oid, relname, relnamespace, relacl
     FROM pg_class WHERE relkind IN ('r', 'v', 'S') AND relpersistence = 'p') AS c),
  (SELECT json_agg(o) FROM orders AS o),
  (SELECT json_agg(r ORDER BY rolname) FROM pg_roles AS r WHERE rolname LIKE %s),
  (SELECT count(*) FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND datname = current_database()))
"""


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@pytest.fixture
def orders(postgres_database: Database) -> Database:
    """A database with one table, which has a row."""
    with psycopg.connect(postgres_database.app, autocommit=True) as owner:
        owner.execute("CREATE TABLE orders (id int, state text)")
        owner.execute("INSERT INTO orders VALUES (1, 'new')")
    return postgres_database


async def checks(read: str, act: str = "") -> dict[str, Check]:
    """Return what doctor finds about the read login, by check; of the action login after it."""
    target = Target("orders", Dialect.POSTGRES, "production", read, act)
    return {check.check: check async for check in examine(target, AsWritten())}


def failed(found: dict[str, Check]) -> list[str]:
    return [name for name, check in found.items() if check.outcome is Outcome.FAILS]


def user(dsn: str) -> str:
    return urlsplit(dsn).username or ""


def everything(made: Database) -> Any:
    with psycopg.connect(made.superuser) as superuser:
        return superuser.execute(_EVERYTHING, [f"{made.name}%"]).fetchone()


def granted(made: Database, what: str, to: str) -> None:
    with psycopg.connect(made.superuser, autocommit=True) as superuser:
        superuser.execute(sql.SQL(f"{what} {{}}").format(sql.Identifier(user(to))))


async def test_every_lock_holds_for_right_sized_logins(orders: Database) -> None:
    found = await checks(orders.read, orders.act)
    assert failed(found) == []
    assert found["changing no rows"].tried == _CHANGE
    assert "25006" in found["changing no rows"].said
    assert "42501" in found["reading a file"].said
    assert "after 0." in found["the time limit"].said
    assert found["catalogue snapshot"].said == "relations: 1, views among them: 0"
    assert found["a login of its own"].said == f"{user(orders.act)}, not {user(orders.read)}"


async def test_a_superuser_is_named_and_the_probes_that_got_through_too(orders: Database) -> None:
    found = await checks(orders.superuser)
    assert failed(found) == ["no stronger than reading", "reading a file", "writing a file"]
    login = user(orders.superuser)
    assert f"Take superuser from {login}." in found["no stronger than reading"].next
    assert found["reading a file"].next.endswith(f"from {login}.")


async def test_probes_change_nothing_even_for_a_superuser(orders: Database) -> None:
    before = everything(orders)
    await checks(orders.superuser, orders.superuser)
    assert everything(orders) == before


async def test_probes_sent_without_any_lock_at_all_change_nothing(orders: Database) -> None:
    """The lock is as broken as it can be: a superuser, no transaction, the simple protocol."""
    before = everything(orders)
    dsn = orders.superuser
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as broken:
        for text in (*(probe.text for probe in PROBES), _CHANGE):
            broken.execute(text.encode())
            broken.execute("DISCARD ALL")
    assert everything(orders) == before


async def test_a_lock_without_its_read_only_transaction_shows_and_nothing_is_lost(
    orders: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def writing(connection: Connection, limits: Limits, *, read_only: bool) -> str:
        assert read_only
        return await begin(connection, limits, read_only=False)

    monkeypatch.setattr(postgres, "begin", writing)
    before = everything(orders)
    found = await checks(orders.superuser)
    wrote = {"a new table", "SELECT … INTO", "writing after all", "changing no rows"}
    assert wrote <= set(failed(found))
    assert found["a new table"].said == "It was not refused."
    assert everything(orders) == before


async def test_what_stays_in_a_session_or_beyond_its_time_or_unnoticed_shows(
    orders: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgetful(connection: Connection) -> bool:
        if connection.info.transaction_status != TransactionStatus.IDLE:
            await ask(connection, b"ROLLBACK")
        return True

    async def blind(_connection: Connection, _began: str) -> bool:
        return True

    monkeypatch.setattr(postgres, "tidied", forgetful)
    monkeypatch.setattr(postgres, "untouched", blind)
    monkeypatch.setattr(postgres, "_STRIKES", Limits(seconds=10))
    found = await checks(orders.read)
    shown = ["leaving the transaction", "the time limit", "nothing is left behind"]
    assert failed(found) == shown
    assert "setting left, 1 prepared" in found["nothing is left behind"].said


async def test_settings_that_are_not_taken_over_end_the_examination_of_the_login(
    orders: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pooled(_connection: Connection, _limits: Limits, *, read_only: bool) -> str:
        assert read_only
        raise TargetError("target-failed", "The server did not take the pinned settings over.")

    monkeypatch.setattr(postgres, "begin", pooled)
    found = await checks(orders.read, orders.act)
    assert failed(found) == ["settings are pinned"]
    assert "a second statement" not in found
    assert "a login of its own" in found


async def test_an_owner_is_told_what_it_owns_and_to_use_another_login(orders: Database) -> None:
    found = await checks(orders.app)
    assert failed(found) == ["owns nothing"]
    assert "table public.orders" in found["owns nothing"].said
    assert f"Do not read as {user(orders.app)}." in found["owns nothing"].next


@pytest.mark.parametrize(
    ("right", "check"),
    [
        ("CREATE ON SCHEMA public", "may create nothing"),
        ("TEMPORARY ON DATABASE {}", "may create nothing"),
        ("INSERT ON TABLE public.orders", "may change no table"),
        ("UPDATE (state) ON TABLE public.orders", "may change no table"),
    ],
)
async def test_a_right_too_many_is_a_statement_to_run_and_running_it_mends(
    orders: Database, right: str, check: str
) -> None:
    granted(orders, f"GRANT {right.format(orders.name)} TO", orders.read)
    found = await checks(orders.read)
    assert failed(found) == [check]
    mend = found[check].next
    assert mend.startswith("REVOKE ")
    assert "PUBLIC" not in mend
    with psycopg.connect(orders.superuser, autocommit=True) as superuser:
        superuser.execute(mend.encode())
    assert failed(await checks(orders.read)) == []


async def test_a_right_through_a_role_is_mended_by_leaving_the_role(orders: Database) -> None:
    writers = orders.act  # any role that holds the right
    granted(orders, "GRANT CREATE ON SCHEMA public TO", writers)
    granted(orders, f'GRANT "{user(writers)}" TO', orders.read)
    found = await checks(orders.read)
    then = f'REVOKE "{user(writers)}" FROM "{user(orders.read)}"'
    assert found["may create nothing"].next == then
    assert "pg_signal_backend" in found["no stronger than reading"].next


async def test_what_public_may_is_said_and_never_to_be_taken_away(orders: Database) -> None:
    found = await checks(orders.read)
    note = found["what everybody may"]
    assert (note.outcome, note.next) == (Outcome.NOTED, "")
    assert f"TEMPORARY on database {orders.name}" in note.said


async def test_one_login_for_both_is_refused(orders: Database) -> None:
    found = await checks(orders.read, f"{orders.read}?sslmode=prefer")
    assert failed(found) == ["a login of its own"]


async def test_views_and_functions_that_a_read_may_not_use_are_named(orders: Database) -> None:
    with psycopg.connect(orders.app, autocommit=True) as owner:
        owner.execute("CREATE FUNCTION total(int) RETURNS int LANGUAGE sql AS 'SELECT 1'")
        owner.execute("CREATE VIEW totals AS SELECT total(id) FROM orders")
    found = await checks(orders.read)
    assert "1 of 1 looked into: public.totals (" in found["views that are refused"].said
    assert found["functions nobody reviewed"].said == "1: public.total"
    assert "reads.functions" in found["functions nobody reviewed"].next


@pytest.mark.parametrize(
    ("column", "outcome", "said"),
    [
        ("public.orders.state", "holds", "all there"),
        ("public.orders.status", "fails", "its whole relation is masked"),
        ("public.order.state", "fails", "no such relation"),
    ],
)
async def test_masked_columns_are_looked_for(
    orders: Database, column: str, outcome: str, said: str
) -> None:
    target = Target("orders", Dialect.POSTGRES, "prod", orders.read, masked={column: "pii"})
    found = {check.check: check async for check in examine(target, AsWritten())}

    assert found["masked columns"].outcome.value == outcome
    assert said in found["masked columns"].said


async def test_a_login_that_makes_databases_and_logins_is_told_how_to_stop(
    orders: Database,
) -> None:
    with psycopg.connect(orders.superuser, autocommit=True) as superuser:
        superuser.execute(f'ALTER ROLE "{user(orders.read)}" CREATEDB CREATEROLE'.encode())
        found = await checks(orders.read)
        assert failed(found) == ["may create nothing"]
        for statement in found["may create nothing"].next.split("; "):
            superuser.execute(statement.encode())
    assert failed(await checks(orders.read)) == []


async def test_a_target_that_goes_silent_is_given_up(orders: Database) -> None:
    async with silent(orders.read, b"READ WRITE") as line:
        target = Target("orders", Dialect.POSTGRES, "production", line)
        found = [check async for check in examine(target, AsWritten(), patience_s=1.0)]
    assert (found[-2].check, found[-2].said) == ("read login reachable", "no answer in time")
    assert found[-3].check == "SELECT … INTO"


async def test_a_target_that_is_down_is_one_failure_and_quotes_no_password() -> None:
    found = await checks("postgresql://someone:topsecret@127.0.0.1:1/orders")
    assert failed(found) == ["read login reachable"]
    assert "refused" in found["read login reachable"].said
    assert "topsecret" not in repr(found)
