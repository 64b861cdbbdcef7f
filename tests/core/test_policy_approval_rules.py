"""Quorums: seats are filled by distinct people, and the requester fills none."""

from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.approval_rule import ApprovalRule, Seats, eligible, satisfied
from interlock_gateway.core.model import IncidentRole
from policy_folder import APPROVALS, loaded

DBA, SRE, LEAD = "dba", "sre", "incident:commander"


def all_of(*seats: tuple[str, int]) -> ApprovalRule:
    return rule((tuple(Seats(role, count) for role, count in seats),))


def any_of(*seats: tuple[str, int]) -> ApprovalRule:
    return rule(tuple((Seats(role, count),) for role, count in seats))


def rule(choices: tuple[tuple[Seats, ...], ...]) -> ApprovalRule:
    return ApprovalRule("rule", choices, decide_within_s=900, use_within_s=300, max_rows=10)


def yes(**roles: str) -> dict[str, frozenset[str]]:
    return {person: frozenset(held.split()) for person, held in roles.items()}


@pytest.mark.parametrize(
    ("needed", "approvals", "enough"),
    [
        (all_of((DBA, 1)), yes(), False),
        (all_of((DBA, 1)), yes(a="dba"), True),
        (all_of((DBA, 1)), yes(a="sre"), False),
        (all_of((DBA, 2)), yes(a="dba"), False),
        (all_of((DBA, 2)), yes(a="dba", b="dba"), True),
        (all_of((DBA, 2)), yes(a="dba", b="dba", c="dba"), True),
        (all_of((DBA, 1), (SRE, 1)), yes(a="dba sre"), False),
        (all_of((DBA, 1), (SRE, 1)), yes(a="dba sre", b="dba"), True),
        (all_of((DBA, 1), (SRE, 1)), yes(a="dba sre", b="sre"), True),
        (all_of((DBA, 1), (SRE, 1)), yes(a="dba", b="dba"), False),
        (all_of((DBA, 1), (SRE, 1), (LEAD, 1)), yes(a="dba sre", b=f"dba {LEAD}", c="dba"), True),
        (any_of((DBA, 1), (LEAD, 1)), yes(a=LEAD), True),
        (any_of((DBA, 2), (LEAD, 1)), yes(a="dba"), False),
        (any_of((DBA, 2), (LEAD, 1)), yes(a="dba", b="dba"), True),
        (rule(((),)), yes(a="dba"), False),
        (rule(()), yes(a="dba"), False),
    ],
)
def test_seats_are_filled_by_distinct_people(
    needed: ApprovalRule, approvals: dict[str, frozenset[str]], *, enough: bool
) -> None:
    assert satisfied(needed, approvals, requester="requester") is enough


def test_the_requester_never_counts_whatever_roles_they_hold() -> None:
    everything = yes(you=f"dba sre {LEAD}")

    assert not satisfied(all_of((DBA, 1)), everything, requester="you")
    assert satisfied(all_of((DBA, 1)), everything, requester="colleague")


def test_what_is_needed_reads_as_a_sentence() -> None:
    assert all_of((DBA, 2), (LEAD, 1)).needs == "two dba and one incident:commander"
    assert any_of((DBA, 1), (SRE, 4)).needs == "one dba or 4 sre"
    assert any_of((DBA, 3), (LEAD, 2)).fewest == 2


def test_the_digestible_form_holds_everything_that_binds() -> None:
    assert all_of((DBA, 2), (LEAD, 1)).as_json() == {
        "name": "rule",
        "choices": [[["dba", 2], ["incident:commander", 1]]],
        "decide_within_s": 900,
        "use_within_s": 300,
        "max_rows": 10,
    }


def test_what_a_rule_may_leave_out_is_in_it_only_when_it_is_said() -> None:
    said = replace(all_of((DBA, 1)), confirm_in="web", break_glass_by=("sre",))
    more = {"confirm_in": "web", "break_glass_by": ["sre"]}
    assert said.as_json() == all_of((DBA, 1)).as_json() | more


ROLE_SETS = st.frozensets(st.sampled_from([DBA, SRE, LEAD]), max_size=3)
APPROVALS_GIVEN = st.dictionaries(st.sampled_from("abcde"), ROLE_SETS, max_size=5)
SEATS = st.builds(Seats, st.sampled_from([DBA, SRE, LEAD]), st.integers(1, 3))
GROUPS = st.lists(SEATS, min_size=1, max_size=3, unique_by=lambda seats: seats.role).map(tuple)
RULES = st.lists(GROUPS, min_size=1, max_size=3).map(tuple).map(rule)


@given(RULES, APPROVALS_GIVEN, st.sampled_from("abcde"), ROLE_SETS)
def test_adding_an_approval_never_un_approves(
    needed: ApprovalRule, given_so_far: dict[str, frozenset[str]], late: str, roles: frozenset[str]
) -> None:
    if satisfied(needed, given_so_far, requester="a"):
        more = {late: roles, **given_so_far}
        assert satisfied(needed, more, requester="a")


@given(RULES, APPROVALS_GIVEN)
def test_the_matching_finds_a_seating_exactly_when_there_is_one(
    needed: ApprovalRule, approvals: dict[str, frozenset[str]]
) -> None:
    def seated(group: tuple[Seats, ...]) -> bool:
        seats = [seat.role for seat in group for _ in range(seat.count)]
        return any(
            all(role in approvals[person] for role, person in zip(seats, people, strict=True))
            for people in permutations(sorted(approvals), len(seats))
        )

    assert satisfied(needed, approvals, requester="nobody") is any(map(seated, needed.choices))


@given(RULES, APPROVALS_GIVEN)
def test_the_order_in_which_people_vote_changes_nothing(
    needed: ApprovalRule, approvals: dict[str, frozenset[str]]
) -> None:
    backwards = dict(reversed(approvals.items()))

    assert satisfied(needed, approvals, requester="a") is satisfied(
        needed, backwards, requester="a"
    )


@given(RULES, APPROVALS_GIVEN, st.sampled_from("abcde"))
def test_only_the_eligible_ever_decide(
    needed: ApprovalRule, approvals: dict[str, frozenset[str]], requester: str
) -> None:
    may = eligible(needed, approvals, requester=requester)
    theirs = {person: roles for person, roles in approvals.items() if person in may}

    assert requester not in may
    assert satisfied(needed, theirs, requester=requester) is satisfied(
        needed, approvals, requester=requester
    )


def test_fewer_people_than_seats_never_suffice() -> None:
    everything = frozenset({DBA, SRE, LEAD})
    needed = all_of((DBA, 1), (SRE, 1), (LEAD, 1))

    for people in combinations("abc", 2):
        assert not satisfied(needed, dict.fromkeys(people, everything), requester="you")


def test_who_is_eligible_follows_standing_roles_and_parts_in_the_incident() -> None:
    approvals = APPROVALS.replace('role = "sre"', 'role = "incident:commander"')
    policy = loaded(approvals=approvals)
    needed = policy.rule_named("two-people")
    parts = {"newcomer": IncidentRole.COMMANDER, "observer": IncidentRole.OBSERVER}

    assert policy.eligible(needed, parts, "approver") == {"colleague", "newcomer"}
    assert policy.eligible(needed, {}, "you") == {"approver", "colleague"}
