"""Drills: the approvers of each rule are asked the real way, about nothing.

The question, its cards, the votes and the quorum are those of any approval. Only what is asked
differs: it has no target. This use case knows no reader and no actor, so whatever is voted there
is nothing it could do; `Execution`, which knows both, refuses a drill at its door.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.approval import (
    LIVE,
    ApprovalState,
    canonical,
    digest,
    refuse_use,
)
from interlock_gateway.core.approval_rule import ApprovalRule
from interlock_gateway.core.drill import LINE, OPERATION, TITLE, Occasion, is_drill, proposed
from interlock_gateway.core.model import IncidentRole, IncidentState, Severity
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.strict import nearest
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.approvals import approval_of, opened, quorum
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.closing import close_approvals, settle, tell
from interlock_gateway.service.drill_report import Report, drill_of, fillable, report_of
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import must_read
from interlock_gateway.service.outcomes import event_of
from interlock_gateway.service.ports import (
    ConflictError,
    PolicySource,
    Randomness,
    Reading,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.records import ApprovalRow, IncidentRow, MemberRow
from interlock_gateway.service.stewards import Stewards

LEAST, MOST = timedelta(seconds=30), timedelta(hours=1)
"""How long approvers may be given."""

_MOST_AN_HOUR = 6
_APPROVED = ApprovalState.APPROVED.value


@dataclass(frozen=True, slots=True)
class DrillWish:
    """What somebody wants to practise.

    Attributes:
        rule: this rule alone, or "" for all.
        commander: who leads the drill, for rules that need a commander; "" for nobody.
        within: how long approvers have.
    """

    rule: str = ""
    commander: str = ""
    within: timedelta = timedelta(minutes=10)


class Drills:
    """Starts drills, ends them, and tells how they went."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        seal: Seal,
        randomness: Randomness,
        bell: Bell,
        stewards: Stewards,
    ) -> None:
        self._store = store
        self._policy = policy
        self._seal = seal
        self._randomness = randomness
        self._bell = bell
        self._stewards = stewards

    async def begin(self, who: Principal, wish: DrillWish) -> str:
        """Ask the approvers of each rule to show that they can; return the drill's incident.

        Raises:
            InterlockError: `no-permission`, `incident-state` while another drill goes on,
                `too-many-calls`, `bad-request`.
        """
        self._stewards.must_have(who, "start a drill")
        policy = self._policy.current
        rules = _chosen(policy, wish)
        _check(policy, who, wish)
        nonces = [self._randomness.secret() for _ in rules]

        def unit(tx: Transaction) -> str:
            _not_too_often(tx)
            incident = _declared(tx, who, wish, nonces[0])
            for rule, nonce in zip(rules, nonces, strict=True):
                at = Occasion(incident, who.person.id, tx.now, wish.within, nonce)
                row = self._asked(tx, who, rule, at)
                if not fillable(tx, policy, rule, row):
                    _leave(tx, row, rule)
                else:
                    tell(tx, "approval.requested", row.id)
            return incident

        return await self._store.commit(unit)

    async def report(self, who: Principal, incident: str) -> Report:
        """Return how a drill goes, or went."""
        policy = self._policy.current

        def question(tx: Reading) -> Report:
            must_read(tx, policy, who, incident)
            return report_of(tx, policy, drill_of(tx, incident))

        return await self._store.read(question)

    async def end(self, who: Principal, incident: str) -> None:
        """End a drill before its time; whoever may start one may.

        Raises:
            InterlockError: `no-permission`, `incident-not-found`.
        """
        self._stewards.must_have(who, "end a drill")

        def unit(tx: Transaction) -> list[str]:
            row = drill_of(tx, incident)
            waiting = tx.rows(ApprovalRow, incident=incident, state=tuple(LIVE))
            if row.state == IncidentState.OPEN.value:
                close_approvals(tx, who.authid, "the drill was ended", incident=incident)
                _close(tx, row, who.authid, "it was ended before its time")
            return [each.id for each in waiting]

        for name in await self._store.commit(unit):
            self._bell.ring(name)

    async def sweep(self) -> int:
        """Carry on what people voted, and close what is over; return how much there was.

        What another gateway does at the same moment is left to it.
        """
        due = await self._store.read(_due)
        for name in due.approved:
            with suppress(ConflictError):
                await self._store.commit(partial(self._finished, name=name))
            self._bell.ring(name)
        for name in due.over:
            with suppress(ConflictError):
                await self._store.commit(partial(_close_if_over, incident=name))
        return len(due.approved) + len(due.over)

    def _asked(
        self, tx: Transaction, who: Principal, rule: ApprovalRule, at: Occasion
    ) -> ApprovalRow:
        proposal = proposed(rule, at)
        content, number = canonical(proposal), tx.number("approval")
        name = f"A-{number}"
        event = tx.append(_question(who, rule, name, at, digest(content), proposal.expires_at))
        row = ApprovalRow(
            id=name,
            incident=at.incident,
            run="",
            step="",
            attempt=0,
            ordinal=0,
            requester=who.person.id,
            target="",
            operation=OPERATION,
            effect=proposal.effect,
            rule=rule.name,
            line=LINE,
            state=ApprovalState.PENDING.value,
            version=1,
            digest=digest(content),
            sealed=self._seal.close(content, name),
            idempotency_key=f"drill {at.incident} {rule.name}",
            requested_at=tx.now,
            expires_at=tx.now + min(at.within, timedelta(seconds=rule.decide_within_s)),
            event=event,
        )
        tx.add(row)
        return row

    def _finished(self, tx: Transaction, name: str) -> None:
        """Use up what was approved in a drill: by doing nothing, and saying so."""
        row = approval_of(tx, name)
        if refuse_use(ApprovalState(row.state), row.grant_expires_at, tx.now) is not None:
            return
        why_not = self._why_not(tx, row)
        if why_not:
            settle(tx, row, ApprovalState.INVALIDATED, "system", reason=why_not)
            return
        begun = tx.change(
            row,
            state=ApprovalState.EXECUTING.value,
            version=row.version + 1,
            started_at=tx.now,
        )
        tx.append(event_of(begun, "system", "started", {"proposal_digest": row.digest}, {}))
        _succeeded(tx, begun)

    def _why_not(self, tx: Transaction, row: ApprovalRow) -> str:
        """Return why something that is called a drill is not carried on, or ""."""
        incident = tx.get(IncidentRow, row.incident)
        try:
            proposal = opened(self._seal, row)
        except InterlockError as error:  # one that was tampered with keeps nothing else waiting
            return error.message
        if incident is None or not incident.drill or not is_drill(proposal):
            return "it is called a drill, and is none"
        policy = self._policy.current
        rule = policy.rules.get(row.rule)
        if rule is None or not quorum(tx, row, policy, rule):
            return "the votes no longer suffice"
        return ""


