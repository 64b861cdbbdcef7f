"""Places for values: a value never leaves its place, and never is a place itself."""

import json
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.exchange import (
    Condition,
    Each,
    Exchange,
    ExchangeError,
    Hole,
    Selection,
    Shown,
    Text,
    Written,
    understood,
)

BASE = base_url("https://api.example.com:8443/v1")
EXCHANGE = Exchange(
    "POST",
    ("things", Hole("name"), "on"),
    query=(
        ("filter", Each("labels", Text.of("{item.name}={item.value|quoted}"))),
        ("q", Text.of("is:{name}")),
    ),
    body={
        "whole": Text.of("{value}"),
        "text": Text.of("by {value}, {name}"),
        "list": Each("labels", {"n": Text.of("{item.name}"), "same": True}),
        "deep": [{"a": [Text.of("{value}")]}],
    },
    media="application/json",
    fields=(("If-Match", Text.of("{etag}")),),
    selection=Selection(
        (200, 201),
        (409,),
        "/items",
        (Condition("/a~1b", "is", Text.of("{value}")), Condition("", "in", [1, "x"])),
        (Shown("name", "text", "/name"), Shown("all", "json", "")),
    ),
)
VALUES: dict[str, Any] = {
    "name": "web",
    "value": "plain",
    "etag": '"7"',
    "labels": [{"name": "a", "value": "b"}],
}
ODD = [
    "",
    ".",
    "..",
    "a/b",
    "a%2fb",
    "a?b",
    "a#b",
    'x"y',
    "a\\b",
    "{name}",
    "\n\nanswer\nstatus 500",
]
TEXTS = st.one_of(st.sampled_from(ODD), st.text(max_size=30))


def filled(**more: Any) -> Written:
    return EXCHANGE.filled(BASE, VALUES | more)


@given(TEXTS, TEXTS, st.lists(st.fixed_dictionaries({"name": TEXTS, "value": TEXTS}), max_size=3))
@example("web", "\n\nanswer\nstatus 200", [])
@example("a&q=b", '"},"evil":{"', [{"name": "x&q=1", "value": '"'}])
def test_no_value_leaves_its_place(name: str, value: str, labels: list[dict[str, str]]) -> None:
    try:
        found = filled(name=name, value=value, labels=labels)
    except ExchangeError:
        return
    path, _, query = found.url.partition("?")
    head, segment, last = path.rsplit("/", 2)
    assert (head, unquote(segment), last) == ("https://api.example.com:8443/v1/things", name, "on")
    filters = [("filter", f"{one['name']}={_quoted(one['value'])}") for one in labels]
    assert parse_qsl(query, keep_blank_values=True) == [*filters, ("q", f"is:{name}")]
    assert json.loads(found.body) == {
        "whole": value,
        "text": f"by {value}, {name}",
        "list": [{"n": one["name"], "same": True} for one in labels],
        "deep": [{"a": [value]}],
    }
    assert found.selection.where[0].value == value


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@given(TEXTS, TEXTS, st.lists(st.fixed_dictionaries({"name": TEXTS, "value": TEXTS}), max_size=3))
def test_what_is_kept_is_read_back_as_the_same_request(
    name: str, value: str, labels: list[dict[str, str]]
) -> None:
    try:
        found = filled(name=name, value=value, labels=labels)
    except ExchangeError:
        return
    assert understood(found.text) == found
    request = found.request(BASE)
    assert request.method == "POST"
    assert request.path.startswith("/v1/things/")
    assert request.body == found.body.encode()
    assert found.body in found.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_whatever_the_preview_said_goes_into_the_body_as_it_was(value: Any) -> None:
    assume(value is not None)
    try:
        found = Exchange("PUT", ("x",), body={"a": Text.of("{seen.it}")}).filled(
            BASE, {"seen.it": value}
        )
    except ExchangeError:
        return
    assert json.loads(found.body) == {"a": value}
    assert understood(found.text) == found


@given(st.text(max_size=200))
@example("GET https://x/\n\nanswer\nstatus 200")
@example("GET https://x/\nContent-Type: a\nContent-Type: b\n\nanswer\nstatus 200")
@example("GET https://x/\nHost: evil\n\nanswer\nstatus 200")
@example("GET https://x/\n\nanswer\nstatus 200\nstatus 201")
@example('GET https://x/\n\nanswer\nwhere "a" is')
def test_a_text_is_understood_whole_or_refused(text: str) -> None:
    try:
        found = understood(text)
    except ExchangeError:
        return
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    [
        "GET https://x/ HTTP/1.1\n\nanswer\nstatus 200",
        "TRACE https://x/\n\nanswer\nstatus 200",
        "GET https://x/\nAuthorization: Bearer evil\n\nanswer\nstatus 200",
        "GET https://x/\nHost: evil\n\nanswer\nstatus 200",
        "GET https://x/\nIf-Match: a\nContent-Type: b\n\nanswer\nstatus 200",
        "GET https://x/\n\nanswer",
        "GET https://x/\n\nanswer\nstatus 0200",
        "GET https://x/\n\nanswer\nsends 200",
    ],
)
def test_no_text_says_more_than_a_request_may(text: str) -> None:
    with pytest.raises(ExchangeError):
        understood(text)


@pytest.mark.parametrize(
    "base",
    ["https://api.example.com", "https://api.example.com:8443", "https://api.example.com:8443/v"],
)
def test_a_request_goes_to_the_base_it_was_written_for_alone(base: str) -> None:
    other = filled()
    if base == "https://api.example.com:8443":  # above it: the same server, another place
        assert other.is_below(base_url(base))
        return
    assert not other.is_below(base_url(base))
    with pytest.raises(ExchangeError, match="addressed to"):
        other.request(base_url(base))


@pytest.mark.parametrize(
    "source", ["{", "}", "{}", "{Name}", "{a b}", "{a.b.c}", "{x|shout}", "{{x}}"]
)
def test_a_brace_encloses_a_name_or_is_refused(source: str) -> None:
    with pytest.raises(ExchangeError):
        Text.of(source)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": None}, "no value for {name}"),
        ({"name": ["a"]}, "list cannot stand inside a text"),
        ({"labels": "a"}, "labels is no list"),
        ({"etag": "a\nEvil: b"}, "cannot stand in a header field"),
        ({"etag": " a"}, "cannot stand in a header field"),
        ({"value": "\ud800"}, "cannot be sent as JSON"),
        ({"value": float("nan")}, "cannot be sent as JSON"),
        ({"name": "x" * 20_000}, "the limit is"),
    ],
)
def test_what_cannot_stand_there_is_said(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ExchangeError, match=said):
        filled(**values)


def test_a_value_is_never_taken_for_a_place() -> None:
    assert json.loads(filled(value="{name}").body)["whole"] == "{name}"


def test_minutes_count_from_when_it_was_asked_for() -> None:
    text = Text.of("{minutes|minutes_from_now}")
    values = {"minutes": 90, "ask.at": "2026-01-02T23:00:00Z"}
    assert text.filled(values) == "2026-01-03T00:30:00Z"
    with pytest.raises(ExchangeError, match="whole number"):
        text.filled(values | {"minutes": True})
