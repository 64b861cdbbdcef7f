"""What a changed policy would have answered to the requests that were recorded.

A recorded request is decided again by `decide` itself, with the facts that were true then: who
asked, their part in the incident, the mode, the severity, what the statement was proven to do.
What the record does not tell is never guessed: such a request is counted apart, with the reason.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from interlock_gateway.core.approval_rule import FREELY
from interlock_gateway.core.decision import (
    Act,
    AwaitApproval,
    Deny,
    Facts,
    Mutate,
    Operation,
    Permit,
    Read,
    Request,
    decide,
)
from interlock_gateway.core.model import (
    Classification,
    Effect,
    Incident,
    IncidentRole,
    IncidentState,
    Mode,
    Run,
    Severity,
    Target,
)
from interlock_gateway.core.policy import Policy

DENY = "deny"
QUERY, EXECUTE = "query", "execute"
"""Kinds of request beside `action`."""

_BY_POLICY = ("no-permission", "unknown-target", "unknown-action", "no-approvers")
"""Codes of refusals that depend on the policy folder; all others would be the same."""

OLD = "recorded before this was recorded: who asked in which situation is not known"
UNCLASSIFIED = "what it would have done was never found out"
OTHER_GROUND = (
    "its target's `reads`, `masked` or dialect differ: what it does has to be proven anew"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as the journal tells it.

    Attributes:
        event, time, incident, call: what to cite it by.
        kind: query, execute (free SQL that changes something) or action.
        person, part, mode, severity: the situation then; `part` is empty for none, and `person`
            where nothing of it was recorded.
        target, tier, bearing: of the target then; see `Policy.bearings`.
        operation: the word that policy was asked about; empty if it was not asked.
        max_rows: the most rows that free SQL was to touch.
        decision: freely, the name of an approval rule, or deny.
        needs: who had to approve.
        code: of a refusal.
        line, text: what decided, where it stood and as it was written.
        policy: the digest under which it was decided.
    """

    event: str
    time: str
    incident: str
    call: str
    kind: str
    person: str
    part: str
    mode: str
    severity: str
    target: str
    tier: str
    bearing: str
    operation: str
    max_rows: int
    decision: str
    needs: str
    code: str
    line: str
    text: str
    policy: str

    @classmethod
    def of_json(cls, item: Mapping[str, Any]) -> "Recorded":
        """Return a request from what a gateway answered.

        Raises:
            ValueError: a member is missing or of another kind.
        """
        values = {entry.name: item.get(entry.name) for entry in fields(cls)}
        for name, value in values.items():
            wanted = int if name == "max_rows" else str
            if not isinstance(value, wanted):
                raise ValueError(f"A recorded request has no usable `{name}`: {value!r}.")  # noqa: TRY004  it is the text that is wrong
        _checked(values)
        return cls(**values)  # type: ignore[arg-type]  # each was just looked at


def _checked(values: Mapping[str, Any]) -> None:
    """Raise ValueError for a word of the situation that this version does not know."""
    if values["person"]:
        Mode(values["mode"])
        Severity(values["severity"])
    if values["part"]:
        IncidentRole(values["part"])
    if values["kind"] in (QUERY, EXECUTE) and values["operation"]:
        Effect(values["operation"])


@dataclass(frozen=True, slots=True)
class Answer:
    """What was or would be answered; the attributes are those of `Recorded`."""

    decision: str
    needs: str = ""
    code: str = ""
    line: str = ""
    text: str = ""

    @property
    def means(self) -> tuple[str, str, str]:
        """What of it a person would notice: two answers that differ here are different."""
        return self.decision, self.needs, self.code


@dataclass(frozen=True, slots=True)
class Difference:
    """A request that would be answered otherwise."""

    request: Recorded
    was: Answer
    now: Answer


@dataclass(frozen=True, slots=True)
class Simulation:
    """What came of deciding every request again.

    Attributes:
        requests: how many there were.
        alike: how many would be answered the same.
        other_line: how many of those another line would decide.
        not_policy: how many were refused for a reason that no policy changes.
        undecided: reason → how many cannot be decided again.
        differences: those that would be answered otherwise, in order.
    """

    requests: int
    alike: int
    other_line: int
    not_policy: int
    undecided: Mapping[str, int]
    differences: tuple[Difference, ...]


