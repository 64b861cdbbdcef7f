"""A guarded question about metrics or logs: understand, decide, write down, ask, answer.

What differs between the two is a `Language`: which targets speak it, what it understands of a
question, and how that is asked. Everything that guards and records is here, once.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, assert_never

from interlock import wire
from interlock.errors import InterlockError, refusal
from interlock.manifest import Manifest
from interlock.manifest.model import Params

from interlock_gateway.core.decision import AwaitApproval, Deny, Permit, Read, Request, decide
from interlock_gateway.core.model import (
    SQL,
    Classification,
    Dialect,
    Effect,
    Limits,
    Rows,
    Target,
)
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import excerpt
from interlock_gateway.core.telemetry import Evaluation, Span, TelemetryError
from interlock_gateway.core.timeline import Part, json_part, stamp, text_part
from interlock_gateway.service.basis import Basis
from interlock_gateway.service.calls import (
    Asked,
    Site,
    denial,
    deny,
    must_own,
    recorded,
    scene,
)
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.ports import Clock, Meter, PolicySource, Store
from interlock_gateway.service.reads import (
    Opening,
    RefusedError,
    at_their_pace,
    completed,
    failed,
    limit,
    started,
)
from interlock_gateway.service.runs import manifest_of, params_of
from interlock_gateway.service.targets import TargetError

Typed = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TelemetryQuestion:
    """A query for one target that keeps metrics or logs.

    Attributes:
        site: where it was called.
        target: who is asked.
        text: the query, with a `:name` for each of `params`.
        params: wire-typed values.
        span: wire-typed `start`, `end` and `step`, those that were given.
        choices: what else the language lets one choose, such as `limit`; plain JSON.
    """

    site: Site
    target: str
    text: str
    params: Typed = field(default_factory=dict)
    span: Typed = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Within what a question is understood.

    Attributes:
        target: whose limits count.
        limits: what the call may cost, as narrow as runbook and target make it.
        now: the present moment.
    """

    target: Target
    limits: Limits
    now: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question that was understood and lies within its bounds.

    Attributes:
        sent: the query as it is sent, each value in its place.
        data: what `query.started` says of it.
        answers: what the answer says beside the rows.
        ask: asks the target.
    """

    sent: str
    data: Mapping[str, Any]
    answers: Mapping[str, Any]
    ask: Callable[[], Awaitable[Rows]]


class Language(Protocol):
    """What is particular to one language of questions."""

    @property
    def operation(self) -> str:
        """`query_metrics` or `query_logs`, as the call's record names it."""
        ...

    @property
    def key(self) -> str:
        """What requests, events and manifests call the query's text, as `promql`."""
        ...

    @property
    def dialect(self) -> Dialect:
        """What a target must be to be asked in it."""
        ...

    @property
    def keeps(self) -> str:
        """What such a target keeps, as `metrics`."""
        ...

    def listed(
        self, manifest: Manifest, question: TelemetryQuestion, names: list[str], params: Params
    ) -> bool:
        """Tell whether the step that asks lists this question."""
        ...

    def prepared(
        self, question: TelemetryQuestion, values: Mapping[str, Any], span: Span, bounds: Bounds
    ) -> Prepared:
        """Understand a question, and return how it is asked.

        Raises:
            TelemetryError: not understood, a value of another kind, or beyond a limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A question that may be asked: everything needed to ask it and to tell of it."""

    question: TelemetryQuestion
    basis: Basis
    target: Target
    prepared: Prepared
    permit: Permit


_ASKED_BY: Mapping[str, str] = {
    **dict.fromkeys(SQL, "`query(target, sql)`"),
    Dialect.PROMETHEUS: "`query_metrics(target, promql)`",
    Dialect.LOKI: "`query_logs(target, logql, start=…)`",
}


