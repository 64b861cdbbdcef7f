"""LogQL is understood whole or refused; what is understood is known by what it reads."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from interlock_gateway.core.telemetry import TelemetryError
from interlock_gateway.core.telemetry.lexer import LOGQL, content, tokens
from interlock_gateway.core.telemetry.logql import LogQuery, understood
from logql_queries import Asked, queries

CASES = Path(__file__).parent / "cases"


def lines_of(name: str) -> list[str]:
    return [line for line in (CASES / name).read_text("utf-8").splitlines() if line]


def refused_cases() -> list[tuple[str, str]]:
    """Return each query of the file with the remark above it, which the refusal has to say."""
    found, said = [], ""
    for line in lines_of("refused.logql"):
        if line.startswith("# "):
            said = line[2:]
        else:
            found.append((line, said))
    return found


UNDERSTOOD = [line for line in lines_of("understood.logql") if not line.startswith("# ")]


def refusal(logql: str, values: Mapping[str, Any] | None = None) -> TelemetryError:
    with pytest.raises(TelemetryError) as caught:
        understood(logql, values or {})
    assert caught.value.help
    return caught.value


@pytest.mark.parametrize("logql", UNDERSTOOD)
def test_what_responders_ask_is_understood_and_sent_as_it_stands(logql: str) -> None:
    query = understood(logql, {})
    assert query.text == logql
    assert query.lines is logql.startswith("{")


@pytest.mark.parametrize(("logql", "said"), refused_cases())
def test_what_is_not_on_the_list_is_refused_and_the_reason_said(logql: str, said: str) -> None:
    error = refusal(logql)
    assert error.code == "not-understood"
    assert said in str(error)
    assert error.position is not None


@pytest.mark.parametrize("logql", UNDERSTOOD)
def test_nothing_may_stand_behind_or_before_what_was_understood(logql: str) -> None:
    for more in ("}", ")", '"x"', "{", "; rm", "# x", "\0", "\\", "5m", "[5m]", "`"):
        assert refusal(f"{logql} {more}").code == "not-understood"
        assert refusal(f"{more} {logql}").code == "not-understood"


@pytest.mark.parametrize(
    ("logql", "window_s", "back_s"),
    [
        ('{app="a"}', 0, 0),
        ("vector(1)", 0, 0),
        ('rate({app="a"}[5m])', 300, 300),
        ('rate({app="a"}[5m] offset 1h)', 300, 3900),
        ('rate({app="a"}[5m] | json)', 300, 300),
        ('sum(rate({app="a"}[5m])) / sum(rate({app="b"}[2h] offset 1d))', 7200, 93_600),
    ],
)
def test_how_far_a_query_reaches(logql: str, window_s: float, back_s: float) -> None:
    demand = understood(logql, {}).demand
    assert (demand.window_s, demand.back_s, demand.evaluations) == (window_s, back_s, 1)


def test_the_labels_by_which_streams_are_selected_are_known() -> None:
    demand = understood('rate({app="a",env=~"x"}[1m]) + rate({pod="b"}[1m])', {}).demand
    assert demand.metrics == ("app", "env", "pod")
    assert demand.selectors == 2


def test_a_refusal_points_at_the_place() -> None:
    assert refusal('{app="a"} |= "x" | jsn').position == 22
    assert refusal('rate({app="a"}[5m]').position == 18
    assert refusal('{env!="x", app=~".*"}').position == 0
    assert "Did you mean count_over_time?" in str(refusal('count_overtime({app="a"}[5m])'))


@pytest.mark.parametrize(
    "logql",
    [
        '{app="a"}' + ' |= "x"' * 41,
        "(" * 30 + '{app="a"}',
        '{app="a"} | ' + "(" * 30 + 'x="y"' + ")" * 30,
        " + ".join(['rate({app="a"}[1m])'] * 17),
        '{app="' + "a" * 5_000 + '"}',
        '{app=~"' + "a" * 1_001 + '"}',
        '{app=~"' + "(" * 30 + "a" + ")" * 30 + '"}',
        '{app="a"' + ',b="c"' * 600 + "}",
    ],
    ids=range(8),
)
def test_a_query_has_its_bounds(logql: str) -> None:
    assert refusal(logql).code == "not-understood"


# --- values -------------------------------------------------------------------------------------

HOSTILE = 'x"} |= `y` | line_format "{{.z}}" or {a="b'


@pytest.mark.parametrize(
    ("logql", "values", "sent"),
    [
        ("{app=:app}", {"app": "api"}, '{app="api"}'),
        ("{app=:app}", {"app": 'a"} or {b="'}, '{app="a\\"} or {b=\\""}'),
        ("{app=~:apps}", {"apps": ["a.b", "c|d"]}, '{app=~"a\\\\.b|c\\\\|d"}'),
        ('{app="a"} |= :x', {"x": HOSTILE}, f'{{app="a"}} |= {json.dumps(HOSTILE)}'),
        ('{app="a"} |= :x or :y', {"x": "a`", "y": "b\\"}, '{app="a"} |= "a`" or "b\\\\"'),
        ('{app="a"} |~ :x', {"x": "a.*"}, '{app="a"} |~ "a\\\\.\\\\*"'),
        ('{app="a"} | json | code >= :n', {"n": 500}, '{app="a"} | json | code >= 500'),
        ('{app="a"} | json | code = :n', {"n": -5}, '{app="a"} | json | code = -5'),
        ('{app="a"} | json | code = :n', {"n": "5"}, '{app="a"} | json | code = "5"'),
        ('{app="a"} | json | code > :n', {"n": Decimal("0.5")}, '{app="a"} | json | code > 0.5'),
        ('{app="a"} | t > :d', {"d": timedelta(seconds=2)}, '{app="a"} | t > 2000ms'),
        ('{app="a"} |= ip(:net)', {"net": "10.0.0.0/8"}, '{app="a"} |= ip("10.0.0.0/8")'),
        ('{app="a"} | drop b=:v', {"v": "x"}, '{app="a"} | drop b="x"'),
        ('rate({app="a"}[:w])', {"w": timedelta(minutes=5)}, 'rate({app="a"}[300000ms])'),
        (
            'rate({app="a"}[1m] offset :o)',
            {"o": timedelta(hours=1)},
            'rate({app="a"}[1m] offset 3600000ms)',
        ),
        ('topk(:k, rate({app="a"}[1m]))', {"k": 5}, 'topk(5, rate({app="a"}[1m]))'),
        ('rate({app="a"}[1m]) > :n', {"n": -1}, 'rate({app="a"}[1m]) > (-1)'),
        ("{app=:x, b=:x}", {"x": "y"}, '{app="y", b="y"}'),
        ("{app=:app}", {"app": "ü\u2028\u202e"}, '{app="ü\u2028\u202e"}'),
    ],
)
def test_a_value_is_one_literal_in_its_place(
    logql: str, values: dict[str, Any], sent: str
) -> None:
    query = understood(logql, values)
    assert query.text == sent
    assert set(query.names) == set(values)
    assert understood(sent, {}).demand == query.demand


@pytest.mark.parametrize(
    ("logql", "values", "said"),
    [
        ("{app=:app}", {}, ":app has no value"),
        ('{app="a"}', {"app": "api"}, "No :app stands"),
        ("{app=:app}", {"app": None}, "label's value"),
        ("{app=:app}", {"app": "a\nb"}, "control"),
        ("{app=:app}", {"app": "\x1b[2J"}, "control"),
        ("{app=:app}", {"app": "\ud800"}, "control"),
        ("{app=~:app}", {"app": []}, "values"),
        ('{app="a"} |= :x', {"x": ["a"]}, "label's value"),
        ('{app="a"} | c > :n', {"n": "5"}, "a number or a duration"),
        ('{app="a"} | c = :n', {"n": True}, "a text, a number or a duration"),
        ('{app="a"} | c > :n', {"n": float("nan")}, "a number or a duration"),
        ('{app="a"} | c > :n', {"n": timedelta(0)}, "a number or a duration"),
        ('{app="a"} | c > :n', {"n": Decimal("sNaN")}, "a number or a duration"),
        ('{app="a"} | c > :n', {"n": Decimal("1e999999999")}, "a number or a duration"),
        ('{app="a"} |= ip(:x)', {"x": "here"}, "an address"),
        ('{app="a"} |= ip(:x)', {"x": '1.1.1.1") or ("'}, "an address"),
        ('rate({app="a"}[:w])', {"w": "5m"}, "a duration"),
        ("vector(:n)", {"n": "1"}, "a number"),
    ],
)
def test_a_value_of_another_kind_is_refused(logql: str, values: dict[str, Any], said: str) -> None:
    error = refusal(logql, values)
    assert error.code == "bad-arguments"
    assert said in str(error)


@pytest.mark.parametrize("empty", ["", []])
def test_a_value_that_would_select_every_stream_is_refused(empty: Any) -> None:
    assert refusal("{app=:x}", {"x": ""}).code == "not-understood"
    assert refusal("{app=~:x}", {"x": ["a", ""]}).code == "not-understood"
    assert refusal("{app=~:x}", {"x": empty}).code in {"not-understood", "bad-arguments"}
    assert understood("{app!=:x}", {"x": ""}).lines


@pytest.mark.parametrize(
    "logql",
    [
        '{:l="x"}',
        ":q",
        '{app="a"} | :l = "x"',
        '{app="a"} | line_format :t',
        '{app="a"} | pattern :t',
        '{app="a"} | regexp :t',
        '{app="a"} |> :t',
        '{app="a"} | json x=:t',
        '{app="a"} | label_format x=:t',
        'sum by (:l) (rate({app="a"}[5m]))',
        'label_replace(rate({app="a"}[5m]), :t, "b", "c", "d")',
        '{app="a"} :q',
        ':q({app="a"}[5m])',
    ],
)
def test_a_parameter_is_no_syntax(logql: str) -> None:
    for values in ({"l": "x"}, {"q": "up"}, {"t": "x"}):
        assert refusal(logql, values).code in {"not-understood", "bad-arguments"}


VALUES = st.one_of(
    st.text(),
    st.text(alphabet='"`{}|\\=~<>()[] a'),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.timedeltas(),
    st.lists(st.text()),
    st.booleans(),
    st.none(),
)
LINES = "{a=:x, b=~:y} |= :x |~ :y | json | c = :z or d > :n | keep e=:x"
RATE = 'sum(rate({a="b", c=~:y} |= :x | f = :z [:w] offset :w)) > :n'


@given(VALUES, VALUES, VALUES, VALUES)
@example(HOSTILE, [HOSTILE], HOSTILE, -1)
def test_no_value_changes_the_shape_of_a_query(x: Any, y: Any, z: Any, n: Any) -> None:
    try:
        query = understood(LINES, {"x": x, "y": y, "z": z, "n": n})
    except TelemetryError:
        return
    found = tokens(query.text, LOGQL)
    assert len([one for one in found if one.text == "|"]) == 3
    assert [one.text for one in found if one.kind == "name"] == [
        *("a", "b", "json", "c", "or", "d", "keep", "e")
    ]
    assert query.demand == understood(LINES, {"x": "x", "y": "y", "z": 1, "n": 1}).demand


@given(VALUES, VALUES, VALUES, VALUES, VALUES)
@example(HOSTILE, [HOSTILE], HOSTILE, -1, timedelta(minutes=1))
def test_no_value_leaves_its_place_in_a_question_for_numbers(
    x: Any, y: Any, z: Any, n: Any, w: Any
) -> None:
    try:
        query = understood(RATE, {"x": x, "y": y, "z": z, "n": n, "w": w})
    except TelemetryError:
        return
    assert query.demand.selectors == 1
    assert query.demand.metrics == ("a", "c")
    assert not query.lines


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
@example("\\x41")
@example('"`\\')
def test_a_text_is_read_back_as_what_was_given(text: str) -> None:
    query = understood("{a=:x}", {"x": "x" + text})
    [string] = [one.text for one in tokens(query.text, LOGQL) if one.kind == "string"]
    assert content(string) == "x" + text


# --- the grammar --------------------------------------------------------------------------------


@given(queries())
def test_what_the_grammar_makes_is_understood_as_it_was_made(asked: Asked) -> None:
    query = understood(asked.text, {})
    assert query.text == asked.text
    assert (query.lines, query.demand.selectors) == (asked.lines, asked.selectors)
    assert query.demand.window_s == asked.window_s


@given(queries(), st.sampled_from([" ", "  ", "\t", "\n", " \r\n "]))
def test_blanks_between_tokens_change_nothing(asked: Asked, blank: str) -> None:
    spread = blank.join(one.text for one in tokens(asked.text, LOGQL))
    if len(spread) <= 4_096:
        assert understood(spread, {}).demand == understood(asked.text, {}).demand


@given(queries(), st.data())
def test_a_query_with_a_token_too_few_or_too_many_is_no_longer_the_same(
    asked: Asked, data: st.DataObject
) -> None:
    whole = [one.text for one in tokens(asked.text, LOGQL)][:-1]
    at = data.draw(st.integers(0, len(whole) - 1))
    token = data.draw(st.sampled_from(['"x"', "{", "}", "|", "(", ")", "or", "5m", "5", ",", "="]))
    for changed in (whole[:at] + whole[at + 1 :], [*whole[:at], token, *whole[at:]]):
        try:
            query = understood(" ".join(changed), {})
        except TelemetryError:
            continue
        assert [one.text for one in tokens(query.text, LOGQL)][:-1] == changed


@given(st.text(max_size=60))
@example("(" * 500)
@example("{" * 500)
@example('{a="b"}' + "|" * 500)
@example("-" * 500 + "1")
@example('rate({a="b"}[' + "9" * 400 + "y])")
@example('{a=~"' + "(" * 200)
@example('{a=~"' + "[" * 200 + '"}')
@example('{a="b"} | line_format "' + "{{" * 200 + '"')
def test_no_text_does_anything_but_be_understood_or_refused(text: str) -> None:
    try:
        query: LogQuery = understood(text, {})
    except TelemetryError:
        return
    assert query.text == text
