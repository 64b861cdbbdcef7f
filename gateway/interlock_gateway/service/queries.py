"""The guarded query: decide, write down, ask the target, write down, answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from interlock import wire
from interlock.errors import InterlockError, problem_from_error, refusal
from interlock.manifest import Manifest

from interlock_gateway.core.decision import AwaitApproval, Deny, Permit, Read, Request, decide
from interlock_gateway.core.limits import MAX_TEXT
from interlock_gateway.core.model import Classification, Effect, Rows, Statement, Target
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import shown_rows, shown_words
from interlock_gateway.core.timeline import Draft, json_part, stamp, text_part
from interlock_gateway.service import refusing
from interlock_gateway.service.basis import Basis
from interlock_gateway.service.calls import (
    COMPLETED,
    FAILED,
    STARTED,
    Asked,
    Scene,
    Site,
    classified,
    delivered,
    denial,
    deny,
    end_call,
    must_own,
    open_call,
    recorded,
    scene,
    statement_parts,
)
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import Clock, Guard, Meter, PolicySource, Store, Transaction
from interlock_gateway.service.runs import manifest_of, params_of
from interlock_gateway.service.targets import Reader, TargetError


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that claims to be a read, for one target."""

    site: Site
    target: str
    sql: str
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    max_rows: int | None = None

    @property
    def digest(self) -> str:
        """The digest that tells two questions at the same place apart."""
        return wire.request_digest(
            "query",
            {
                "target": self.target,
                "sql": self.sql,
                "params": self.params,
                "max_rows": self.max_rows,
            },
        )


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A question that may be asked: everything needed to ask it and to tell of it."""

    question: Question
    basis: Basis
    target: Target
    statement: Statement
    classification: Classification
    permit: Permit

    @property
    def found(self) -> Scene:
        """The scene it is asked in."""
        return self.basis.found


class Queries:
    """Answers guarded queries."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        guard: Guard,
        reader: Reader,
        clock: Clock,
        meter: Meter,
    ) -> None:
        self._store = store
        self._policy = policy
        self._guard = guard
        self._reader = reader
        self._clock = clock
        self._meter = meter

    async def ask(self, who: Principal, question: Question) -> dict[str, Any]:
        """Return the target's answer, or the recorded one when this is a transport retry.

        Raises:
            InterlockError: refused, or the target failed; either is in the timeline.
        """
        must_own(who, question.site)
        _checked(question)
        found = await self._store.glance(lambda tx: scene(tx, question.site, self._clock.now()))
        known = recorded(found.call, question.digest)
        if known is not None:
            return {**json.loads(known.answer), "replayed": True}
        basis = Basis(found)
        try:
            admitted = await self._admitted(question, basis)
        except _RefusedError as refused:
            await self._refuse(who, question, basis, refused)
            raise refused.error from None
        return await self._answer(who, admitted)

    async def _admitted(self, question: Question, basis: Basis) -> _Admitted:
        """Decide; and once more if another policy came into force while the target was asked."""
        while True:
            policy = self._policy.current
            admitted = await self._admit(question, basis, policy)
            if self._policy.current is policy:
                return admitted

    async def _admit(self, question: Question, basis: Basis, policy: Policy) -> _Admitted:
        """Decide twice: the target is asked what its names mean only if it may be asked at all."""
        target = policy.targets.get(question.target)
        statement, classification = await self._classify(question, target)
        if target is None or statement is None:
            self._decide(question, basis, policy, classification)
            raise _RefusedError(refusal("internal", "No decision was reached."), None)
        likely = classification
        if classification.effect is Effect.UNKNOWN:
            likely = replace(classification, effect=Effect.READ, reasons=())
        self._decide(question, basis, policy, likely, told=classification)
        try:
            classification = await self._guard.classify_at(target, statement)
        except InterlockError as error:
            raise _RefusedError(error, classification) from error
        permit = self._decide(question, basis, policy, classification)
        return _Admitted(question, basis, target, statement, classification, permit)

    def _decide(
        self,
        question: Question,
        basis: Basis,
        policy: Policy,
        classification: Classification,
        told: Classification | None = None,
    ) -> Permit:
        """Return the permit, or raise the refusal; `told` is what is recorded with it."""
        found = basis.found
        target, manifest = policy.targets.get(question.target), manifest_of(found.run)
        request = Request(found.run.requester, Read(classification), question.target)
        listed = _listed(manifest, found, question)
        decision = decide(request, policy, found.facts(target, in_manifest=listed))
        basis.note(request, decision, policy)
        told = told or classification
        match decision:
            case Permit():
                return decision
            case Deny():
                error = denial(decision, self._meter)
            case AwaitApproval(line):
                message = "A read cannot wait for an approval; ask for it with `execute`."
                error = refusal("no-permission", message, line=line)
            case _:
                assert_never(decision)
        statement = self._guard.translate(target.dialect, question.sql) if target else None
        raise _RefusedError(refusing.shown(error, request, statement, policy), told)

    async def _classify(
        self, question: Question, target: Target | None
    ) -> tuple[Statement | None, Classification]:
        if target is None:
            return None, _UNCLASSIFIED
        try:
            statement = self._guard.translate(target.dialect, question.sql)
        except InterlockError as error:
            raise _RefusedError(error, None) from error
        missing = set(statement.names) ^ set(question.params)
        if missing:
            names = ", ".join(sorted(missing))
            message = f"The statement's parameters and those given differ: {names}."
            raise _RefusedError(refusal("bad-sql-parameters", message), None)
        return statement, await self._guard.classify(statement)

    async def _refuse(
        self, who: Principal, question: Question, basis: Basis, refused: "_RefusedError"
    ) -> None:
        effect = refused.classification.effect.value if refused.classification else ""
        asked = Asked(
            "query",
            question.digest,
            {"target": question.target, "effect": effect, **basis.data},
            statement_parts(question.sql, question.params, refused.classification),
        )
        self._meter.count("queries", outcome="denied")
        await self._store.commit(
            lambda tx: deny(tx, who, basis.found, question.site, refused.error, asked)
        )

    async def _answer(self, who: Principal, admitted: _Admitted) -> dict[str, Any]:
        event = await self._store.commit(lambda tx: _started(tx, who, admitted))
        began = self._clock.monotonic()
        question, target = admitted.question, admitted.target
        limits = admitted.found.limits(target, rows=question.max_rows)
        try:
            rows = await self._reader.read(target, admitted.statement, question.params, limits)
        except TargetError as error:
            words = shown_words(target, admitted.classification, error.code, str(error))
            problem = refusal(error.code, words, line=_limit(error.code, target))
            await self._store.commit(lambda tx: _failed(tx, who, admitted, event, problem))
            self._meter.count("queries", outcome="failed")
            raise problem from error
        rows = shown_rows(target, admitted.classification, rows)
        self._meter.count("queries", outcome="completed")
        self._meter.observe("query_seconds", self._clock.monotonic() - began)
        return await self._store.commit(lambda tx: _completed(tx, who, admitted, event, rows))


