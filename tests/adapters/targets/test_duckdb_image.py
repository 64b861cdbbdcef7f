"""What rows of a DuckDB file were before a change: kept, and brought back exactly, or not."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.adapters.targets.duck_image import image
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.core.model import Before, Dialect, Limits, Target
from interlock_gateway.core.statement import changed_table, preview_of, translate, undo_of
from interlock_gateway.service.targets import Deed, Expect, TargetError
from witnesses import Attentive, FullStore

MADE = """
CREATE TABLE orders (id INTEGER, part VARCHAR, state VARCHAR, total DECIMAL(38, 9), weight DOUBLE,
  short FLOAT, raw BLOB, big HUGEINT, day DATE, moment TIMESTAMP, zoned TIMESTAMPTZ, took INTERVAL,
  name UUID, bits BIT, yes BOOLEAN, PRIMARY KEY (id, part))
"""
ONE = """
INSERT INTO orders VALUES (1, 'a', 'it''s \\ open', 1.5, 'nan', '-inf', '\\x00\\x27b'::BLOB,
  170141183460469231731687303715884105727, 'infinity', '2026-01-02 03:04:05.000006',
  '2026-01-02 03:04:05+02', '1 month 2 days', uuid(), '00101', true)
"""
CHANGED = (
    "UPDATE orders SET state = 'x', total = 0, weight = 0, short = 0, raw = NULL, big = 0, "
    "day = NULL, moment = NULL, zoned = NULL, took = NULL, name = NULL, bits = NULL, yes = NULL"
)


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Orders:
    """A file, as it is and as a deed changes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.targets = Targets(AsWritten())
        self.target = Target("orders", Dialect.DUCKDB, "prod", str(path), str(path))
        self.witness: Attentive | FullStore = Attentive()

    def run(self, *script: str) -> None:
        with duckdb.connect(str(self.path)) as owner:
            for statement in script:
                owner.execute(statement)

    def dump(self) -> list[Any]:
        with duckdb.connect(str(self.path)) as owner:
            asked = "SELECT COLUMNS(*)::VARCHAR FROM orders ORDER BY ALL"
            return owner.execute(asked).fetchall()

    async def act(self, sql: str, rows: int = 1) -> None:
        statement = translate(Dialect.DUCKDB, sql)
        read, table = preview_of(statement).image, changed_table(statement)
        deed = Deed(statement, {}, Expect.ROW_COUNT, rows, 1_000, read, table)
        await self.targets.act(self.target, deed, Limits(seconds=30), self.witness)

    @property
    def before(self) -> Before:
        assert isinstance(self.witness, Attentive)
        assert self.witness.before is not None
        return self.witness.before

    def undo(self, sql: str) -> str:
        return undo_of(translate(Dialect.DUCKDB, sql), self.before)


@pytest.fixture
async def orders(tmp_path: Path) -> Any:
    made = Orders(tmp_path / "orders.duckdb")
    made.run(MADE, ONE)
    yield made
    await made.targets.aclose()


@pytest.mark.parametrize(
    "sql",
    [CHANGED, "DELETE FROM main.Orders", "UPDATE orders AS o SET state = NULL WHERE o.id = 1"],
)
async def test_what_is_offered_brings_the_rows_back(orders: Orders, sql: str) -> None:
    before = orders.dump()
    await orders.act(sql)
    assert orders.before.rows.rows[0][:2] == (1, "a")
    assert orders.dump() != before

    orders.run(orders.undo(sql))
    assert orders.dump() == before


async def test_what_cannot_be_kept_is_rolled_back(orders: Orders) -> None:
    before = orders.dump()
    orders.witness = FullStore()
    with pytest.raises(TargetError) as caught:
        await orders.act("DELETE FROM orders")
    assert caught.value.code == "store-unwritable"
    assert orders.dump() == before


UNCERTAIN = {
    "a list": "CREATE TABLE orders (id INTEGER PRIMARY KEY, state INTEGER[])",
    "no primary key": "CREATE TABLE orders (id INTEGER, state VARCHAR)",
    "a generated column": (
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, state VARCHAR, "
        "more INTEGER GENERATED ALWAYS AS (id + 1))"
    ),
}


@pytest.mark.parametrize("why", UNCERTAIN)
async def test_what_is_not_certain_is_kept_and_not_offered_back(tmp_path: Path, why: str) -> None:
    orders = Orders(tmp_path / "odd.duckdb")
    orders.run(UNCERTAIN[why], "INSERT INTO orders (id, state) VALUES (1, NULL), (2, NULL)")
    if why == "a list":
        orders.run("UPDATE orders SET state = [id]")
    sql = "UPDATE orders SET state = NULL WHERE id = 1"
    await orders.act(sql)
    assert len(orders.before.rows.rows) == 1
    assert orders.undo(sql) == ""
    await orders.targets.aclose()


VALUES = st.fixed_dictionaries(
    {
        "part": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        "state": st.none() | st.text("'\"\\\n;-\0x", max_size=6),
        "total": st.none() | st.decimals(-(10**28), 10**28, allow_nan=False, places=9),
        "weight": st.none() | st.floats(),
        "short": st.none() | st.floats(width=32),
        "raw": st.none() | st.binary(max_size=9),
        "big": st.none() | st.integers(-(2**127) + 1, 2**127 - 1),
        "day": st.none() | st.dates(date(1, 1, 1)),
        "moment": st.none() | st.datetimes(),
        "zoned": st.none() | st.datetimes(datetime(1900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  a bound
        "took": st.none() | st.timedeltas(timedelta(-999), timedelta(999)),
        "name": st.none() | st.uuids(),
        "yes": st.none() | st.booleans(),
    }
)


@settings(suppress_health_check=list(HealthCheck), max_examples=100)
@given(row=VALUES)
def test_every_value_comes_back_as_it_was(row: dict[str, Any]) -> None:
    """In the test's own process: the child does nothing else with a value."""
    with duckdb.connect() as owner:
        owner.execute(MADE)
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        owner.execute(f"INSERT INTO orders (id, {names}) VALUES (7, {marks})", list(row.values()))  # noqa: S608  our own names
        asked = "SELECT COLUMNS(*)::VARCHAR FROM orders"
        before = owner.execute(asked).fetchall()
        for sql in (CHANGED, "DELETE FROM orders"):
            statement = translate(Dialect.DUCKDB, sql)
            read, table = preview_of(statement).image, changed_table(statement)
            kept = image(owner, Task("", "", statement, {}, Limits(), image=read, table=table))
            assert kept is not None
            undo = undo_of(statement, kept)
            if not undo:
                assert "\0" in f"{row['part']}{row['state']}"
                return
            owner.execute(sql)
            owner.execute(undo)
            assert owner.execute(asked).fetchall() == before
