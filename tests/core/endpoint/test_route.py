"""A value stays where it was put: in its segment, its query value, its leaf of the body."""

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.endpoint import Route, RouteError, Slot, base_url

BASE = base_url("https://metrics.example.com/prom")
LABELS = Route(
    "GET",
    "/api/v1/label/{label}/values",
    params={"label": "text", "start": "integer", "match": "text"},
    query=("start", "match"),
)
SILENCE = Route(
    "POST",
    "/api/v2/silences",
    params={"who": "text", "active": "boolean", "weight": "number"},
    body={"createdBy": Slot("who"), "matchers": [{"on": Slot("active"), "w": Slot("weight")}]},
)


def test_values_go_into_path_and_query_encoded() -> None:
    request = LABELS.request(BASE, {"label": "job name", "start": 5, "match": 'up{a="b&c=d"}'})
    assert request.path == (
        "/prom/api/v1/label/job%20name/values?start=5&match=up%7Ba%3D%22b%26c%3Dd%22%7D"
    )
    assert request.body is None


def test_a_query_key_may_be_left_out() -> None:
    assert LABELS.request(BASE, {"label": "job"}).path == "/prom/api/v1/label/job/values"


@given(st.text(), st.text())
def test_no_text_leaves_its_place(label: str, match: str) -> None:
    try:
        path = LABELS.request(BASE, {"label": label, "match": match}).path
    except RouteError:
        return
    parts = urlsplit(path)
    segments = parts.path.split("/")
    assert path.isascii()
    assert segments[:5] == ["", "prom", "api", "v1", "label"]
    assert segments[6:] == ["values"]
    assert unquote(segments[5]) == label
    assert unquote(unquote(parts.path)).count("/") <= 6 + unquote(label).count("/")
    assert parse_qsl(parts.query, keep_blank_values=True) == [("match", match)]
    assert not parts.fragment


@pytest.mark.parametrize("label", ["", ".", "..", "a/b", "a\\b", "../x", "a\r\nb", "a\0", "\x7f"])
def test_what_servers_take_for_another_path_is_refused(label: str) -> None:
    with pytest.raises(RouteError):
        LABELS.request(BASE, {"label": label})


@given(st.text(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
def test_no_value_adds_to_a_body(who: str, active: bool, weight: float) -> None:  # noqa: FBT001  drawn
    try:
        body = SILENCE.request(BASE, {"who": who, "active": active, "weight": weight}).body
    except RouteError:
        return
    assert json.loads(body or b"") == {
        "createdBy": who,
        "matchers": [{"on": active, "w": weight}],
    }


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"label": 5},
        {"label": "a", "start": "5"},
        {"label": "a", "start": True},
        {"label": "a", "limit": 5},
        {"label": None},
        {"label": "a", "match": "\ud800"},
        {"label": "a", "match": "x" * 20_000},
    ],
)
def test_a_value_that_is_missing_unknown_or_of_another_type_is_refused(
    values: dict[str, Any],
) -> None:
    with pytest.raises(RouteError):
        LABELS.request(BASE, values)


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), True, "1"])
def test_a_number_is_a_finite_number(weight: Any) -> None:
    with pytest.raises(RouteError):
        SILENCE.request(BASE, {"who": "a", "active": True, "weight": weight})


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("TRACE", "/a", {}),
        ("get", "/a", {}),
        ("GET", "a", {}),
        ("GET", "/a/../b", {}),
        ("GET", "/a//b", {}),
        ("GET", "/a?x=1", {}),
        ("GET", "/v{n}", {"n": "text"}),
        ("GET", "/{n}{m}", {"n": "text", "m": "text"}),
        ("GET", "/{n}/{n}", {"n": "text"}),
        ("GET", "/{n}", {}),
        ("GET", "/a", {"n": "text"}),
        ("GET", "/{n}", {"n": "anything"}),
    ],
)
def test_a_template_is_checked_when_it_is_made(
    method: str, path: str, params: dict[str, str]
) -> None:
    with pytest.raises(RouteError):
        Route(method, path, params)
