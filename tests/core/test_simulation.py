"""A recorded request is decided again as it would have been, and never guessed at."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interlock_gateway.core.model import Dialect, Effect, IncidentRole, Mode, Severity
from interlock_gateway.core.policy import Policy, load
from interlock_gateway.core.policy.targets import bearing
from interlock_gateway.core.simulation import (
    OLD,
    OTHER_GROUND,
    UNCLASSIFIED,
    Answer,
    Recorded,
    again,
    simulate,
)
from policy_folder import (
    ACTION,
    APPROVALS,
    PERMISSIONS,
    ROLES,
    TARGETS,
    folder,
    lines,
    loaded,
    names_in,
)

READ_LINE = "p, incident:responder, *, *, *, read, *, allow, freely, -"
NOW = loaded()
WRITES = PERMISSIONS + lines(
    "incident:responder, curated, *, production, write, *, allow, two-people, -"
)


def recorded(**more: Any) -> Recorded:
    """Return a read of production that was permitted, unless said otherwise."""
    usual = Recorded(
        event="evt_1",
        time="2026-01-02T03:04:05.000Z",
        incident="INC-1",
        call="R-1/look/1/0",
        kind="query",
        person="you",
        part="responder",
        mode="curated",
        severity="sev2",
        target="orders",
        tier="production",
        bearing=NOW.bearings["orders"],
        operation="read",
        max_rows=0,
        decision="freely",
        needs="",
        code="",
        line="permissions.csv:2",
        text=READ_LINE,
        policy=NOW.digest,
    )
    return replace(usual, **more)


def stop(**more: Any) -> Recorded:
    """Return a request for the catalogued action."""
    rule = NOW.rules["two-people"]
    usual: dict[str, Any] = {
        "kind": "action",
        "operation": "db.stop",
        "decision": rule.name,
        "needs": rule.needs,
        "text": NOW.lines[2].text,
    }
    return recorded(**{**usual, **more})


def write(policy: Policy, **more: Any) -> Recorded:
    """Return a free mutation of five rows."""
    usual = {"kind": "execute", "operation": "write", "max_rows": 5, "text": policy.lines[3].text}
    return stop(**{**usual, **more})


def refused(code: str, **more: Any) -> Recorded:
    """Return a request that was refused."""
    return recorded(**{"decision": "deny", "needs": "", "text": "", "code": code, **more})


def test_under_the_same_policy_nothing_is_different() -> None:
    found = simulate(NOW, [recorded(), stop(call="R-1/stop/1/0")])

    assert (found.requests, found.alike, found.other_line, found.differences) == (2, 2, 0, ())


def test_a_deny_on_top_is_a_difference_with_the_lines_of_both() -> None:
    policy = loaded(permissions=lines("*, *, *, production, read, *, deny, -, -") + PERMISSIONS)

    (one,) = simulate(policy, [recorded()]).differences

    assert (one.was.decision, one.was.line, one.was.text) == (
        *("freely", "permissions.csv:2"),
        READ_LINE,
    )
    assert one.now == Answer(
        *("deny", "", "no-permission", "permissions.csv:1"),
        "p, *, *, *, production, read, *, deny, -, -",
    )


def test_a_line_that_only_moved_is_the_same_line() -> None:
    found = simulate(loaded(permissions="# a remark\n" + PERMISSIONS), [recorded()])

    assert (found.alike, found.other_line) == (1, 0)


def test_the_same_answer_by_another_line_is_counted_and_no_difference() -> None:
    permissions = PERMISSIONS.replace("read, *", "read|costly, *")

    found = simulate(loaded(permissions=permissions), [recorded()])

    assert (found.alike, found.other_line, found.differences) == (1, 1, ())


def test_a_stricter_rule_of_the_same_name_is_a_difference() -> None:
    approvals = APPROVALS.replace('"sre", count = 1', '"sre", count = 2')

    policy = loaded(approvals=approvals, roles=ROLES + "g, third, sre\n")
    (one,) = simulate(policy, [stop()]).differences

    assert one.was.needs == "one dba and one sre"
    assert one.now.needs == "one dba and two sre"


def test_a_person_who_loses_a_role_is_judged_without_it() -> None:
    permissions = PERMISSIONS + lines("sre, *, *, production, costly, *, allow, freely, -")
    with_role = loaded(permissions=permissions)
    costly = recorded(operation="costly", text=with_role.lines[3].text)
    without = loaded(permissions=permissions, roles=ROLES.replace("g, you, sre\n", ""))

    assert simulate(with_role, [costly]).differences == ()
    assert simulate(without, [costly]).differences[0].now.code == "no-permission"


@pytest.mark.parametrize(
    ("change", "operation", "code"),
    [
        ({"part": ""}, "read", "not-on-incident"),
        ({"mode": "adhoc"}, "db.stop", "no-permission"),
    ],
)
def test_the_situation_of_then_decides(change: dict[str, str], operation: str, code: str) -> None:
    request = stop(**change) if operation == "db.stop" else recorded(**change)

    assert again(NOW, request) == Answer("deny", "", code, *_line(code))


def _line(code: str) -> tuple[str, ...]:
    return ("permissions.csv: no line matches",) if code == "no-permission" else ()


def test_a_refusal_may_become_a_yes() -> None:
    costly = refused("no-permission", operation="costly", line="permissions.csv: no line matches")
    policy = loaded(permissions=PERMISSIONS.replace("read, *", "read|costly, *"))

    assert simulate(NOW, [costly]).alike == 1
    assert simulate(policy, [costly]).differences[0].now.decision == "freely"


@pytest.mark.parametrize(
    "code",
    ["incident-closed", "run-ended", "not-in-manifest", "not-understood", "not-read-only"],
)
def test_what_policy_did_not_refuse_no_policy_changes(code: str) -> None:
    everything = loaded(permissions=lines("*, *, *, *, read|costly, *, allow, freely, -"))

    assert simulate(everything, [refused(code)]).not_policy == 1


def test_an_old_record_is_counted_and_not_guessed() -> None:
    old = recorded(person="", part="", mode="", severity="", bearing="", operation="")

    assert simulate(NOW, [old]).undecided == {OLD: 1}


def test_a_statement_is_not_decided_again_where_its_proof_would_be_another() -> None:
    """A column that comes to be masked may make a read an exfiltration: that takes the guard."""
    masked = loaded(targets=TARGETS + "[target.orders.masked]\npii = ['public.people.email']\n")

    assert simulate(masked, [recorded()]).undecided == {OTHER_GROUND: 1}
    assert simulate(masked, [stop()]).alike == 1, "an action is no statement of the asker's"


@pytest.mark.parametrize("key", ["schemas = ['public']", "functions = ['public.total']"])
def test_what_may_be_read_bears_on_it_too(key: str) -> None:
    policy = loaded(targets=TARGETS + f"[target.orders.reads]\n{key}\n")

    assert again(policy, recorded()) == OTHER_GROUND


def test_a_limit_of_a_target_does_not() -> None:
    policy = loaded(targets=TARGETS + "[target.orders.limits]\nrows = 7\n")

    assert simulate(policy, [recorded()]).alike == 1


def test_a_refusal_by_reads_stays_while_they_do() -> None:
    forbidden = refused("no-permission", line="targets.toml: orders.reads")

    assert simulate(NOW, [forbidden]).alike == 1


def test_a_target_that_is_gone_or_new_is_said_to_be() -> None:
    gone = loaded(targets=TARGETS.replace("[target.orders]", "[target.shop]"))
    unknown = refused("unknown-target", target="shop", operation="unknown", bearing="")

    assert again(gone, recorded()) == Answer("deny", "", "unknown-target")
    assert again(NOW, replace(unknown, line="")) == Answer("deny", "", "unknown-target")
    assert again(gone, unknown) == UNCLASSIFIED


def test_an_action_that_leaves_the_catalogue_is_unknown() -> None:
    files = folder(permissions=PERMISSIONS.replace("db.stop", "db.other"))
    del files["actions/db.stop.toml"]
    files["actions/db.other.toml"] = ACTION.replace("db.stop", "db.other")

    assert again(load(files, names_in=names_in), stop()) == Answer("deny", "", "unknown-action")


def test_a_target_without_its_action_login_cannot_be_changed() -> None:
    policy = loaded(targets=TARGETS.replace('act = "env:ORDERS_ACT"\n', ""))

    answer = again(policy, stop())

    assert isinstance(answer, Answer)
    assert (answer.code, answer.line) == ("no-permission", "targets.toml: orders.act")


def test_rows_beyond_the_rules_limit_are_refused_as_the_gateway_refuses_them() -> None:
    policy = loaded(permissions=WRITES)
    tight = loaded(permissions=WRITES, approvals=APPROVALS.replace("= 10", "= 4"))
    over = write(policy, max_rows=11, decision="deny", code="outside-limits", needs="")

    assert simulate(policy, [write(policy)]).alike == 1
    assert simulate(tight, [write(policy)]).differences[0].now.code == "outside-limits"
    beyond = replace(over, line="approvals.toml:1")
    assert simulate(policy, [beyond]).alike == 1
    assert simulate(policy, [replace(over, line="max_rows (11)")]).not_policy == 1


def test_what_nobody_could_approve_any_more_is_refused() -> None:
    roles = ROLES.replace("g, approver, dba\n", "").replace("g, colleague, dba\n", "")

    answer = again(loaded(roles=roles), stop())

    assert isinstance(answer, Answer)
    assert answer.code == "no-approvers"


def test_a_call_that_was_asked_again_counts_once_and_an_abandoned_one_as_requested() -> None:
    abandoned = refused("no-permission", call=stop().call, kind="action", operation="db.stop")

    found = simulate(NOW, [recorded(), recorded(event="evt_2"), stop(call="x"), abandoned])
    assert found.requests == 2
    assert simulate(NOW, [stop(), abandoned]).alike == 1


# --- against `decide` itself ------------------------------------------------------------------

SITUATIONS: st.SearchStrategy[dict[str, str]] = st.builds(
    dict,
    person=st.sampled_from(["you", "approver", "stranger"]),
    part=st.sampled_from(["", *IncidentRole]),
    mode=st.sampled_from(list(Mode)),
    severity=st.sampled_from(list(Severity)),
)
CHANGES = st.lists(
    st.sampled_from(
        [
            "*, *, *, *, read, sev1, deny, -, -",
            "sre, *, *, *, read, *, deny, -, -",
            "dba, curated, orders, *, write, *, allow, two-people, -",
            "incident:commander, *, *, *, costly, *, allow, freely, -",
        ]
    ),
    unique=True,
)
ASKED = st.sampled_from(
    [("query", "read"), ("query", "costly"), ("execute", "write"), ("action", "db.stop")]
)


@settings(max_examples=150, deadline=None)
@given(situation=SITUATIONS, asked=ASKED, then=CHANGES, now=CHANGES)
def test_what_is_recorded_of_an_answer_gives_that_answer_again(
    situation: dict[str, str], asked: tuple[str, str], then: list[str], now: list[str]
) -> None:
    """Recorded under one policy it says the same there, and what `decide` says under another."""
    old, new = (loaded(permissions=lines(*more) + PERMISSIONS) for more in (then, now))
    kind, operation = asked
    request = recorded(
        **{name: str(value) for name, value in situation.items()}, kind=kind, operation=operation
    )
    first = again(old, request)
    assert isinstance(first, Answer)
    record = replace(request, **asdict(first))

    assert simulate(old, [record]).differences == ()
    found = simulate(new, [record])
    second = again(new, request)
    assert isinstance(second, Answer)
    if not found.not_policy:
        assert bool(found.differences) is (first.means != second.means)


# --- as a gateway tells it --------------------------------------------------------------------


def test_a_request_is_read_back_as_it_was_told() -> None:
    assert Recorded.of_json(asdict(recorded())) == recorded()


@pytest.mark.parametrize(
    "wrong",
    [
        {"person": None},
        {"max_rows": "5"},
        {"severity": "sev9"},
        {"mode": "manual"},
        {"part": "chief"},
        {"operation": "juggle"},
    ],
)
def test_a_word_that_this_version_does_not_know_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"usable|is not a valid"):
        Recorded.of_json(asdict(recorded()) | wrong)


def test_every_effect_and_dialect_can_be_told() -> None:
    for effect in Effect:
        assert Recorded.of_json(asdict(recorded(operation=effect.value))).operation == effect
    digests = {bearing(replace(NOW.targets["orders"], dialect=dialect)) for dialect in Dialect}
    assert len(digests) == len(Dialect)