@dataclass(frozen=True, slots=True)
class _Due:
    approved: Sequence[str]
    over: Sequence[str]


def _due(tx: Reading) -> _Due:
    approved = [
        row.id for row in tx.rows(ApprovalRow, state=_APPROVED) if row.operation == OPERATION
    ]
    drills = tx.rows(IncidentRow, state=IncidentState.OPEN.value, drill=1)
    over = [row.id for row in drills if not tx.count(ApprovalRow, incident=row.id, state=_LIVE)]
    return _Due(approved, over)


_LIVE = tuple(state.value for state in sorted(LIVE))


def _chosen(policy: Policy, wish: DrillWish) -> list[ApprovalRule]:
    if not wish.rule:
        if not policy.rules:
            raise refusal("bad-request", "There is no approval rule to practise.")
        return list(policy.rules.values())
    if wish.rule not in policy.rules:
        known = nearest(wish.rule, policy.rules)
        raise refusal("bad-request", f"There is no approval rule {wish.rule!r}{known}")
    return [policy.rules[wish.rule]]


def _check(policy: Policy, who: Principal, wish: DrillWish) -> None:
    if not LEAST <= wish.within <= MOST:
        raise refusal("bad-request", "A drill lasts from 30 seconds to an hour.")
    if wish.commander == who.person.id:
        raise refusal("bad-request", "You ask, so you never count: name another commander.")
    if wish.commander and not policy.roles_of(wish.commander):
        raise refusal("bad-request", f"Nobody here is called {wish.commander!r}.")


