"""What policy is asked and what it answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interlock_gateway.core.model import IncidentRole, Mode, Severity

ANY_TARGET = "(any)"
"""Stands in an `Ask` for a target that no line names, to ask about a whole tier."""

SILENCE = "permissions.csv: no line matches"
FAULT = "permissions.csv: casbin failed"
UNASKABLE = "permissions.csv: not a question policy can answer"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: may this person do this operation to this target, in this situation?

    Attributes:
        person: who asks.
        incident_role: their part in the incident, or None.
        mode: of the run.
        target: a name of targets.toml, or `ANY_TARGET`.
        tier: the target's tier.
        operation: an effect word for SQL, or an action's id.
        severity: of the incident, at this moment.
    """

    person: str
    incident_role: IncidentRole | None
    mode: Mode
    target: str
    tier: str
    operation: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer: the first line that matches decides, and silence denies.

    Attributes:
        allowed: whether the operation may happen at all.
        line: the deciding line as `permissions.csv:14`, or one of `SILENCE`, `FAULT`, `UNASKABLE`.
        terms: `freely` or the name of an approval rule; empty when not allowed.
        text: the deciding line as written, blanks squeezed; a proposal's digest binds this,
            because a line number moves with unrelated edits.
        fault: empty, or the malfunction behind a deny; the service raises an alarm on it.
    """

    allowed: bool
    line: str
    terms: str = ""
    text: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of permissions.csv, validated."""

    number: int
    role: str
    mode: str
    target: str
    tier: str
    operation: str
    severity: str
    eft: str
    terms: str
    override: str

    @property
    def place(self) -> str:
        """Where the line stands, such as `permissions.csv:14`."""
        return f"permissions.csv:{self.number}"

    @property
    def row(self) -> tuple[str, ...]:
        """The nine columns, as casbin sees them."""
        return (
            *(self.role, self.mode, self.target, self.tier, self.operation),
            *(self.severity, self.eft, self.terms, self.override),
        )

    @property
    def text(self) -> str:
        """The line as written, with one blank after each comma."""
        return text_of(("p", *self.row))


def text_of(cells: Sequence[str]) -> str:
    """Return cells as one line of a policy file."""
    return ", ".join(cells)


def cells_of(line: str) -> tuple[str, ...]:
    """Return the cells of one line of a policy file, without blanks around them."""
    return tuple(cell.strip() for cell in line.split(","))


Row = tuple[int, tuple[str, ...]]
"""The number of a line, and its cells."""


def rows(text: str) -> Iterator[Row]:
    """Yield the lines of a policy file that are neither blank nor a comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, cells_of(line)


def members(cell: str) -> tuple[str, ...]:
    """Return what a cell such as `sev1|sev2` names."""
    return tuple(cell.split("|"))


def among(value: str, cell: str) -> bool:
    """Tell whether `cell` is `*` or names `value` exactly; there are no other patterns."""
    return cell == "*" or value in members(cell)