def simulate(policy: Policy, recorded: Iterable[Recorded]) -> Simulation:
    """Decide requests again under `policy`; a call that was asked again counts once."""
    requests = _once(recorded)
    undecided: Counter[str] = Counter()
    alike = other_line = not_policy = 0
    differences = []
    for request in requests:
        now = again(policy, request)
        was = Answer(request.decision, request.needs, request.code, request.line, request.text)
        if now is None:
            not_policy += 1
        elif isinstance(now, str):
            undecided[now] += 1
        elif now.means != was.means:
            differences.append(Difference(request, was, now))
        else:
            alike += 1
            other_line += now.text != was.text
    return Simulation(
        len(requests), alike, other_line, not_policy, dict(undecided), tuple(differences)
    )


def again(policy: Policy, request: Recorded) -> Answer | str | None:
    """Return what `policy` answers, why that cannot be told, or None: policy did not refuse it."""
    if _refused_by_others(request):
        return None
    target = policy.targets.get(request.target)
    if why := _untellable(policy, request, target):
        return why
    reads = f"targets.toml: {request.target}.reads"
    if not request.operation or (request.code == "no-permission" and request.line == reads):
        return Answer(DENY, "", request.code, request.line, request.text)
    return _decided(policy, request, target)


def _untellable(policy: Policy, request: Recorded, target: Target | None) -> str:
    """Return why a request cannot be decided again, or ""."""
    if not request.person:
        return OLD
    if not request.operation or request.code == "unknown-target":
        known = request.code == "unknown-target" and target is None
        return "" if known else UNCLASSIFIED
    if (
        request.kind in (QUERY, EXECUTE)
        and target
        and policy.bearings[target.name] != request.bearing
    ):
        return OTHER_GROUND
    return ""


def _refused_by_others(request: Recorded) -> bool:
    if request.decision != DENY or request.code in _BY_POLICY:
        return False
    return not (request.code == "outside-limits" and request.line.startswith("approvals.toml"))


def _decided(policy: Policy, request: Recorded, target: Target | None) -> Answer:
    asked = Request(request.person, _operation(policy, request), request.target)
    match decide(asked, policy, _facts(request, target)):
        case Permit(line, _, text):
            return Answer(FREELY, "", "", line, text)
        case Deny(code, _, line, _, text):
            return Answer(DENY, "", code, line, text)
        case AwaitApproval(line, _, rule, text):
            if not policy.approvable(rule, request.person):
                return Answer(DENY, "", "no-approvers", rule.place, text)
            if request.kind == EXECUTE and request.max_rows > rule.max_rows:
                return Answer(DENY, "", "outside-limits", rule.place, text)
            return Answer(rule.name, rule.needs, "", line, text)


def _operation(policy: Policy, request: Recorded) -> Operation:
    if request.kind not in (QUERY, EXECUTE):
        action = policy.actions.get(request.operation)
        dialect = action.dialect.value if action else ""
        return Act(request.operation, known=action is not None, dialect=dialect)
    statement = Classification(Effect(request.operation), (), "")
    return Read(statement) if request.kind == QUERY else Mutate(statement, request.max_rows)


def _facts(request: Recorded, target: Target | None) -> Facts:
    """Return the facts of then: whatever else could have refused the request did not."""
    mode, person = Mode(request.mode), request.person
    roles = {person: IncidentRole(request.part)} if request.part else {}
    severity = Severity(request.severity)
    return Facts(
        incident=Incident(request.incident, "", severity, IncidentState.OPEN, roles),
        run=Run("", request.incident, "", "", "", mode, person, active=True),
        target=target,
    )


def _once(recorded: Iterable[Recorded]) -> list[Recorded]:
    """Return each call once: what was requested and then abandoned was not refused by policy."""
    found: dict[tuple[str, str], Recorded] = {}
    for request in recorded:
        key = (request.incident, request.call)
        if key in found and request.decision == DENY and found[key].decision != DENY:
            continue
        found[key] = request
    return list(found.values())
