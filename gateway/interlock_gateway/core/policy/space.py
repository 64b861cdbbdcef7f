"""Every question that can be asked, so that lines can be compared as sets of questions.

A question is a place (a target, or "any other target" of a tier) with a mode, an operation and a
severity. What a line covers at one place is held as the bits of one integer, so that covering and
overlapping are single operations. Places that no line tells apart are one `Ground`: with 10,000
lines about 10,000 targets, each is compared with the few lines that are about it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from interlock_gateway.core.model import Mode, Severity
from interlock_gateway.core.policy.index import Column, positions
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.values import ANY_TARGET, Line, among

Place = tuple[str, str]
"""A target and its tier."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Places that no line tells apart, and what lines cover there.

    Attributes:
        targets: the names of the places.
        covers: the number of a line among all, in order, with the questions it covers.
    """

    targets: tuple[str, ...]
    covers: tuple[tuple[int, int], ...]


class Space:
    """The questions a policy can be asked, roles aside."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        operations = policy.vocabulary.operations
        points = list(product(map(str, Mode), operations, map(str, Severity)))
        self._columns = {
            "mode": [mode for mode, _, _ in points],
            "operation": [operation for _, operation, _ in points],
            "severity": [severity for _, _, severity in points],
        }
        self._known: dict[tuple[str, str], int] = {}

    def where(self, column: str, cell: str) -> int:
        """Return the questions of one place whose `column` is in `cell`."""
        key = (column, cell)
        if key not in self._known:
            self._known[key] = _bits(among(value, cell) for value in self._columns[column])
        return self._known[key]

    def grounds(self) -> Iterator[Ground]:
        """Yield every place, those together that no line tells apart."""
        lines = self._policy.lines
        targets = Column(line.target for line in lines)
        tiers = Column(line.tier for line in lines)
        alike: dict[tuple[int, int], list[str]] = {}
        for target, tier in places(self._policy):
            here = targets.fitting(target) & tiers.fitting(tier)
            alike.setdefault((here, self._askable(target)), []).append(target)
        for (here, askable), names in alike.items():
            covers = ((at, self._questions(lines[at]) & askable) for at in positions(here))
            yield Ground(tuple(names), tuple((at, bits) for at, bits in covers if bits))

    def _questions(self, line: Line) -> int:
        return (
            self.where("mode", line.mode)
            & self.where("operation", line.operation)
            & self.where("severity", line.severity)
        )

    def _askable(self, target: str) -> int:
        """Return the questions that fit a place: an action only where its dialect is spoken."""
        known = self._policy.targets.get(target)
        key = ("dialect", str(known.dialect) if known else "")
        if key not in self._known:
            speaks = {
                name: known is None or action.dialect is known.dialect
                for name, action in self._policy.actions.items()
            }
            self._known[key] = _bits(speaks.get(name, True) for name in self._columns["operation"])
        return self._known[key]


def places(policy: Policy) -> list[Place]:
    """Return every target with its tier, and any other target of each tier."""
    named = [(target.name, target.tier) for target in policy.targets.values()]
    return named + [(ANY_TARGET, tier) for tier in policy.tiers]


def _bits(flags: Iterable[bool]) -> int:
    return int("0" + "".join("1" if flag else "0" for flag in flags), 2)
