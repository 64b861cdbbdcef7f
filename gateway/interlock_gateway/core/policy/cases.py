"""cases.toml: what the policy must answer, in sentences; run whenever the policy is loaded."""

from collections.abc import Iterator
from dataclasses import dataclass

from interlock_gateway.core.model import IncidentRole, Mode, Severity
from interlock_gateway.core.policy.snapshot import Policy
from interlock_gateway.core.policy.values import (
    ANY_TARGET,
    SILENCE,
    Ask,
    Ruling,
    cells_of,
    text_of,
)
from interlock_gateway.core.strict import Source, Table, toml

DENY = "deny"
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Case:
    """One sentence with its question and its answer.

    Attributes:
        says: the sentence.
        ask: the question.
        decision: `deny`, `freely` or the name of an approval rule.
        line: the deciding line as written, or `no line matches`.
    """

    says: str
    ask: Ask
    decision: str
    line: str


def load_cases(source: Source, policy: Policy) -> list[Case]:
    """Read cases.toml; whatever is wrong is noted on `source`."""
    return [case for case, _ in _cases(source, policy)]


def check_cases(source: Source, policy: Policy) -> None:
    """Note each case that the policy answers otherwise."""
    for case, table in _cases(source, policy):
        found = policy.rule(case.ask)
        if answer(found) != case.decision:
            table.problem(
                "decision",
                f"{case.says} Expected {case.decision}, but {found.line} says {answer(found)}.",
            )
        elif found.text != case.line and (case.line, found.line) != ("no line matches", SILENCE):
            table.problem("line", f"{case.says} Decided by {found.line} instead: {found.text}")


def answer(ruling: Ruling) -> str:
    """Return a ruling as one word: `deny`, `freely` or the name of an approval rule."""
    return ruling.terms if ruling.allowed else DENY


def _cases(source: Source, policy: Policy) -> Iterator[tuple[Case, Table]]:
    document = toml(source)
    if document is None:
        return
    for table in document.rows("case"):
        yield _case(table, policy), table
        table.done()
    document.done()


def _case(table: Table, policy: Policy) -> Case:
    parts = (*IncidentRole, NOBODY)
    part = table.choice("incident_role", parts)
    return Case(
        says=table.text("says"),
        ask=Ask(
            person=table.text("person"),
            incident_role=None if part == NOBODY else IncidentRole(part),
            mode=Mode(table.choice("mode", Mode)),
            target=table.text("target", default=ANY_TARGET),
            tier=table.choice("tier", policy.tiers),
            operation=table.choice("operation", policy.vocabulary.operations),
            severity=Severity(table.choice("severity", Severity)),
        ),
        decision=table.choice("decision", (DENY, "freely", *policy.rules)),
        line=text_of(cells_of(table.text("line"))),
    )
