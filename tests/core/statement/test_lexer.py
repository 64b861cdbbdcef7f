"""The landmarks cover the text without gaps, whatever the text is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.model import SQL, Dialect
from interlock_gateway.core.statement import gate
from interlock_gateway.core.statement.lexer import Mark, first_token, landmarks, tokens

_ALPHABET = "'\"`$E e/*-\n\r\\[]();:=ab1é\u00a0?@#{}"


@given(st.sampled_from(list(SQL)), st.text(max_size=60) | st.text(_ALPHABET, max_size=60))
def test_landmarks_cover_the_whole_text(dialect: Dialect, text: str) -> None:
    found = list(landmarks(dialect, text))

    assert "".join(text[mark.start : mark.end] for mark in found) == text
    assert all(mark.end > mark.start for mark in found)


@given(st.sampled_from(list(SQL)), st.text(_ALPHABET, max_size=60))
def test_tokens_leave_out_nothing_but_blanks_and_comments(dialect: Dialect, text: str) -> None:
    comments = "".join(
        text[mark.start : mark.end]
        for mark in landmarks(dialect, text)
        if mark.mark in (Mark.LINE, Mark.BLOCK)
    )
    written = "".join(token.text for token in tokens(dialect, text))

    assert len(written) + len(comments) + sum(map(str.isspace, text)) >= len(text)


@given(st.sampled_from(list(SQL)), st.text(max_size=20) | st.text(_ALPHABET, max_size=20))
def test_the_first_token_is_the_first_of_all_tokens(dialect: Dialect, text: str) -> None:
    assert first_token(dialect, text) == next(tokens(dialect, text), None)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("E'a\\'b'", [Mark.PLAIN, Mark.STRING]),
        ("fooE'a'", [Mark.PLAIN, Mark.STRING]),
        ("'a\\'", [Mark.STRING]),
        ("$$a$$", [Mark.DOLLAR]),
        ("a$$b$$", [Mark.PLAIN, Mark.ODD, Mark.ODD, Mark.PLAIN, Mark.ODD, Mark.ODD]),
        ("/*/**/*/", [Mark.BLOCK]),
        ("'open", [Mark.UNTERMINATED]),
        ("/*open", [Mark.UNTERMINATED]),
        ("--x", [Mark.LINE]),
    ],
)
def test_quotes_and_comments_of_postgres(text: str, marks: list[Mark]) -> None:
    assert [mark.mark for mark in landmarks(Dialect.POSTGRES, text)] == marks


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 /*/* */ --*/",
        "SELECT 1 /*/ */",
        "SELECT 1 /* /*/",
        "SELECT 1 --/ x",
        "SELECT 1 -- x /*",
        "SELECT 1 /*!99999 x */",
        "SELECT /*+ hint */ 1",
        "SELECT 1 -- a\rDELETE",
        "SELECT 1\u00a0",
        "\ufeffSELECT 1",
        "SELECT 1\x7f",
        "SELECT \\x",
        "SELECT 'a\\'",
        "SELECT a{b",
        "SELECT x$$a$$",
        "SELECT $ä$a$ä$",
        "SELECT (1",
        "SELECT 1)",
        "SELECT [1)",
        "SELECT 1; SELECT 2",
        "SELECT 1;;x",
        "SELECT 1;;",
        "SELECT " + "(" * 201 + ")" * 201,
    ],
)
def test_the_gate_refuses_what_parsers_could_read_differently(text: str) -> None:
    reason = gate.refusal(Dialect.POSTGRES, text)

    assert reason is not None
    assert reason.detail.startswith("Refused before parsing: ")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "SELECT 1; -- done\n ",
        "SELECT 'any \x0c thing \u00a0 \\x'",
        "SELECT größe -- naïve — comment",
        'SELECT E\'\\n\', \'{"a": "\\""}\'',
        "SELECT a[1:2], 1::int, f(x := 1)",
        "SELECT\r\n1",
        "SELECT " + "(" * 199 + ")" * 199,
    ],
)
def test_the_gate_lets_usual_text_through(text: str) -> None:
    assert gate.refusal(Dialect.POSTGRES, text) is None
