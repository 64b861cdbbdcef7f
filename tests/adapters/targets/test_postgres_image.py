"""What rows of a PostgreSQL table were before a change comes back exactly, whatever it was."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interlock.testing.postgres import Database
from interlock_gateway.adapters.targets.postgres import PostgresActor
from interlock_gateway.core.model import Dialect, Limits, Target
from interlock_gateway.core.statement import changed_table, preview_of, translate, undo_of
from interlock_gateway.service.targets import Deed, Expect
from witnesses import Attentive

pytestmark = pytest.mark.postgres

MADE = """
CREATE TABLE orders (id int, part text COLLATE "C", state text, total numeric, weight float8,
  short float4, raw bytea, day date, moment timestamptz, local timestamp, clock timetz,
  took interval, doc jsonb, plain json, list text[], bits bit varying, span int4range, yes bool,
  uid uuid, odd regclass, PRIMARY KEY (id, part))
"""
CHANGED = (
    "UPDATE orders SET state = 'x', total = 0, weight = 0, short = 0, raw = NULL, day = NULL, "
    "moment = NULL, local = NULL, clock = NULL, took = NULL, doc = NULL, plain = NULL, "
    "list = NULL, bits = NULL, span = NULL, yes = NULL, uid = NULL"
)


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


async def kept(database: Database, sql: str) -> str:
    """Do it, and return what is offered to take it back."""
    statement = translate(Dialect.POSTGRES, sql)
    deed = Deed(statement, {}, Expect.ROW_COUNT, 1, 10)
    deed = replace(deed, image=preview_of(statement).image, table=changed_table(statement))
    witness = Attentive()
    target = Target("orders", Dialect.POSTGRES, "prod", "unused", database.act)
    await PostgresActor(AsWritten()).act(target, deed, Limits(seconds=10), witness)
    assert witness.before is not None
    assert len(witness.before.rows.rows) == 1
    return undo_of(statement, witness.before)


@pytest.fixture(scope="module")
def made(module_database: Database) -> Database:
    """A table of every kind of column, that the action login may change."""
    role = urlsplit(module_database.act).username
    with psycopg.connect(module_database.app, autocommit=True) as owner:
        owner.execute(MADE)
        owner.execute(f"GRANT SELECT, UPDATE, DELETE ON orders TO {role}".encode())
    return module_database


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
ODD = st.text("'\"\\\n;-{},x", max_size=6)
DAYS = st.one_of(st.dates().map(str), st.sampled_from(["infinity", "4713-01-01 BC"]))
MOMENTS = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.sampled_from(["-infinity", "infinity", "294276-01-01 00:00:00+00"]),
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT, lambda one: st.lists(one, max_size=2)
)
VALUES = st.fixed_dictionaries(
    {
        "part": TEXT,
        "state": st.none() | TEXT | ODD,
        "total": st.none()
        | st.decimals(allow_nan=False).map(str)
        | st.sampled_from(["NaN", "1.500", "-1E-400"]),
        "weight": st.none() | st.floats(),
        "short": st.none() | st.floats(width=32),
        "raw": st.none() | st.binary(max_size=9),
        "day": st.none() | DAYS,
        "moment": st.none() | MOMENTS,
        "local": st.none() | st.datetimes(),
        "clock": st.none() | st.sampled_from(["00:00:00.000001-11:30", "24:00:00+00"]),
        "took": st.none()
        | st.timedeltas(timedelta(-999), timedelta(999))
        | st.sampled_from(["-1 year 2 days -00:00:01", "178000000 years"]),
        "doc": st.none() | DOCUMENTS.map(json.dumps).filter(lambda text: "\\u0000" not in text),
        "plain": st.none() | st.sampled_from(['{"a" : 1.10, "a": 1e400}', "[ 1,2 ]"]),
        "list": st.none() | st.lists(st.none() | ODD, max_size=3),
        "bits": st.none() | st.text("01", max_size=9),
        "span": st.none() | st.sampled_from(["empty", "(,)", "[1,5)"]),
        "yes": st.none() | st.booleans(),
        "uid": st.none() | st.uuids(),
    }
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(row=VALUES)
async def test_every_value_comes_back_as_it_was(made: Database, row: dict[str, Any]) -> None:
    dump = b"SELECT o::text, md5(o::text) FROM orders AS o"
    with psycopg.connect(made.app, autocommit=True) as owner:
        owner.execute("TRUNCATE orders")
        marks = ", ".join(["%s"] * len(row))
        insert = f"INSERT INTO orders (id, {', '.join(row)}) VALUES (7, {marks})"  # noqa: S608  our own names
        owner.execute(insert.encode(), list(row.values()))
        before = owner.execute(dump).fetchall()
        for sql in (CHANGED, "DELETE FROM orders"):
            undo = await kept(made, sql)
            assert undo
            owner.execute("SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu'")
            owner.execute("SET IntervalStyle = 'sql_standard'")
            owner.execute(undo.encode())
            owner.execute("RESET DateStyle; RESET TimeZone; RESET IntervalStyle")
            assert owner.execute(dump).fetchall() == before


async def test_what_depends_on_the_session_is_not_offered_back(made: Database) -> None:
    with psycopg.connect(made.app, autocommit=True) as owner:
        owner.execute("TRUNCATE orders")
        owner.execute("INSERT INTO orders (id, part, odd) VALUES (7, 'a', 'orders')")
    assert await kept(made, "UPDATE orders SET state = 'x'")
    assert await kept(made, "UPDATE orders SET odd = NULL") == ""
