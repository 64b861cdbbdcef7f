"""Parameters are declared with types and ranges, and bound from JSON or command-line text."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from interlock import wire
from interlock.errors import UsageError
from interlock.runbook import Bound, described, typed
from notebooks import runbook, taking

NOW = datetime(2026, 2, 3, 10, 42, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def bound(value: object, **param: Any) -> Any:
    return taking(**param).bind({"it": value}, now=NOW)["it"].python()


def refusal(value: object, **param: Any) -> str:
    with pytest.raises(UsageError) as refused:
        taking(**param).bind({"it": value}, now=NOW)
    assert refused.value.code == "bad-parameter"
    return refused.value.message


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", "5", "5"),
        ("integer", 5, 5),
        ("integer", "5", 5),
        ("integer", " -7 ", -7),
        ("number", 5, 5.0),
        ("number", "0.5", 0.5),
        ("boolean", True, True),
        ("boolean", "no", False),
        ("duration", "1h30m", timedelta(minutes=90)),
        ("duration", "250ms", timedelta(milliseconds=250)),
        ("duration", "1.5s", timedelta(seconds=1.5)),
        ("time", "2026-02-03T10:42:00Z", NOW),
        ("time", "2026-02-03T12:42:00+02:00", NOW),
        ("time", NOW.astimezone(timezone(timedelta(hours=2))), NOW),
        ("time", "now", NOW),
        ("time", "now-15m", NOW - QUARTER),
        (
            "timerange",
            "15m",
            {"start": (NOW - QUARTER).isoformat(), "end": NOW.isoformat()},
        ),
        (
            "timerange",
            "2026-02-03T10:27:00Z/now",
            {"start": (NOW - QUARTER).isoformat(), "end": NOW.isoformat()},
        ),
        ("target", "orders", "orders"),
        ("service", "shop/checkout", "shop/checkout"),
        ("list", "a, b", ["a", "b"]),
        ("list", ["a"], ["a"]),
        ("list", "", []),
    ],
)
def test_a_value_becomes_what_its_type_says(kind: str, given: object, value: object) -> None:
    assert bound(given, type=kind) == value


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("string", 5, "5 is not text."),
        ("string", "x" * 1001, "longer than 1,000 characters"),
        ("string", "a\x1b[2J", "characters that cannot be shown"),
        ("integer", "five", "five is not a whole number. Write it like 5."),
        ("integer", True, "True is not a whole number."),
        ("integer", 5.0, "5.0 is not a whole number."),
        ("integer", 2**63, "It does not fit into 64 bits."),
        ("integer", "9" * 5000, "is not a whole number"),
        ("number", float("nan"), "not a finite number"),
        ("number", 10**400, "not a finite number"),
        ("number", "1e", "1e is not a number."),
        ("boolean", 1, "1 is neither true nor false."),
        ("duration", "5", "5 is not a duration. Write it like 90s, 5m or 1h30m. Did you mean 5s?"),
        ("duration", "", "is not a duration"),
        ("duration", 5, "Did you mean 5s?"),
        ("time", "2026-02-03T10:42:00", "is not a moment with its zone."),
        ("time", "0001-01-01T00:00:00+14:00", "is not a moment"),
        ("time", "now-5", "Did you mean 5s?"),
        ("time", None, "None is not a moment"),
        ("timerange", "now/now-5m", "Its start must be before its end."),
        ("timerange", {"start": "now"}, "Write START/END or 15m."),
        ("target", "Orders; DROP", "is not the name of a target, such as orders."),
        ("service", "a b", "is not the name of a service"),
        ("list", [1], "1 is not text."),
        ("list", {"a": 1}, "is not a list"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(
    kind: str, given: object, message: str
) -> None:
    assert message in refusal(given, type=kind)


@pytest.mark.parametrize(
    ("param", "given", "message"),
    [
        ({"type": "integer", "min": 1, "unit": "s"}, 0, "it: 0 is below the minimum of 1 s."),
        ({"type": "integer", "max": 9}, "10", "10 is above the maximum of 9."),
        ({"type": "number", "max": 1}, 1.5, "1.5 is above the maximum of 1."),
        ({"type": "duration", "max": "5m"}, "6m", "is above the maximum of 5m."),
        ({"type": "timerange", "max": "1h"}, "2h", "in length is above the maximum of 1h."),
        ({"type": "string", "min": 3}, "ab", "ab in length is below the minimum of 3."),
        ({"type": "list", "max": 1}, "a,b", "in items is above the maximum of 1."),
        ({"type": "enum", "values": ["web", "mobile"]}, "mobil", "Did you mean mobile?"),
        ({"type": "list", "values": ["a", "b"]}, "a,c", "c is not one of: a, b."),
        ({"type": "target", "values": ["orders"]}, "order", "Did you mean orders?"),
        ({"type": "string", "pattern": "[a-z]+-[0-9]+"}, "x", "x does not match [a-z]+-[0-9]+."),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(
    param: dict[str, Any], given: object, message: str
) -> None:
    assert message in refusal(given, **param)


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ({"type": "enum"}, "An enum needs its values."),
        ({"type": "integer", "values": ["1"]}, "values make no sense for a integer."),
        ({"type": "integer", "default": "five"}, "five is not a whole number."),
        ({"type": "integer", "default": 5, "max": 4}, "5 is above the maximum of 4."),
        ({"type": "integer", "min": "1"}, "1 must be a number."),
        ({"type": "integer", "min": 0.5}, "0.5 is not a whole number."),
        ({"type": "duration", "min": 5}, "5 is not a duration."),
        ({"type": "boolean", "min": 0}, "min and max make no sense for a boolean."),
        ({"type": "time", "default": "soon"}, "soon is not a moment"),
        ({"type": "integer", "pattern": "1"}, "A pattern makes no sense for a integer."),
        ({"type": "string", "pattern": "("}, "The pattern does not compile"),
        ({"type": "string", "pattern": "(a+)+"}, "its matching time must be bounded"),
        ({"type": "string", "pattern": "a?a?a?a?aaaa"}, "its matching time must be bounded"),
        ({"type": "string", "pattern": "(a|a)(a|a)(a|a)(a|a)"}, "must be bounded"),
        ({"type": "string", "pattern": "(?=a)"}, "must be bounded"),
        ({"type": "string", "pattern": "a{99999999999}"}, "The pattern does not compile"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(param: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        taking(**param)
    assert refused.value.code == "runbook-invalid"
    assert "metadata.runbook.params.it: " in refused.value.message
    assert message in refused.value.message


def test_every_value_knows_where_it_came_from() -> None:
    book = taking(type="integer", default=5)
    assert book.bind({})["it"] == Bound("integer", 5, "default")
    assert book.bind({"it": "6"})["it"] == Bound("integer", 6, "person")
    assert book.bind({"it": 6}, {"it": "alert"})["it"] == Bound("integer", 6, "alert")
    with pytest.raises(UsageError, match="'rumour' is not an origin"):
        book.bind({"it": 6}, {"it": "rumour"})


def test_an_unknown_parameter_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as refused:
        runbook().bind({"dbb": "orders"})
    assert refused.value.message == (
        "queue-stuck has no parameter dbb. Did you mean db? It takes: db."
    )


def test_a_parameter_without_default_must_be_given() -> None:
    with pytest.raises(UsageError, match=r"Parameter it must be given: It\."):
        taking(type="integer").bind({})


def test_a_moment_relative_to_now_needs_a_clock() -> None:
    with pytest.raises(UsageError, match="now-15m needs a clock"):
        taking(type="time", default="now-15m").bind({})


def test_bound_values_are_typed_for_the_wire() -> None:
    wired = typed(taking(type="duration", default="5m").bind({}))
    assert wired["it"] == {"type": "interval", "value": "300000000us"}
    assert wire.decode_value(wired["it"]) == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("param", "line"),
    [
        ({"type": "integer", "min": 0, "max": 9, "unit": "s"}, "integer, 0 to 9 s, must be given"),
        ({"type": "enum", "values": ["a", "b"]}, "enum, a | b, must be given"),
        ({"type": "number", "max": 1}, "number, … to 1, must be given"),
        ({"type": "boolean", "default": True}, "boolean, default true"),
    ],
)  # fmt: skip
def test_a_parameter_describes_itself_in_one_line(param: dict[str, Any], line: str) -> None:
    assert described(taking(**param).params["it"]) == line
