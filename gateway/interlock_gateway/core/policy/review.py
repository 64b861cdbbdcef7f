"""What is wrong with a policy that loads: lines that never decide, rules nobody can satisfy.

`check` finds these without asking anybody anything; `interlock policy check` prints them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from interlock_gateway.core.approval_rule import ApprovalRule, satisfied
from interlock_gateway.core.policy.roles import INCIDENT_ROLES, Roles
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.space import Ground, Space
from interlock_gateway.core.policy.values import Line
from interlock_gateway.core.strict import Problem

COMMANDER = "incident:commander"
_FEWEST_APPROVERS = 2
_FEW = 20
"""Other lines that are named to one; thousands would hide what they say."""
_OF_A_KIND = 11
"""People with the same roles worth telling apart: one more than a rule can have seats."""


def check(policy: Policy) -> list[Problem]:
    """Return everything that is wrong, in the order of the files."""
    space = Space(policy)
    grounds = list(space.grounds())
    found = _look(policy, grounds)
    return sorted(
        {
            *_lines(policy, found, grounds),
            *_rules(policy),
            *_roles(policy),
            *_unreached(policy, space, found),
        }
    )


# --- lines ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reach:
    """A line at some places: what it covers, and what of it earlier lines leave to it."""

    at: int
    line: Line
    covers: int
    decides: int


@dataclass(slots=True)
class _Found:
    """What was found of the lines of a policy, over all places.

    Attributes:
        covering, deciding: lines that match something, and that decide something.
        overlapping: a line to the later lines that would answer otherwise.
        allowed: a ground to the questions that are allowed there.
    """

    covering: set[int] = field(default_factory=set)
    deciding: set[int] = field(default_factory=set)
    overlapping: dict[int, set[int]] = field(default_factory=dict)
    allowed: list[tuple[Ground, int]] = field(default_factory=list)


def _look(policy: Policy, grounds: Iterable[Ground]) -> _Found:
    found, met = _Found(), _Met(policy.roles)
    for ground in grounds:
        reaches = list(_reaches(policy, ground, met))
        deciding = [reach for reach in reaches if reach.decides]
        found.covering.update(reach.at for reach in reaches)
        found.deciding.update(reach.at for reach in deciding)
        allows = [reach for reach in deciding if reach.line.eft == "allow"]
        found.allowed.append((ground, reduce(or_, (each.decides for each in allows), 0)))
        for reach in allows:
            others = found.overlapping.setdefault(reach.at, set())
            others.update(_overlaps(reach, deciding, policy.roles))
    return found


class _Met(dict[str, frozenset[str]]):
    """A role to the roles of all lines that everybody meets who holds it."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    def __missing__(self, role: str) -> frozenset[str]:
        self[role] = self._roles.closure([role]) | {"*"}
        return self[role]


def _reaches(policy: Policy, ground: Ground, met: _Met) -> Iterator[_Reach]:
    """Follow the file; whoever holds a role meets every earlier line their roles bring in."""
    taken: dict[str, int] = {}
    for at, covers in ground.covers:
        line = policy.lines[at]
        decides = covers
        for role in met[line.role]:
            decides &= ~taken.get(role, 0)
        taken[line.role] = taken.get(line.role, 0) | covers
        yield _Reach(at, line, covers, decides)


def _overlaps(reach: _Reach, deciding: list[_Reach], roles: Roles) -> Iterator[int]:
    """Find later lines that would answer otherwise where `reach` wins only by standing first."""
    line = reach.line
    for other in deciding:
        if (
            other.at > reach.at
            and reach.decides & other.covers
            and (other.line.eft, other.line.terms) != (line.eft, line.terms)
            and _can_meet(line.role, other.line.role, roles)
        ):
            yield other.at


def _lines(policy: Policy, found: _Found, grounds: Iterable[Ground]) -> Iterator[Problem]:
    silent = found.covering - found.deciding
    shadows = _shadows(policy, grounds, silent) if silent else {}
    for at, line in enumerate(policy.lines):
        if at not in found.covering:
            yield _at(line, "This can never match: its target, tier and operation disagree.")
        elif at in silent:
            names = [policy.lines[other].place for other in sorted(shadows[at])]
            verb = "decides" if len(names) == 1 else "decide"
            yield _at(line, f"This never decides: {_told(names)} {verb} all of it before.")
        else:
            others = [policy.lines[other] for other in sorted(found.overlapping.get(at, ()))]
            yield from _overlap_problems(line, others)


def _told(names: list[str]) -> str:
    """Return places in a sentence, the first few of many."""
    more = len(names) - _FEW
    return " and ".join(names[:_FEW] + ([f"{more:,} more"] if more > 0 else []))


def _shadows(policy: Policy, grounds: Iterable[Ground], silent: set[int]) -> dict[int, set[int]]:
    """Return the earlier lines that leave nothing to each silent one."""
    shadows: dict[int, set[int]] = {at: set() for at in silent}
    met = _Met(policy.roles)
    for ground in grounds:
        for place, (at, covers) in enumerate(ground.covers):
            if at not in silent:
                continue
            rest = covers
            for other, taken in ground.covers[:place]:
                if rest & taken and policy.lines[other].role in met[policy.lines[at].role]:
                    shadows[at].add(other)
                    rest &= ~taken
    return shadows


def _overlap_problems(line: Line, others: list[Line]) -> Iterator[Problem]:
    if line.override == "override" and not others:
        yield _at(line, "`override` is marked, but no later line would answer otherwise.")
    for other in others[:_FEW] if line.override == "-" else ():
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
    for role in rule.break_glass_by:
        if not policy.people_with(role):
            yield f"nobody holds {role}, which may break its glass."
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
    used |= {role for rule in policy.rules.values() for role in rule.break_glass_by}
    for role in policy.roles.declared:
        number = policy.roles.lines[role]
        if not policy.people_with(role):
            yield Problem("roles.csv", number, f"Nobody holds the role {role}.")
        if role not in used:
            yield Problem("roles.csv", number, f"No line and no rule mentions the role {role}.")


def _unreached(policy: Policy, space: Space, found: _Found) -> Iterator[Problem]:
    reached = {name for ground, allowed in found.allowed if allowed for name in ground.targets}
    allowed = reduce(or_, (bits for _, bits in found.allowed), 0)
    for name in policy.targets:
        if name not in reached:
            yield Problem("targets.toml", 1, f"Nothing is allowed on the target {name}.")
    for action in policy.actions:
        if not allowed & space.where("operation", action):
            yield Problem(f"actions/{action}.toml", 1, f"No line allows the action {action}.")
