"""What rows of a MariaDB table were before a change: kept, and brought back exactly, or not."""

import asyncio
import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interlock_gateway.adapters.targets import mysqltypes
from interlock_gateway.adapters.targets.mysql import MysqlActor
from interlock_gateway.adapters.targets.mysqlwire import Cap, bound, execute, lines, prepare
from interlock_gateway.core.model import Before, Dialect, Limits, Target
from interlock_gateway.core.statement import changed_table, preview_of, translate, undo_of
from interlock_gateway.service.targets import Deed, Expect, TargetError
from mysql_target import AsWritten, Maria, maria, session
from witnesses import Attentive, FullStore

MADE = """
CREATE OR REPLACE TABLE orders (id INT, part VARCHAR(9) COLLATE latin1_swedish_ci, state TEXT,
  total DECIMAL(65, 30), weight DOUBLE, short FLOAT, raw VARBINARY(20), bits BIT(13),
  day DATE, at DATETIME(6), took TIME(3), kind ENUM('a', 'b''c'), big BIGINT UNSIGNED,
  twice INT AS (id * 2), PRIMARY KEY (id, part))
"""
ONE = """
INSERT INTO orders (id, part, state, total, weight, short, raw, bits, day, at, took, kind, big)
VALUES (1, 'Ab', 'it''s \\\\ open', 1.5, 0.1, 0.1, x'00ff', b'1011', '2026-01-02',
  '2026-01-02 03:04:05.000006', '-838:59:59.000', 'b''c', 18446744073709551615)
"""
CHANGED = (
    "UPDATE orders SET state = 'x', total = 0, weight = 0, short = 0, raw = '', bits = 0, "
    "day = NULL, at = NULL, took = NULL, kind = 'a', big = 0"
)


class Shop:
    """One table, as it is and as a deed changes it."""

    def __init__(self, database: Maria) -> None:
        self.database = database
        self.actor = MysqlActor(AsWritten())
        self.witness: Attentive | FullStore = Attentive()

    async def dump(self) -> list[Any]:
        """Return every cell as the server prints it, and in hexadecimal digits."""
        async with session(self.database.owner) as owner:
            names = [row[0] for row in await lines(owner, "DESCRIBE orders")]
            cells = ", ".join(f"`{name}`, HEX(`{name}`)" for name in names)
            return await lines(owner, f"SELECT {cells} FROM orders ORDER BY 1, 3")  # noqa: S608  our own names

    async def act(self, sql: str, rows: int = 1) -> None:
        statement = translate(Dialect.MARIADB, sql)
        url = self.database.url(self.database.login("a")).replace(f"pw{self.database.name}", "pw")
        target = Target("orders", Dialect.MARIADB, "prod", "unused", url)
        deed = Deed(statement, {}, Expect.ROW_COUNT, rows, 1_000)
        deed = replace(deed, image=preview_of(statement).image, table=changed_table(statement))
        await self.actor.act(target, deed, Limits(seconds=5), self.witness)

    @property
    def before(self) -> Before:
        assert isinstance(self.witness, Attentive)
        assert self.witness.before is not None
        return self.witness.before

    def undo(self, sql: str) -> str:
        return undo_of(translate(Dialect.MARIADB, sql), self.before)

    def runs(self, script: str) -> None:
        for statement in script.splitlines():
            self.database.run(statement)


@pytest.fixture(scope="module")
def database() -> Iterator[Maria]:
    with maria(["orders"]) as made:
        made.run(f"GRANT TRIGGER ON `{made.name}`.orders TO '{made.name}_a'@'%'")
        yield made


@pytest.fixture
def shop(database: Maria) -> Shop:
    database.run("DROP TABLE IF EXISTS more", MADE, ONE)
    return Shop(database)


CHANGES = [
    CHANGED,
    "DELETE FROM Orders".lower(),
    "UPDATE orders AS o SET state = NULL WHERE o.id = 1",
]


@pytest.mark.parametrize("sql", CHANGES)
async def test_what_is_offered_brings_the_rows_back(shop: Shop, sql: str) -> None:
    before = await shop.dump()
    await shop.act(sql)
    assert len(shop.before.rows.rows) == 1
    assert await shop.dump() != before

    shop.runs(shop.undo(sql))
    assert await shop.dump() == before


async def test_what_cannot_be_kept_is_rolled_back(shop: Shop) -> None:
    before = await shop.dump()
    shop.witness = FullStore()
    with pytest.raises(TargetError) as caught:
        await shop.act("DELETE FROM orders")
    assert caught.value.code == "store-unwritable"
    assert await shop.dump() == before