class TelemetryQueries:
    """Answers guarded questions in one language."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        language: Language,
        clock: Clock,
        meter: Meter,
        pacing: Pacing,
    ) -> None:
        self._store = store
        self._policy = policy
        self._language = language
        self._clock = clock
        self._meter = meter
        self._pacing = pacing
        # No such query changes anything; what it may cost is bounded by the target's limits.
        self._read = Classification(Effect.READ, (), language.keeps)

    async def ask(self, who: Principal, question: TelemetryQuestion) -> dict[str, Any]:
        """Return the target's answer, or the recorded one when this is a transport retry.

        Raises:
            InterlockError: refused, or the target failed; either is in the timeline.
        """
        must_own(who, question.site)
        values, span = _values(question.params), _span(question.span)
        found = await self._store.glance(lambda tx: scene(tx, question.site, self._clock.now()))
        known = recorded(found.call, self._digest(question))
        if known is not None:
            return {**json.loads(known.answer), "replayed": True}
        basis = Basis(found)
        try:
            async with at_their_pace(self._pacing, self._policy.current, found):
                return await self._answer(who, self._admit(question, basis, values, span))
        except RefusedError as refused:
            await self._refuse(who, question, basis, refused)
            raise refused.error from None

    def _digest(self, question: TelemetryQuestion) -> str:
        """Return the digest that tells two questions at the same place apart."""
        asked = {
            "target": question.target,
            self._language.key: question.text,
            "params": question.params,
            "span": question.span,
            **question.choices,
        }
        return wire.request_digest(self._language.operation, asked)

    def _parts(self, question: TelemetryQuestion) -> dict[str, Part]:
        """Return what of a question is sensitive, as events keep it."""
        params = json_part(dict(question.params))
        return {self._language.key: text_part(question.text), "params": params}

    def _admit(
        self, question: TelemetryQuestion, basis: Basis, values: Mapping[str, Any], span: Span
    ) -> _Admitted:
        """Decide first: whoever may not ask is told that, and nothing about the query."""
        policy, now = self._policy.current, self._clock.now()
        target = policy.targets.get(question.target)
        permit = self._decide(question, basis, policy, target)
        if target is None or target.dialect is not self._language.dialect:
            raise RefusedError(self._of_another_kind(question, target), self._read)
        limits = basis.found.limits(target, rows=question.choices.get("limit"))
        try:
            prepared = self._language.prepared(question, values, span, Bounds(target, limits, now))
        except TelemetryError as error:
            raise RefusedError(_told(error, question.text), self._read) from error
        return _Admitted(question, basis, target, prepared, permit)

    def _decide(
        self, question: TelemetryQuestion, basis: Basis, policy: Policy, target: Target | None
    ) -> Permit:
        found = basis.found
        request = Request(found.run.requester, Read(self._read), question.target)
        listed = self._listed(question, basis)
        decision = decide(request, policy, found.facts(target, in_manifest=listed))
        basis.note(request, decision, policy)
        match decision:
            case Permit():
                return decision
            case Deny():
                raise RefusedError(denial(decision, self._meter), self._read)
            case AwaitApproval(line):
                message = "A read cannot wait for an approval."
                raise RefusedError(refusal("no-permission", message, line=line), self._read)
            case _:
                assert_never(decision)

    def _listed(self, question: TelemetryQuestion, basis: Basis) -> bool:
        run = basis.found.run
        manifest, names = manifest_of(run), sorted(question.params)
        if manifest is None:
            return True  # an ad-hoc run: reads only, which this is
        return self._language.listed(manifest, question, names, params_of(run))

    def _of_another_kind(
        self, question: TelemetryQuestion, target: Target | None
    ) -> InterlockError:
        dialect = target.dialect if target else "nothing that is known"
        instead = ", or ask this one by " + _ASKED_BY[dialect] if dialect in _ASKED_BY else ""
        return refusal(
            "bad-request",
            f"{question.target} keeps no {self._language.keeps}: it is {dialect}.",
            help=f"Name a target whose dialect is {self._language.dialect}{instead}.",
        )

    async def _refuse(
        self, who: Principal, question: TelemetryQuestion, basis: Basis, refused: RefusedError
    ) -> None:
        data = {"target": question.target, "effect": self._read.effect.value, **basis.data}
        digest, operation = self._digest(question), self._language.operation
        asked = Asked(operation, digest, data, self._parts(question))
        self._meter.count("queries", outcome="denied")
        await self._store.commit(
            lambda tx: deny(tx, who, basis.found, question.site, refused.error, asked)
        )

    async def _answer(self, who: Principal, admitted: _Admitted) -> dict[str, Any]:
        opening, target = self._opening(admitted), admitted.target
        event = await self._store.commit(lambda tx: started(tx, who, opening))
        began = self._clock.monotonic()
        try:
            rows = await admitted.prepared.ask()
        except TargetError as error:
            problem = refusal(error.code, str(error), line=limit(error.code, target))
            await self._store.commit(lambda tx: failed(tx, who, opening, event, problem))
            self._meter.count("queries", outcome="failed")
            raise problem from error
        self._meter.count("queries", outcome="completed")
        self._meter.observe("query_seconds", self._clock.monotonic() - began)
        return await self._store.commit(lambda tx: completed(tx, who, opening, event, rows))

    def _opening(self, admitted: _Admitted) -> Opening:
        """Return the question as its events tell it."""
        question, found = admitted.question, admitted.basis.found
        return Opening(
            site=question.site,
            digest=self._digest(question),
            operation=self._language.operation,
            target=admitted.target,
            incident=found.run.incident,
            cause=found.step.event if found.step else "",
            effect=self._read.effect.value,
            data={
                "tier": admitted.target.tier,
                "line": admitted.permit.line,
                "policy": admitted.permit.policy,
                "dialect": admitted.target.dialect.value,
                "effect": self._read.effect.value,
                **admitted.prepared.data,
                **admitted.basis.data,
            },
            parts={**self._parts(question), "sent": text_part(admitted.prepared.sent)},
            answers=admitted.prepared.answers,
        )


def window(asked: Evaluation) -> dict[str, Any]:
    """Return from when to when a question is asked, and in which steps, as events tell it."""
    return {"start": stamp(asked.start), "end": stamp(asked.end), "step_s": asked.step_s}


def _told(error: TelemetryError, source: str) -> InterlockError:
    shown = "" if error.position is None else excerpt(source, error.position)
    return refusal(error.code, error.message, line=error.line, help=error.help, excerpt=shown)


# --- what came over the wire ------------------------------------------------------------------


def _values(typed: Typed) -> dict[str, Any]:
    try:
        return {name: wire.decode_value(value) for name, value in typed.items()}
    except wire.WireError as error:
        raise refusal("bad-arguments", str(error)) from error


def _span(typed: Typed) -> Span:
    values = _values(typed)
    start, end, step = (values.get(name) for name in ("start", "end", "step"))
    return Span(_moment("start", start), _moment("end", end), _length(step))


def _moment(name: str, value: Any) -> datetime | timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    message = f"`{name}` must be a moment with a zone, or how long before."
    raise refusal("bad-arguments", message, help='As in start="1h", or two moments.')


def _length(value: Any) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    raise refusal("bad-arguments", "`step` must be a duration.", help='As in step="1m".')
