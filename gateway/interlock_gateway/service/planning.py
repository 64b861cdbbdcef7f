"""Asking for several actions at once: each is looked at as if it were alone, then all or none.

A plan is one call of its run. What is refused of one member is refused of the plan, and named.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.errors import InterlockError, problem_from_error, refusal

from interlock_gateway.core.approval import Proposal, plan_digest
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, stamp, text_part
from interlock_gateway.service.asking import given_up, intended, row_of, write
from interlock_gateway.service.basis import Basis
from interlock_gateway.service.calls import (
    AWAITING,
    COMPLETED,
    FAILED,
    STARTED,
    Asked,
    Scene,
    deny,
    must_own,
    open_call,
    recorded,
    scene,
)
from interlock_gateway.service.closing import tell
from interlock_gateway.service.drafting import Membership, Ready, Whole, drafted
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.pacing import Pacing
from interlock_gateway.service.planned import same_plan, take_up_plan
from interlock_gateway.service.ports import (
    Clock,
    PolicySource,
    Randomness,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.proposals import Proposals, again, must_count, must_not_repeat
from interlock_gateway.service.records import ApprovalRow, CallRow, PlanRow
from interlock_gateway.service.rehearsal import PREVIEWED, shown
from interlock_gateway.service.runs import PREVIEW
from interlock_gateway.service.wishes import PLAN, PlanWish, check_plan


@dataclass(frozen=True, slots=True)
class _Member:
    """One action of a plan, with the event of its intent and what a read showed of it."""

    ready: Ready
    event: str = ""
    preview: Mapping[str, Any] | None = None


class _RefusedError(Exception):
    """Why a plan is refused, told of the member because of which it is."""

    def __init__(self, error: InterlockError, place: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.place = place


class Planning:
    """Turns several wishes into approval requests that are decided as one."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        proposals: Proposals,
        seal: Seal,
        clock: Clock,
        randomness: Randomness,
        pacing: Pacing,
    ) -> None:
        self._store = store
        self._policy = policy
        self._proposals = proposals
        self._seal = seal
        self._clock = clock
        self._randomness = randomness
        self._pacing = pacing

    async def ask(self, who: Principal, plan: PlanWish) -> tuple[str, dict[str, Any] | None]:
        """Return (plan id, outcome); in a dry run there is no plan, and the outcome shows all.

        Raises:
            InterlockError: one member is refused, so nothing is asked for; the message names it.
        """
        must_own(who, plan.site)
        check_plan(plan)
        for wish in plan.members:
            self._proposals.must_hold_no_secret(wish)
        found = await self._store.glance(lambda tx: scene(tx, plan.site, self._clock.now()))
        known = recorded(found.call, plan.digest)
        if known is not None:
            return known.approval, again(known)
        if await self._store.read(lambda tx: same_plan(tx, found, plan)) is not None and (
            taken := await self._store.commit(lambda tx: take_up_plan(tx, who, plan))
        ):
            return taken, None
        ready = await self._admitted(who, plan, found)
        members = await self._store.commit(lambda tx: _requested(tx, who, plan, ready))
        try:
            seen = await self._looked(plan, members)
            if found.run.actions == PREVIEW:
                return "", await self._store.commit(lambda tx: _rehearsed(tx, who, plan, seen))
            return await self._propose(who, plan, seen), None
        except _RefusedError as refused:
            why = refused  # the name ends with the block
            await self._store.commit(lambda tx: _abandoned(tx, who, plan, members, why))
            raise refused.error from None

    async def _admitted(self, who: Principal, plan: PlanWish, found: Scene) -> list[Ready]:
        """Let policy decide about every member, or record which one is refused, and why."""
        bases = [Basis(found) for _ in plan.members]
        policy = self._policy.current
        try:
            async with self._pacing.caller(policy.callers, found.run.requester, found.run.id):
                ready = [
                    await self._admit(plan, place, basis, policy)
                    for place, basis in enumerate(bases, start=1)
                ]
            _somebody_can_vote(policy, ready)
        except (_RefusedError, InterlockError) as refused:
            why = refused if isinstance(refused, _RefusedError) else _RefusedError(refused, 1)
            asked = _asked(plan, why.place, bases[why.place - 1])
            await self._store.commit(lambda tx: deny(tx, who, found, plan.site, why.error, asked))
            raise why.error from None
        return ready

    async def _admit(self, plan: PlanWish, place: int, basis: Basis, policy: Policy) -> Ready:
        wish = plan.members[place - 1]
        try:
            ready = await self._proposals.admit(wish, basis, policy)
        except InterlockError as error:
            raise _named(error, plan, place) from error
        return replace(ready, member=Membership(place, len(plan.members)))

    async def _looked(self, plan: PlanWish, members: Sequence[_Member]) -> list[_Member]:
        """Return the members with what reads show now, before any of them has run."""
        seen = []
        for place, member in enumerate(members, start=1):
            try:
                ready, preview = await self._proposals.look(member.ready)
                must_count(ready, preview)
            except InterlockError as error:
                raise _named(error, plan, place) from error
            seen.append(replace(member, ready=ready, preview=preview))
        return seen

    async def _propose(self, who: Principal, plan: PlanWish, seen: Sequence[_Member]) -> str:
        nonces = [self._randomness.secret() for _ in seen]
        within_s = min(member.ready.decision.rule.decide_within_s for member in seen)

        def unit(tx: Transaction) -> str:
            _must_not_repeat(tx, plan, seen)
            whole = Whole(f"P-{tx.number('plan')}", plan.reason, within_s)
            asked = []
            for member, nonce in zip(seen, nonces, strict=True):
                proposal = drafted(member.ready, member.preview or {}, tx.now, nonce, whole)
                number = tx.number("approval")
                row = row_of(member.ready, proposal, self._seal, number, member.event)
                asked.append((member.ready, proposal, row))
            return _written(tx, who, plan, asked)

        return await self._store.commit(unit)


