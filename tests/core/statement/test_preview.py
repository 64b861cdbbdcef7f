"""What an approver is shown before a mutation: reads cut from its own text."""

import psycopg
import pytest
from interlock_gateway.core.model import Dialect, Effect
from interlock_gateway.core.statement import Preview, classify, preview_of, translate


def shown(sql: str, dialect: Dialect = Dialect.POSTGRES) -> Preview:
    return preview_of(translate(dialect, sql))


@pytest.mark.parametrize(
    ("sql", "table", "count"),
    [
        (
            "UPDATE orders SET a = :a WHERE id = :id",
            "orders",
            "SELECT count(*) FROM orders WHERE (id = $1\n)",
        ),
        (
            "DELETE FROM ONLY public.orders AS o WHERE o.a > 3 OR o.b -- why\n;",
            "ONLY public.orders AS o",
            "SELECT count(*) FROM ONLY public.orders AS o WHERE (o.a > 3 OR o.b\n)",
        ),
        (
            "update t set a = (select max(b) from u where c) where d in (select e from v)",
            "t",
            "SELECT count(*) FROM t WHERE (d in (select e from v)\n)",
        ),
        (
            "UPDATE t SET a = CASE WHEN b THEN 1 END WHERE a IS DISTINCT FROM 1",
            "t",
            "SELECT count(*) FROM t WHERE (a IS DISTINCT FROM 1\n)",
        ),
        ("DELETE FROM t", "t", "SELECT count(*) FROM t"),
        (
            "UPDATE t -- what follows must not be part of this\nSET a = 1 WHERE b = 2",
            "t",
            "SELECT count(*) FROM t WHERE (b = 2\n)",
        ),
        ("UPDATE t -- likewise\nSET a = 1", "t", "SELECT count(*) FROM t"),
    ],
)
def test_the_condition_is_cut_from_the_text_and_reads(sql: str, table: str, count: str) -> None:
    preview = shown(sql)

    assert preview.table == table
    assert preview.count is not None
    assert preview.sample is not None
    assert preview.count.text == count
    assert classify(preview.count).effect is Effect.READ
    assert classify(preview.sample).effect is Effect.READ
    assert classify(preview.sample).bounded


def test_only_the_conditions_parameters_are_asked_for() -> None:
    preview = shown("UPDATE t SET a = :a, b = :b WHERE c = :c AND d = :a")

    assert preview.count is not None
    assert preview.count.names == ("c", "a")


def test_a_condition_that_acts_is_no_read() -> None:
    preview = shown("UPDATE t SET a = 1 WHERE pg_terminate_backend(pid)")

    assert preview.count is not None
    assert classify(preview.count).effect is Effect.ADMIN


def test_it_says_so_when_every_row_is_meant() -> None:
    assert "every row" in shown("UPDATE t SET a = 1").note


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("INSERT INTO t (a, b) VALUES (1, (2)), (:x, f(3))", 2),
        ("INSERT INTO t VALUES (1)", 1),
    ],
)
def test_rows_of_values_are_counted(sql: str, rows: int) -> None:
    preview = shown(sql)

    assert (preview.rows, preview.count) == (rows, None)
    assert f"{rows} row" in preview.note


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE t SET a = 1 FROM u WHERE t.id = u.id",
        "DELETE FROM t USING u WHERE t.id = u.id",
        "DELETE FROM t WHERE a RETURNING *",
        "DELETE FROM t WHERE CURRENT OF c",
        "UPDATE t SET a = 1 WHERE",
        "UPDATE set SET a = 1",
        "DELETE t WHERE a",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "INSERT INTO t SELECT * FROM u",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "INSERT INTO t VALUES (1) RETURNING a",
        "TRUNCATE t",
        "",
    ],
)
def test_what_cannot_be_shown_says_why(sql: str) -> None:
    preview = shown(sql)

    assert (preview.count, preview.sample, preview.rows) == (None, None, None)
    assert preview.note.endswith(".")


def test_sqlite_has_its_own_placeholders_and_extras() -> None:
    preview = shown("DELETE FROM jobs WHERE id = :id", Dialect.SQLITE)

    assert preview.count is not None
    assert preview.count.text == "SELECT count(*) FROM jobs WHERE (id = ?1\n)"
    assert shown("UPDATE OR IGNORE jobs SET a = 1", Dialect.SQLITE).count is None
    assert shown("DELETE FROM jobs WHERE a ORDER BY b LIMIT 1", Dialect.SQLITE).count is None


@pytest.mark.postgres
def test_the_count_is_the_number_of_rows_then_changed(postgres_dsn: str) -> None:
    sql = "UPDATE previewed AS p SET a = a + 1 WHERE p.a % 3 = 0 OR p.a IS NULL -- some"
    count = shown(sql).count
    assert count is not None
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("CREATE TABLE previewed AS SELECT generate_series(1, 10) AS a")
        expected = connection.execute(count.text.encode()).fetchone()
        changed = connection.execute(sql.encode()).rowcount
        connection.rollback()

    assert expected == (changed,)
