"""The statement that takes a change back: certain, or not offered."""

from typing import Any

import pytest
from interlock_gateway.core.model import Before, Column, Dialect, Rows, Statement, Stored
from interlock_gateway.core.statement.undo import undo_of

ID, STATE, TOTAL = Column("id", "integer"), Column("state", "text"), Column("total", "numeric")
ROWS = ((7, "it's open", "1.50"), (8, None, None))
STORED = (Stored("id", key=True), Stored("state"), Stored("total"))


def undone(sql: str, rows: Any = ROWS, dialect: str = "postgres", **more: Any) -> str:
    columns = more.pop("columns", (ID, STATE, TOTAL))
    stored = more.pop("stored", STORED)
    before = Before(Rows(columns, rows, **more), stored)
    return undo_of(Statement(Dialect(dialect), sql, (), sql), before)


def test_an_update_sets_what_it_set_back_row_by_row() -> None:
    assert undone("UPDATE Orders AS o SET state = 'done' WHERE total > 1") == (
        """UPDATE "orders" SET "state" = 'it''s open' WHERE "id" = 7;\n"""
        """UPDATE "orders" SET "state" = NULL WHERE "id" = 8;"""
    )


def test_deleted_rows_come_back_whole() -> None:
    assert undone('DELETE FROM ONLY shop."Orders" WHERE id = 7', ROWS[:1]) == (
        """INSERT INTO "shop"."Orders" ("id", "state", "total") VALUES (7, 'it''s open', 1.50);"""
    )


def test_a_generated_column_is_not_written() -> None:
    stored = (*STORED[:2], Stored("total", generated=True))
    assert '("id", "state") VALUES' in undone("DELETE FROM orders", stored=stored)


def test_names_are_quoted_as_the_engine_quotes() -> None:
    assert undone("UPDATE `order``s` SET state = 1", ROWS[:1], "mariadb") == (
        "UPDATE `order``s` SET `state` = 'it''s open' WHERE `id` = 7;"
    )


@pytest.mark.parametrize(
    ("kind", "cell", "literal"),
    [
        ("boolean", True, "TRUE"),
        ("number", 0.1, "0.1"),
        ("number", "NaN", "'NaN'"),
        ("number", "inf", "'inf'"),
        ("numeric", "0); DROP TABLE orders; --", "'0); DROP TABLE orders; --'"),
        ("numeric", "-1E+400", "-1E+400"),
        ("timestamptz", "2026-01-01T10:00:00+00:00", "'2026-01-01T10:00:00+00:00'"),
        ("bytes", "AP8=", r"'\x00ff'"),
        ("json", {"a": "it's"}, """'{"a": "it''s"}'"""),
        ("text", "a\\b", "'a\\b'"),
    ],
)
def test_values_are_written_in_their_type(kind: str, cell: Any, literal: str) -> None:
    columns = (ID, Column("state", kind))
    found = undone("UPDATE orders SET state = 1", ((7, cell),), columns=columns)

    assert found.removeprefix('UPDATE "orders" SET "state" = ') == f'{literal} WHERE "id" = 7;'


@pytest.mark.parametrize(
    ("sql", "more"),
    [
        ("UPDATE orders SET state = 1", {"truncated": "rows (100)"}),
        ("UPDATE orders SET state = 1", {"rows": ()}),
        ("UPDATE orders SET id = 9 WHERE id = 7", {}),
        ("UPDATE orders SET (state, total) = (SELECT 1, 2)", {}),
        ("UPDATE orders SET state[1] = 1", {}),
        ("UPDATE orders SET other = 1", {}),
        ("UPDATE orders SET state = 1", {"stored": ()}),
        ("UPDATE orders SET state = 1", {"stored": STORED[1:]}),
        ("DELETE FROM orders", {"stored": ()}),
        ("DELETE FROM orders", {"stored": (Stored("id", always=True), *STORED[1:])}),
        (
            "UPDATE orders SET total = 1",
            {"columns": (ID, Column("state", "text", masked="pii"), TOTAL)},
        ),
        ("UPDATE orders SET state = 1", {"columns": (ID, Column("state", "json"), TOTAL)}),
        ("UPDATE orders SET state = 1", {"columns": (ID, Column("state", "interval"), TOTAL)}),
        ("INSERT INTO orders VALUES (1)", {}),
        ("TRUNCATE orders", {}),
    ],
)
def test_what_is_not_certain_is_not_offered(sql: str, more: dict[str, Any]) -> None:
    assert undone(sql, **more) == ""


def test_a_backslash_means_another_thing_in_another_sql_mode() -> None:
    assert undone("UPDATE orders SET state = 1", ((7, "a\\b", None),), "mariadb") == ""
