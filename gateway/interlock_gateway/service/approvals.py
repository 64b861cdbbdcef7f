"""Approval requests after they are asked: shown, voted on, withdrawn, expired, waited for.

Eligibility, quorum and clocks are checked inside the unit of work that writes the vote, under
the policy of that moment; the one writer makes every such unit atomic.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from interlock.errors import InterlockError, refusal

from interlock_gateway.core import approval as core
from interlock_gateway.core.approval import ApprovalState, Proposal, Refusal
from interlock_gateway.core.approval_rule import ApprovalRule, satisfied
from interlock_gateway.core.model import IncidentRole
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.prompt import prompt, prompt_digest
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.ballots import ballot_of, parts_of
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.closing import settle, tell
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import book_of, may_read, must_read
from interlock_gateway.service.ports import (
    Clock,
    Meter,
    PolicySource,
    Reading,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.prompting import prompted
from interlock_gateway.service.records import ApprovalRow, PromptRow, VoteRow
from interlock_gateway.service.telling import Untold, untold

APPROVE, DENY = "approve", "deny"
RUNNER = "runner"
"""The channel in which a run sees its own requests: no person reads there, or votes on it."""

_LONGEST_WAIT_S = 60.0
_MOST_SHOWN = 100
_REFUSED_VOTES_RECORDED = 10
_PENDING = ApprovalState.PENDING.value


@dataclass(frozen=True, slots=True)
class Shown:
    """An approval as one person sees it in one channel.

    Attributes:
        row, votes: as stored.
        proposal: what is asked, opened from its sealed bytes.
        text, prompt_digest: exactly what was rendered, and its digest.
        eligible: who may vote now, the requester never among them.
        refusal: why this person may not vote now, or None.
        rule: the rule in force, or None when policy no longer has it.
        untold: what could not be told outside about it yet, or None.
    """

    row: ApprovalRow
    votes: tuple[VoteRow, ...]
    proposal: Proposal
    text: str
    prompt_digest: str
    eligible: frozenset[str]
    refusal: Refusal | None
    rule: ApprovalRule | None
    untold: Untold | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer: it names what was proposed and what they saw."""

    vote: str
    proposal_digest: str
    prompt_digest: str
    reason: str = ""


Along = Callable[[Transaction, Refusal | None], None]
"""What goes into the unit of work of a vote, given why it was refused, if it was."""


def nothing_more(_tx: Transaction, _refused: Refusal | None) -> None:
    """Write nothing beside the vote."""


def approval_of(tx: Reading, approval: str) -> ApprovalRow:
    """Return an approval's row, or refuse with `approval-not-found`."""
    row = tx.get(ApprovalRow, approval)
    if row is None:
        raise refusal("approval-not-found", f"There is no approval {approval!r}.")
    return row


def opened(seal: Seal, row: ApprovalRow) -> Proposal:
    """Return the proposal behind a row, proven to be the one the digest names.

    Raises:
        InterlockError: `approval-invalidated`, when the stored bytes were changed.
    """
    try:
        content = seal.open(row.sealed, row.id)
        if core.digest(content) == row.digest:
            return core.read(content)
    except ValueError:
        pass
    raise refusal("approval-invalidated", f"The stored bytes of {row.id} are not what was asked.")


def quorum(tx: Reading, row: ApprovalRow, policy: Policy, rule: ApprovalRule) -> bool:
    """Tell whether the votes cast are enough, by the roles their people hold at this moment."""
    parts = parts_of(tx, row.incident)
    votes = tx.rows(VoteRow, approval=row.id, vote=APPROVE)
    approvals = {
        vote.person: policy.roles_of(vote.person, parts.get(vote.person)) for vote in votes
    }
    return satisfied(rule, approvals, requester=row.requester)


