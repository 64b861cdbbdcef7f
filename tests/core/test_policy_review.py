"""`policy check` finds lines that never decide, and rules that nobody can satisfy."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interlock_gateway.core.model import IncidentRole, Mode, Severity
from interlock_gateway.core.policy.explaining import explain
from interlock_gateway.core.policy.matrix import matrix
from interlock_gateway.core.policy.review import check
from policy_folder import APPROVALS, PERMISSIONS, ROLES, TARGETS, ask, lines, loaded

TIERS = {"orders": "production", "notes": "development"}
READ = "incident:responder, *, *, *, read, *, allow, freely, -"
STOP = "incident:responder, curated, *, production, db.stop, *, allow, two-people, -"
ONE = (
    '\n[rule.one]\nany_of = [{ role = "dba", count = 1 }]\n'
    + APPROVALS.partition("\n")[2].partition("\n")[2]
)
SPARE_SRE = ROLES.replace("g, observer, sre", "g, observer, sre\ng, third, sre\n")


def found(**changes: str) -> list[str]:
    return [str(problem) for problem in check(loaded(**changes))]


def test_a_sound_policy_has_nothing_to_mend() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("earlier", "later", "by"),
    [
        ("*, *, *, *, read, *, allow, freely, -", READ, "permissions.csv:1 decides"),
        ("*, *, *, *, *, *, deny, -, -", READ, "permissions.csv:1 decides"),
        (READ, READ.replace("incident:responder", "incident:commander"), "permissions.csv:1"),
        (
            READ,
            READ.replace("*, *, *, read, *", "adhoc, orders, *, read, sev1"),
            "permissions.csv:1",
        ),
    ],
)
def test_a_shadowed_line_is_found_with_what_shadows_it(earlier: str, later: str, by: str) -> None:
    told = found(permissions=lines(earlier, later, STOP))

    assert any(each.startswith("permissions.csv:2: This never decides") for each in told)
    assert any(by in each for each in told)


def test_a_line_shadowed_by_several_together_is_found() -> None:
    halves = [READ.replace("*, *, *, read", f"{mode}, *, *, read") for mode in Mode]

    told = found(permissions=lines(*halves, READ, STOP))

    assert told == [
        (
            "permissions.csv:3: This never decides: permissions.csv:1 and permissions.csv:2 "
            "decide all of it before."
        )
    ]


def test_a_line_is_not_shadowed_by_one_for_a_role_its_people_may_lack() -> None:
    other = READ.replace("incident:responder", "dba")

    assert found(permissions=lines(other, READ, STOP)) == []


def test_a_line_whose_target_is_of_another_tier_can_never_match() -> None:
    dead = "*, *, orders, development, read, *, allow, freely, -"

    assert "permissions.csv:1: This can never match: its target, tier and operation disagree." in (
        found(permissions=lines(dead, READ, STOP))
    )


def test_an_action_on_a_target_of_another_dialect_can_never_match() -> None:
    dead = "sre, curated, notes, *, db.stop, *, allow, two-people, -"

    assert any("can never match" in each for each in found(permissions=lines(dead, READ, STOP)))


OTHER = STOP.replace("incident:responder", "dba").replace("two-people", "one")


def test_overlapping_lines_with_different_terms_are_found() -> None:
    told = found(permissions=lines(READ, OTHER, STOP), approvals=APPROVALS + ONE)

    assert told == [
        (
            "permissions.csv:2: This says one where permissions.csv:3 says two-people to the "
            "same people; mark `override`, or separate the two."
        )
    ]


def test_a_marked_override_is_taken_at_its_word() -> None:
    marked = OTHER.removesuffix("-") + "override"

    assert found(permissions=lines(READ, marked, STOP), approvals=APPROVALS + ONE) == []


def test_an_override_that_overrides_nothing_is_found() -> None:
    marked = READ.removesuffix("-") + "override"

    assert found(permissions=lines(marked, STOP)) == [
        "permissions.csv:1: `override` is marked, but no later line would answer otherwise."
    ]


def test_parts_in_one_incident_exclude_each_other_and_so_do_not_overlap() -> None:
    observers = OTHER.replace("dba", "incident:observer")

    assert found(permissions=lines(READ, observers, STOP), approvals=APPROVALS + ONE) == []


def test_an_allow_above_a_deny_that_it_overlaps_is_found() -> None:
    deny = "*, adhoc, *, *, read, *, deny, -, -"

    assert any(
        "permissions.csv:1: This stands above the deny of permissions.csv:2" in each
        for each in found(permissions=lines(READ, deny, STOP))
    )


@pytest.mark.parametrize(
    ("roles", "approvals", "message"),
    [
        (
            ROLES.replace("g, colleague, dba\n", "").replace("g, approver, dba", "g, you, dba"),
            ONE.replace("[rule.one]", "[rule.two-people]"),
            "The rule two-people: fewer than two distinct people could approve: you.",
        ),
        (
            ROLES.replace("g, colleague, dba\n", ""),
            APPROVALS,
            "The rule two-people: nobody is left to fill one dba and one sre when approver asks.",
        ),
        (
            ROLES,
            APPROVALS.replace('"dba", count = 1', '"dba", count = 3'),
            "The rule two-people: the people of roles.csv cannot fill three dba and one sre.",
        ),
        (
            ROLES,
            APPROVALS.replace('"sre", count = 1', '"incident:commander", count = 2'),
            "The rule two-people: an incident has one commander; two cannot be asked.",
        ),
        (ROLES, APPROVALS + ONE, "The rule one: no line of permissions.csv names it."),
        (ROLES + "role, lead\n", APPROVALS, "roles.csv:8: Nobody holds the role lead."),
        (
            ROLES + "role, lead\ng, you, lead\n",
            APPROVALS,
            "roles.csv:8: No line and no rule mentions the role lead.",
        ),
    ],
)
def test_a_rule_or_role_that_cannot_do_its_work_is_found(
    roles: str, approvals: str, message: str
) -> None:
    assert any(message in each for each in found(roles=roles, approvals=approvals))


def test_one_commander_fills_one_seat_and_need_not_be_named_in_advance() -> None:
    approvals = APPROVALS.replace('role = "sre"', 'role = "incident:commander"')
    permissions = PERMISSIONS + lines("sre, *, *, *, costly, *, allow, freely, -")

    assert found(approvals=approvals, permissions=permissions) == []


def test_a_target_or_an_action_that_nothing_reaches_is_found() -> None:
    told = found(permissions=lines("*, *, notes, *, read, *, allow, freely, -"))

    assert "targets.toml:1: Nothing is allowed on the target orders." in told
    assert "actions/db.stop.toml:1: No line allows the action db.stop." in told


def test_a_tier_without_targets_yet_is_no_dead_line() -> None:
    targets = TARGETS.replace('"development"]', '"development", "staging"]')
    permissions = PERMISSIONS + lines("*, *, *, staging, costly, *, allow, freely, -")

    assert found(targets=targets, permissions=permissions) == []


# --- against a count of every question --------------------------------------------------------

ROWS = st.tuples(
    st.sampled_from(["*", "dba", "sre", "lead", "incident:commander", "incident:responder"]),
    st.sampled_from(["*", "curated", "adhoc"]),
    st.sampled_from(["*", "orders", "notes", "orders|notes"]),
    st.sampled_from(["*", "production", "development", "production|development"]),
    st.sampled_from(["read", "costly", "read|costly"]),
    st.sampled_from(["*", "sev1", "sev2|sev3"]),
    st.sampled_from([("allow", "freely"), ("deny", "-")]),
)
HELD = {
    "lead": {"lead", "dba"},
    "incident:commander": {"incident:commander", "incident:responder"},
}
PLACES = [*TIERS.items(), ("(any)", "production"), ("(any)", "development")]


def deciding(rows: list[tuple[str, ...]]) -> set[int]:
    """Return the numbers of the lines that decide anything for whoever holds one role."""
    found = set()
    for holder in {row[0] for row in rows}:
        holds = {"*", *HELD.get(holder, {holder})}
        for mode, (target, tier), operation, severity in product(
            Mode, PLACES, ["read", "costly"], Severity
        ):
            asked = (mode, target, tier, operation, severity)
            for number, row in enumerate(rows, start=1):
                cells = zip(asked, row[1:6], strict=True)
                if row[0] in holds and all(
                    c == "*" or str(word) in c.split("|") for word, c in cells
                ):
                    found.add(number)
                    break
    return found


@settings(max_examples=120, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=10, unique=True))
def test_exactly_the_lines_that_decide_nothing_are_found(
    drawn: list[tuple[str, ...]],
) -> None:
    rows = [(*row[:6], *row[6], "-") for row in drawn]
    policy = loaded(
        permissions=lines(*(", ".join(row) for row in rows)),
        roles=ROLES + "role, lead\ng, lead, dba\ng, you, lead\n",
    )

    silent = {
        problem.line
        for problem in check(policy)
        if "never decides" in problem.message or "never match" in problem.message
    }

    assert silent == set(range(1, len(rows) + 1)) - deciding(rows)


def test_ten_thousand_lines_are_checked_place_by_place() -> None:
    """Two lines of each of many targets; the second of each never decides."""
    names = [f"db-{number}" for number in range(5_000)]
    row = "sre, *, {}, *, {}, *, allow, freely, -"
    permissions = lines(
        *(row.format(name, words) for name in names for words in ("read|costly", "read"))
    )
    targets = TARGETS + "".join(
        f"[target.{name}]\ndialect = 'sqlite'\ntier = 'production'\nread = 'file:/srv/x'\n"
        for name in names
    )

    told = found(permissions=permissions, targets=targets)

    assert sum("This never decides" in each for each in told) == 5_000
    assert (
        "permissions.csv:2: This never decides: permissions.csv:1 decides all of it before."
        in (told)
    )


# --- matrix -----------------------------------------------------------------------------------


def table(text: str, title: str) -> dict[str, dict[str, str]]:
    """Return one table of a matrix as operation → column → cell."""
    paragraph = next(each for each in text.split("\n\n") if each.startswith(title))
    head, *body = paragraph.splitlines()
    names = head.removeprefix(title).split()
    rows = [line.split() for line in body]
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def test_the_matrix_shows_terms_by_part_tier_and_operation() -> None:
    shown = table(matrix(loaded()), "production, curated")

    assert shown["read"] == {"outsider": "-", "responder": "freely"}
    assert shown["db.stop"] == {"outsider": "-", "responder": "two-people"}
    assert table(matrix(loaded()), "development, curated")["db.stop"]["responder"] == "-"


def test_the_matrix_names_every_line_that_lets_a_glass_be_broken_and_by_whom() -> None:
    glass = APPROVALS.replace(
        "[rule.two-people]",
        '[rule.two-people-or-break-glass]\nconfirm_in = "web"\nbreak_glass_by = ["sre"]',
    )
    permissions = PERMISSIONS.replace("two-people", "two-people-or-break-glass")
    text = matrix(loaded(approvals=glass, permissions=permissions))
    line = next(one for one in permissions.splitlines() if "break-glass" in one)
    assert f"\nsre: {line}\n" in text
    assert "one dba and one sre; in the web alone, freshly logged in" in text
    assert table(text, "production, curated")["db.stop"]["responder"].endswith("-or-break-glass")
    assert "\nnobody, nowhere\n" in matrix(loaded())


def test_a_glass_that_nobody_could_break_is_found() -> None:
    glass = APPROVALS.replace(
        "[rule.two-people]", '[rule.two-people-or-break-glass]\nbreak_glass_by = ["boss"]'
    )
    permissions = PERMISSIONS.replace("two-people", "two-people-or-break-glass")
    found = check(loaded(approvals=glass, permissions=permissions, roles=ROLES + "role, boss\n"))
    assert any("nobody holds boss, which may break its glass" in one.message for one in found)


def test_the_matrix_shows_the_combinations_of_roles_that_people_hold() -> None:
    permissions = lines(
        "dba, *, *, *, costly, *, allow, freely, -",
        "sre, *, *, *, read, *, allow, freely, -",
        STOP,
    )
    text = matrix(loaded(permissions=permissions, roles=ROLES + "g, colleague, sre\n"))

    shown = table(text, "production, curated")
    assert shown["costly"]["dba+sre"] == "freely"
    assert shown["read"]["responder+dba+sre"] == "freely"
    assert shown["read"]["dba"] == "-"


def test_the_matrix_says_for_which_severities() -> None:
    text = matrix(loaded(permissions=PERMISSIONS.replace("read, *", "read, sev1|sev2")))

    assert table(text, "production, curated")["read"]["responder"] == "freely[sev1,sev2]"


def test_the_matrix_shows_a_target_that_has_lines_of_its_own() -> None:
    permissions = lines("*, *, orders, *, read, *, deny, -, -") + PERMISSIONS
    text = matrix(loaded(permissions=permissions))

    assert table(text, "orders (production), curated")["read"]["responder"] == "-"
    assert table(text, "production, curated")["read"]["responder"] == "freely"


# --- explain ----------------------------------------------------------------------------------


def test_explain_says_which_line_what_else_and_who_could_approve() -> None:
    told = explain(loaded(), ask("db.stop", person="approver"))

    assert told.startswith("Yes, after two-people: approver, responder, may do db.stop on orders")
    assert "Decided by permissions.csv:3." in told
    assert "needs one dba and one sre, never approver." in told
    assert "Could approve: colleague, observer, you." in told
    assert "freely: read" in told


def test_explain_says_no_and_by_which_silence() -> None:
    told = explain(
        loaded(), ask("write", incident_role=IncidentRole.OBSERVER, severity=Severity.SEV1)
    )

    assert told.startswith("No: you, observer, may not do write on orders (production), curated")
    assert "permissions.csv: no line matches" in told
    assert told.endswith("  nothing")
