"""Every question that can be asked, as bits of a number, so that lines can be compared as sets.

A line covers a set of (mode, place, operation, severity); a place is a target, or "any other
target" of a tier. Held as bits of one integer, covering and overlapping are single operations,
and a union of earlier lines is as cheap as one line.
"""

from collections.abc import Iterable
from itertools import product

from interlock_gateway.core.model import Mode, Severity
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.values import ANY_TARGET, Line, among

Place = tuple[str, str]
"""A target and its tier."""


class Space:
    """The questions a policy can be asked, roles aside."""

    def __init__(self, policy: Policy) -> None:
        operations = policy.vocabulary.operations
        points = list(product(Mode, places(policy), operations, Severity))
        askable = [_speaks(policy, place, operation) for _, place, operation, _ in points]
        self.all = _bits(askable)
        self._columns: dict[str, list[str]] = {
            "mode": [str(mode) for mode, _, _, _ in points],
            "target": [target for _, (target, _), _, _ in points],
            "tier": [tier for _, (_, tier), _, _ in points],
            "operation": [operation for _, _, operation, _ in points],
            "severity": [str(severity) for _, _, _, severity in points],
        }
        self._known: dict[tuple[str, str], int] = {}

    def of(self, line: Line) -> int:
        """Return the questions that `line` covers."""
        covered = self.all
        for column in self._columns:
            covered &= self.where(column, getattr(line, column))
        return covered

    def where(self, column: str, cell: str) -> int:
        """Return the questions whose `column` is in `cell`."""
        key = (column, cell)
        if key not in self._known:
            self._known[key] = _bits(among(value, cell) for value in self._columns[column])
        return self._known[key]


def places(policy: Policy) -> list[Place]:
    """Return every target with its tier, and any other target of each tier."""
    named = [(target.name, target.tier) for target in policy.targets.values()]
    return named + [(ANY_TARGET, tier) for tier in policy.tiers]


def _speaks(policy: Policy, place: Place, operation: str) -> bool:
    """Tell whether an operation fits the place: an action only where its dialect is spoken."""
    target, action = policy.targets.get(place[0]), policy.actions.get(operation)
    return target is None or action is None or target.dialect is action.dialect


def _bits(flags: Iterable[bool]) -> int:
    return int("0" + "".join("1" if flag else "0" for flag in flags), 2)
