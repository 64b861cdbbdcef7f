"""From a runbook to its manifest, and the rules a curated notebook's calls keep."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from interlock.errors import UsageError
from interlock.manifest.cell import Call, calls_in
from interlock.manifest.model import ActionGrant, Manifest, MutationGrant, StepGrant
from interlock.runbook import Runbook, Step
from interlock.runbook.notebook import Source
from interlock.wire import logql_digest, promql_digest, statement_digest

_TARGET = re.compile(r"[a-z][a-z0-9_-]*")
_MAY_ASK = ("query", "verify", "action")
_MUTATING = ("act", "execute")
MOST_PLANNED = 10
"""Actions in one plan, as the gateway has it."""

_DIGESTED = {"query_metrics": promql_digest, "query_logs": logql_digest}
_READING = ("query", *_DIGESTED)


def compute(runbook: Runbook) -> Manifest:
    """Return what a curated run of `runbook` may ask: everything its cells say literally.

    What the cells hide is not listed, and what is not listed is refused at the gateway. That,
    and not this reading of the code, is what keeps a dishonest notebook harmless.

    Raises:
        UsageError: `runbook-invalid`: something is not literal, not declared, or out of place.
    """
    return Manifest(
        runbook=runbook.id,
        version=runbook.version,
        notebook=runbook.digest,
        steps={step.id: _grant(runbook, step) for step in runbook.steps},
        limits=runbook.limits,
    )


def calls(runbook: Runbook, step: Step) -> list[Call]:
    """Return the calls that a step makes, in the order of its text.

    Raises:
        UsageError: `runbook-invalid`: one of them cannot be read literally.
    """
    return calls_in(step.source, _Place(runbook, step).refuse)


class _Place:
    """Names the cell in errors."""

    def __init__(self, runbook: Runbook, step: Step) -> None:
        self._source = Source(runbook.text, runbook.path)
        self._cell = step.id

    def refuse(self, message: str, line: int) -> UsageError:
        return self._source.error(message, cell=self._cell, line=line)


def _grant(runbook: Runbook, step: Step) -> StepGrant:
    found = calls(runbook, step)
    place = _Place(runbook, step)
    _check_kind(step, found, place)
    for call in found:
        _check_target(runbook, call, place)
        _check_action(runbook, call, place)
    return StepGrant(
        kind=step.kind,
        source_digest=step.source_digest,
        statements=frozenset(_statement(call) for call in found if call.function in _READING),
        mutations=frozenset(
            MutationGrant(_statement(call), call.max_rows)
            for call in found
            if call.function == "execute"
        ),
        actions=frozenset(
            ActionGrant(call.what, call.target, call.names)
            for call in found
            if call.function == "act"
        ),
    )


def _statement(call: Call) -> str:
    digested = _DIGESTED.get(call.function, statement_digest)
    return digested(call.target, call.what, list(call.names))


def _check_kind(step: Step, found: Sequence[Call], place: _Place) -> None:
    """A step of a kind does what its kind says, and nothing beside it."""
    mutating = [call for call in found if call.function in _MUTATING]
    if step.kind == "action":
        _check_action_step(mutating, place)
    if step.kind != "action" and mutating:
        raise place.refuse(
            f"Only a step of kind action may call {mutating[0].function}.", mutating[0].line
        )
    if step.kind not in _MAY_ASK and found:
        raise place.refuse(
            f"A step of kind {step.kind} asks nothing; make it a query.", found[0].line
        )
    if step.kind in ("query", "verify") and not found:
        raise place.refuse(f"A step of kind {step.kind} must ask a target with query(…).", 1)


def _check_action_step(mutating: Sequence[Call], place: _Place) -> None:
    """An action step asks for one thing, or for one plan whose members it may then use."""
    planned = [call for call in mutating if call.plan]
    alone = [call for call in mutating if not call.plan]
    if not planned and len(alone) != 1:
        line = alone[1].line if alone else 1
        raise place.refuse(
            f"An action step has exactly one act or execute, not {len(alone)}. "
            "Several go into a plan.",
            line,
        )
    if len({call.plan for call in planned}) > 1:
        raise place.refuse("An action step has one plan, not several.", planned[-1].plan)
    if len(planned) > MOST_PLANNED:
        message = f"A plan asks for at most {MOST_PLANNED} actions, not {len(planned)}."
        raise place.refuse(message, planned[MOST_PLANNED].line)
    asked = {_what(call) for call in planned}
    other = next((call for call in alone if planned and _what(call) not in asked), None)
    if other is not None:
        raise place.refuse(
            f"Beside its plan, a step only uses what the plan asks for; {other.what[:80]} is not "
            "in it.",
            other.line,
        )


def _what(call: Call) -> tuple[str, str, str, tuple[str, ...], int]:
    return call.function, call.target, call.what, call.names, call.max_rows


def _check_target(runbook: Runbook, call: Call, place: _Place) -> None:
    prefix, _, name = call.target.rpartition(".")
    param = runbook.params.get(name) if prefix else None
    if prefix and (param is None or param.type != "target"):
        raise place.refuse(f"{call.target} is not a parameter of type target.", call.line)
    if not prefix and not _TARGET.fullmatch(call.target):
        raise place.refuse(f"{call.target[:60]!r} is not the name of a target.", call.line)
    declared = [allowed.target for allowed in runbook.targets]
    if call.target not in declared:
        raise place.refuse(
            f"{call.target} is not in the runbook's targets.{_hint(call.target, declared)}",
            call.line,
        )


def _check_action(runbook: Runbook, call: Call, place: _Place) -> None:
    if call.function == "act" and call.what not in runbook.actions:
        hint = _hint(call.what, runbook.actions)
        raise place.refuse(f"{call.what[:80]} is not in the runbook's actions.{hint}", call.line)


def _hint(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word[:80], known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
