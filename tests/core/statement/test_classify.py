"""What the guard says about whole statements; the cases stand in .sql files beside this."""
# ruff: noqa: S608  SQL that nobody runs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.model import SQL, Dialect, Effect, Statement
from interlock_gateway.core.statement import classify, classify_source, translate
from sql_cases import Case, cases

POSTGRES = [*cases("postgres_reads"), *cases("postgres_effects")]
SQLITE = [*cases("sqlite_reads"), *cases("sqlite_effects")]
DUCKDB = [*cases("duckdb_reads"), *cases("duckdb_effects")]
MARIADB = [*cases("mariadb_reads"), *cases("mariadb_effects")]
MYSQL = [*cases("mysql_reads"), *cases("mysql_effects")]
BY_DIALECT = [("postgres", case) for case in POSTGRES] + [("sqlite", case) for case in SQLITE]
BY_DIALECT += [("duckdb", case) for case in DUCKDB]
BY_DIALECT += [("mariadb", case) for case in MARIADB] + [("mysql", case) for case in MYSQL]

each_case = pytest.mark.parametrize(
    ("dialect", "case"), BY_DIALECT, ids=lambda value: getattr(value, "place", value)
)


@each_case
def test_every_case_has_the_effect_written_above_it(dialect: str, case: Case) -> None:
    verdict = classify_source(dialect, case.sql)

    assert verdict.effect == case.effect, verdict.reasons
    assert any(case.because in reason.what for reason in verdict.reasons) or not case.because


@each_case
def test_reasons_point_into_the_statement(dialect: str, case: Case) -> None:
    for reason in classify_source(dialect, case.sql).reasons:
        assert reason.detail.endswith(".")
        if reason.position is not None:
            assert 0 <= reason.position <= reason.position + reason.length <= len(case.sql) + 9


@each_case
def test_a_read_has_no_reasons_and_anything_else_has_one(dialect: str, case: Case) -> None:
    verdict = classify_source(dialect, case.sql)

    assert (verdict.effect is Effect.READ) == (verdict.reasons == ())


def test_a_reason_points_at_the_function_that_refused() -> None:
    sql = "SELECT 'größe', pg_sleep(1)"

    (reason,) = classify_source("postgres", sql).reasons

    assert reason.position is not None
    assert sql[reason.position : reason.position + reason.length] == "pg_sleep"


def test_a_classification_tells_what_was_found() -> None:
    verdict = classify_source(
        "postgres", "WITH w AS (SELECT 1) SELECT lower(a), count(*) FROM public.t, u, w LIMIT 5"
    )

    assert (verdict.kind, verdict.bounded) == ("select", True)
    assert set(verdict.tables) == {"public.t", "u"}
    assert set(verdict.functions) == {"lower", "count"}
    assert set(verdict.parsers) == {"sqlglot", "libpg_query (pgparse)", "rules"}
    assert len(verdict.sha256) == 64


@pytest.mark.parametrize(
    ("sql", "bounded"),
    [
        ("SELECT * FROM t", False),
        ("SELECT * FROM t FETCH FIRST 3 ROWS ONLY", True),
        ("SELECT count(*), max(a) AS m FROM t", True),
        ("SELECT count(*) FROM t GROUP BY a", False),
    ],
)
def test_a_limit_or_a_plain_aggregate_bounds_the_rows(*, sql: str, bounded: bool) -> None:
    assert classify_source("postgres", sql).bounded is bounded


def test_a_dialect_without_an_engine_is_never_a_read() -> None:
    verdict = classify_source("tsql", "SELECT 1")

    assert verdict.effect is Effect.UNKNOWN
    assert "not supported" in verdict.reasons[0].detail


def test_terminating_a_backend_names_the_action_to_use_instead() -> None:
    (reason,) = classify_source("postgres", "SELECT pg_terminate_backend(1)").reasons

    assert "this is the action pg.terminate_backend" in reason.detail


