"""Breaking the glass: one person, freshly logged in, turns a request that waits into a grant.

The grant is one like any other: the same sealed bytes, used once, decided again when it is used.
What differs is said everywhere: in the row, in two events, to every approver, and in a follow-up
that somebody else must close.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

from interlock.errors import refusal

from interlock_gateway.core.approval import ApprovalState, Refusal
from interlock_gateway.core.approval_rule import ApprovalRule
from interlock_gateway.core.glass import USE_WITHIN_S, may_break, refuse_break, refuse_words
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.approvals import approval_of, expire_if_due
from interlock_gateway.service.ballots import parts_of
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.closing import tell
from interlock_gateway.service.followups import Opening, open_follow_up
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import must_read
from interlock_gateway.service.ports import Meter, PolicySource, Reading, Store, Transaction
from interlock_gateway.service.records import ApprovalRow, BreakRow, PromptRow
from interlock_gateway.service.voting import glass_of, note_refused

_CHANNEL = "web"
"""Where a person must have been shown what they let happen; no other page can break a glass."""


@dataclass(frozen=True, slots=True)
class Breaking:
    """What a person typed, and the digests of what was proposed and shown to them."""

    proposal_digest: str
    prompt_digest: str
    target: str
    reason: str


def still_broken(tx: Reading, row: ApprovalRow, policy: Policy, rule: ApprovalRule) -> bool:
    """Tell whether this approval's own glass was broken by somebody who still may."""
    broken = tx.get(BreakRow, row.id)
    return (
        broken is not None
        and (broken.person, broken.proposal_digest) == (row.broken_by, row.digest)
        and may_break(rule, policy.roles_of(broken.person))
    )


class BreakGlass:
    """Takes the one decision that needs no approver, where policy lets somebody take it."""

    def __init__(self, store: Store, policy: PolicySource, meter: Meter, bell: Bell) -> None:
        self._store = store
        self._policy = policy
        self._meter = meter
        self._bell = bell

    async def break_(self, who: Principal, approval: str, breaking: Breaking) -> ApprovalRow:
        """Turn a request that waits into a grant, or record why not.

        Raises:
            InterlockError: the code says which check refused it.
        """
        if who.run:
            raise refusal("not-a-person", "A run cannot break the glass; only a person can.")

        def unit(tx: Transaction) -> tuple[ApprovalRow, Refusal | None]:
            policy = self._policy.current  # of the moment at which it counts
            must_read(tx, policy, who, approval_of(tx, approval).incident)
            row = expire_if_due(tx, approval)
            refused = _refused(tx, who, row, breaking, policy)
            if refused is not None:
                note_refused(tx, who, row, refused, "glass")
                return row, refused
            return _break(tx, who, row, breaking, policy), None

        row, refused = await self._store.commit(unit)
        self._bell.ring(approval)
        if refused is not None:
            self._meter.count("breaks", outcome=refused.code)
            raise refusal(refused.code, refused.message, line=row.line)
        self._meter.count("breaks", outcome="broken")
        self._meter.count("alarms", kind="glass_broken")
        return row


def _refused(
    tx: Transaction, who: Principal, row: ApprovalRow, breaking: Breaking, policy: Policy
) -> Refusal | None:
    return (
        refuse_break(glass_of(tx, row, policy, who, tx.now), tx.now)
        or _refuse_sight(tx, row, breaking)
        or refuse_words(breaking.reason, breaking.target, row.target)
    )


def _refuse_sight(tx: Reading, row: ApprovalRow, breaking: Breaking) -> Refusal | None:
    """Refuse what names another text than the one that is proposed and was shown on the page."""
    seen = tx.get(PromptRow, row.id, breaking.prompt_digest)
    if breaking.proposal_digest == row.digest and seen is not None and seen.channel == _CHANNEL:
        return None
    return Refusal("approval-changed", "This names another text than the one proposed.")


def _break(
    tx: Transaction, who: Principal, row: ApprovalRow, breaking: Breaking, policy: Policy
) -> ApprovalRow:
    rule = policy.rules[row.rule]
    told = sorted(policy.eligible(rule, parts_of(tx, row.incident), row.requester))
    lasts_s = min(rule.use_within_s, USE_WITHIN_S)
    tx.add(
        BreakRow(
            row.id,
            who.person.id,
            breaking.reason,
            breaking.proposal_digest,
            breaking.prompt_digest,
            tx.now,
        )
    )
    changed = tx.change(
        row,
        state=ApprovalState.APPROVED.value,
        version=row.version + 1,
        decided_at=tx.now,
        grant_expires_at=tx.now + timedelta(seconds=lasts_s),
        broken_by=who.person.id,
    )
    cause = _record(tx, who, row, breaking, told)
    _record_grant(tx, who, row, lasts_s, cause)
    _tell_everybody(tx, who, row, breaking, told)
    open_follow_up(tx, who, _opening(row, who, breaking, cause))
    return changed


def _record(
    tx: Transaction, who: Principal, row: ApprovalRow, breaking: Breaking, told: list[str]
) -> str:
    data = {
        "approval": row.id,
        "person": who.person.id,
        "requester": row.requester,
        "own_request": who.person.id == row.requester,
        "rule": row.rule,
        "operation": row.operation,
        "target": row.target,
        "told": told,
        "proposal_digest": breaking.proposal_digest,
        "prompt_digest": breaking.prompt_digest,
    }
    return tx.append(
        Draft(
            "approval.glass_broken",
            who.authid,
            data,
            {"reason": text_part(breaking.reason)},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def _record_grant(
    tx: Transaction, who: Principal, row: ApprovalRow, lasts_s: int, cause: str
) -> None:
    data = {
        "approval": row.id,
        "by": [who.person.id],
        "break_glass": True,
        "after_s": round((tx.now - row.requested_at).total_seconds(), 3),
        "use_within_s": lasts_s,
    }
    tx.append(
        Draft(
            "approval.approved",
            "system",
            data,
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=cause,
        )
    )


def _tell_everybody(
    tx: Transaction, who: Principal, row: ApprovalRow, breaking: Breaking, told: list[str]
) -> None:
    payload = {
        "person": who.person.id,
        "own_request": who.person.id == row.requester,
        "reason": breaking.reason,
        "incident": row.incident,
        "operation": row.operation,
        "target": row.target,
        "approvers": told,
    }
    tell(tx, "approval.glass_broken", row.id, json.dumps(payload))
    tell(tx, "approval.approved", row.id, json.dumps({"broken_by": who.person.id}))


def _opening(row: ApprovalRow, who: Principal, breaking: Breaking, cause: str) -> Opening:
    text = (
        f"{who.person.id} broke the glass for {row.id} ({row.operation} on {row.target}). Was it "
        f"right, why did no approver answer, and what must change? Their reason: {breaking.reason}"
    )
    return Opening(row.incident, row.id, who.person.id, text, cause)
