"""Text from outside is made visible and finite before any form sees it."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.export.text import block, capped, duration, json_text, line, offset, plain, visible

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_every_control_format_and_separator_character_is_shown_by_its_number() -> None:
    hidden = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char) in UNSEEN and char not in "\n\t"
    ]
    kept = [f"U+{ord(char):04X}" for char in hidden if char in visible(f"a{char}b")]
    assert kept == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred", "⟦U+001B⟧[31mred"),
        ("\x00", "⟦U+0000⟧"),
        ("pay\u202eload", "pay⟦U+202E⟧load"),
        ("zero\u200bwidth", "zero⟦U+200B⟧width"),
        ("\U000e0041", "⟦U+E0041⟧"),
        ("x\ufe0f", "x⟦U+FE0F⟧"),
        ("a\r\nb\rc", "a\nb⟦U+000D⟧c"),
        ("café ⚠️ naïve\t日本", "café ⚠️ naïve\t日本"),
    ],
)
def test_what_cannot_be_seen_is_named_and_what_can_be_stays(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_cut_says_how_many_characters_are_left_out() -> None:
    assert capped("abcdef", 4) == "abcd… 2 more characters"
    assert block("x" * 5_000_000, 10) == "xxxxxxxxxx… 4,999,990 more characters"


def test_a_line_shows_breaks_and_tabs_instead_of_making_them() -> None:
    assert line(" one\n  two\tthree ", 100) == "one ⏎ two⇥three"


@given(st.text())
def test_json_text_reads_back_to_the_same_text_and_shows_nothing_unseen(text: str) -> None:
    written = json_text({"text": text})
    assert json.loads(written) == {"text": text}
    assert visible(written) == written


def test_what_json_cannot_say_becomes_text() -> None:
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    odd = {1: float("nan"), "big": 1 << 20_000, "object": object(), "bytes": b"x", "deep": deep}
    assert json.loads(json_text(odd))["1"] == "nan"
    assert "nested deeper" in json_text(plain(odd))
    assert "20,001 bits" in json_text(odd)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"), (0.9, "900 ms"), (1, "1 s"), (9.96, "10 s"), (41, "41 s"), (59.6, "1 min"),
        (3_600, "1 h"), (7_384, "2 h 3 min"), (200_000, "2 d 7 h"),
    ],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_offsets_count_from_the_start_in_both_directions() -> None:
    said = [offset(seconds) for seconds in (0, 250, 3_725, -30)]
    assert said == ["T+00:00", "T+04:10", "T+1:02:05", "T\N{MINUS SIGN}00:30"]