@pytest.mark.parametrize("dialect", list(SQL))
@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
        "SELECT " + "NOT " * 10_000 + "true",
        "SELECT " + "- " * 30_000 + "1",
        "SELECT 1" + "+1" * 30_000,
        "SELECT a" + "[1]" * 20_000,
        "SELECT " + "CASE WHEN " * 3_000 + "1" + " THEN 1 END" * 3_000,
        "SELECT 1" + " UNION SELECT 1" * 4_000,
        "SELECT '" + "a" * 5_000_000 + "'",
        "$a$ " * 16_000,
        "/*" * 30_000,
    ],
    ids=lambda text: str(text)[:24],
)
def test_a_hostile_text_is_answered_and_never_as_an_accident(dialect: Dialect, text: str) -> None:
    verdict = classify(Statement(dialect, text, (), text))

    assert verdict.effect in (Effect.READ, Effect.UNKNOWN)


@pytest.mark.parametrize("text", ["SELECT '\ud800'", "SELECT 1\x00", "SELECT '\x00'"])
@pytest.mark.parametrize("dialect", list(SQL))
def test_what_is_no_text_is_unknown(dialect: Dialect, text: str) -> None:
    verdict = classify(Statement(dialect, text, (), text))

    assert (verdict.effect, verdict.reasons[0].what) == (Effect.UNKNOWN, "lexical gate")


# --- for any input ------------------------------------------------------------------------------

_WORDS = (
    "SELECT DELETE FROM t WHERE ; ' \" $$ $a$ /* */ -- \n ( ) [ ] a 1 , . :x ::int \\ ` E' U&' "
    "\u00a0 \u200b é E e' FOR UPDATE INTO pg_sleep ( pg_read_file WITH AS RETURNING * "
    "EXPLAIN ANALYZE PRAGMA { } \r \t \f"
)
_PIECES = st.sampled_from(_WORDS.split(" "))
_TEXTS = st.lists(_PIECES, max_size=14).map(" ".join) | st.text(max_size=40)
_DIALECTS = st.sampled_from(list(SQL))


@given(_DIALECTS, _TEXTS)
def test_no_text_makes_it_raise(dialect: Dialect, text: str) -> None:
    assert classify_source(dialect, text).effect in Effect
    assert classify(Statement(dialect, text, (), text)).effect in Effect


_COMMENT = st.text(alphabet="/*-! +;'\"\\\n\ra$é\u2028", max_size=10)


@given(_DIALECTS, _COMMENT, _COMMENT, st.sampled_from(["--{}\n", "/*{}*/"]))
def test_a_write_behind_any_comment_is_never_a_read(
    dialect: Dialect, before: str, after: str, form: str
) -> None:
    if form.startswith("--"):  # else what follows its line is no comment, and can quote the write
        before = before.replace("\n", "").replace("\r", "")
    comment = form.format(before)
    closed = form.format(before.replace("*/", ""))  # else the write itself can be a comment
    for text in (
        f"{comment} DELETE FROM t /*{after}*/",
        f"SELECT 1 {closed}; DELETE FROM t --{after}",
        f"WITH d AS {comment} (DELETE FROM t RETURNING *) {comment} SELECT * FROM d /*{after}*/",
    ):
        assert classify(Statement(dialect, text, (), text)).effect is not Effect.READ, text


@given(_DIALECTS, st.sampled_from(["\u00a0", "\u3000", "\u200b", "\ufeff", "\x0b", "\x85"]))
def test_a_blank_that_is_a_letter_to_the_engine_is_refused(dialect: Dialect, blank: str) -> None:
    text = f"SELECT{blank}$$; DELETE FROM t; --$$"

    assert classify(Statement(dialect, text, (), text)).effect is Effect.UNKNOWN


def test_equal_texts_are_classified_once() -> None:
    statement = translate("postgres", "SELECT 'remembered'")

    assert classify(statement) is classify(translate("postgres", "SELECT 'remembered'"))


def test_what_speaks_no_sql_is_unknown_and_never_raises() -> None:
    for text in ("SELECT 1", "up", "'\ud800'", "\0"):
        statement = Statement(Dialect.PROMETHEUS, text, (), text)
        assert classify(statement).effect is Effect.UNKNOWN
