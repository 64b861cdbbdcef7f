"""The decision: one pure function from a request, the policy and the facts to what may happen.

Every refusal carries a stable code, the policy line or limit that decided, and a sentence that
says what happened; `interlock.errors.CODES` adds what to do next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from interlock_gateway.core.approval_rule import FREELY, ApprovalRule
from interlock_gateway.core.model import (
    APPROVABLE,
    Classification,
    Effect,
    Incident,
    IncidentRole,
    IncidentState,
    Reads,
    Reason,
    Run,
    Target,
)
from interlock_gateway.core.policy import Ask, Policy, Ruling


@dataclass(frozen=True, slots=True)
class Read:
    """A statement that claims to be a read."""

    statement: Classification


@dataclass(frozen=True, slots=True)
class Mutate:
    """Free SQL that is meant to change something, up to `max_rows` rows."""

    statement: Classification
    max_rows: int


@dataclass(frozen=True, slots=True)
class Act:
    """An action of the catalogue; `known` is False when there is none of that name."""

    action: str
    known: bool
    dialect: str = ""


Operation = Read | Mutate | Act


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: by whom, from where, of which target."""

    person: str
    operation: Operation
    target: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true at this moment.

    Attributes:
        incident: the run's incident, or None when it is not there.
        run: the run, or None.
        target: the named target, or None when there is none of that name.
        step_running: whether the step that asks is running in this attempt.
        in_manifest: whether the run's manifest lists exactly this.
        calls, max_calls: calls this run has made, and may make.
        busy_s, max_s: seconds this run has lasted without waiting for approvals, and may last.
    """

    incident: Incident | None
    run: Run | None
    target: Target | None
    step_running: bool = True
    in_manifest: bool = True
    calls: int = 0
    max_calls: int = 500
    busy_s: float = 0.0
    max_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Permit:
    """It may happen now; `text` is the deciding line as written, because line numbers move."""

    line: str
    policy: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class AwaitApproval:
    """It may happen once `rule` is satisfied for exactly this proposal.

    `text` is the deciding line as written: a proposal binds it, because line numbers move.
    """

    line: str
    policy: str
    rule: ApprovalRule
    text: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    """It may not happen: a code of `interlock.errors`, a sentence, and the line that refused.

    `text` is that line as written, where it is one of permissions.csv.
    """

    code: str
    message: str
    line: str = ""
    policy: str = ""
    text: str = ""


Decision = Permit | AwaitApproval | Deny


def decide(request: Request, policy: Policy, facts: Facts) -> Decision:
    """Return whether `request` may happen, must be approved first, or is refused."""
    for check in _CHECKS:
        denial = check(request, facts)
        if denial is not None:
            return denial
    run, incident, target = facts.run, facts.incident, facts.target
    if run is None or incident is None or target is None:
        return Deny("internal", "The request names no run, incident or target.")
    ruling = policy.rule(
        Ask(
            person=request.person,
            incident_role=incident.roles.get(request.person),
            mode=run.mode,
            target=target.name,
            tier=target.tier,
            operation=operation_word(request.operation),
            severity=incident.severity,
        )
    )
    return _ruled(request.operation, ruling, policy)


def operation_word(operation: Operation) -> str:
    """Return the word by which policy knows `operation`: an effect class or an action id."""
    match operation:
        case Read(statement) | Mutate(statement, _):
            return statement.effect.value
        case Act(action, _, _):
            return action
        case _:
            assert_never(operation)


def _ruled(operation: Operation, ruling: Ruling, policy: Policy) -> Decision:
    if ruling.fault:
        return Deny("policy-fault", "Policy could not be evaluated.", ruling.line, policy.digest)
    if not ruling.allowed:
        message = f"Policy does not allow {operation_word(operation)} here."
        if isinstance(operation, Read) and operation.statement.reasons:
            message = f"{explain(operation.statement)} {message}"
        return Deny("no-permission", message, ruling.line, policy.digest, ruling.text)
    mutating = not isinstance(operation, Read)
    if ruling.terms != FREELY:
        rule = policy.rule_named(ruling.terms)
        return AwaitApproval(ruling.line, policy.digest, rule, ruling.text)
    if mutating:
        message = "Policy would let a mutation run freely; Interlock never does."
        return Deny("no-permission", message, ruling.line, policy.digest, ruling.text)
    return Permit(ruling.line, policy.digest, ruling.text)


def _alive(_request: Request, facts: Facts) -> Deny | None:
    if facts.run is None:
        return Deny("run-not-found", "There is no such run.")
    if facts.incident is None:
        return Deny("incident-not-found", "There is no such incident.")
    if facts.incident.state is not IncidentState.OPEN:
        state = facts.incident.state.value
        return Deny("incident-closed", f"{facts.incident.id} is {state}; nothing runs in it.")
    if facts.incident.drill:
        return Deny("only-a-drill", f"{facts.incident.id} is a drill; nothing runs in it.")
    if not facts.run.active:
        return Deny("run-ended", f"{facts.run.id} has ended.")
    return None


def _on_incident(request: Request, facts: Facts) -> Deny | None:
    roles = facts.incident.roles if facts.incident else {}
    if roles.get(request.person) in (IncidentRole.COMMANDER, IncidentRole.RESPONDER):
        return None
    return Deny("not-on-incident", f"{request.person} is not a responder of this incident.")


def _in_step(_request: Request, facts: Facts) -> Deny | None:
    if not facts.step_running:
        return Deny("no-step-running", "The step that asks is not running in this attempt.")
    if facts.calls >= facts.max_calls:
        limit = f"limits.calls ({facts.max_calls:,})"
        return Deny("too-many-calls", f"This run has made {facts.calls:,} calls.", limit)
    if facts.busy_s > facts.max_s:
        limit = f"limits.run_s ({facts.max_s:g})"
        return Deny("run-ended", f"This run has lasted {facts.busy_s:.0f} s.", limit)
    return None


def _known(request: Request, facts: Facts) -> Deny | None:
    if facts.target is None:
        return Deny("unknown-target", f"There is no target named {request.target!r}.")
    match request.operation:
        case Act(action, False, _):
            return Deny("unknown-action", f"There is no action named {action!r}.")
        case Act(action, _, dialect) if dialect != facts.target.dialect.value:
            message = f"{action} is for {dialect}; {facts.target.name} is {facts.target.dialect}."
            return Deny("unknown-action", message)
    if not isinstance(request.operation, Read) and not facts.target.act:
        return Deny(
            "no-permission",
            f"{facts.target.name} has no action login, so nothing can be changed there.",
            f"targets.toml: {facts.target.name}.act",
        )
    return None


def _proven(request: Request, _facts: Facts) -> Deny | None:
    match request.operation:
        case Read(statement):
            return _proven_read(statement)
        case Mutate(statement, max_rows):
            return _proven_mutation(statement, max_rows)
        case Act():
            return None
        case _:
            assert_never(request.operation)


def _proven_read(statement: Classification) -> Deny | None:
    if statement.effect is Effect.UNKNOWN:
        return Deny("not-understood", explain(statement), "effect unknown")
    if statement.effect in APPROVABLE:
        return Deny("not-read-only", explain(statement), f"effect {statement.effect}")
    return None


_OF_ITSELF = ("node ", "words ")
"""How reasons begin that stand in a mutation's own text; all others are of what it calls."""


