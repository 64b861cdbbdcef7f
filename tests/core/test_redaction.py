"""Secrets that are known: found in every usual encoding, and nothing else is touched."""

import base64
import html
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from interlock_gateway.core.redaction import (
    KNOWN,
    Known,
    Secret,
    Shape,
    Span,
    counted,
    is_weak,
    mark,
    masked,
    rule_word,
)

SECRET = "Hunter2!é/Hunter2 ü"
MARK = mark(KNOWN)


def masking(text: str, *secrets: str) -> str:
    known = Known(map(Secret, secrets or (SECRET,)))
    return masked(text, known.spans(text))


def shaped(value: Any, *secrets: str) -> Any:
    known, shape = Known(map(Secret, secrets or (SECRET,))), Shape(value)
    return shape.masked([known.spans(text) for text in shape.texts])


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": _b64,
    "base64 without its padding": lambda s: _b64(s).rstrip("="),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 after one byte": lambda s: _b64("x" + s),
    "base64 after two bytes": lambda s: _b64("xy" + s + "z"),
    "base64 of base64": lambda s: _b64(_b64(s)),
    "base64 of base64, later in it": lambda s: _b64("x" + _b64(s)),
    "base64 in lines": lambda s: base64.encodebytes(("." * 50 + s + "." * 60).encode()).decode(),
    "basic authorization": lambda s: _b64(f"user:{s}"),
    "percent": lambda s: quote(s, safe=""),
    "percent, small letters": lambda s: re.sub(
        "%..", lambda byte: byte[0].lower(), quote(s, safe="")
    ),
    "percent, every byte": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "percent twice": lambda s: quote(quote(s, safe=""), safe=""),
    "a form": quote_plus,
    "JSON": json.dumps,
    "JSON in JSON": lambda s: json.dumps(json.dumps({"a": s})),
    "unicode escapes": lambda s: "".join(
        f"\\u{ord(char):04X}" if ord(char) < 1 << 16 else f"\\U{ord(char):08X}" for char in s
    ),
    "bytes escapes": lambda s: "".join(f"\\x{byte:02x}" for byte in s.encode()),
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "HTML": html.escape,
    "HTML numbers": lambda s: "".join(f"&#{ord(char)};" for char in s),
    "HTML hex": lambda s: "".join(f"&#x{ord(char):x};" for char in s),
    "SQL": lambda s: s.replace("'", "''"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_known_secret_is_masked_in_every_usual_encoding(encoding: str) -> None:
    written = ENCODINGS[encoding](SECRET)
    shown = masking(f"before {written} after")
    assert MARK in shown
    assert written not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


_SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=40)
_AROUND = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(_SECRETS, _AROUND, _AROUND, st.sampled_from(sorted(ENCODINGS)))
def test_no_encoded_secret_survives_whatever_stands_around_it(
    secret: str, before: str, after: str, encoding: str
) -> None:
    assume(secret.strip() == secret and not is_weak(secret))
    written = ENCODINGS[encoding](secret)
    assert written not in masking(before + written + after, secret) or written in MARK


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _AROUND,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_AROUND, inner, max_size=4),
    max_leaves=12,
)


def _form(value: Any) -> Any:
    if isinstance(value, dict):
        return [_form(one) for one in value.values()]
    return [_form(one) for one in value] if isinstance(value, list) else "leaf"


@given(_JSON, _SECRETS)
def test_json_keeps_its_shape_and_loses_the_secret(value: Any, secret: str) -> None:
    assume(secret.strip() == secret and not is_weak(secret))
    holding = {"a": [value, {"x" + secret: f"<{secret}>"}], secret: value}
    kept = shaped(holding, secret)
    assert _form(kept) == _form(holding)
    assert secret not in str(kept).replace(MARK, "") or secret in str(value)


@given(_JSON)
def test_json_without_a_secret_stays_exactly_as_it_is(value: Any) -> None:
    assert shaped(value, "never-In-There-42") == value


def test_a_secret_in_a_key_is_masked_and_no_value_is_lost() -> None:
    kept = shaped({f"a{SECRET}": 1, f"a{SECRET}\u200b": 2, "b": 3})
    assert list(kept.values()) == [1, 2, 3]
    assert SECRET not in json.dumps(kept, ensure_ascii=False)


def test_a_number_that_is_the_secret_is_masked() -> None:
    assert shaped({"pin": 1234567890123, "n": 12}, "1234567890123") == {"pin": MARK, "n": 12}


