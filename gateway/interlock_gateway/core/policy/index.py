"""Which lines can bear on a question, found without looking at all of them.

Each column keeps, for each word, the lines whose cell is `*` or names it, as the bits of one
integer: bit 3 is the fourth line. The lines that fit a question in every column are then a few
`&`, however many lines there are. Casbin is asked about these alone, and in their order, so what
the index leaves out must be exactly what could not match: a test compares with stock casbin.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from interlock_gateway.core.policy.roles import Roles, part_name
from interlock_gateway.core.policy.values import Ask, Line, members

_PAGE = 32
"""Lines that casbin is handed at once: nearly always all of them, and never thousands."""


class Column:
    """The lines that fit each word of one column."""

    def __init__(self, cells: Iterable[str]) -> None:
        places: dict[str, list[int]] = {}
        for at, cell in enumerate(cells):
            for word in members(cell):
                places.setdefault(word, []).append(at)
        self._always = _bits(places.pop("*", []))
        self._named = {word: _bits(found) for word, found in places.items()}

    def fitting(self, word: str) -> int:
        """Return the lines whose cell is `*` or names `word`."""
        return self._named.get(word, 0) | self._always


class Index:
    """Finds the lines that fit a question."""

    def __init__(self, lines: Sequence[Line], roles: Roles) -> None:
        self._rows = [line.row for line in lines]
        self._roles = roles
        self._role = Column(line.role for line in lines)
        self._mode = Column(line.mode for line in lines)
        self._target = Column(line.target for line in lines)
        self._tier = Column(line.tier for line in lines)
        self._operation = Column(line.operation for line in lines)
        self._severity = Column(line.severity for line in lines)

    def pages(self, ask: Ask) -> Iterator[list[tuple[str, ...]]]:
        """Yield the fitting lines in order, a page at a time; a page is never empty.

        The first line that matches among all of them is the first that matches in the first page
        with any, so whoever stops there has the answer of the whole policy.
        """
        fitting = positions(self._fitting(ask))
        while page := [self._rows[at] for at in islice(fitting, _PAGE)]:
            yield page

    def _fitting(self, ask: Ask) -> int:
        held = self._roles.of(ask.person) | self._roles.closure([part_name(ask.incident_role)])
        people = 0
        for role in held | {"*"}:
            people |= self._role.fitting(role)
        return (
            people
            & self._operation.fitting(ask.operation)
            & self._target.fitting(ask.target)
            & self._tier.fitting(ask.tier)
            & self._mode.fitting(str(ask.mode))
            & self._severity.fitting(str(ask.severity))
        )


def positions(bits: int) -> Iterator[int]:
    """Yield the places of the bits that are set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _bits(places: list[int]) -> int:
    """Return the number whose bits are these; the places are in order."""
    bits = bytearray(places[-1] // 8 + 1) if places else bytearray()
    for at in places:
        bits[at // 8] |= 1 << at % 8
    return int.from_bytes(bits, "little")
