"""What is wrong with a policy that loads: lines that never decide, rules nobody can satisfy.

`check` finds these without asking anybody anything; `interlock policy check` prints them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock_gateway.core.approval_rule import ApprovalRule, satisfied
from interlock_gateway.core.policy.roles import INCIDENT_ROLES, Roles
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.space import Space
from interlock_gateway.core.policy.values import Line
from interlock_gateway.core.strict import Problem

COMMANDER = "incident:commander"
_FEWEST_APPROVERS = 2
_OF_A_KIND = 11
"""People with the same roles worth telling apart: one more than a rule can have seats."""


def check(policy: Policy) -> list[Problem]:
    """Return everything that is wrong, in the order of the files."""
    space = Space(policy)
    return sorted(
        {
            *_lines(policy, space),
            *_rules(policy),
            *_roles(policy),
            *_unreached(policy, space),
        }
    )


# --- lines ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reach:
    """A line, the questions it covers, and those of them that earlier lines leave to it."""

    line: Line
    covers: int
    decides: int


def _lines(policy: Policy, space: Space) -> Iterator[Problem]:
    reaches = list(_reaches(policy, space))
    for index, reach in enumerate(reaches):
        if not reach.covers:
            yield _at(reach.line, "This can never match: its target, tier and operation disagree.")
        elif not reach.decides:
            yield _at(
                reach.line,
                f"This never decides: {_covering(reach, reaches[:index], policy.roles)}.",
            )
        else:
            yield from _overlaps(reach, reaches[index + 1 :], policy.roles)


def _reaches(policy: Policy, space: Space) -> Iterator[_Reach]:
    """Follow the file; whoever holds a role meets every earlier line their roles bring in."""
    taken: dict[str, int] = {}
    for line in policy.lines:
        covers = space.of(line)
        decides = covers
        for role in _met(line, policy.roles):
            decides &= ~taken.get(role, 0)
        taken[line.role] = taken.get(line.role, 0) | covers
        yield _Reach(line, covers, decides)


def _met(line: Line, roles: Roles) -> frozenset[str]:
    """Return the roles of lines that everybody meets who meets `line`."""
    return roles.closure([line.role]) | {"*"}


def _covering(reach: _Reach, earlier: list[_Reach], roles: Roles) -> str:
    """Name the earlier lines that leave nothing to `reach`."""
    met = _met(reach.line, roles)
    rest, names = reach.covers, []
    for other in earlier:
        if other.line.role in met and rest & other.covers:
            names.append(other.line.place)
            rest &= ~other.covers
    return f"{' and '.join(names)} decide{'s' if len(names) == 1 else ''} all of it before"


def _overlaps(reach: _Reach, later: list[_Reach], roles: Roles) -> Iterator[Problem]:
    """Find later lines that would answer otherwise where `reach` wins only by standing first."""
    line = reach.line
    others = [
        other.line
        for other in later
        if other.decides
        and reach.decides & other.covers
        and _can_meet(line.role, other.line.role, roles)
        and line.eft == "allow"
        and (other.line.eft, other.line.terms) != (line.eft, line.terms)
    ]
    if line.override == "override" and not others:
        yield _at(line, "`override` is marked, but no later line would answer otherwise.")
    for other in others if line.override == "-" else ():
        yield _at(line, _overlap_message(line, other))


def _overlap_message(line: Line, other: Line) -> str:
    if other.eft == "deny":
        return (
            f"This stands above the deny of {other.place}, which it overlaps; "
            "mark `override`, or move the deny up."
        )
    return (
        f"This says {line.terms} where {other.place} says {other.terms} to the same people; "
        "mark `override`, or separate the two."
    )


def _can_meet(role: str, other: str, roles: Roles) -> bool:
    """Tell whether one person may hold both; parts in one incident exclude each other."""
    if role in INCIDENT_ROLES and other in INCIDENT_ROLES:
        return role in roles.closure([other]) or other in roles.closure([role])
    return True


def _at(line: Line, message: str) -> Problem:
    return Problem("permissions.csv", line.number, message)


# --- approval rules ---------------------------------------------------------------------------


def _rules(policy: Policy) -> Iterator[Problem]:
    named = {line.terms for line in policy.lines}
    for rule in policy.rules.values():
        file, _, number = rule.place.partition(":")
        for message in _rule_messages(rule, policy, used=rule.name in named):
            yield Problem(file, int(number), f"The rule {rule.name}: {message}")


def _rule_messages(rule: ApprovalRule, policy: Policy, *, used: bool) -> Iterator[str]:
    if not used:
        yield "no line of permissions.csv names it."
    if any(
        seats.role == COMMANDER and seats.count > 1 for group in rule.choices for seats in group
    ):
        yield "an incident has one commander; two cannot be asked."
    approvers = _approvers(rule, policy.roles)
    if len(approvers) < _FEWEST_APPROVERS:
        yield f"fewer than two distinct people could approve: {', '.join(approvers) or 'nobody'}."
        return
    people = _kinds(policy.roles)
    if not _reachable(rule, people, requester=""):
        yield f"the people of roles.csv cannot fill {rule.needs}."
        return
    for requester in people:
        if not _reachable(rule, people, requester=requester):
            yield f"nobody is left to fill {rule.needs} when {requester} asks."


def _approvers(rule: ApprovalRule, roles: Roles) -> list[str]:
    """Return who could ever fill a seat; anybody can be given a part in an incident."""
    anybody = bool(rule.roles & set(INCIDENT_ROLES))
    return [person for person in roles.people if anybody or roles.of(person) & rule.roles]


def _kinds(roles: Roles) -> dict[str, frozenset[str]]:
    """Return people with their roles, at most `_OF_A_KIND` of each kind."""
    seen: dict[frozenset[str], int] = {}
    kept = {}
    for person in roles.people:
        held = roles.of(person)
        seen[held] = seen.get(held, 0) + 1
        if seen[held] <= _OF_A_KIND:
            kept[person] = held
    return kept


def _reachable(
    rule: ApprovalRule, people: Mapping[str, frozenset[str]], *, requester: str
) -> bool:
    """Tell whether some choice of commander lets the others fill the seats."""
    parts = frozenset(INCIDENT_ROLES) - {COMMANDER}
    everybody = {person: held | parts for person, held in people.items()}
    return any(
        satisfied(rule, {**everybody, lead: everybody[lead] | {COMMANDER}}, requester=requester)
        for lead in everybody
    )


# --- names that nothing reaches ---------------------------------------------------------------


def _roles(policy: Policy) -> Iterator[Problem]:
    used = {line.role for line in policy.lines} | set(policy.roles.implies)
    used |= {role for rule in policy.rules.values() for role in rule.roles}
    for role in policy.roles.declared:
        number = policy.roles.lines[role]
        if not policy.people_with(role):
            yield Problem("roles.csv", number, f"Nobody holds the role {role}.")
        if role not in used:
            yield Problem("roles.csv", number, f"No line and no rule mentions the role {role}.")


def _unreached(policy: Policy, space: Space) -> Iterator[Problem]:
    allowed = 0
    for reach in _reaches(policy, space):
        allowed |= reach.decides if reach.line.eft == "allow" else 0
    for name in policy.targets:
        if not allowed & space.where("target", name):
            yield Problem("targets.toml", 1, f"Nothing is allowed on the target {name}.")
    for action in policy.actions:
        if not allowed & space.where("operation", action):
            yield Problem(f"actions/{action}.toml", 1, f"No line allows the action {action}.")
