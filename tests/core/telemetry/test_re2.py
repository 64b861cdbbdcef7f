"""Patterns: whether they match where there is nothing, and what of them is not understood."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.telemetry.re2 import PatternError, matches_nothing, named_groups


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        ".*",
        "a|",
        "(a|b)?",
        "(?i)",
        "(?i:x)?",
        "a{0,3}",
        "(?P<n>.*)",
        "(?:)",
        "^$",
        "()",
        "\\b",
    ],
)
def test_what_matches_nothing(pattern: str) -> None:
    assert matches_nothing(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *("a", ".+", "(a|b)+", "(?i)x", "[]a]", "[^]]", "\\d+", "a{2}", "[[:alpha:]]+", "{a}"),
        *(
            "\\p{Greek}",
            "\\pL",
            "foo|bar",
            "a{,3}",
            "\\.",
            "\\x41",
            "\\x{1F600}",
            "[\\d-]",
            "(?-s:.)x",
        ),
        "a.*?|b+?",
    ],
)
def test_what_needs_a_character(pattern: str) -> None:
    assert not matches_nothing(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?=a)",
            "(?!a)",
            "(?<!a)b",
            "(?<n>a)",
            "(?P=n)",
            "(?#x)",
            "\\1",
            "\\Q",
            "\\G",
            "\\K",
            "\\Z",
        ),
        *(
            "(a",
            "a)",
            "[a",
            "[]",
            "[[:alpha:]",
            "a**",
            "a+*",
            "a{2}{3}",
            "*",
            "a|*",
            "{2}",
            "(?",
            "\\",
        ),
        *("x{1001}", "a{2,1}", "a{99999}", "a" * 1_001, "(" * 30 + ")" * 30, "\\é", "[\\1]"),
    ],
)
def test_what_re2_does_not_read_is_not_understood(pattern: str) -> None:
    with pytest.raises(PatternError):
        matches_nothing(pattern)


def test_names_of_groups_are_counted_where_they_are_groups() -> None:
    assert named_groups("(?P<a>x)(?P<b>y)") == 2
    assert named_groups("\\(?P<a>x") == 0


PIECES = st.sampled_from(
    [
        *(
            "a",
            ".",
            "\\d",
            "[a-c]",
            "[^x]",
            "(",
            ")",
            "(?:",
            "|",
            "*",
            "+",
            "?",
            "{0}",
            "{1,2}",
            "^",
            "$",
        )
    ]
)


@given(st.lists(PIECES, max_size=10).map("".join))
def test_it_says_what_python_says_where_both_understand(pattern: str) -> None:
    try:
        ours, python = matches_nothing(pattern), re.compile(pattern)
    except (PatternError, re.error):
        return
    assert ours is bool(python.fullmatch(""))
