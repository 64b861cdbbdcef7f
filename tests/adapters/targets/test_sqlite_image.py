"""What rows of a SQLite file were before a change: kept, and brought back byte by byte, or not."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.adapters.targets.sqlite_image import image, literal
from interlock_gateway.adapters.targets.sqlite_values import text as shown_text
from interlock_gateway.adapters.targets.sqlite_watch import Watch
from interlock_gateway.core.model import Before, Dialect, Limits, Rows, Statement, Target
from interlock_gateway.core.statement import changed_table, preview_of, translate, undo_of
from interlock_gateway.service.targets import Deed, Expect, TargetError
from witnesses import Attentive, FullStore

MADE = "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT, total NUMERIC, raw BLOB, any)"


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Orders:
    """A file with three orders, as it is and as a deed changes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.targets = Targets(AsWritten())
        self.target = Target("orders", Dialect.SQLITE, "prod", str(path), str(path))
        self.witness: Attentive | FullStore = Attentive()

    def make(self, *script: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as owner:
            for statement in script:
                owner.executescript(statement)

    def dump(self, table: str = "orders") -> list[Any]:
        """Return every cell as SQLite itself says it is: its type and its bytes."""
        with closing(sqlite3.connect(self.path)) as owner:
            owner.text_factory = bytes
            names = [row[1].decode() for row in owner.execute(f"PRAGMA table_xinfo({table})")]
            cells = ", ".join(
                f'typeof("{name}"), hex(CAST("{name}" AS BLOB)), "{name}"' for name in names
            )
            found = owner.execute(f"SELECT {cells} FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608  our own words
        return [repr(row) for row in found]

    async def act(self, sql: str, rows: int) -> Rows:
        statement = translate(Dialect.SQLITE, sql)
        read = preview_of(statement).image
        table = changed_table(statement)
        deed = Deed(statement, {}, Expect.ROW_COUNT, rows, 1_000, read, table)
        return await self.targets.act(self.target, deed, Limits(seconds=30), self.witness)

    @property
    def before(self) -> Before:
        assert isinstance(self.witness, Attentive)
        assert self.witness.before is not None
        return self.witness.before

    def undo(self, sql: str) -> str:
        return undo_of(translate(Dialect.SQLITE, sql), self.before)


@pytest.fixture
async def orders(tmp_path: Path) -> Any:
    made = Orders(tmp_path / "orders.db")
    made.make(
        MADE,
        "INSERT INTO orders VALUES (1, 'it''s open', 1.5, x'00ff', 7), (2, NULL, 10, NULL, '7'),"
        " (3, 'a\nb', 1e300, x'', -9223372036854775808)",
    )
    yield made
    await made.targets.aclose()


CHANGES = [
    (2, "UPDATE orders SET state = 'done', \"any\" = NULL WHERE id <> 2"),
    (3, "DELETE FROM main.ORDERS"),
    (1, "UPDATE Orders AS o SET State = NULL, RAW = x'01' WHERE o.id = 1"),
]


@pytest.mark.parametrize(("count", "sql"), CHANGES)
async def test_what_is_offered_brings_the_rows_back(orders: Orders, count: int, sql: str) -> None:
    before = orders.dump()
    await orders.act(sql, count)
    assert len(orders.before.rows.rows) == count
    assert orders.dump() != before

    orders.make(orders.undo(sql))
    assert orders.dump() == before


async def test_what_cannot_be_kept_is_rolled_back(orders: Orders) -> None:
    before = orders.dump()
    orders.witness = FullStore()
    with pytest.raises(TargetError) as caught:
        await orders.act("DELETE FROM orders", 3)
    assert caught.value.code == "store-unwritable"
    assert orders.dump() == before


async def test_more_rows_than_evidence_holds_are_cut_and_all_changed(orders: Orders) -> None:
    orders.make(
        "WITH RECURSIVE g(n) AS (SELECT 4 UNION ALL SELECT n + 1 FROM g WHERE n < 150) "
        "INSERT INTO orders (id) SELECT n FROM g"
    )
    sql = "UPDATE orders SET state = 'done'"
    assert (await orders.act(sql, 150)).affected == 150
    assert len(orders.before.rows.rows) == 100
    assert orders.before.rows.truncated.startswith("rows (100)")
    assert orders.undo(sql) == ""


UNCERTAIN = {
    "a trigger": [
        MADE,
        "CREATE TRIGGER t AFTER UPDATE ON Orders BEGIN UPDATE orders SET raw = 1; END",
    ],
    "a cascade": [
        MADE,
        'CREATE TABLE "lines\'s" (o INTEGER REFERENCES ORDERS ON DELETE CASCADE)',
    ],
    "a conflict that replaces": [
        MADE.replace("state TEXT", "state TEXT UNIQUE ON CONFLICT REPLACE")
    ],
    "no primary key": [MADE.replace(" PRIMARY KEY", "")],
    "UTF-16": ["PRAGMA encoding = 'UTF-16'", MADE],
    "a key that is null": [
        MADE.replace("id INTEGER PRIMARY KEY", "id INT PRIMARY KEY"),
        "INSERT INTO orders (id, state) VALUES (NULL, 'x')",
    ],
}


@pytest.mark.parametrize("why", UNCERTAIN)
async def test_what_is_not_certain_is_kept_and_not_offered_back(tmp_path: Path, why: str) -> None:
    orders = Orders(tmp_path / "odd.db")
    orders.make(*UNCERTAIN[why], "INSERT INTO orders (id, state) VALUES (7, 'x')")
    sql = "UPDATE orders SET state = 'y', \"any\" = 1 WHERE state = 'x'"
    count = len([row for row in orders.dump() if "b'x'" in row])
    await orders.act(sql, count)
    assert len(orders.before.rows.rows) == count
    assert orders.undo(sql) == ""
    await orders.targets.aclose()


async def test_a_view_and_a_generated_column(tmp_path: Path) -> None:
    orders = Orders(tmp_path / "odd.db")
    orders.make(
        "CREATE TABLE orders (id TEXT COLLATE NOCASE, n INT, twice AS (n * 2), PRIMARY KEY "
        "(id COLLATE BINARY)) ",
        "INSERT INTO orders (id, n) VALUES ('a', 1), ('A', 2)",
    )
    for sql, count in (("DELETE FROM orders WHERE n = 1", 1), ("UPDATE orders SET n = 5", 2)):
        before = orders.dump()
        await orders.act(sql, count)
        orders.make(orders.undo(sql))
        assert orders.dump() == before
    await orders.targets.aclose()


def test_minus_zero_is_not_written_as_zero() -> None:
    assert literal(-0.0) is None


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.text("'\"\\\n;-\0x", max_size=6),
    st.binary(max_size=9),
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Orders:
    made = Orders(tmp_path_factory.mktemp("scratch") / "orders.db")
    made.make(MADE)
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.tuples(VALUES, VALUES, VALUES, VALUES))
@example(("1e5", 9.3e18, b"\x00", "a\0b"))
def test_every_value_comes_back_as_it_was(scratch: Orders, row: tuple[Any, ...]) -> None:
    """In the test's own process: the child does nothing else with a value."""
    with closing(sqlite3.connect(scratch.path, isolation_level=None)) as owner:
        owner.execute("DELETE FROM orders")
        owner.text_factory = shown_text
        try:
            owner.execute("INSERT INTO orders VALUES (1, ?, ?, ?, ?)", row)
        except UnicodeEncodeError:
            return  # a half surrogate is no text
    before = scratch.dump()
    for sql in (
        'UPDATE orders SET state = 1, total = 2, raw = 3, "any" = 4',
        "DELETE FROM orders",
    ):
        statement = translate(Dialect.SQLITE, sql)
        task = Task(
            *("", "orders", statement, {}, Limits()),
            image=preview_of(statement).image,
            table=changed_table(statement),
        )
        with closing(sqlite3.connect(scratch.path, isolation_level=None)) as owner:
            kept = image(owner, task, Watch(Limits()))
            assert kept is not None
            undo = undo_of(statement, kept)
            owner.execute(sql)
        if undo == "":
            assert any(str(cell) == "-0.0" for cell in row)
            return
        scratch.make(undo)
        assert scratch.dump() == before


def test_a_text_that_is_no_utf_8_comes_back(scratch: Orders) -> None:
    scratch.make(
        "DELETE FROM orders", "INSERT INTO orders (id, state) VALUES (1, CAST(x'ff00' AS TEXT))"
    )
    before = scratch.dump()
    statement = Statement(Dialect.SQLITE, "DELETE FROM orders", (), "DELETE FROM orders")
    read = preview_of(statement).image
    task = Task("", "orders", statement, {}, Limits(), image=read, table=("orders",))
    with closing(sqlite3.connect(scratch.path, isolation_level=None)) as owner:
        kept = image(owner, task, Watch(Limits()))
        assert kept is not None
        owner.execute("DELETE FROM orders")
    scratch.make(undo_of(statement, kept))
    assert scratch.dump() == before
