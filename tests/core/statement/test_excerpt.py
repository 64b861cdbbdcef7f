"""An excerpt shows the author's own line, harmless and narrow, with a caret under the piece."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.model import Dialect, Effect, Reason
from interlock_gateway.core.statement import classify, excerpt, pointed, translate
from interlock_gateway.core.statement.excerpt import WIDTH
from rich.cells import cell_len

_PLAIN = "ab_9 ,()'日本é"
_SHOWN = {
    "\t": "    ",
    "\x1b": r"\x1b",
    "\x00": r"\x00",
    "\u202e": r"\u202e",
    "\u0301": r"\u0301",
    "\ud800": r"\ud800",
}
_TEXTS = st.text(st.sampled_from([*_PLAIN, *_SHOWN, "\n", "\r"]), max_size=300)


def shown(source: str, piece: str, length: int | None = None) -> list[str]:
    size = len(piece) if length is None else length
    return excerpt(source, source.index(piece), size).split("\n")


def test_the_caret_stands_under_the_piece_and_the_line_has_its_number() -> None:
    assert shown("SELECT 1,\n  pg_sleep(3)\nFROM t", "pg_sleep") == [
        "  2 |   pg_sleep(3)",
        "    |   ^~~~~~~~",
    ]


def test_a_piece_of_unknown_length_is_the_word_that_begins_there() -> None:
    assert shown("COPY t TO PROGRAM 'cat'", "PROGRAM", 0)[1] == "    |           ^~~~~~~"
    assert shown("SELECT 1 ; x", ";", 0)[1] == "    |          ^"


def test_what_is_missing_at_the_end_is_pointed_at_behind_the_end() -> None:
    assert excerpt("SELECT a FROM", 13) == "  1 | SELECT a FROM\n    |              ^"
    assert excerpt("", 0).split("\n")[1] == "    | ^"
    assert excerpt("SELECT 1", 9_999).split("\n")[1] == "    |         ^"


def test_a_piece_over_several_lines_is_pointed_at_on_its_first() -> None:
    assert shown("SELECT f(\n1)", "f(\n1)") == ["  1 | SELECT f(", "    |        ^~"]


def test_a_long_line_is_cut_around_the_piece_and_says_so() -> None:
    text, caret = shown("SELECT 1" + ", 2" * 90 + ", pg_sleep(1)" + ", 3" * 90, "pg_sleep")
    assert (text[6], text[-1], len(text)) == ("…", "…", WIDTH)
    assert text[caret.index("^") :].startswith("pg_sleep(1)")


def test_a_piece_wider_than_the_room_keeps_its_beginning() -> None:
    text, caret = shown("SELECT " + "z" * 500, "z" * 500)
    assert (len(text), len(caret)) == (WIDTH, WIDTH - 1)
    assert text.endswith("z…")


def test_tabs_are_blanks_and_wide_characters_take_two_columns() -> None:
    assert shown("\tSELECT '日本', f()", "f(") == [
        "  1 |     SELECT '日本', f()",
        "    |                    ^~",
    ]


def test_what_is_hidden_is_shown_as_its_escape_and_pointed_at_whole() -> None:
    assert shown("SELECT \u202e1", "\u202e") == [r"  1 | SELECT \u202e1", "    |        ^~~~~~"]
    assert r"\x1b[2J" in shown("SELECT '\x1b[2J'", "'")[0]
    assert r"e\u0301" in shown("SELECT e\u0301", "e\u0301")[0]


def test_a_windows_line_break_is_no_part_of_the_line() -> None:
    assert shown("SELECT 1\r\nFROM t", "1")[0] == "  1 | SELECT 1"


@given(st.text(max_size=300), st.integers(-2, 400), st.integers(0, 400))
def test_no_excerpt_can_steer_a_terminal(source: str, position: int, length: int) -> None:
    lines = excerpt(source, position, length).split("\n")
    assert len(lines) == 2
    assert all(map(str.isprintable, lines))


@given(_TEXTS, st.integers(-2, 400), st.integers(0, 400))
def test_no_excerpt_is_wider_than_its_width(source: str, position: int, length: int) -> None:
    assert max(map(cell_len, excerpt(source, position, length).split("\n"))) <= WIDTH


@given(st.text(st.sampled_from([*_PLAIN, *_SHOWN, "\n"]), max_size=300), st.data())
def test_the_caret_always_stands_under_the_piece(source: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(source)))
    piece = source[begin : begin + data.draw(st.integers(1, 40))].split("\n", maxsplit=1)[0]
    text, caret = excerpt(source, begin, len(piece) or 1).split("\n")
    under = caret[caret.index("^") :]
    assert under == "^" + "~" * (len(under) - 1)
    told = "".join(_SHOWN.get(character, character) for character in piece) or " "
    columns = "".join(one + "\0" * (cell_len(one) - 1) for one in text.ljust(WIDTH))
    pointed_at = columns[caret.index("^") :][: len(under)].replace("\0", "")
    assert told.startswith(pointed_at)
    assert pointed_at == told or text.endswith("…")


@pytest.mark.parametrize(
    ("sql", "caret"),
    [
        ("SELECT :first, :first, pg_sleep(:n)", "                       ^~~~~~~~"),
        ("SELECT :a::int\n, pg_sleep(:a)", "  ^~~~~~~~"),
        ("SELECT '日本', :long_name, pg_sleep(1)", "                           ^~~~~~~~"),
    ],
)
def test_a_place_is_one_in_the_authors_text_not_in_what_is_sent(sql: str, caret: str) -> None:
    statement = translate(Dialect.POSTGRES, sql)
    assert pointed(statement, classify(statement)).split("\n")[1] == "    | " + caret


def test_a_syntax_error_is_pointed_at() -> None:
    statement = translate(Dialect.POSTGRES, "SELECT 'é' FROM t WHERE WHERE a = :a")
    assert pointed(statement, classify(statement)).split("\n")[1].endswith("^~~~~")


def test_only_the_most_dangerous_places_are_shown_each_once() -> None:
    sql = "SELECT nextval('s'), nextval('s'), pg_reload_conf(), pg_sleep(1), lo_unlink(1)"
    statement = translate(Dialect.POSTGRES, sql)
    lines = pointed(statement, classify(statement)).split("\n")
    assert len(lines) == 2 * 3
    assert lines[1].index("^") == lines[0].index("pg_reload_conf")


def test_a_reason_without_a_place_shows_nothing() -> None:
    statement = translate(Dialect.POSTGRES, "SELECT 1")
    found = classify(statement)
    assert pointed(statement, found) == ""
    assert Reason(Effect.UNKNOWN, "x", "y").position is None
