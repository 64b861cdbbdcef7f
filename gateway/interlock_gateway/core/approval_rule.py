"""Approval rules: who must say yes, in how many distinct people, and how long a yes lasts.

A rule is a list of seats. A person sits in at most one seat, and the requester in none, so a
quorum is a matching of people to seats: the same idea as Kuhn's algorithm for bipartite graphs
(H. W. Kuhn, Naval Research Logistics Quarterly 2, 1955).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock_gateway.core.strict import SLUG, Source, Table, nearest, toml

FREELY = "freely"
"""The terms under which nobody is asked."""

WEB = "web"
"""The one place in which a rule can ask that a yes is given: a browser, with a fresh login."""

GLASS = "-or-break-glass"
"""How the name of a rule ends that lets one person do without its approvers, and of no other.

So every line of permissions.csv that allows it says so, and no line comes to allow it because a
rule that it names was edited.
"""

_RESERVED = frozenset({FREELY, "deny", "all", "any", "none"})
_MOST_SEATS = 10
_DAY = 24 * 60 * 60

_UNENFORCED = {
    "break_glass": "say who may, by their standing roles: `break_glass_by`.",
    "team_counts": "teams are not known here; name the roles that may approve.",
    "preview": "a preview is always mandatory.",
    "requester_may_vote": "the requester never counts, whoever they are.",
}


@dataclass(frozen=True, slots=True)
class Seats:
    """`count` distinct people who hold `role`, such as `dba` or `incident:commander`."""

    role: str
    count: int

    def __str__(self) -> str:
        return f"{_COUNTS.get(self.count, str(self.count))} {self.role}"


_COUNTS = {1: "one", 2: "two", 3: "three"}


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """The obligations that come with a permit.

    Attributes:
        name: what `terms` in permissions.csv says.
        choices: any one of these groups of seats must be filled; `all_of` is one group.
        decide_within_s: seconds from the request until it expires undecided.
        use_within_s: seconds from the decision until the grant expires unused.
        max_rows: the most rows a mutation under this rule may touch.
        confirm_in: "web" where an approval counts only with a fresh login in the browser, or "".
        break_glass_by: standing roles that may do without the approvers; () for nobody.
        place: `approvals.toml:LINE`, for messages.
    """

    name: str
    choices: tuple[tuple[Seats, ...], ...]
    decide_within_s: int
    use_within_s: int
    max_rows: int
    place: str = "approvals.toml"
    confirm_in: str = ""
    break_glass_by: tuple[str, ...] = ()

    @property
    def needs(self) -> str:
        """Who must approve, as a person would say it: `one dba and one incident:commander`."""
        return " or ".join(" and ".join(map(str, group)) for group in self.choices)

    @property
    def roles(self) -> frozenset[str]:
        """Every role that fills a seat."""
        return frozenset(seats.role for group in self.choices for seats in group)

    @property
    def fewest(self) -> int:
        """The fewest people who can satisfy the rule."""
        return min(sum(seats.count for seats in group) for group in self.choices)

    def as_json(self) -> dict[str, Any]:
        """Return the rule for a proposal's digest: integers, texts and lists alone.

        What a rule may leave out is in it only when it is said, so that what was asked before
        those keys existed still has the digest it had.
        """
        said = {"confirm_in": self.confirm_in, "break_glass_by": list(self.break_glass_by)}
        return {
            "name": self.name,
            "choices": [[[seats.role, seats.count] for seats in group] for group in self.choices],
            "decide_within_s": self.decide_within_s,
            "use_within_s": self.use_within_s,
            "max_rows": self.max_rows,
            **{key: value for key, value in said.items() if value},
        }


def satisfied(
    rule: ApprovalRule, approvals: Mapping[str, frozenset[str]], *, requester: str
) -> bool:
    """Tell whether these approvals are enough.

    Args:
        rule: what is needed.
        approvals: each approving person with every role they hold at this moment.
        requester: who asked; their approval never counts.
    """
    voters = {person: roles for person, roles in approvals.items() if person != requester}
    return any(_filled(group, voters) for group in rule.choices)


def eligible(
    rule: ApprovalRule, people: Mapping[str, frozenset[str]], *, requester: str
) -> frozenset[str]:
    """Return who may vote: everybody with a role the rule names, but never the requester."""
    return frozenset(
        person for person, roles in people.items() if person != requester and roles & rule.roles
    )


def _filled(group: tuple[Seats, ...], voters: Mapping[str, frozenset[str]]) -> bool:
    """Match seats to distinct people: each seat may make earlier ones move to somebody else."""
    seats = [seat.role for seat in group for _ in range(seat.count)]
    holder: dict[str, int] = {}

    def seat(index: int, tried: set[str]) -> bool:
        for person, roles in voters.items():
            if seats[index] in roles and person not in tried:
                tried.add(person)
                if person not in holder or seat(holder[person], tried):
                    holder[person] = index
                    return True
        return False

    return bool(seats) and all(seat(index, set()) for index in range(len(seats)))


# --- approvals.toml ---------------------------------------------------------------------------


def load_rules(source: Source, *, roles: Iterable[str]) -> dict[str, ApprovalRule]:
    """Read approvals.toml; whatever is wrong is noted on `source`."""
    document = toml(source)
    if document is None:
        return {}
    known = frozenset(roles)
    rules = {name: _rule(name, table, known) for name, table in document.tables("rule").items()}
    document.done()
    return rules


def _rule(name: str, table: Table, known: frozenset[str]) -> ApprovalRule:
    if not SLUG.fullmatch(name) or name in _RESERVED:
        table.problem("", f"{name!r} cannot be the name of a rule: use a slug such as two-people.")
    table.refuse(_UNENFORCED)
    rule = ApprovalRule(
        name=name,
        choices=_choices(table, known),
        decide_within_s=table.seconds("decide_within", low=10, high=_DAY),
        use_within_s=table.seconds("use_within", low=10, high=3600),
        max_rows=table.whole("max_rows", low=1, high=1_000_000),
        place=f"approvals.toml:{table.line}",
        confirm_in=table.choice("confirm_in", (WEB,)) if "confirm_in" in table else "",
        break_glass_by=_breakers(name, table, known),
    )
    table.done()
    return rule


def _breakers(name: str, table: Table, known: frozenset[str]) -> tuple[str, ...]:
    """Read who may break the glass: standing roles alone, under a name that says so."""
    roles = table.names("break_glass_by", required=False)
    if bool(roles) is not name.endswith(GLASS):
        message = f"A rule with `break_glass_by`, and no other, has a name that ends in `{GLASS}`."
        table.problem("break_glass_by", message)
    for role in roles:
        if role.startswith("incident:"):
            message = f"`{role}` can be taken during an incident; name standing roles alone."
            table.problem("break_glass_by", message)
        elif role not in known:
            message = f"`break_glass_by` names {role!r}, which is unknown{nearest(role, known)}"
            table.problem("break_glass_by", message)
    return roles


def _choices(table: Table, known: frozenset[str]) -> tuple[tuple[Seats, ...], ...]:
    if ("all_of" in table) == ("any_of" in table):
        table.problem("", "A rule says who approves by exactly one of `all_of` and `any_of`.")
    groups: tuple[tuple[Seats, ...], ...] = ()
    if "all_of" in table:
        groups += (_group(table, "all_of", known),)
    if "any_of" in table:
        groups += tuple((seats,) for seats in _group(table, "any_of", known))
    return groups


def _group(table: Table, key: str, known: frozenset[str]) -> tuple[Seats, ...]:
    rows = table.rows(key)
    seats = tuple(
        Seats(row.choice("role", known), row.whole("count", low=1, high=_MOST_SEATS))
        for row in rows
    )
    for row in rows:
        row.done()
    if len({seat.role for seat in seats}) != len(seats):
        table.problem(key, f"`{key}` names a role twice; write one seat with a higher count.")
    if sum(seat.count for seat in seats) > _MOST_SEATS and key == "all_of":
        table.problem(key, f"`{key}` asks for more than {_MOST_SEATS} people.")
    return seats
