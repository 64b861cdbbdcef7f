"""A guarded question about metrics: understand, decide, write down, ask, write down, answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from interlock import wire
from interlock.errors import InterlockError, refusal
from interlock.manifest import Manifest

from interlock_gateway.core.decision import AwaitApproval, Deny, Permit, Read, Request, decide
from interlock_gateway.core.model import Classification, Dialect, Effect, Limits, Target
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import excerpt
from interlock_gateway.core.telemetry import (
    Evaluation,
    Query,
    Span,
    TelemetryError,
    beyond,
    resolved,
    understood,
)
from interlock_gateway.core.timeline import Part, json_part, stamp, text_part
from interlock_gateway.service.basis import Basis
from interlock_gateway.service.calls import (
    Asked,
    Scene,
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
from interlock_gateway.service.targets import Metrics, TargetError

OPERATION = "query_metrics"

_READ = Classification(Effect.READ, (), "metrics")
"""No query of PromQL changes anything; what it may cost is bounded by the target's limits."""

Typed = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MetricQuestion:
    """A query for one target that keeps metrics.

    `span` holds wire-typed `start`, `end` and `step`, those that were given.
    """

    site: Site
    target: str
    promql: str
    params: Typed = field(default_factory=dict)
    span: Typed = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The digest that tells two questions at the same place apart."""
        asked = {"target": self.target, "promql": self.promql, "params": self.params}
        return wire.request_digest(OPERATION, {**asked, "span": self.span})

    @property
    def parts(self) -> dict[str, Part]:
        """What of it is sensitive, as events keep it."""
        return {"promql": text_part(self.promql), "params": json_part(dict(self.params))}


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A question that may be asked: everything needed to ask it and to tell of it."""

    question: MetricQuestion
    basis: Basis
    target: Target
    query: Query
    asked: Evaluation
    limits: Limits
    permit: Permit

    @property
    def opening(self) -> Opening:
        """The question as its events tell it."""
        found, question, asked = self.basis.found, self.question, self.asked
        window = {"start": stamp(asked.start), "end": stamp(asked.end), "step_s": asked.step_s}
        return Opening(
            site=question.site,
            digest=question.digest,
            operation=OPERATION,
            target=self.target,
            incident=found.run.incident,
            cause=found.step.event if found.step else "",
            effect=_READ.effect.value,
            data={
                "tier": self.target.tier,
                "line": self.permit.line,
                "policy": self.permit.policy,
                "dialect": self.target.dialect.value,
                "effect": _READ.effect.value,
                "kind": "range" if asked.step_s else "instant",
                "metrics": list(self.query.demand.metrics),
                **window,
                **self.basis.data,
            },
            parts={**question.parts, "sent": text_part(asked.text)},
            answers={"window": window},
        )


class MetricQueries:
    """Answers guarded questions about metrics."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        metrics: Metrics,
        clock: Clock,
        meter: Meter,
        pacing: Pacing,
    ) -> None:
        self._store = store
        self._policy = policy
        self._metrics = metrics
        self._clock = clock
        self._meter = meter
        self._pacing = pacing

    async def ask(self, who: Principal, question: MetricQuestion) -> dict[str, Any]:
        """Return the target's answer, or the recorded one when this is a transport retry.

        Raises:
            InterlockError: refused, or the target failed; either is in the timeline.
        """
        must_own(who, question.site)
        values, span = _values(question.params), _span(question.span)
        found = await self._store.glance(lambda tx: scene(tx, question.site, self._clock.now()))
        known = recorded(found.call, question.digest)
        if known is not None:
            return {**json.loads(known.answer), "replayed": True}
        basis = Basis(found)
        try:
            async with at_their_pace(self._pacing, self._policy.current, found):
                return await self._answer(who, self._admit(question, basis, values, span))
        except RefusedError as refused:
            await self._refuse(who, question, basis, refused)
            raise refused.error from None

    def _admit(
        self, question: MetricQuestion, basis: Basis, values: Mapping[str, Any], span: Span
    ) -> _Admitted:
        """Decide first: whoever may not ask is told that, and nothing about the query."""
        policy, now = self._policy.current, self._clock.now()
        target = policy.targets.get(question.target)
        permit = self._decide(question, basis, policy, target)
        if target is None or target.dialect is not Dialect.PROMETHEUS:
            raise RefusedError(_of_another_kind(question, target), _READ)
        limits = basis.found.limits(target)
        try:
            query = understood(question.promql, values)
            asked = resolved(query.text, span, now, target.reach)
            refused = beyond(query.demand, asked, target, limits, now)
        except TelemetryError as error:
            refused = error
        if refused is not None:
            raise RefusedError(_told(refused, question.promql), _READ) from refused
        return _Admitted(question, basis, target, query, asked, limits, permit)

    def _decide(
        self, question: MetricQuestion, basis: Basis, policy: Policy, target: Target | None
    ) -> Permit:
        found = basis.found
        request = Request(found.run.requester, Read(_READ), question.target)
        listed = _listed(manifest_of(found.run), found, question)
        decision = decide(request, policy, found.facts(target, in_manifest=listed))
        basis.note(request, decision, policy)
        match decision:
            case Permit():
                return decision
            case Deny():
                raise RefusedError(denial(decision, self._meter), _READ)
            case AwaitApproval(line):
                message = "A read cannot wait for an approval."
                raise RefusedError(refusal("no-permission", message, line=line), _READ)
            case _:
                assert_never(decision)

    async def _refuse(
        self, who: Principal, question: MetricQuestion, basis: Basis, refused: RefusedError
    ) -> None:
        data = {"target": question.target, "effect": _READ.effect.value, **basis.data}
        asked = Asked(OPERATION, question.digest, data, question.parts)
        self._meter.count("queries", outcome="denied")
        await self._store.commit(
            lambda tx: deny(tx, who, basis.found, question.site, refused.error, asked)
        )

    async def _answer(self, who: Principal, admitted: _Admitted) -> dict[str, Any]:
        opening, target = admitted.opening, admitted.target
        event = await self._store.commit(lambda tx: started(tx, who, opening))
        began = self._clock.monotonic()
        try:
            rows = await self._metrics.evaluate(target, admitted.asked, admitted.limits)
        except TargetError as error:
            problem = refusal(error.code, str(error), line=limit(error.code, target))
            await self._store.commit(lambda tx: failed(tx, who, opening, event, problem))
            self._meter.count("queries", outcome="failed")
            raise problem from error
        self._meter.count("queries", outcome="completed")
        self._meter.observe("query_seconds", self._clock.monotonic() - began)
        return await self._store.commit(lambda tx: completed(tx, who, opening, event, rows))


def _listed(manifest: Manifest | None, found: Scene, question: MetricQuestion) -> bool:
    if manifest is None:
        return True  # an ad-hoc run: reads only, which this is
    return manifest.allows_metrics(
        question.site.step,
        target=question.target,
        promql=question.promql,
        names=sorted(question.params),
        params=params_of(found.run),
    )


def _of_another_kind(question: MetricQuestion, target: Target | None) -> InterlockError:
    dialect = target.dialect.value if target else "nothing that is known"
    return refusal(
        "bad-request",
        f"{question.target} keeps no metrics: it is {dialect}.",
        help="Ask it with `query(target, sql)`, or name a target whose dialect is prometheus.",
    )


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
