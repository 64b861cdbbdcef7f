"""`:name` becomes a placeholder; nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.model import SQL, Dialect
from interlock_gateway.core.statement import StatementError, source_position, translate


@pytest.mark.parametrize(
    ("source", "text", "names"),
    [
        ("SELECT :a", "SELECT $1", ("a",)),
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT :a::int", "SELECT $1::int", ("a",)),
        ("SELECT 'x :a', \":a\" -- :a\n /* :a */", "SELECT 'x :a', \":a\" -- :a\n /* :a */", ()),
        ("SELECT $$ :a $$, $t$ :a $t$", "SELECT $$ :a $$, $t$ :a $t$", ()),
        (r"SELECT E'\' :a'", r"SELECT E'\' :a'", ()),
        ("SELECT 'a''b :c'", "SELECT 'a''b :c'", ()),
        ("SELECT /* /* :a */ :b */ :c", "SELECT /* /* :a */ :b */ $1", ("c",)),
        ("SELECT a[1:2], a[:], b[(:i)]", "SELECT a[1:2], a[:], b[($1)]", ("i",)),
        ("SELECT ARRAY[:a, :b], ARRAY[[:a]]", "SELECT ARRAY[$1, $2], ARRAY[[$1]]", ("a", "b")),
        ("SELECT f(x := :v)", "SELECT f(x := $1)", ("v",)),
        ("SELECT j ? :k, j ->> :k", "SELECT j ? $1, j ->> $1", ("k",)),
        ("SELECT a % s", "SELECT a % s", ()),
        ("SELECT a %s", "SELECT a %s", ()),
        ("SELECT :größe", "SELECT $1", ("größe",)),
        (" \t\n", " \t\n", ()),
    ],
)
def test_postgres(source: str, text: str, names: tuple[str, ...]) -> None:
    statement = translate(Dialect.POSTGRES, source)

    assert (statement.text, statement.names, statement.source) == (text, names, source)


@pytest.mark.parametrize(
    ("source", "text", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT ?1, ?2, ?1", ("a", "b")),
        ("SELECT [:a], `:a`, ':a'", "SELECT [:a], `:a`, ':a'", ()),
        ("SELECT /* /* :a */ :b", "SELECT /* /* :a */ ?1", ("b",)),
        (r"SELECT '\' , :a", r"SELECT '\' , ?1", ("a",)),
    ],
)
def test_sqlite(source: str, text: str, names: tuple[str, ...]) -> None:
    statement = translate(Dialect.SQLITE, source)

    assert (statement.text, statement.names) == (text, names)


@pytest.mark.parametrize(
    ("dialect", "source", "position"),
    [
        ("postgres", "SELECT $1", 7),
        ("postgres", "SELECT a[:n]", 9),
        ("postgres", "SELECT a[1:n]", 10),
        ("postgres", "SELECT * FROM t WHERE a = %s", 26),
        ("postgres", "SELECT a:b", 8),
        ("sqlite", "SELECT ?", 7),
        ("sqlite", "SELECT ?1", 7),
        ("sqlite", "SELECT @a", 7),
        ("sqlite", "SELECT $a", 7),
    ],
)
def test_what_could_mean_two_things_is_refused_at_its_place(
    dialect: str, source: str, position: int
) -> None:
    with pytest.raises(StatementError) as caught:
        translate(dialect, source)

    assert (caught.value.code, caught.value.position) == ("bad-sql-parameters", position)
    assert caught.value.help


def test_a_dialect_without_an_engine_is_refused() -> None:
    with pytest.raises(StatementError, match="'oracle' is not supported"):
        translate("oracle", "SELECT 1")


def test_a_text_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(StatementError, match=r"65,536 bytes"):
        translate("postgres", ":" * 70_000)


@given(st.sampled_from(list(SQL)), st.text(alphabet="SELCTab1 ,.'\"()*=<>\n-/é", max_size=60))
def test_text_without_parameters_is_unchanged(dialect: Dialect, source: str) -> None:
    statement = translate(dialect, source)

    assert (statement.text, statement.names) == (source, ())


_PARTS = st.sampled_from([":a", ":b", ":long_name", " ", "x", "'q :c'", "=", "-- :d\n", "(", ")"])


@given(st.sampled_from(list(SQL)), st.lists(_PARTS, max_size=12).map(" ".join))
def test_everything_between_parameters_stays_where_it_was(dialect: Dialect, source: str) -> None:
    statement = translate(dialect, source)
    rebuilt = statement.text
    for number, name in reversed(list(enumerate(statement.names, 1))):
        rebuilt = rebuilt.replace(f"{_NUMBERED.get(dialect)}{number}", f":{name}")
    for name in statement.names if dialect not in _NUMBERED else ():
        rebuilt = rebuilt.replace("?", f":{name}", 1)

    assert rebuilt == source


_NUMBERED = {Dialect.POSTGRES: "$", Dialect.SQLITE: "?", Dialect.DUCKDB: "$"}


@given(st.lists(_PARTS, max_size=12).map(" ".join))
def test_a_position_in_the_sent_text_is_found_in_the_authors_text(source: str) -> None:
    statement = translate(Dialect.POSTGRES, f"{source} END")

    sent = statement.text.rindex("END")

    assert source_position(statement, sent) == statement.source.rindex("END")


def test_a_position_on_a_placeholder_is_the_parameters_place() -> None:
    statement = translate("postgres", "SELECT :first, :second")

    assert source_position(statement, statement.text.index("$2")) == 15


@pytest.mark.parametrize("char", ["\u202e", "\u00a0", "\u200b", "\u2028", "\ufeff"])
@pytest.mark.parametrize("dialect", list(SQL))
def test_a_parameter_is_named_with_letters(dialect: Dialect, char: str) -> None:
    with pytest.raises(StatementError) as caught:
        translate(dialect, f"SELECT :a{char}b")
    assert caught.value.code == "bad-sql-parameters"
    assert char not in caught.value.message


def test_what_speaks_no_sql_is_not_translated_and_says_how_to_ask() -> None:
    with pytest.raises(StatementError, match="does not speak SQL") as caught:
        translate(Dialect.PROMETHEUS, "SELECT 1")
    assert "query_metrics" in caught.value.help
    with pytest.raises(StatementError, match="does not speak SQL") as caught:
        translate(Dialect.LOKI, "SELECT 1")
    assert "query_logs" in caught.value.help
