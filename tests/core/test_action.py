"""The catalogue takes only actions that show, guard, verify and say how to undo."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from interlock import wire
from interlock_gateway.core.action import EXPECTATIONS, Action, load_action
from interlock_gateway.core.model import Dialect
from interlock_gateway.core.strict import Source
from interlock_gateway.service.targets import Expect
from policy_folder import ACTION, names_in

MOMENT = datetime(2024, 3, 1, 10, 42, 1, 123456, tzinfo=UTC)

BREAKER = "circuit_breaker = { uses = 4, within_s = 3600 }"

TYPED = ACTION.replace(
    "[preview]",
    """\
[arguments.since]
type = "timestamptz"
about = "From when."

[arguments.how]
type = "text"
about = "How."
choices = ["soft", "hard"]

[arguments.share]
type = "numeric"
about = "How much."
minimum = 0
maximum = 1

[preview]""",
).replace("stop(:pid)", "stop(:pid, :since, :how, :share)")
TYPED = TYPED.replace('idempotency_key = ["pid"]', 'idempotency_key = ["pid", "since"]')


def load(
    text: str = ACTION, file: str = "actions/db.stop.toml"
) -> tuple[Action | None, list[str]]:
    source = Source(file, text)
    action = load_action(source, names_in=names_in)
    return action, [str(problem) for problem in source.problems]


def typed() -> Action:
    action, problems = load(TYPED)
    assert action is not None
    assert problems == []
    return action


def arguments(**changes: object) -> dict[str, Any]:
    values = {"pid": 7, "since": MOMENT, "how": "soft", "share": Decimal("0.5")} | changes
    return {name: wire.encode_value(value) for name, value in values.items()}


def test_a_complete_action_loads() -> None:
    action, problems = load()

    assert problems == []
    assert action is not None
    assert (action.name, action.dialect, action.risk) == (
        "db.stop@1.0.0",
        Dialect.POSTGRES,
        "high",
    )
    assert (action.verify.expect, action.verify.within_s) == ("no rows", 5)
    assert action.digest == wire.digest(ACTION.encode())


@pytest.mark.parametrize("part", ["preview", "precheck", "execute", "verify"])
def test_an_action_that_leaves_out_a_statement_is_refused(part: str) -> None:
    _, problems = load(ACTION.replace(f"[{part}]", f"[{part}ed]"))

    assert f"actions/db.stop.toml:1: `{part}` is missing." in problems


def test_an_action_without_undo_is_refused() -> None:
    _, problems = load(ACTION.replace('undo = "Cannot be undone."\n', ""))

    assert problems == ["actions/db.stop.toml:1: `undo` is missing."]


def _without(part: str, reason: str) -> str:
    start = ACTION.index(f"[{part}]")
    end = ACTION.find("\n[", start)
    rest = "" if end < 0 else ACTION[end:]
    return f"{part} = {reason!r}\n" + ACTION[:start] + rest


@pytest.mark.parametrize("part", ["preview", "precheck", "verify"])
def test_none_needed_is_an_answer_when_it_says_why(part: str) -> None:
    action, problems = load(_without(part, "none needed: it reads nothing anew"))

    assert problems == []
    assert action is not None
    assert getattr(action, part).none_needed == "none needed: it reads nothing anew"


@pytest.mark.parametrize("reason", ["", "none needed", "none needed: -", "later"])
def test_none_needed_without_a_reason_is_refused(reason: str) -> None:
    _, problems = load(_without("verify", reason))

    assert any("and why" in problem for problem in problems)


def test_what_is_executed_is_always_a_statement() -> None:
    _, problems = load(_without("execute", "none needed: it does nothing"))

    assert any("`execute` must be a table" in problem for problem in problems)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"db.stop"', '"db.halt"', "must stand in actions/db.halt.toml"),
        ('"db.stop"', '"read"', "does not have the form"),
        ('"1.0.0"', '"1.0"', "`version = '1.0'` does not have the form"),
        ('"1.0.0"', '"1.0.0 or so"', "`version = '1.0.0 or so'` does not have the form"),
        ('"postgres"', '"postgresql"', "did you mean `postgres`?"),
        ('"high"', '"huge"', "`risk = 'huge'` is unknown"),
        ("reversible = false", 'reversible = "no"', "`reversible` must be true or false."),
        ('["pid"]', '["pdi"]', "`idempotency_key` names 'pdi'"),
        ('["pid"]', "[]", "`idempotency_key` must be a list"),
        ("max_per_run = 2", "max_per_run = 0", "`max_per_run = 0` must be from 1 to 100"),
        ("cooldown_s = 0", "cooldown_s = -1", "`cooldown_s = -1` must be from 0"),
        ("cooldown_s = 0", "cooldown_s = 0\nretries = 3", "`retries` is unknown"),
        ("cooldown_s = 0", 'cooldown_s = 0\nterms = "mine"', "not enforced by this version"),
        (BREAKER, "", "`circuit_breaker` is missing."),
        (BREAKER, "circuit_breaker = 3", "`circuit_breaker` must be a table."),
        ("uses = 4", "uses = 0", "`uses = 0` must be from 1 to 1,000"),
        ("uses = 4", "uses = 4, on = true", "`on` is unknown"),
        ('type = "integer"', 'type = "int"', "`type = 'int'` is unknown"),
        ('type = "integer"', 'type = "text"', "`minimum` is unknown"),
        ("minimum = 1", "minimum = 9\nmaximum = 1", "`minimum` is above `maximum`."),
        ("[arguments.pid]", '[arguments."P id"]', "cannot be the name of an argument"),
        (
            "stop(:pid)",
            "stop(:pdi)",
            "`:pdi` in `execute` is not an argument; did you mean `pid`?",
        ),
        ("stop(:pid)", "stop(1)", "The argument `pid` is not used by `execute`."),
        ('"one row, true"', '"row count"', "`count` is missing."),
        ('"one row, true"', '"row count"', "`max_rows` is missing."),
        (
            '"one row, true"',
            '"one row, true"\nidentifiers = ["pid"]',
            "`identifiers` names `pid`, which is no text argument on PostgreSQL.",
        ),
        (
            '"one row, true"',
            '"one row, true"\nidentifiers = ["pid"]',
            "With `identifiers`, `guarded_by_precheck` says how the precheck finds them.",
        ),
        ("cooldown_s = 0", "cooldown_s = 0\nmax_rows = 5", "`max_rows` is unknown"),
        ('expect = "one row"', 'expect = "row count"', "`expect = 'row count'` is unknown"),
        ("within_s = 5", "within_s = 500", "`within_s = 500` must be from 0 to 300"),
    ],
)
def test_anything_else_that_is_wrong_is_an_error(old: str, new: str, message: str) -> None:
    assert old in ACTION
    _, problems = load(ACTION.replace(old, new))

    assert any(message in problem for problem in problems), problems


def test_sql_that_cannot_be_read_is_an_error() -> None:
    def unreadable(_dialect: Dialect, _sql: str) -> tuple[str, ...]:
        raise ValueError("a quote is never closed.")

    source = Source("actions/db.stop.toml", ACTION)
    load_action(source, names_in=unreadable)

    assert "The SQL of `preview` cannot be read: a quote is never closed." in {
        problem.message for problem in source.problems
    }


def test_every_expectation_is_one_that_targets_know() -> None:
    assert set(EXPECTATIONS) < {str(expect) for expect in Expect}


def test_good_arguments_have_no_problem() -> None:
    assert typed().problems(arguments()) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pid": 0}, "`pid` must be at least 1."),
        ({"pid": True}, "`pid` must be of type integer, not boolean."),
        ({"pid": "7"}, "`pid` must be of type integer, not text."),
        ({"pid": None}, "`pid` must be of type integer, not null."),
        ({"since": datetime(2024, 3, 1)}, "must be of type timestamptz, not timestamp."),  # noqa: DTZ001  the point
        ({"how": "gently"}, "`how` must be one of soft, hard."),
        ({"share": Decimal("1.01")}, "`share` must be at most 1."),
        ({"share": Decimal("NaN")}, "`share` must be a number."),
        ({"share": Decimal("sNaN")}, "`share` must be a number."),
        ({"extra": 1}, "`extra` is not an argument of db.stop"),
    ],
)
def test_bad_arguments_are_told_by_name(change: dict[str, object], message: str) -> None:
    (told,) = typed().problems(arguments(**change))

    assert message in told


def test_a_missing_argument_and_a_null_are_told() -> None:
    given = arguments(pid=7)
    del given["how"]
    given["since"] = {"type": "timestamptz", "value": None}

    assert typed().problems(given) == ("`how` is missing.", "`since` must not be null.")


def test_the_same_thing_has_the_same_key_however_it_is_written() -> None:
    action = typed()
    here = MOMENT.astimezone(timezone(timedelta(hours=2)))

    key = action.key("orders", arguments())
    assert action.key("orders", arguments(since=here, how="hard")) == key
    assert action.key("stock", arguments()) != key
    assert action.key("orders", arguments(pid=8)) != key
    assert action.key("orders", arguments(since=MOMENT + timedelta(microseconds=1))) != key


# --- lists ------------------------------------------------------------------------------------

LISTED = (
    ACTION.replace(
        'type = "integer"\nabout = "Which."\nminimum = 1',
        'type = "list"\nabout = "Which."\nmax_items = 2\n'
        'fields = { pid = "integer", since = "timestamptz" }',
    )
    .replace("[arguments.pid]", "[arguments.who]")
    .replace(":pid", ":who")
    .replace('["pid"]', '["who"]')
)


def listed(*items: object) -> dict[str, Any]:
    return {"who": {"type": "json", "value": list(items)}}


def item(pid: object = 7, since: object = "2024-03-01T10:00:00+00:00") -> dict[str, object]:
    return {"pid": pid, "since": since}


def of_a_list() -> Action:
    action, problems = load(LISTED)
    assert action is not None
    assert problems == []
    return action


def test_a_list_of_typed_items_is_an_argument() -> None:
    assert of_a_list().problems(listed(item(), item(8))) == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (listed(), "`who` must be a list of 1 to 2 items."),
        (listed(item(1), item(2), item(3)), "`who` must be a list of 1 to 2 items."),
        ({"who": {"type": "json", "value": {"pid": 7}}}, "must be a list of 1 to 2 items."),
        ({"who": {"type": "integer", "value": 7}}, "must be of type json, not integer."),
        (listed({"pid": 7}), "item 1 that is not made of pid (integer), since (timestamptz)."),
        (listed(item() | {"more": 1}), "item 1 that is not made of"),
        (listed(7), "item 1 that is not made of"),
        (listed(item(), item("8")), "item 2 whose pid cannot be read"),
        (listed(item(True)), "item 1 whose pid cannot be read"),
        (listed(item(since=None)), "item 1 whose since must not be null."),
        (listed(item(since="2024-03-01T10:00:00")), "item 1 whose since cannot be read"),
        (
            listed(item(), item(since="2024-03-01T12:00:00+02:00")),
            "`who` names the same thing twice.",
        ),
    ],
)
def test_a_list_that_is_not_as_declared_is_told(given: dict[str, Any], message: str) -> None:
    (told,) = of_a_list().problems(given)

    assert message in told


def test_a_text_in_a_list_is_as_long_as_any_other_text() -> None:
    named = LISTED.replace('pid = "integer"', 'pid = "text"')
    action, problems = load(named)
    assert action is not None
    assert problems == []

    (told,) = action.problems(listed(item("x" * 1_001)))
    assert "item 1 whose pid is longer than 1,000 characters." in told


def test_a_list_in_another_order_is_the_same_thing() -> None:
    action = of_a_list()

    assert action.key("orders", listed(item(1), item(2))) == action.key(
        "orders", listed(item(2), item(1))
    )
    assert action.key("orders", listed(item(1))) != action.key("orders", listed(item(2)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_items = 2\n", "", "`max_items` is missing."),
        ("max_items = 2", "max_items = 1000", "`max_items = 1000` must be from 1 to 100"),
        ('{ pid = "integer", since = "timestamptz" }', "{}", "`fields` names nothing"),
        ('pid = "integer"', 'pid = "json"', "`pid = 'json'` is unknown"),
        ('pid = "integer"', '"P id" = "integer"', "cannot be the name of a field."),
    ],
)
def test_a_list_says_what_its_items_are(old: str, new: str, message: str) -> None:
    assert old in LISTED
    _, problems = load(LISTED.replace(old, new, 1))

    assert any(message in problem for problem in problems), problems


# --- what guards, and what counts -------------------------------------------------------------


def test_an_execute_that_cannot_guard_says_why_and_its_precheck_does() -> None:
    told = 'guarded_by_precheck = "KILL takes no condition."'
    by_precheck = ACTION.replace("stop(:pid)", "stop()").replace(
        'expect = "one row, true"', f'expect = "one row, true"\n{told}'
    )
    _, problems = load(by_precheck)
    assert problems == []

    _, problems = load(by_precheck.replace("SELECT :pid", "SELECT 1"))
    assert "The argument `pid` is not used by `precheck`, which guards `execute`." in problems[0]


def test_an_action_that_changes_rows_counts_them_first() -> None:
    counted = ACTION.replace('"one row, true"', '"row count"').replace(
        "cooldown_s = 0", "cooldown_s = 0\nmax_rows = 20"
    )
    action, problems = load(f'{counted}\n[count]\nsql = "SELECT count(:pid)"\n')

    assert problems == []
    assert action is not None
    assert (action.count.sql, action.max_rows) == ("SELECT count(:pid)", 20)


def test_several_rows_that_must_all_be_true_are_for_postgresql() -> None:
    several = ACTION.replace('"one row, true"', '"one row or more, all true"')
    assert load(several)[1] == []

    _, problems = load(several.replace('"postgres"', '"mariadb"'))
    assert "is looked for on PostgreSQL only." in problems[0]


def test_an_action_without_arguments_needs_no_key() -> None:
    bare = ACTION.replace('idempotency_key = ["pid"]\n', "").replace(":pid", "1")
    start, end = bare.index("[arguments.pid]"), bare.index("[preview]")
    action, problems = load(bare[:start] + "[arguments]\n\n" + bare[end:])

    assert problems == []
    assert action is not None
    assert action.key("orders", {}) == action.key("orders", {})