def _proven_mutation(statement: Classification, max_rows: int) -> Deny | None:
    if statement.effect is Effect.UNKNOWN:
        return Deny("not-understood", explain(statement), "effect unknown")
    if statement.effect not in APPROVABLE:
        message = f"This statement has the effect {statement.effect}; send it as a query."
        return Deny("bad-request", message)
    acting = [reason for reason in statement.reasons if not reason.what.startswith(_OF_ITSELF)]
    if acting:
        message = f"A mutation may not call what acts by itself. {explain(statement)}"
        return Deny("not-understood", message, acting[0].what)
    if max_rows < 1:
        return Deny("outside-limits", "A mutation says how many rows it may touch.", "max_rows")
    return None


def explain(statement: Classification) -> str:
    """Return why a statement is not a plain read, the most dangerous reason first."""
    reasons = sorted(statement.reasons, key=lambda reason: -reason.effect.rank)
    told = "; ".join(map(_told, reasons[:3]))
    return f"This statement is {statement.effect}, not a proven read. {told}".strip()


def _told(reason: Reason) -> str:
    """Return a reason for a person: without a name that nobody wrote, or that it says anyhow."""
    said = reason.what.startswith("node ") or reason.what.rpartition(" ")[2] in reason.detail
    return reason.detail if said else f"{reason.what}: {reason.detail}"


def _readable(request: Request, facts: Facts) -> Deny | None:
    """Refuse what the target's settings keep from being read, in a mutation too."""
    match request.operation:
        case Read(statement) | Mutate(statement):
            reads = facts.target.reads if facts.target else Reads()
            for relation in statement.relations or ():
                if reads.forbids(relation):
                    message = f"{relation} may not be read through Interlock."
                    return Deny("no-permission", message, f"targets.toml: {request.target}.reads")
    return None


def _listed(_request: Request, facts: Facts) -> Deny | None:
    if facts.in_manifest:
        return None
    message = "The run's manifest does not list this in the step that is running."
    return Deny("not-in-manifest", message, "the run's manifest")


_CHECKS: tuple[Callable[[Request, Facts], Deny | None], ...] = (
    _alive,
    _on_incident,
    _in_step,
    _known,
    _proven,
    _readable,
    _listed,
)
