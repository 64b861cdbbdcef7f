"""How MySQL and MariaDB are written: quotes, remarks, parameters, calls, and the small grammar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.model import Dialect, Effect
from interlock_gateway.core.statement import (
    StatementError,
    classify_source,
    gate,
    glot,
    source_position,
    translate,
)
from interlock_gateway.core.statement.familiar import familiar
from interlock_gateway.core.statement.lexer import Mark, landmarks
from interlock_gateway.core.statement.opinion import NotUnderstoodError, Opinion
from interlock_gateway.core.statement.rules import rules

BOTH = (Dialect.MARIADB, Dialect.MYSQL)
each_dialect = pytest.mark.parametrize("dialect", BOTH)


@each_dialect
@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("# a 'remark", [Mark.LINE]),
        ("-- a 'remark", [Mark.LINE]),
        ("/* a 'remark */", [Mark.BLOCK]),
        ("/* /* */", [Mark.BLOCK]),
        (r"'it\'s'", [Mark.STRING]),
        (r"'\\'", [Mark.STRING]),
        ("'it''s'", [Mark.STRING]),
        ('"text"', [Mark.STRING]),
        ("`a``b`", [Mark.IDENTIFIER]),
        (r"`a\`", [Mark.IDENTIFIER]),
        ("@a", [Mark.PLAIN]),
        ("?", [Mark.PLACEHOLDER]),
        (":=", [Mark.ASSIGN]),
        (r"'open\'", [Mark.UNTERMINATED]),
    ],
)
def test_quotes_and_remarks(dialect: Dialect, text: str, marks: list[Mark]) -> None:
    assert [mark.mark for mark in landmarks(dialect, text)] == marks


@each_dialect
@pytest.mark.parametrize(
    "text",
    [
        "SELECT 5--1",
        "SELECT 1 --a remark to some engines",
        r"SELECT 'it\'s'",
        r"SELECT 'C:\\'",
        r'SELECT "\""',
        "SELECT 1 /*! + sleep(1) */",
        "SELECT 1 /*!50003 + sleep(1) */",
        "SELECT 1 /*M! + sleep(1) */",
        "SELECT /*+ SET_VAR(sql_mode = '') */ 1",
        "SELECT 1 /* /* */ -- */",
        "SELECT {fn now()}",
        "SELECT 1 # a\rDELETE FROM t",
        "SELECT a$b",
        r"SELECT \N",
        "SELECT 1; DELETE FROM t",
    ],
)
def test_the_gate_refuses_what_could_be_read_differently(dialect: Dialect, text: str) -> None:
    assert gate.refusal(dialect, text) is not None


@each_dialect
@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 # a remark",
        "SELECT 1 -- a remark\n, 2",
        "SELECT 5 - -1",
        r"SELECT 'a\nb', 'C:\\temp', '%\_%'",
        "SELECT @a, @@b, `c`, \"d\", N'e', x'1F'",
        "SELECT 1; # done",
    ],
)
def test_the_gate_lets_usual_text_through(dialect: Dialect, text: str) -> None:
    assert gate.refusal(dialect, text) is None


@each_dialect
@pytest.mark.parametrize(
    ("source", "text", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT ?, ?, ?", ("a", "b", "a")),
        ("SELECT ':a', \":a\", `:a` # :a\n, :b", "SELECT ':a', \":a\", `:a` # :a\n, ?", ("b",)),
        (r"SELECT '\\', :a", r"SELECT '\\', ?", ("a",)),
        ("SELECT @a := :b", "SELECT @a := ?", ("b",)),
    ],
)
def test_a_name_used_twice_is_sent_twice(
    dialect: Dialect, source: str, text: str, names: tuple[str, ...]
) -> None:
    statement = translate(dialect, source)

    assert (statement.text, statement.names) == (text, names)


@each_dialect
@pytest.mark.parametrize("source", ["SELECT ?", "SELECT * FROM t WHERE a = %s", "SELECT a:b"])
def test_a_raw_placeholder_is_refused(dialect: Dialect, source: str) -> None:
    with pytest.raises(StatementError) as caught:
        translate(dialect, source)

    assert caught.value.code == "bad-sql-parameters"


@each_dialect
def test_a_position_behind_a_name_sent_twice_is_found_in_the_source(dialect: Dialect) -> None:
    statement = translate(dialect, "SELECT :first, :first, evil(1)")

    (reason,) = classify_source(dialect, statement.source).reasons

    assert reason.position is not None
    assert source_position(statement, statement.text.index("evil")) == 23
    assert statement.text[reason.position :].startswith("evil")


@each_dialect
@pytest.mark.parametrize(
    "call", ["now ()", "`now`()", "now\n()", "now/**/()", "app.now()", "`app`.`now`()"]
)
def test_a_call_in_disguise_may_be_a_stored_function(dialect: Dialect, call: str) -> None:
    verdict = classify_source(dialect, f"SELECT {call}")

    assert (verdict.effect, verdict.reasons[0].what) == (Effect.UNKNOWN, "function now")


@pytest.mark.parametrize(
    ("dialect", "call"),
    [
        (Dialect.MARIADB, "format_bytes(1)"),
        (Dialect.MARIADB, "any_value(1)"),
        (Dialect.MARIADB, "rank () OVER ()"),
        (Dialect.MYSQL, "sql_cache(1)"),
    ],
)
def test_what_only_the_other_engine_has_is_unknown(dialect: Dialect, call: str) -> None:
    other = next(one for one in BOTH if one is not dialect)

    assert classify_source(dialect, f"SELECT {call}").effect is Effect.UNKNOWN
    assert call.startswith("sql_") or classify_source(other, f"SELECT {call}").effect == "read"


@each_dialect
def test_no_word_before_a_bracket_is_also_a_function_that_acts(dialect: Dialect) -> None:
    lists = rules(dialect)

    assert lists.before_bracket.isdisjoint(lists.acting)
    assert lists.functions.isdisjoint(lists.refused)
    assert lists.no_blank <= lists.functions


@each_dialect
@pytest.mark.parametrize(
    "text",
    [
        "EXPLAIN",
        "EXPLAIN FORMAT=TEXT SELECT 1",
        "EXPLAIN FORMAT SELECT 1",
        "EXPLAIN INTO @x SELECT 1",
        "EXPLAIN a b c",
        "EXPLAIN 'a'",
        "EXPLAIN EXPLAIN SELECT 1",
        "DESCRIBE a.b.c",
        "ANALYZE",
        "ANALYZE VALUES (1)",
        "ANALYZE DELETE FROM t",
        "HELP",
        "HELP 'a' 'b'",
        "SHOW",
        "SHOW GLOBAL",
        "SHOW NOTHING",
        "SHOW TABLES WHERE sleep(1)",
        "SHOW TABLES WHERE a IN (SELECT 1)",
        "SHOW TABLES WHERE a IN (sleep)",
        "SHOW TABLES WHERE a IN (1, (2))",
        "SHOW TABLES WHERE @a := 1",
        "SHOW STATUS INTO @a",
        "SHOW PLUGINS SONAME 'x.so'",
        "SHOW STATUS WHERE a = NEXT VALUE FOR s",
    ],
)
def test_the_small_grammar_gives_up_on_every_other_shape(dialect: Dialect, text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        glot.opinion(dialect, text)


@each_dialect
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SHOW TABLES", "show"),
        ("SHOW STATUS WHERE Value IN (1, 'a') AND Variable_name LIKE 'x%'", "show"),
        ("SHOW COUNT(*) WARNINGS", "show"),
        ("DESC t", "describe"),
        ("EXPLAIN `a`.`b` 'c%'", "describe"),
        ("EXPLAIN analyze", "describe"),
        ("HELP contents", "help"),
        ("EXPLAIN FOR CONNECTION 5", "explain"),
        ("EXPLAIN FORMAT=JSON SELECT 1", "explain"),
    ],
)
def test_the_small_grammar_reads_what_only_tells(dialect: Dialect, text: str, kind: str) -> None:
    found = glot.opinion(dialect, text)

    assert isinstance(found, Opinion)
    assert (found.kind, found.effect, found.bounded) == (kind, Effect.READ, True)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("VALUES (1), (2)", "SELECT (1), (2)"),
        ("SELECT VALUES(a)", "SELECT VALUES(a)"),
        ("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"),
        ("SELECT 'values (1)'", "SELECT 'values (1)'"),
        ("SELECT SQL_CACHE DISTINCT a", "SELECT DISTINCT a"),
        ("MATCH a, b AGAINST ('x')", "MATCH( a, b )AGAINST ('x')"),
        ("SELECT 1 INTO @a, @b FROM t", "SELECT 1 FROM t"),
        ("SELECT 1 INTO @a, (SELECT f())", "SELECT 1 , (SELECT f())"),
        ("SELECT column_create(1, a AS int)", "SELECT column_create(1, a )"),
        ("SELECT column_create(1, a AS 'x')", "SELECT column_create(1, a AS 'x')"),
        ("SELECT a LIKE b ESCAPE c", "SELECT a LIKE b + c"),
        ("SELECT 1 LIMIT 5 ROWS EXAMINED 9", "SELECT 1 LIMIT 5"),
    ],
)
def test_what_sqlglot_does_not_know_is_put_in_words_it_does(text: str, written: str) -> None:
    assert familiar(Dialect.MARIADB, text).split() == written.split()


_WORDS = "values match against escape into @ , ( ) 'x' a sql_cache rows examined value for as"
_PIECES = st.lists(st.sampled_from(_WORDS.split()), max_size=12).map(" ".join)


@given(st.sampled_from(BOTH), _PIECES)
def test_a_call_stays_visible_whatever_is_rewritten_around_it(dialect: Dialect, text: str) -> None:
    for source in (f"SELECT {text} evil(1)", f"SELECT evil(1) {text}", f"VALUES (evil(1)) {text}"):
        assert classify_source(dialect, source).effect is not Effect.READ
