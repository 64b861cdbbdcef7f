"""Masked columns: which columns of a result are hidden, and what is refused instead."""

import re
from pathlib import Path
from typing import Any

import pytest
from interlock_gateway.core.model import Classification, Column, Dialect, Effect, Rows, Target
from interlock_gateway.core.statement import (
    Catalogue,
    classify_source,
    shown_rows,
    shown_words,
    with_masks,
)
from interlock_gateway.core.statement.catalogue import Relation

OWN = ("", "")
CASES = Path(__file__).parent / "masks"
DIALECTS = ("postgres", "mariadb", "sqlite", "duckdb")
SCHEMAS = {"postgres": "public", "mariadb": "shop", "sqlite": "main", "duckdb": "main"}
MASKED = {"customers.email": "pii", "customers.phone": "pii", "cards.pin": "secret"}


def relation(columns: str, kind: str = "table", **more: Any) -> Relation:
    return Relation(kind, dict.fromkeys(columns.split(), OWN), **more)


VIEWS = {
    "customer_view": ("id mail", "SELECT id, email AS mail FROM HERE.customers"),
    "deep_view": ("mail", "SELECT v.mail FROM HERE.customer_view AS v"),
    "odd_view": ("id shouted", "SELECT *, upper(c.email) FROM HERE.customers AS c, HERE.cards"),
    "pins": ("pin", "SELECT pin FROM HERE.cards"),
    "quiet_view": ("name", "SELECT name FROM HERE.customers WHERE CAST(email AS int) > 5"),
    "orders_view": ("id", "SELECT id FROM HERE.orders"),
}
KEPT = "SELECT id, email FROM HERE.customers"


def catalogue(dialect: str, masked: dict[str, str] | None = None) -> Catalogue:
    """The shop: customers with partitions, cards, orders, and views over them."""
    here = SCHEMAS[dialect]
    relations = {
        "customers": relation("id email phone name", kin=((here, "customers_2024"),)),
        "customers_2024": relation("id email phone name", kin=((here, "customers"),)),
        "cards": relation("id pin"),
        "orders": relation("id customer_id total"),
        "suppliers": relation("id email"),
        "guesses": relation("guess"),
        "kept": relation("id email", filled_by=KEPT.replace("HERE", here)),
    }
    for name, (columns, query) in VIEWS.items():
        relations[name] = relation(columns, "view", definition=query.replace("HERE", here))
    made = Catalogue(
        version=f"{dialect} by hand",
        path=("pg_catalog", here) if dialect == "postgres" else (here,),
        relations={
            **{(here, name): one for name, one in relations.items()},
            ("mysql", "column_stats"): relation("min_value"),
        },
        own=frozenset({"pg_stats", "dual"}),
    )
    chosen = MASKED if masked is None else masked
    return with_masks(made, {f"{here}.{column}": tag for column, tag in chosen.items()})


def cases(file: str) -> list[tuple[str, str, str]]:
    """Return (dialect, what stands above, statement) of a file of cases."""
    found = []
    for block in (CASES / file).read_text("utf-8").split("\n\n")[1:]:
        head, _, text = block.strip().partition("\n")
        only = re.search(r"(?s)(.*?)\s*\[([a-z ]+)\]\Z", text)
        sql, dialects = (only[1], only[2].split()) if only else (text, list(DIALECTS))
        found += [(dialect, head.removeprefix("-- "), sql) for dialect in dialects]
    return found


def found_of(dialect: str, sql: str) -> Classification:
    return classify_source(dialect, sql, catalogue(dialect))


def described(found: Classification) -> str:
    assert found.masks is not None
    if found.masks.outputs is None:
        return "?"
    return " ".join(f"{name}={tag}" if tag else name for name, tag in found.masks.outputs)


@pytest.mark.parametrize(("dialect", "columns", "sql"), cases("columns.sql"))
def test_masked_values_are_followed_to_the_result(dialect: str, columns: str, sql: str) -> None:
    found = found_of(dialect, sql)

    assert found.effect is Effect.READ, found.reasons
    assert described(found) == columns


