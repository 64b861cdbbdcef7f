"""Whatever the policy and the question, the answer is that of the first matching line."""

import string
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from interlock_gateway.core.model import IncidentRole, Mode, Severity
from interlock_gateway.core.policy import SILENCE, Ask, Policy, PolicyError, load
from policy_folder import ACTION, APPROVALS, PERMISSIONS, ROLES, TARGETS, folder, loaded, names_in

ROLE_NAMES = ("dba", "sre", "lead", "incident:commander", "incident:responder", "*")
PEOPLE = ("approver", "colleague", "you", "stranger", "dba")
CHAINED = ROLES + "role, lead\ng, lead, dba\ng, colleague, lead\n"
TIERS = {"orders": "production", "notes": "development"}


def cell(*names: str) -> st.SearchStrategy[str]:
    some = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    return st.just("*") | some.map("|".join)


SITUATION = st.tuples(
    st.sampled_from(ROLE_NAMES),
    cell("curated", "adhoc"),
    cell("orders", "notes"),
    cell("production", "development"),
)
SEVERITIES = cell(*Severity)
DENIES = st.tuples(SITUATION, cell("read", "costly", "write", "db.stop"), SEVERITIES).map(
    lambda parts: (*parts[0], parts[1], parts[2], "deny", "-", "-")
)
ALLOWS = st.tuples(SITUATION, st.sampled_from(["read", "costly", "read|costly"]), SEVERITIES).map(
    lambda parts: (*parts[0], parts[1], parts[2], "allow", "freely", "-")
)
CHANGES = st.tuples(SITUATION, st.sampled_from(["write", "db.stop"]), SEVERITIES).map(
    lambda parts: (
        *(parts[0][0], "curated", *parts[0][2:]),
        *(parts[1], parts[2], "allow", "two-people", "-"),
    )
)
POLICIES = st.lists(DENIES | ALLOWS | CHANGES, min_size=1, max_size=8, unique=True)
ASKS = st.builds(
    lambda person, part, mode, target, operation, severity: Ask(
        person, part, mode, target, TIERS[target], operation, severity
    ),
    st.sampled_from(PEOPLE),
    st.sampled_from([None, *IncidentRole]),
    st.sampled_from(Mode),
    st.sampled_from(sorted(TIERS)),
    st.sampled_from(["read", "costly", "write", "db.stop", "lock"]),
    st.sampled_from(Severity),
)

HELD: Mapping[str, set[str]] = {
    "approver": {"dba"},
    "colleague": {"dba", "lead"},
    "you": {"sre"},
}
PARTS: Mapping[IncidentRole | None, set[str]] = {
    None: set(),
    IncidentRole.OBSERVER: {"incident:observer"},
    IncidentRole.RESPONDER: {"incident:responder"},
    IncidentRole.COMMANDER: {"incident:commander", "incident:responder"},
}


def by_hand(rows: list[tuple[str, ...]], ask: Ask) -> tuple[bool, str, str]:
    """Decide without casbin and without any code of the policy: the specification."""
    holds = {"*"} | HELD.get(ask.person, set()) | PARTS[ask.incident_role]
    asked = (ask.mode, ask.target, ask.tier, ask.operation, ask.severity)
    if ask.operation == "db.stop" and ask.target == "notes":
        return False, "", ""
    for number, row in enumerate(rows, start=1):
        cells = zip(asked, row[1:6], strict=True)
        if row[0] in holds and all(
            word in {"*": {word}}.get(c, set(c.split("|"))) for word, c in cells
        ):
            return row[6] == "allow", f"permissions.csv:{number}", row[7].strip("-")
    return False, SILENCE, ""


def policy_of(rows: list[tuple[str, ...]]) -> Policy:
    text = "".join(f"p, {', '.join(row)}\n" for row in rows)
    return loaded(permissions=text, roles=CHAINED)


@settings(max_examples=150, deadline=None)
@given(rows=POLICIES, asks=st.lists(ASKS, min_size=5, max_size=5))
def test_casbin_and_the_specification_agree(rows: list[tuple[str, ...]], asks: list[Ask]) -> None:
    policy = policy_of(rows)

    for ask in asks:
        ruling = policy.rule(ask)
        allowed, line, terms = by_hand(rows, ask)
        assert (ruling.allowed, ruling.terms, ruling.fault) == (allowed, terms, "")
        assert not line or ruling.line == line


@settings(max_examples=100, deadline=None)
@given(rows=POLICIES, ask=ASKS, more=DENIES)
def test_a_deny_put_on_top_never_allows_anything(
    rows: list[tuple[str, ...]], ask: Ask, more: tuple[str, ...]
) -> None:
    rows = [row for row in rows if row != more]
    before = policy_of(rows).rule(ask) if rows else None
    after = policy_of([more, *rows]).rule(ask)

    assert not after.allowed or (before is not None and before.terms == after.terms)


NOISE = st.text(alphabet=string.printable + "é\u2028\u0000\ufeff", max_size=40)
FILES = {
    "permissions": PERMISSIONS,
    "roles": ROLES,
    "approvals": APPROVALS,
    "targets": TARGETS,
    "action": ACTION,
}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_folder_with_noise_in_it_loads_or_says_what_is_wrong(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    text = FILES[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    noisy = text[:start] + data.draw(NOISE) + text[end:]

    try:
        policy = load(folder(**{name: noisy}), names_in=names_in)
    except PolicyError as error:
        places = [problem.line for problem in error.problems]
    else:
        places = []
        _nothing_strange_is_allowed(policy)
    assert all(line >= 1 for line in places)


def _nothing_strange_is_allowed(policy: Policy) -> None:
    for operation in policy.vocabulary.operations:
        ask = Ask("you", None, Mode.ADHOC, "orders", "production", operation, Severity.SEV1)
        ruling = policy.rule(ask)
        assert not ruling.fault
        assert not ruling.allowed or operation in {"read", "costly", "session", "exfiltration"}
