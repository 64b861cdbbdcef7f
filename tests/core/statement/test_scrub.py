"""Statements in results are shown without the values in them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.model import Classification, Column, Dialect, Effect, Rows
from interlock_gateway.core.statement.scrub import scrubbed, scrubbed_rows

ACTIVITY = "pg_catalog.pg_stat_activity"
SECRET = "UPDATE people SET name = 'Ada' WHERE card = 4111111111111111"
CLEAN = "UPDATE people SET name = '?' WHERE card = ?"


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        (Dialect.POSTGRES, SECRET, CLEAN),
        (Dialect.POSTGRES, r"SELECT E'it\'s' || U&'x'", "SELECT E'?' || U&'?'"),
        (Dialect.POSTGRES, "SELECT $$a$$, $tag$b$tag$", "SELECT $$?$$, $$?$$"),
        (Dialect.POSTGRES, "ALTER ROLE ada PASSWORD 'hun", "ALTER ROLE ada PASSWORD '…"),
        (Dialect.POSTGRES, "DO $$BEGIN 'x", "DO $…"),
        (Dialect.POSTGRES, "SELECT 1 -- card 4111", "SELECT ? -- …"),
        (Dialect.POSTGRES, "SELECT /* for Ada */ a", "SELECT /* … */ a"),
        (Dialect.POSTGRES, "SELECT /* for Ada", "SELECT /*…"),
        (
            Dialect.POSTGRES,
            "SELECT $1, t2.c3 FROM orders_2024",
            "SELECT $1, t2.c3 FROM orders_2024",
        ),
        (Dialect.POSTGRES, "LIMIT 1.5e3 OFFSET -.5", "LIMIT ? OFFSET -?"),
        (Dialect.POSTGRES, "<insufficient privilege>", "<insufficient privilege>"),
        (Dialect.MARIADB, "SELECT \"Ada\", 'it\\'s', `c1` # 4111", "SELECT \"?\", '?', `c1` -- …"),
    ],
)
def test_strings_numbers_and_comments_are_taken_out(
    dialect: Dialect, text: str, expected: str
) -> None:
    assert scrubbed(dialect, text) == expected


@given(st.text(alphabet="ab '\"$\\/*-;:()1", max_size=60))
def test_scrubbing_again_changes_nothing(text: str) -> None:
    once = scrubbed(Dialect.POSTGRES, text)
    assert scrubbed(Dialect.POSTGRES, once) == once


@given(st.text(alphabet="xyzé ,;\n", min_size=1, max_size=20), st.integers(0, 80))
def test_no_piece_of_a_string_is_left_wherever_the_text_was_cut(secret: str, cut: int) -> None:
    text = f"SELECT '{secret}Q{secret}', $${secret}Q{secret}$$, $t${secret}Q$t$"[:cut]
    assert "Q" not in scrubbed(Dialect.POSTGRES, text)


def rows(*columns: Column, cells: tuple[object, ...]) -> Rows:
    return Rows(columns, (cells,))


def reaching(*names: str, functions: tuple[str, ...] = ()) -> Classification:
    return Classification(Effect.READ, (), "select", functions=functions, reached=names)


def shown(found: Classification, column: Column, cell: object) -> object:
    return scrubbed_rows(Dialect.POSTGRES, found, rows(column, cells=(cell,))).rows[0][0]


def test_the_column_of_statements_is_scrubbed() -> None:
    column = Column("query", "text", f"{ACTIVITY}.query")
    assert shown(reaching(ACTIVITY), column, SECRET) == CLEAN


def test_other_columns_of_the_same_relation_stay() -> None:
    column = Column("application_name", "text", f"{ACTIVITY}.application_name")
    assert shown(reaching(ACTIVITY), column, "worker 'x' 7") == "worker 'x' 7"


@pytest.mark.parametrize("origin", ["", "public.my_view.q"])
def test_a_text_of_unknown_origin_is_scrubbed_as_well(origin: str) -> None:
    assert shown(reaching(ACTIVITY), Column("left", "text", origin), SECRET) == CLEAN


def test_a_whole_row_is_scrubbed_inside() -> None:
    column = Column("to_jsonb", "json")
    assert shown(reaching(ACTIVITY), column, {"pid": 7, "q": [SECRET]}) == {"pid": 7, "q": [CLEAN]}


def test_in_a_row_printed_as_text_the_statement_stands_in_double_quotes() -> None:
    printed = """(4111,ada,"SELECT 'hunter2' AS ""n\""",active)"""
    assert shown(reaching(ACTIVITY), Column("a", "text"), printed) == '(?,ada,"?",active)'


@pytest.mark.parametrize("origin", ["", f"{ACTIVITY}.query"])
def test_names_in_double_quotes_stay(origin: str) -> None:
    told = shown(reaching(ACTIVITY), Column("q", "text", origin), 'SELECT "User"."n" = \'x\'')
    assert told == 'SELECT "User"."n" = \'?\''


def test_a_known_statement_keeps_its_odd_names_too() -> None:
    column = Column("query", "text", f"{ACTIVITY}.query")
    assert shown(reaching(ACTIVITY), column, 'SELECT "first name", 7') == 'SELECT "first name", ?'


@pytest.mark.parametrize(
    ("dialect", "relation", "column"),
    [
        (Dialect.POSTGRES, ACTIVITY, Column("convert_to", "bytes")),
        (
            Dialect.MARIADB,
            "information_schema.PROCESSLIST",
            Column("info_binary", "bytes", "information_schema.processlist.info_binary"),
        ),
    ],
)
def test_a_statement_as_bytes_is_not_shown(
    dialect: Dialect, relation: str, column: Column
) -> None:
    cell = base64.b64encode(SECRET.encode()).decode()
    told = scrubbed_rows(dialect, reaching(relation), rows(column, cells=(cell,)))
    assert [base64.b64decode(shown) for (shown,) in told.rows] == [b"?"]
    nothing = scrubbed_rows(dialect, reaching(relation), rows(column, cells=(None,)))
    assert nothing.rows == ((None,),)


def test_what_cannot_hold_a_statement_stays() -> None:
    found = reaching(ACTIVITY)
    assert shown(found, Column("n", "integer"), 7) == 7
    assert shown(found, Column("blocked_by", "text"), "{23102,23104}") == "{23102,23104}"
    assert shown(found, Column("q", "text"), None) is None


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        (Column("info", "text", "information_schema.processlist.info"), SECRET, CLEAN),
        (Column("host", "text", "information_schema.processlist.host"), "db1:3306", "db1:3306"),
        (Column("q", "text", "information_schema.s.q"), SECRET, CLEAN),
        (Column("info", "text", "information_schema.a_view.info"), SECRET, CLEAN),
    ],
)
def test_mariadb_shows_statements_in_its_list_of_processes(
    column: Column, cell: str, expected: str
) -> None:
    found = reaching("information_schema.PROCESSLIST")
    told = scrubbed_rows(Dialect.MARIADB, found, rows(column, cells=(cell,)))
    assert told.rows == ((expected,),)


def test_show_processlist_hides_the_values_in_its_one_column_of_statements() -> None:
    columns = Column("Host", "text"), Column("Info", "text")
    found = Classification(Effect.READ, (), "show")
    cells = "db1:3306", "SELECT `Name` = 'Ada'"
    told = scrubbed_rows(Dialect.MARIADB, found, rows(*columns, cells=cells))
    assert told.rows == (("db1:3306", "SELECT `Name` = '?'"),)


def test_functions_that_return_statements_count_also_behind_views() -> None:
    column = Column("pg_stat_get_backend_activity", "text")
    called = reaching(functions=("pg_stat_get_backend_activity",))
    assert shown(called, column, SECRET) == CLEAN
    assert shown(reaching("pg_stat_get_activity()"), column, SECRET) == CLEAN


def test_elsewhere_nothing_is_touched() -> None:
    assert shown(reaching("public.orders"), Column("note", "text"), SECRET) == SECRET


def test_without_a_catalogue_the_name_in_the_text_decides() -> None:
    found = Classification(Effect.READ, (), "select", tables=("pg_stat_activity",))
    assert shown(found, Column("query", "text"), SECRET) == CLEAN