class _RefusedError(Exception):
    """Carries a refusal, and what was proven before it, to where it is written down."""

    def __init__(self, error: InterlockError, classification: Classification | None) -> None:
        super().__init__(error.message)
        self.error = error
        self.classification = classification


_UNCLASSIFIED = Classification(Effect.UNKNOWN, (), "")
"""What is known of a statement for a target that does not exist: nothing."""


def _checked(question: Question) -> None:
    if len(question.sql) > MAX_TEXT:
        raise refusal("bad-request", f"A statement has at most {MAX_TEXT:,} characters.")
    try:
        for typed in question.params.values():
            wire.decode_value(typed)
    except wire.WireError as error:
        raise refusal("bad-sql-parameters", str(error)) from error


def _listed(manifest: Manifest | None, found: Scene, question: Question) -> bool:
    if manifest is None:
        return True  # an ad-hoc run: reads only, which the decision and policy see to
    return manifest.allows(
        question.site.step,
        target=question.target,
        sql=question.sql,
        names=sorted(question.params),
        params=params_of(found.run),
    )


def _limit(code: str, target: Target) -> str:
    """Return the limit behind a target's refusal, as it stands in targets.toml, or ""."""
    limits = target.limits
    if "timeout" in code:
        return f"{target.name}.limits.seconds ({limits.seconds:g})"
    return f"{target.name}.limits.cost ({limits.cost:,.0f})" if code == "outside-limits" else ""


def _draft(kind: str, who: Principal, admitted: _Admitted, cause: str, **more: Any) -> Draft:
    question = admitted.question
    data = {**question.site.data, "target": question.target, **more.pop("data", {})}
    return Draft(
        f"query.{kind}",
        who.authid,
        data,
        more.pop("parts", {}),
        incident=admitted.found.run.incident,
        subject=question.site.name,
        correlationid=question.site.run,
        causationid=cause,
    )


def _started(tx: Transaction, who: Principal, admitted: _Admitted) -> str:
    """Write the intent; if this cannot be written, the target is never touched."""
    question, permit, target = admitted.question, admitted.permit, admitted.target
    data = {
        "tier": target.tier,
        "line": permit.line,
        "policy": permit.policy,
        **classified(admitted.statement, admitted.classification),
        **admitted.basis.data,
    }
    parts = statement_parts(question.sql, question.params, admitted.classification)
    step = admitted.found.step
    cause = step.event if step else ""
    event = tx.append(_draft("started", who, admitted, cause, data=data, parts=parts))
    open_call(tx, question.site, question.digest, "query", state=STARTED, event=event)
    return event


def _failed(
    tx: Transaction, who: Principal, admitted: _Admitted, started: str, problem: InterlockError
) -> None:
    data = {"code": problem.code, "line": problem.line}
    parts = {"message": text_part(problem.message)}
    tx.append(_draft("failed", who, admitted, started, data=data, parts=parts))
    site = admitted.question.site
    end_call(tx, site, FAILED, problem_from_error(problem), opened=started)


def _completed(
    tx: Transaction, who: Principal, admitted: _Admitted, started: str, rows: Rows
) -> dict[str, Any]:
    result = delivered(rows)
    data = {
        "rows": len(rows.rows),
        "columns": len(rows.columns),
        "truncated": rows.truncated,
        "elapsed_ms": round(rows.elapsed_ms, 3),
    }
    parts = {"result": json_part(result)}
    event = tx.append(_draft("completed", who, admitted, started, data=data, parts=parts))
    answer = {
        "call": admitted.question.site.name,
        "event": event,
        **result,
        "truncated": rows.truncated,
        "elapsed_ms": round(rows.elapsed_ms, 3),
        "asked_at": stamp(tx.now),
        "effect": admitted.classification.effect.value,
        "replayed": False,
    }
    end_call(tx, admitted.question.site, COMPLETED, answer, opened=started)
    return answer
