"""PromQL is understood whole or refused; what is understood is known by how far it reaches."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from interlock_gateway.core.telemetry import TelemetryError
from interlock_gateway.core.telemetry.lexer import tokens
from interlock_gateway.core.telemetry.promql import understood
from interlock_gateway.core.telemetry.reading import Demand

CASES = Path(__file__).parent / "cases"
H = 3600.0


def cases(name: str) -> list[str]:
    """Return the queries of a file: one a line, `#` begins a remark, an empty line is nothing."""
    lines = (CASES / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


def demand(promql: str, **values: Any) -> Demand:
    return understood(promql, values).demand


def refusal(promql: str, values: Mapping[str, Any] | None = None) -> TelemetryError:
    with pytest.raises(TelemetryError) as caught:
        understood(promql, values or {})
    assert caught.value.help
    return caught.value


@pytest.mark.parametrize("promql", cases("understood.promql"))
def test_what_responders_ask_is_understood_and_sent_as_it_stands(promql: str) -> None:
    assert understood(promql, {}).text == promql


@pytest.mark.parametrize("promql", cases("refused.promql"))
def test_what_is_not_on_the_list_is_refused(promql: str) -> None:
    assert refusal(promql).code == "not-understood"


@pytest.mark.parametrize(
    ("promql", "window_s", "back_s", "evaluations", "step_s"),
    [
        ("up", 0, 300, 1, 0),
        ("vector(1)", 0, 0, 1, 0),
        ("rate(a[5m])", 300, 600, 1, 0),
        ("rate(a[5m] offset 1w)", 300, 600 + 7 * 86_400, 1, 0),
        ("a offset 1h30m", 0, 300 + 5400, 1, 0),
        ("max_over_time(rate(a[5m])[1h:1m])", 3900, 4200, 61, 60),
        ("max_over_time(rate(a[5m])[1h:1m] offset 1h)", 3900, 7800, 61, 60),
        ("avg_over_time(max_over_time(a[1h:10m])[1d:1h])", 90_000, 90_300, 175, 600),
        ("rate(a[5m]) / rate(b[2h])", 7200, 7500, 1, 0),
        ("a + (b[1d:1h] offset 1d)", 86_400, 86_400 * 2 + 300, 25, 3600),
        ("sum(a) - b[30m:30s]", 1800, 2100, 61, 30),
        ("-(-a[1h:1h])", 3600, 3900, 2, 3600),
        ("a[1y:1d]", 31_536_000, 31_536_300, 366, 86_400),
    ],
)
def test_how_far_a_query_reaches(
    promql: str, window_s: float, back_s: float, evaluations: int, step_s: float
) -> None:
    found = demand(promql)
    assert (found.window_s, found.back_s) == (window_s, back_s)
    assert (found.evaluations, found.step_s) == (evaluations, step_s)


def test_the_metrics_of_a_query_are_known() -> None:
    found = demand('sum(rate(a{x="1"}[5m])) by (x) / on(x) job:b:rate5m and {__name__="c"} or a')
    assert found.metrics == ("a", "job:b:rate5m", "c")
    assert found.selectors == 4


def test_a_refusal_points_at_the_place_and_says_what_is_missing() -> None:
    assert refusal("rate(up[5m]").position == 11
    assert "`)` is missing" in str(refusal("rate(up[5m]"))
    assert "Did you mean increase?" in str(refusal("increse(up[5m])"))
    assert "names its metric" in str(refusal('{job="api"}'))
    assert "[1h:1m]" in str(refusal("a[1h:]"))
    assert "`@`" in str(refusal("a @ 0"))
    assert "future" in str(refusal("a offset -5m"))


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("promql", "values", "sent"),
    [
        ("up{job=:job}", {"job": "api"}, 'up{job="api"}'),
        ("up{job=:job}", {"job": 'a"} or b{x="'}, 'up{job="a\\"} or b{x=\\""}'),
        ("up{job!=:job}", {"job": "a\\b"}, 'up{job!="a\\\\b"}'),
        ("up{shard=:n}", {"n": 5}, 'up{shard="5"}'),
        ("up{job=~:jobs}", {"jobs": ["a.b", "c|d"]}, 'up{job=~"a\\\\.b|c\\\\|d"}'),
        ("up{job!~:job}", {"job": ".*"}, 'up{job!~"\\\\.\\\\*"}'),
        ("up > :least", {"least": 5}, "up > 5"),
        ("up > :least", {"least": -5}, "up > (-5)"),
        (":x ^ 2 + up", {"x": -0.5}, "(-0.5) ^ 2 + up"),
        ("topk(:n, up)", {"n": 3}, "topk(3, up)"),
        ("up > :d", {"d": Decimal("0.001")}, "up > 0.001"),
        ("rate(a[:w])", {"w": timedelta(minutes=5)}, "rate(a[300000ms])"),
        ("a[:w::s]", {"w": timedelta(hours=1), "s": timedelta(minutes=1)}, "a[3600000ms:60000ms]"),
        ("a[:w:1m]", {"w": timedelta(hours=1)}, "a[3600000ms:1m]"),
        ("a[1h::s]", {"s": timedelta(minutes=1)}, "a[1h:60000ms]"),
        ("a offset :o", {"o": timedelta(days=1)}, "a offset 86400000ms"),
        ("up{a=:x,b=:x}", {"x": "y"}, 'up{a="y",b="y"}'),
        ("up{job=:job}", {"job": "ü\u2028"}, 'up{job="ü\u2028"}'),
    ],
)
def test_a_value_is_one_literal_in_its_place(
    promql: str, values: dict[str, Any], sent: str
) -> None:
    query = understood(promql, values)
    assert query.text == sent
    assert set(query.names) == set(values)
    assert understood(sent, {}).demand == query.demand


@pytest.mark.parametrize(
    ("promql", "values", "said"),
    [
        ("up{job=:job}", {}, ":job has no value"),
        ("up", {"job": "api"}, "No :job stands"),
        ("up{job=:job}", {"job": None}, "label's value"),
        ("up{job=:job}", {"job": True}, "label's value"),
        ("up{job=:job}", {"job": "a\nb"}, "control"),
        ("up{job=:job}", {"job": "\x7f"}, "control"),
        ("up{job=:job}", {"job": "\ud800"}, "control"),
        ("up{job=:job}", {"job": ["a"]}, "label's value"),
        ("up{job=~:job}", {"job": []}, "values"),
        ("up{job=~:job}", {"job": ["a", None]}, "values"),
        ("up > :x", {"x": "5"}, "a number"),
        ("up > :x", {"x": float("nan")}, "finite"),
        ("up > :x", {"x": float("inf")}, "finite"),
        ("up > :x", {"x": True}, "a number"),
        ("up > :x", {"x": Decimal("sNaN")}, "finite"),
        ("up > :x", {"x": Decimal("-Infinity")}, "finite"),
        ("up > :x", {"x": Decimal("1e999999999")}, "finite"),
        ("up > :x", {"x": Decimal("1e-999999999")}, "finite"),
        ("up > :x", {"x": 10**400}, "finite"),
        ("rate(a[:w])", {"w": 5}, "a duration"),
        ("rate(a[:w])", {"w": "5m"}, "a duration"),
        ("rate(a[:w])", {"w": timedelta(0)}, "above 0"),
        ("rate(a[:w])", {"w": timedelta(microseconds=1)}, "above 0"),
        ("rate(a[:w])", {"w": timedelta(days=-1)}, "above 0"),
        ("a offset :w", {"w": timedelta(days=9999)}, "above 0"),
    ],
)
def test_a_value_of_another_kind_is_refused(
    promql: str, values: dict[str, Any], said: str
) -> None:
    error = refusal(promql, values)
    assert error.code == "bad-arguments"
    assert said in str(error)


@pytest.mark.parametrize(
    "promql",
    ['up{:l="x"}', "sum by (:l) (up)", ':m{a="b"}', "up{__name__=:n}", "a :op b", "a[5m:s]"],
)
def test_a_parameter_is_no_syntax(promql: str) -> None:
    values = {"l": "x", "m": 1, "n": "up", "op": 1, "s": timedelta(1)}
    assert refusal(promql, values).code == "not-understood"


VALUES = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.timedeltas(),
    st.lists(st.text()),
    st.booleans(),
    st.none(),
)
TEMPLATE = "rate(a{job=:x, b=~:x}[:y]) > :z or c[:y::w] offset :w"


@given(VALUES, VALUES, VALUES, VALUES)
@example('"} or evil{a="', timedelta(1), -1, timedelta(1))
def test_no_value_changes_the_shape_of_a_query(x: Any, y: Any, z: Any, w: Any) -> None:
    try:
        query = understood(TEMPLATE, {"x": x, "y": y, "z": z, "w": w})
    except TelemetryError:
        return
    plain = understood(
        TEMPLATE, {"x": "x", "y": y, "z": -1 if str(z).startswith("-") else 1, "w": w}
    )
    assert [one.kind for one in tokens(query.text)] == [one.kind for one in tokens(plain.text)]
    assert query.demand == plain.demand
    assert query.demand.metrics == ("a", "c")


@given(st.text(max_size=60))
@example("a" * 5_000)
@example("(" * 500)
@example("-" * 500 + "a")
@example("a{" * 500)
@example("sum(" * 300 + "a" + ")" * 300)
@example("a" + "[1h:1m]" * 200)
@example("1e99999 + " * 300 + "1")
@example("a[" + "9" * 400 + "y]")
def test_no_text_does_anything_but_be_understood_or_refused(text: str) -> None:
    try:
        query = understood(text, {})
    except TelemetryError:
        return
    assert query.text == text


WORDS = st.sampled_from(
    [
        *(
            "up",
            "rate",
            "sum",
            "by",
            "offset",
            "bool",
            "and",
            "on",
            "group_left",
            "5m",
            "1",
            "inf",
        ),
        *(
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "=",
            "=~",
            "+",
            "-",
            "@",
            '"x"',
            ":p",
            "#",
            "0x1",
        ),
    ]
)


@given(st.lists(WORDS, max_size=14))
def test_no_sequence_of_its_words_breaks_the_parser(words: list[str]) -> None:
    try:
        query = understood(" ".join(words), {"p": "v"})
    except TelemetryError:
        return
    assert understood(query.text, {}).demand == query.demand