def _not_too_often(tx: Transaction) -> None:
    under_way = tx.rows(IncidentRow, state=IncidentState.OPEN.value, drill=1)
    if under_way:
        message = f"{under_way[0].id} is a drill and still open; one at a time."
        raise refusal("incident-state", message, line=under_way[0].id)
    hour = int(tx.now.timestamp()) // 3600
    if tx.number(f"drills in hour {hour}") > _MOST_AN_HOUR:
        message = f"There were {_MOST_AN_HOUR} drills this hour; people stop to look at more."
        raise refusal("too-many-calls", message, line=f"drills an hour ({_MOST_AN_HOUR})")


def _declared(tx: Transaction, who: Principal, wish: DrillWish, nonce: str) -> str:
    incident, level = f"INC-{tx.number('incident')}", Severity.SEV4.value
    key, state = f"drill {nonce}", IncidentState.OPEN.value
    tx.add(IncidentRow(incident, TITLE, level, state, who.person.id, tx.now, key, drill=1))
    data = {"severity": level, "drill": True}
    parts = {"title": text_part(TITLE)}
    tx.append(Draft("incident.declared", who.authid, data, parts, incident=incident))
    _joins(tx, who, incident, who.person.id, IncidentRole.RESPONDER)
    if wish.commander:
        _joins(tx, who, incident, wish.commander, IncidentRole.COMMANDER)
    return incident


def _joins(
    tx: Transaction, who: Principal, incident: str, person: str, role: IncidentRole
) -> None:
    tx.add(MemberRow(incident, person, role.value))
    data = {"person": person, "role": role.value}
    tx.append(Draft("incident.role_assigned", who.authid, data, incident=incident))


def _question(
    who: Principal, rule: ApprovalRule, name: str, at: Occasion, digest_: str, expires_at: str
) -> Draft:
    data = {
        "approval": name,
        "proposal_digest": digest_,
        "rule": rule.name,
        "needs": rule.needs,
        "line": LINE,
        "operation": OPERATION,
        "effect": "none",
        "drill": True,
        "requester": at.requester,
        "expires_at": expires_at,
    }
    return Draft(
        "approval.requested",
        who.authid,
        data,
        incident=at.incident,
        subject=name,
        correlationid=name,
    )


def _leave(tx: Transaction, row: ApprovalRow, rule: ApprovalRule) -> None:
    """Ask nobody what nobody could fill; the report says so."""
    reason = f"nobody could fill it: it needs {rule.needs}, and not {row.requester}"
    state = ApprovalState.INVALIDATED.value
    tx.change(
        row, state=state, version=2, decided_at=tx.now, ended_at=tx.now, closing_reason=reason
    )
    parts = {"reason": text_part(reason)}
    data: Mapping[str, object] = {"approval": row.id, "after_s": 0.0}
    tx.append(
        Draft(
            "approval.invalidated",
            "system",
            dict(data),
            parts,
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def _succeeded(tx: Transaction, row: ApprovalRow) -> None:
    """Record that nothing was done, as an outcome: state, event and what is told outside."""
    answer = b'{"answer": {"affected": 0, "state": "succeeded", "drill": true}}'
    tx.change(
        row,
        state=ApprovalState.SUCCEEDED.value,
        version=row.version + 1,
        ended_at=tx.now,
        outcome=answer,
    )
    data = {"affected": 0, "elapsed_ms": 0.0, "verified": None, "drill": True}
    tx.append(event_of(row, "system", "succeeded", data, {}))
    tell(tx, "action.succeeded", row.id)


def _close_if_over(tx: Transaction, incident: str) -> None:
    row = drill_of(tx, incident)
    over = not tx.count(ApprovalRow, incident=incident, state=_LIVE)
    if row.state == IncidentState.OPEN.value and over:
        _close(tx, row, "system", "every question of the drill is answered or expired")


def _close(tx: Transaction, row: IncidentRow, authid: str, reason: str) -> None:
    tx.change(row, state=IncidentState.CLOSED.value, closed_at=tx.now)
    parts = {"reason": text_part(reason)}
    tx.append(Draft("incident.closed", authid, {}, parts, incident=row.id))