def _asked(plan: PlanWish, place: int, basis: Basis) -> Asked:
    """Return what was asked of the member that is refused, as the call of the whole plan."""
    asked = plan.members[place - 1].asked_on(basis.data)
    member = Membership(place, len(plan.members))
    return Asked(PLAN, plan.digest, {**member.data, **asked.data}, asked.parts)


def _named(error: InterlockError, plan: PlanWish, place: int) -> _RefusedError:
    """Say of which member a refusal is; the rest of its words stay."""
    wish = plan.members[place - 1]
    which = f"{place} of {len(plan.members)} ({wish.operation} on {wish.target})"
    message = f"Nothing of this plan is asked for, because of {which}: {error.message}"
    named = refusal(error.code, message, line=error.line, help=error.help, excerpt=error.excerpt)
    return _RefusedError(named, place)


def _somebody_can_vote(policy: Policy, ready: Sequence[Ready]) -> None:
    """Refuse now what nobody could vote on as a whole, instead of letting it wait in vain."""
    rules = {one.decision.rule.name: one.decision.rule for one in ready}
    requester = ready[0].found.run.requester
    if not policy.approvable_together(list(rules.values()), requester):
        needed = "; ".join(
            f"{one.wish.operation} needs {one.decision.rule.needs}" for one in ready
        )
        raise refusal(
            "no-approvers",
            f"Nobody could vote on all of this plan: {needed}; not {requester}.",
            line=ready[0].decision.rule.place,
            help="Ask for what other people decide on apart.",
        )


def _requested(
    tx: Transaction, who: Principal, plan: PlanWish, ready: Sequence[Ready]
) -> list[_Member]:
    """Write every intent; if this cannot be written, not even a preview is read."""
    members = [_Member(one, intended(tx, who, one)) for one in ready]
    open_call(tx, plan.site, plan.digest, PLAN, state=STARTED, event=members[0].event)
    return members