@pytest.mark.parametrize(("dialect", "columns", "sql"), cases("changes.sql"))
def test_masked_values_are_followed_to_what_a_change_returns(
    dialect: str, columns: str, sql: str
) -> None:
    found = found_of(dialect, sql)

    assert found.effect is Effect.WRITE, found.reasons
    assert described(found) == columns


@pytest.mark.parametrize(("dialect", "what", "sql"), cases("refused.sql"))
def test_what_could_tell_a_masked_value_is_no_read(dialect: str, what: str, sql: str) -> None:
    found = found_of(dialect, sql)

    assert found.effect in (Effect.EXFILTRATION, Effect.UNKNOWN)
    assert {what, f"masked {what}"} & {reason.what for reason in found.reasons}, found.reasons


def test_a_partition_is_masked_like_its_table() -> None:
    assert described(found_of("postgres", "SELECT phone FROM customers_2024")) == "phone=pii"


def test_a_masked_column_that_is_not_there_masks_its_whole_relation() -> None:
    """Somebody renamed it: nobody knows which of the others it is now."""
    renamed = catalogue("postgres", {"suppliers.mail": "pii"})
    found = classify_source("postgres", "SELECT id, email FROM suppliers", renamed)

    assert described(found) == "id=pii email=pii"


def test_a_target_without_masks_is_not_traced() -> None:
    found = classify_source("postgres", "SELECT email FROM customers", catalogue("postgres", {}))

    assert found.masks is None


def test_an_alias_of_another_table_with_a_column_of_that_name_is_free() -> None:
    found = found_of("postgres", "SELECT lower(s.email) FROM suppliers AS s, customers AS c")

    assert found.effect is Effect.READ
    assert described(found) == ""


def test_a_refusal_points_at_the_column() -> None:
    sql = "SELECT id FROM customers WHERE email LIKE 'a%'"
    (reason,) = found_of("postgres", sql).reasons

    assert reason.position == sql.index("email")
    assert reason.length == len("email")


def test_a_refusal_in_an_explain_points_at_the_column() -> None:
    sql = "EXPLAIN SELECT id FROM customers WHERE email LIKE 'a%'"
    (reason,) = found_of("postgres", sql).reasons

    assert reason.position == sql.index("email")


def test_a_change_may_compute_with_masked_columns_but_not_show_them() -> None:
    """Somebody approves it, and reads it first; what it returns is masked."""
    sql = "UPDATE customers SET name = lower(email) WHERE id = 1 RETURNING id, email, name"
    found = found_of("postgres", sql)

    assert found.effect is Effect.WRITE
    assert described(found) == "id email=pii name"


@pytest.mark.parametrize(
    ("dialect", "hidden"), [("mariadb", True), ("duckdb", True), ("postgres", False)]
)
def test_a_plan_is_hidden_where_engines_print_what_they_looked_up(
    dialect: str,
    hidden: bool,  # noqa: FBT001  a parameter of the case
) -> None:
    """MariaDB reads a row of a key while it plans, and writes its values into the conditions.

    DuckDB prints them as filters of a join that it has run.
    """
    sql = "EXPLAIN SELECT b.id FROM customers AS a JOIN customers AS b ON a.email = b.email"
    answer = rows(Column("EXPLAIN", "text"), cells=("b.email = 'ann@example.com'",))
    shop = Target("shop", Dialect(dialect), "prod", "env:R", masked={"x.customers.email": "pii"})
    shown = shown_rows(shop, found_of(dialect, sql), answer)

    assert (shown.rows == (("[pii]",),)) is hidden


def target(masked: bool = True) -> Target:  # noqa: FBT001, FBT002  a builder
    columns = {"public.customers.email": "pii"} if masked else {}
    return Target("shop", Dialect.POSTGRES, "production", "env:R", masked=columns)


def rows(*columns: Column, cells: tuple[object, ...]) -> Rows:
    return Rows(columns, (cells,))