async def test_what_somebody_else_is_changing_is_waited_for(shop: Shop) -> None:
    """Read without a lock, the rows would be those before the other change: a wrong way back."""
    sql = "UPDATE orders SET state = 'done'"
    async with session(shop.database.owner) as other:
        for held in ("SET autocommit = 0", "UPDATE orders SET state = 'held'"):
            execution = bound(await prepare(other, held.encode()), [])
            await execute(other, execution, Cap(rows=1, bytes=100))
        acting = asyncio.create_task(shop.act(sql))
        await asyncio.sleep(0.7)  # long enough to come to the rows, and to wait for them
        assert not acting.done()
        await execute(other, bound(await prepare(other, b"COMMIT"), []), Cap(rows=1, bytes=100))
        await acting
    assert shop.before.rows.rows[0][2] == "held"
    assert "'held'" in shop.undo(sql)


UNCERTAIN = {
    "a trigger": ["CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW SET NEW.big = 1"],
    "a cascade": [
        "ALTER TABLE orders ADD UNIQUE (id)",
        "CREATE TABLE more (o INT, FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE)",
    ],
    "a column that changes by itself": [
        "ALTER TABLE orders ADD stamp TIMESTAMP DEFAULT NOW() ON UPDATE NOW()"
    ],
    "a column that is not shown": ["ALTER TABLE orders ADD hidden INT INVISIBLE DEFAULT 1"],
    "history": ["ALTER TABLE orders DROP twice", "ALTER TABLE orders ADD SYSTEM VERSIONING"],
    "no transactions": ["ALTER TABLE orders ENGINE = MyISAM"],
    "no primary key": ["ALTER TABLE orders DROP PRIMARY KEY"],
    "a zero date": ["SET sql_mode = ''; UPDATE orders SET state = 'x', day = '0000-00-00'"],
}


@pytest.mark.parametrize("why", UNCERTAIN)
async def test_what_is_not_certain_is_kept_and_not_offered_back(shop: Shop, why: str) -> None:
    for statement in UNCERTAIN[why]:
        shop.database.run(*statement.split("; "))
    sql = "UPDATE orders SET day = '2026-01-01'"
    await shop.act(sql)
    assert len(shop.before.rows.rows) == 1
    assert shop.undo(sql) == ""


async def test_who_may_not_see_triggers_is_offered_nothing(shop: Shop) -> None:
    right = f"TRIGGER ON `{shop.database.name}`.orders"
    login = f"'{shop.database.name}_a'@'%'"
    shop.database.run(f"REVOKE {right} FROM {login}")
    try:
        await shop.act(CHANGED)
        assert shop.undo(CHANGED) == ""
    finally:
        shop.database.run(f"GRANT {right} TO {login}")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.fixed_dictionaries(
    {
        "part": st.text(string.printable, max_size=9),
        "state": st.none() | TEXTS | st.text("'\"\\\n;-\0%_", max_size=6),
        "total": st.none()
        | st.decimals(-(10**30), 10**30, allow_nan=False, places=30).map(Decimal),
        "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "short": st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False),
        "raw": st.none() | st.binary(max_size=20),
        "bits": st.none() | st.integers(0, 2**13 - 1),
        "day": st.none() | st.dates(date(1000, 1, 1)),
        "at": st.none() | st.datetimes(datetime(1000, 1, 1)),  # noqa: DTZ001  the column has no zone
        "took": st.none()
        | st.integers(-3_020_399_000, 3_020_399_000).map(lambda n: timedelta(milliseconds=n)),
        "kind": st.sampled_from([None, "a", "b'c"]),
        "big": st.none() | st.integers(0, 2**64 - 1),
    }
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(row=VALUES)
async def test_every_value_comes_back_as_it_was(shop: Shop, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    insert = f"INSERT INTO orders (id, {names}) VALUES (7{', ?' * len(row)})"  # noqa: S608  our own names
    shop.database.run("DELETE FROM orders")
    async with session(shop.database.owner) as owner:
        given_ = [mysqltypes.parameter(value) for value in row.values()]
        execution = bound(await prepare(owner, insert.encode()), given_)
        await execute(owner, execution, Cap(rows=1, bytes=100))
    before = await shop.dump()
    for sql in (CHANGED, "DELETE FROM orders"):
        await shop.act(sql)
        undo = shop.undo(sql)
        if not undo:
            assert "-0.0" in {repr(row["weight"]), repr(row["short"])}
            return
        async with session(shop.database.owner) as owner:
            await execute(
                owner,
                bound(await prepare(owner, undo.rstrip(";").encode()), []),
                Cap(rows=1, bytes=100),
            )
        assert await shop.dump() == before