def _abandoned(
    tx: Transaction,
    who: Principal,
    plan: PlanWish,
    members: Sequence[_Member],
    refused: _RefusedError,
) -> None:
    member = members[refused.place - 1]
    given_up(tx, who, member.ready, member.event, refused.error)
    call = _reopened(tx, plan, members)
    problem = problem_from_error(refused.error)
    tx.change(call, state=FAILED, answer=json.dumps(problem).encode())


def _reopened(tx: Transaction, plan: PlanWish, members: Sequence[_Member]) -> CallRow:
    event = members[0].event
    return open_call(tx, plan.site, plan.digest, PLAN, state=STARTED, event=event)


def _must_not_repeat(tx: Transaction, plan: PlanWish, seen: Sequence[_Member]) -> None:
    """Refuse what is under way, is asked for twice in the plan, or would be used too often."""
    keys: list[str] = []
    before: list[tuple[str, str]] = []
    for place, member in enumerate(seen, start=1):
        ready = member.ready
        use = (ready.wish.operation, ready.wish.target)
        try:
            _must_be_new(ready.design.key, keys)
            must_not_repeat(tx, ready, planned=before.count(use))
        except InterlockError as error:
            raise _named(error, plan, place) from error
        keys.append(ready.design.key)
        before.append(use)


def _must_be_new(key: str, keys: Sequence[str]) -> None:
    if key in keys:
        message = f"It is the same thing as {keys.index(key) + 1}, and a grant works once."
        raise refusal("idempotency-conflict", message, help="Ask for it once.")


def _rehearsed(
    tx: Transaction, who: Principal, plan: PlanWish, seen: Sequence[_Member]
) -> dict[str, Any]:
    """Write down what approvers would have been shown of each, and return it."""
    _must_not_repeat(tx, plan, seen)
    told = [shown(tx, who, one.ready, one.event, one.preview or {}) for one in seen]
    answer = {"plan": "", "state": PREVIEWED, "members": told, "replayed": False}
    call = _reopened(tx, plan, seen)
    tx.change(call, state=COMPLETED, answer=json.dumps(answer).encode())
    return answer


def _written(
    tx: Transaction,
    who: Principal,
    plan: PlanWish,
    asked: Sequence[tuple[Ready, Proposal, ApprovalRow]],
) -> str:
    """Write the plan, then its members; people are told of it once, as a whole."""
    rows = [row for _, _, row in asked]
    whole = _row(plan, rows)
    event = tx.append(_draft(who, plan, whole, rows))
    tx.add(replace(whole, event=event))
    for ready, proposal, row in asked:
        write(tx, who, ready, proposal, row)
    call = open_call(tx, plan.site, plan.digest, PLAN, state=AWAITING, event=event)
    tx.change(call, approval=whole.id)
    tell(tx, "approval.requested", whole.id, json.dumps({"plan": whole.id, "size": whole.size}))
    return whole.id


def _row(plan: PlanWish, rows: Sequence[ApprovalRow]) -> PlanRow:
    first = rows[0]
    return PlanRow(
        id=first.plan,
        incident=first.incident,
        run=plan.site.run,
        step=plan.site.step,
        attempt=plan.site.attempt,
        ordinal=plan.site.ordinal,
        requester=first.requester,
        size=len(rows),
        digest=plan_digest(first.plan, [row.digest for row in rows]),
        requested_at=first.requested_at,
        expires_at=first.expires_at,
        event="",
    )


def _draft(who: Principal, plan: PlanWish, whole: PlanRow, rows: Sequence[ApprovalRow]) -> Draft:
    return Draft(
        "plan.requested",
        who.authid,
        {
            "plan": whole.id,
            **plan.site.data,
            "plan_size": whole.size,
            "plan_digest": whole.digest,
            "approvals": [row.id for row in rows],
            "requester": whole.requester,
            "expires_at": stamp(whole.expires_at),
        },
        {"reason": text_part(plan.reason)},
        incident=whole.incident,
        subject=whole.id,
        correlationid=whole.id,
        causationid=rows[0].event,
    )