def test_a_masked_value_is_replaced_by_its_tag_and_null_stays() -> None:
    found = found_of("postgres", "SELECT id, email, phone FROM customers")
    answer = rows(
        Column("id", "integer"),
        Column("email", "text"),
        Column("phone", "integer"),
        cells=(7, "ann@example.com", None),
    )

    shown = shown_rows(target(), found, answer)

    assert shown.rows == ((7, "[pii]", None),)
    assert [(one.type, one.masked) for one in shown.columns] == [
        ("integer", ""),
        ("text", "pii"),
        ("text", "pii"),
    ]


def test_where_an_engine_names_a_masked_origin_it_is_believed() -> None:
    found = found_of("postgres", "SELECT id FROM customers")
    answer = rows(Column("id", "text", "public.customers.email"), cells=("ann@example.com",))

    assert shown_rows(target(), found, answer).rows == (("[pii]",),)


def test_an_origin_that_is_not_there_any_more_clears_nothing() -> None:
    """An engine's name for a column may be older than the snapshot: somebody renamed it."""
    found = found_of("postgres", "SELECT * FROM customers AS c JOIN cards USING (id)")
    answer = rows(
        Column("id", "integer", "public.clients.id"),
        Column("mail", "text", "public.customers.mail"),
        cells=(1, "ann@example.com"),
    )

    assert shown_rows(target(), found, answer).rows == (("[pii]", "[pii]"),)


def test_a_star_is_told_by_origins_where_positions_are_not_known() -> None:
    found = found_of("postgres", "SELECT * FROM customers AS c JOIN cards USING (id)")
    answer = rows(
        Column("id", "integer", "public.customers.id"),
        Column("email", "text", "public.customers.email"),
        Column("x", "text"),
        cells=(1, "ann@example.com", "of unknown origin"),
    )

    assert shown_rows(target(), found, answer).rows == ((1, "[pii]", "[pii]"),)


def test_an_answer_with_other_columns_than_the_text_says_is_masked_by_origin_alone() -> None:
    """As when a column was added since the snapshot was taken."""
    found = found_of("postgres", "SELECT * FROM customers")
    answer = rows(Column("id", "integer"), Column("other", "text"), cells=(1, "x"))

    assert shown_rows(target(), found, answer).rows == (("[pii]", "[pii]"),)


def test_an_origin_of_mariadb_clears_nothing_for_it_may_be_an_alias() -> None:
    found = found_of("mariadb", "SELECT * FROM customers AS c JOIN cards USING (id)")
    answer = rows(Column("x", "text", "shop.orders.id"), cells=("perhaps a pin",))
    shop = Target("shop", Dialect.MARIADB, "production", "env:R", masked={"shop.cards.pin": "s"})

    assert shown_rows(shop, found, answer).rows[0][0] != "perhaps a pin"


def test_an_answer_that_nobody_followed_is_hidden_whole() -> None:
    untraced = Classification(Effect.UNKNOWN, (), "call")
    answer = rows(Column("a", "integer"), Column("b", "text"), cells=(1, "x"))

    assert shown_rows(target(), untraced, answer).rows == (("[pii]", "[pii]"),)
    assert shown_rows(target(masked=False), untraced, answer) == answer


def test_an_engines_words_are_not_shown_where_they_may_hold_masked_values() -> None:
    found = found_of("postgres", "SELECT email FROM customers")
    clear = found_of("postgres", "SELECT id FROM orders")
    said = 'Could not convert string "ann@example.com" to INT32'

    assert "ann@" not in shown_words(target(), found, "target-failed", said)
    assert "ann@" not in shown_words(target(), None, "target-failed", said)
    behind = found_of("postgres", "SELECT name FROM quiet_view")
    assert "ann@" not in shown_words(target(), behind, "target-failed", said)
    assert shown_words(target(), clear, "target-failed", said) == said
    assert shown_words(target(), found, "target-timeout", "It took 10 s.") == "It took 10 s."