def test_a_secret_that_a_stream_says_in_two_bits_is_masked_in_both() -> None:
    bits = [{"kind": "stream", "text": "is Hunter2!"}, {"kind": "stream", "text": "é/Hunter2 ü."}]
    assert [one["text"] for one in shaped(bits)] == [f"is {MARK}", f"{MARK}."]


def test_a_secret_broken_into_lines_of_a_list_is_masked() -> None:
    assert shaped({"data": ["Hunter2!é", "/Hunter2 ü"]}) == {"data": [MARK, MARK]}


def test_what_is_encoded_four_times_over_is_where_we_stop() -> None:
    written = SECRET
    for _ in range(5):
        written = quote(written, safe="")
    assert masking(written) == written


@pytest.mark.parametrize(
    "word", ["postgres", "secret", "hunter2", "password", "changeme", "12345"]
)
def test_a_weak_secret_is_masked_only_where_it_is_written_as_a_credential(word: str) -> None:
    assert is_weak(word)
    text = f"{word} is down; see {word}.log, user={word}"
    assert masking(text, word) == text
    assert masking(f"PGPASSWORD={word} psql", word) == f"PGPASSWORD={MARK} psql"
    assert masking(f"mysql://app:{word}@db", word) == f"mysql://app:{MARK}@db"
    assert masking(f'{{"password": "{word}"}}', word) == f'{{"password": "{MARK}"}}'
    assert masking(f"pwd={MARK}", word) == f"pwd={MARK}"


@pytest.mark.parametrize("strong", ["hunter22", "Correct1", "correct horse", "1234567890"])
def test_a_strong_secret_is_masked_everywhere(strong: str) -> None:
    assert not is_weak(strong)
    assert masking(f"a {strong} b", strong) == f"a {MARK} b"


@pytest.mark.parametrize("part", ["known-secret", "masked: known", "⟦masked: ", "-secret⟧"])
def test_a_secret_that_is_a_part_of_the_mark_changes_no_mark(part: str) -> None:
    once = masking(f"pwd={SECRET}", SECRET, part)
    assert once == f"pwd={MARK}"
    assert masking(once, SECRET, part) == once


def test_a_secret_inside_something_that_only_looks_like_a_mark_is_masked() -> None:
    assert "correct-Horse" not in masking("⟦masked: correct-Horse⟧", "correct-Horse")
    assert "correct-horse-battery" not in masking(
        "⟦masked: correct-horse-battery⟧", "correct-horse-battery"
    )


def test_masking_again_changes_nothing() -> None:
    once = masking(f"x {SECRET} {_b64(SECRET)}")
    assert masking(once) == once


def test_a_mark_names_the_rule_and_neither_length_nor_part() -> None:
    text = "a short and a much longer one"
    spans = [Span(2, 7, "betterleaks.aws-access-token"), Span(14, 25, "x9/Rule 42")]
    assert masked(text, spans) == "a ⟦masked: aws-access-token⟧ and a ⟦masked: rule⟧ one"
    assert rule_word("1234") == "secret"


def test_overlapping_findings_become_one_mark_and_what_we_know_names_it() -> None:
    spans = [Span(0, 6, "scanner"), Span(3, 8, KNOWN, sure=True), Span(4, 9, "other")]
    assert masked("abcdefghij", spans) == f"{MARK}j"


def test_marks_are_counted_in_texts_and_in_json() -> None:
    text = f"{MARK} {mark('cookie')} {MARK}"
    assert counted(text) == counted(json.dumps([text])) == {KNOWN: 2, "cookie": 1}


def test_values_never_appear_in_a_representation() -> None:
    secret = Secret(SECRET)
    assert "Hunter" not in repr(secret)
    assert repr(Known([secret, Secret("abc")])) == "Known(1 strong, 1 weak)"


def test_halves_of_characters_and_nul_are_searched_through() -> None:
    assert masking(f"\ud800\0{SECRET}\udfff") == f"\ud800\0{MARK}\udfff"


def test_what_was_decoded_is_masked_at_its_own_place() -> None:
    assert masking("x=%41&y=Hunter2%21%C3%A9%2FHunter2+%C3%BC;z=%42") == f"x=%41&y={MARK};z=%42"


def test_the_blurred_edges_of_base64_reach_into_no_other_value() -> None:
    encoded = _b64(f"user:{SECRET}").rstrip("=")
    kept = shaped([[encoded, 1], [f"{encoded}x", "2"]])
    assert [row[1] for row in kept] == [1, "2"]
    assert all(MARK in row[0] for row in kept)
