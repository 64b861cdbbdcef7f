"""Who holds which role: roles.csv, and the parts people have in an incident."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from interlock_gateway.core.model import IncidentRole
from interlock_gateway.core.policy.values import Row, rows
from interlock_gateway.core.strict import SLUG, Source, nearest

INCIDENT_ROLES = tuple(f"incident:{role}" for role in IncidentRole)
"""Roles given on the incident; they count beside the standing ones of roles.csv."""

NO_PART = "incident:none"
DEEPEST = 8
"""Links in a chain of roles. Casbin stops silently at ten; this stops aloud before it."""

_ROLE_CELLS = 2
_LINK_CELLS = 3


def part_name(role: IncidentRole | None) -> str:
    """Return the role that a person's part in the incident stands for."""
    return f"incident:{role}" if role else NO_PART


@dataclass(frozen=True, slots=True)
class Roles:
    """The standing roles.

    Attributes:
        declared: every standing role, in the order of the file.
        people: a person's id → the roles they were given.
        implies: a role → the roles it brings with it.
        lines: a role → the line that declares it.
    """

    declared: tuple[str, ...] = ()
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    implies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every role a policy line or an approval rule may name."""
        return (*self.declared, *INCIDENT_ROLES)

    def closure(self, roles: Iterable[str]) -> frozenset[str]:
        """Return `roles` and everything they imply."""
        found: set[str] = set()
        waiting = list(roles)
        while waiting:
            role = waiting.pop()
            if role not in found:
                found.add(role)
                waiting += self.implies.get(role, ())
        return frozenset(found)

    def of(self, person: str, part: IncidentRole | None = None) -> frozenset[str]:
        """Return every role `person` holds, with their part in the incident counted in."""
        parts = () if part is None else (part_name(part),)
        return self.closure((*self.people.get(person, ()), *parts))

    def holders(self, role: str) -> frozenset[str]:
        """Return the people who hold `role` by roles.csv."""
        return frozenset(person for person in self.people if role in self.of(person))


def load_roles(source: Source) -> Roles:
    """Read roles.csv: `role, NAME` declares a role, `g, WHO, ROLE` gives it."""
    written = list(rows(source.text))
    lines = _declared(source, written)
    links = list(_links(source, written, tuple(lines)))
    known = {*lines, *INCIDENT_ROLES}
    roles = Roles(
        declared=tuple(lines),
        people=_grouped((who, role) for _, who, role in links if who not in known),
        implies=_grouped((who, role) for _, who, role in links if who in known),
        lines=lines,
    )
    for number, who, _ in links:
        if who in roles.implies:
            _check_chain(source, number, who, roles)
    return roles


def _declared(source: Source, written: Iterable[Row]) -> dict[str, int]:
    lines: dict[str, int] = {}
    for number, cells in written:
        if cells[0] not in {"role", "g"}:
            source.problem(number, f"{cells[0]!r} is not a section; a line is `role` or `g`.")
        elif cells[0] == "role" and len(cells) != _ROLE_CELLS:
            source.problem(number, "A role is declared as `role, NAME`.")
        elif cells[0] == "role" and not SLUG.fullmatch(cells[1]):
            source.problem(number, f"{cells[1]!r} cannot be the name of a role: use a slug.")
        elif cells[0] == "role" and cells[1] in lines:
            source.problem(number, f"The role {cells[1]!r} stands on line {lines[cells[1]]} too.")
        elif cells[0] == "role":
            lines[cells[1]] = number
    return lines


def _links(
    source: Source, written: Iterable[Row], declared: tuple[str, ...]
) -> Iterable[tuple[int, str, str]]:
    seen: dict[tuple[str, ...], int] = {}
    for number, cells in written:
        if cells[0] != "g":
            continue
        if cells in seen:
            source.problem(number, f"This stands on line {seen[cells]} too.")
        elif problem := _link_problem(cells, declared):
            source.problem(number, problem)
        else:
            seen[cells] = number
            yield number, cells[1], cells[2]


def _link_problem(cells: tuple[str, ...], declared: tuple[str, ...]) -> str:
    if len(cells) != _LINK_CELLS:
        return "A role is given as `g, WHO, ROLE`."
    _, who, role = cells
    known = (*declared, *INCIDENT_ROLES)
    if role not in known:
        return f"The role {role!r} is not declared{nearest(role, known)}"
    if who not in known and not SLUG.fullmatch(who):
        return f"{who!r} is neither a role nor a person's id."
    if (who in INCIDENT_ROLES) is not (role in INCIDENT_ROLES):
        return (
            "A part in an incident is given on the incident; "
            "it neither gives a standing role nor comes from one."
        )
    return ""


def _check_chain(source: Source, number: int, start: str, roles: Roles) -> None:
    """Walk the chains of roles from `start`, level by level."""
    level = {start}
    for _ in range(DEEPEST + 1):
        level = {other for role in level for other in roles.implies.get(role, ())}
        if start in level:
            source.problem(number, f"The role {start!r} implies itself, over other roles.")
            return
    if level:
        source.problem(number, f"The chain of roles from {start!r} has more than {DEEPEST} links.")


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, value in pairs:
        found[key] = (*found.get(key, ()), value)
    return found