class Approvals:
    """Shows approval requests and takes votes."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        seal: Seal,
        clock: Clock,
        meter: Meter,
        bell: Bell,
    ) -> None:
        self._store = store
        self._policy = policy
        self._seal = seal
        self._clock = clock
        self._meter = meter
        self._bell = bell

    async def list(self, who: Principal, incident: str = "", state: str = "") -> list[ApprovalRow]:
        """Return the approval requests that `who` may read of, newest first."""
        where = {name: word for name, word in (("incident", incident), ("state", state)) if word}
        policy = self._policy.current

        def question(tx: Reading) -> list[ApprovalRow]:
            found = tx.rows(ApprovalRow, order="-requested_at", limit=500, **where)
            return [row for row in found if may_read(tx, policy, who, row.incident)]

        return await self._store.read(question)

    async def show(self, who: Principal, approval: str, channel: str) -> Shown:
        """Return an approval as `who` sees it; what was rendered is recorded first."""
        policy, now = self._policy.current, self._clock.now()
        shown = await self._store.read(
            lambda tx: self._shown(tx, who, approval, channel, policy, now)
        )
        if shown.row.state == ApprovalState.PENDING.value:
            await self._remember(who, shown, channel)
        return shown

    async def pending(self, who: Principal, channel: str) -> tuple[Shown, ...]:
        """Return what waits for a decision as `who` sees it, the oldest first.

        One whose stored bytes were changed is left out: nobody may vote on it, and it must not
        keep the others from being seen.
        """
        policy, now = self._policy.current, self._clock.now()

        def question(tx: Reading) -> tuple[Shown, ...]:
            rows = tx.rows(ApprovalRow, state=_PENDING, order="requested_at", limit=_MOST_SHOWN)
            shown = []
            for row in rows:
                if may_read(tx, policy, who, row.incident):
                    with suppress(InterlockError):
                        shown.append(self._shown(tx, who, row.id, channel, policy, now))
            return tuple(shown)

        return await self._store.read(question)

    async def wait(self, approval: str, version: int, seconds: float) -> ApprovalRow:
        """Return the approval once its version is above `version`, or time is up, or we stop."""
        ends = self._clock.monotonic() + min(seconds, _LONGEST_WAIT_S)
        while True:
            with self._bell.listen(approval) as rung:
                row = await self._store.read(lambda tx: approval_of(tx, approval))
                left = ends - self._clock.monotonic()
                if row.version > version or left <= 0 or self._bell.silent:
                    return row
                await rung(min(left, 1.0))

    def send_away(self) -> None:
        """Let nobody wait any more: the gateway stops, and a runner asks again by itself."""
        self._bell.silence()

    async def vote(
        self, who: Principal, approval: str, vote: Vote, *, along: Along = nothing_more
    ) -> ApprovalRow:
        """Count a vote, or record why it does not count.

        Args:
            who: who votes.
            approval: on what.
            vote: the answer, and what it was given to.
            along: what is written in the same unit of work, whichever way it goes.

        Raises:
            InterlockError: the code says which check refused it.
        """
        if who.run:
            raise refusal("not-a-person", "A run cannot vote; only a person can.")
        if vote.vote not in (APPROVE, DENY):
            raise refusal("bad-request", "A vote is approve or deny.")
        if vote.vote == DENY and not vote.reason.strip():
            raise refusal("bad-request", "A denial says why, so that the requester can go on.")
        unit = self._vote_unit(who, approval, vote)

        def whole(tx: Transaction) -> tuple[ApprovalRow, Refusal | None]:
            row, refused = unit(tx)
            along(tx, refused)
            return row, refused

        row, refused = await self._store.commit(whole)
        self._bell.ring(approval)
        if refused is not None:
            self._meter.count("votes", outcome=refused.code)
            raise refusal(refused.code, refused.message, line=row.line)
        self._meter.count("votes", outcome=vote.vote)
        return row

    async def withdraw(self, who: Principal, approval: str, reason: str) -> ApprovalRow:
        """Take a request back: its requester or the commander may, until it is used."""

        def unit(tx: Transaction) -> ApprovalRow:
            row = approval_of(tx, approval)
            commander = parts_of(tx, row.incident).get(who.person.id) is IncidentRole.COMMANDER
            if who.run or (who.person.id != row.requester and not commander):
                raise refusal("no-permission", "Only the requester or the commander may withdraw.")
            if row.state not in (ApprovalState.PENDING, ApprovalState.APPROVED):
                raise refusal("approval-decided", f"{approval} is {row.state} already.")
            return settle(tx, row, ApprovalState.WITHDRAWN, who.authid, reason=reason)

        row = await self._store.commit(unit)
        self._bell.ring(approval)
        return row

    async def expire(self) -> int:
        """Expire what nobody decided, or used, in time; return how many there were."""

        def due(tx: Reading) -> list[ApprovalRow]:
            now = self._clock.now()
            live = (ApprovalState.PENDING.value, ApprovalState.APPROVED.value)
            return [row for row in tx.rows(ApprovalRow, state=live) if _deadline(row) <= now]

        rows = await self._store.read(due)
        for row in rows:
            await self._store.commit(partial(_expire_if_due, approval=row.id))
            self._bell.ring(row.id)
        return len(rows)

    def _shown(
        self,
        tx: Reading,
        who: Principal,
        approval: str,
        channel: str,
        policy: Policy,
        now: datetime,
    ) -> Shown:
        row = approval_of(tx, approval)
        must_read(tx, policy, who, row.incident)
        proposal = opened(self._seal, row)
        text = prompt(proposal, row.id, channel)
        rule = policy.rules.get(row.rule)
        votes = tuple(tx.rows(VoteRow, approval=approval, order="at"))
        ballot = ballot_of(tx, row, votes, policy)
        seen = row.digest
        return Shown(
            row=row,
            votes=votes,
            proposal=proposal,
            text=text,
            prompt_digest=prompt_digest(text),
            eligible=ballot.eligible,
            refusal=core.refuse_vote(ballot, who.person.id, seen=seen, prompted=True, now=now),
            rule=rule,
            untold=untold(tx, row.id),
        )

    async def _remember(self, who: Principal, shown: Shown, channel: str) -> None:
        """Record a rendering the first time it is shown in a channel."""
        row = shown.row

        def unit(tx: Transaction) -> None:
            prompted(tx, row, who.authid, channel, shown.text, shown.prompt_digest)

        known = await self._store.read(lambda tx: tx.get(PromptRow, row.id, shown.prompt_digest))
        if known is None:
            await self._store.commit(unit)

    def _vote_unit(
        self, who: Principal, approval: str, vote: Vote
    ) -> Callable[[Transaction], tuple[ApprovalRow, Refusal | None]]:
        def unit(tx: Transaction) -> tuple[ApprovalRow, Refusal | None]:
            policy = self._policy.current  # of the moment at which the vote counts
            row = _expire_if_due(tx, approval)
            votes = tuple(tx.rows(VoteRow, approval=approval))
            ballot = ballot_of(tx, row, votes, policy)
            seen = tx.get(PromptRow, approval, vote.prompt_digest)
            refused = core.refuse_vote(
                ballot,
                who.person.id,
                seen=vote.proposal_digest,
                prompted=seen is not None and seen.channel != RUNNER,
                now=tx.now,
            )
            if refused is not None:
                _vote_refused(tx, who, row, refused)
                return row, refused
            _cast(tx, who, row, vote, seen.channel if seen else "")
            return self._counted(tx, who, row, vote, policy), None

        return unit

    def _counted(
        self, tx: Transaction, who: Principal, row: ApprovalRow, vote: Vote, policy: Policy
    ) -> ApprovalRow:
        rule = policy.rules.get(row.rule)
        if vote.vote == DENY:
            return settle(tx, row, ApprovalState.DENIED, who.authid, reason=vote.reason)
        if rule is None or not quorum(tx, row, policy, rule):
            tell(tx, "approval.voted", row.id)
            return tx.change(row, version=row.version + 1)
        return _grant(tx, row, rule)


def _cast(tx: Transaction, who: Principal, row: ApprovalRow, vote: Vote, channel: str) -> None:
    tx.add(
        VoteRow(
            row.id,
            who.person.id,
            vote.vote,
            vote.reason,
            vote.proposal_digest,
            vote.prompt_digest,
            tx.now,
        )
    )
    tx.append(
        Draft(
            "approval.voted",
            who.authid,
            {
                "approval": row.id,
                "person": who.person.id,
                "vote": vote.vote,
                "channel": channel,
                "proposal_digest": vote.proposal_digest,
                "prompt_digest": vote.prompt_digest,
            },
            {"reason": text_part(vote.reason)} if vote.reason else {},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def _vote_refused(tx: Transaction, who: Principal, row: ApprovalRow, refused: Refusal) -> None:
    """Record a refused vote; a person who goes on and on cannot fill the journal."""
    if tx.number(f"refused votes of {who.person.id} on {row.id}") > _REFUSED_VOTES_RECORDED:
        return
    tx.append(
        Draft(
            "approval.vote_refused",
            who.authid,
            {"approval": row.id, "person": who.person.id, "code": refused.code},
            {"message": text_part(refused.message)},
            incident=book_of(tx, row.incident),
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def _grant(tx: Transaction, row: ApprovalRow, rule: ApprovalRule) -> ApprovalRow:
    """Turn a satisfied request into a grant, which works once and not for long."""
    expires = tx.now + timedelta(seconds=rule.use_within_s)
    people = [vote.person for vote in tx.rows(VoteRow, approval=row.id, vote=APPROVE, order="at")]
    changed = tx.change(
        row,
        state=ApprovalState.APPROVED.value,
        version=row.version + 1,
        decided_at=tx.now,
        grant_expires_at=expires,
    )
    tx.append(
        Draft(
            "approval.approved",
            "system",
            {
                "approval": row.id,
                "by": people,
                "after_s": round((tx.now - row.requested_at).total_seconds(), 3),
                "use_within_s": rule.use_within_s,
            },
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )
    tell(tx, "approval.approved", row.id)
    return changed


def _deadline(row: ApprovalRow) -> datetime:
    return row.grant_expires_at or row.expires_at


def _expire_if_due(tx: Transaction, approval: str) -> ApprovalRow:
    row = approval_of(tx, approval)
    live = row.state in (ApprovalState.PENDING, ApprovalState.APPROVED)
    if not live or tx.now < _deadline(row):
        return row
    late = "nobody decided in time" if row.grant_expires_at is None else "nobody used it in time"
    return settle(tx, row, ApprovalState.EXPIRED, "system", reason=late)
