"""The guarded query: decide, write down, ask the target, write down, answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from interlock import wire
from interlock.errors import InterlockError, refusal
from interlock.manifest import Manifest

from interlock_gateway.core.decision import AwaitApproval, Deny, Permit, Read, Request, decide
from interlock_gateway.core.limits import MAX_TEXT
from interlock_gateway.core.model import Classification, Effect, Statement, Target
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import shown_rows, shown_words
from interlock_gateway.service import refusing
from interlock_gateway.service.basis import Basis
from interlock_gateway.service.calls import (
    Asked,
    Scene,
    Site,
    classified,
    denial,
    deny,
    must_own,
    recorded,
    scene,
    statement_parts,
)
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.ports import Clock, Guard, Meter, PolicySource, Store
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

    @property
    def opening(self) -> Opening:
        """The question as its events tell it."""
        question, step, permit = self.question, self.found.step, self.permit
        return Opening(
            site=question.site,
            digest=question.digest,
            operation="query",
            target=self.target,
            incident=self.found.run.incident,
            cause=step.event if step else "",
            effect=self.classification.effect.value,
            data={
                "tier": self.target.tier,
                "line": permit.line,
                "policy": permit.policy,
                **classified(self.statement, self.classification),
                **self.basis.data,
            },
            parts=statement_parts(question.sql, question.params, self.classification),
            answers={},
        )


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
        pacing: Pacing,
    ) -> None:
        self._store = store
        self._policy = policy
        self._guard = guard
        self._reader = reader
        self._clock = clock
        self._meter = meter
        self._pacing = pacing

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
            async with at_their_pace(self._pacing, self._policy.current, found):
                return await self._answer(who, await self._admitted(question, basis))
        except RefusedError as refused:
            await self._refuse(who, question, basis, refused)
            raise refused.error from None

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
            raise RefusedError(refusal("internal", "No decision was reached."), None)
        likely = classification
        if classification.effect is Effect.UNKNOWN:
            likely = replace(classification, effect=Effect.READ, reasons=())
        self._decide(question, basis, policy, likely, told=classification)
        try:
            classification = await self._guard.classify_at(target, statement)
        except InterlockError as error:
            raise RefusedError(error, classification) from error
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
        raise RefusedError(refusing.shown(error, request, statement, policy), told)

    async def _classify(
        self, question: Question, target: Target | None
    ) -> tuple[Statement | None, Classification]:
        if target is None:
            return None, _UNCLASSIFIED
        try:
            statement = self._guard.translate(target.dialect, question.sql)
        except InterlockError as error:
            raise RefusedError(error, None) from error
        missing = set(statement.names) ^ set(question.params)
        if missing:
            names = ", ".join(sorted(missing))
            message = f"The statement's parameters and those given differ: {names}."
            raise RefusedError(refusal("bad-sql-parameters", message), None)
        return statement, await self._guard.classify(statement)

    async def _refuse(
        self, who: Principal, question: Question, basis: Basis, refused: RefusedError
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
        opening = admitted.opening
        event = await self._store.commit(lambda tx: started(tx, who, opening))
        began = self._clock.monotonic()
        question, target = admitted.question, admitted.target
        limits = admitted.found.limits(target, rows=question.max_rows)
        try:
            rows = await self._reader.read(target, admitted.statement, question.params, limits)
        except TargetError as error:
            words = shown_words(target, admitted.classification, error.code, str(error))
            problem = refusal(error.code, words, line=limit(error.code, target))
            await self._store.commit(lambda tx: failed(tx, who, opening, event, problem))
            self._meter.count("queries", outcome="failed")
            raise problem from error
        rows = shown_rows(target, admitted.classification, rows)
        self._meter.count("queries", outcome="completed")
        self._meter.observe("query_seconds", self._clock.monotonic() - began)
        return await self._store.commit(lambda tx: completed(tx, who, opening, event, rows))


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
