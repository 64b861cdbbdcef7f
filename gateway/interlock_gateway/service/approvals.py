"""Approval requests after they are asked: shown, voted on, withdrawn, expired, waited for.

Eligibility, quorum and clocks are checked inside the unit of work that writes the vote, under
the policy of that moment; the one writer makes every such unit atomic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from interlock.errors import refusal

from interlock_gateway.core import approval as core
from interlock_gateway.core.approval import ApprovalState, Proposal, Refusal
from interlock_gateway.core.approval_rule import ApprovalRule, satisfied
from interlock_gateway.core.glass import refuse_break
from interlock_gateway.core.model import IncidentRole
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.prompt import prompt, prompt_digest
from interlock_gateway.service.ballots import ballot_of, parts_of
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.closing import fall, settle, tell_of
from interlock_gateway.service.identity import Principal, login_of
from interlock_gateway.service.incidents import must_read
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
from interlock_gateway.service.records import ApprovalRow, BreakRow, PromptRow, VoteRow
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.telling import Untold, untold
from interlock_gateway.service.voting import (
    APPROVE,
    DENY,
    cast,
    confirmed_in,
    counting,
    glass_of,
    grant,
    note_refused,
)

RUNNER = "runner"
"""The channel in which a run sees its own requests: no person reads there, or votes on it."""

_BY_VOTE = frozenset({ApprovalState.APPROVED.value, ApprovalState.DENIED.value})
_LONGEST_WAIT_S = 60.0
_LOOKS_EVERY_S = 1.0
"""How often whoever waits looks without having been woken."""

_ENDED_AT_ONCE = 100


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
        approving: why an approval is not taken from this person here, though a denial is, as
            where the rule wants a fresh login in the browser; or None.
        glass: why this person may not break the glass now, or None.
        broken: who broke it and why, or None.
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
    approving: Refusal | None
    glass: Refusal | None
    broken: BreakRow | None
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
        InterlockError: `approval-invalidated`, when the stored bytes were changed, or
            `evidence-redacted`, when they were destroyed.
    """
    if not row.sealed:
        message = f"What {row.id} asked for was redacted."
        raise refusal("evidence-redacted", message, help="The timeline says by whom and why.")
    try:
        content = seal.open(row.sealed, row.id)
        if core.digest(content) == row.digest:
            proposal = core.read(content)
            if _at_its_place(row, proposal):
                return proposal
    except ValueError:
        pass
    raise refusal("approval-invalidated", f"The stored bytes of {row.id} are not what was asked.")


def _at_its_place(row: ApprovalRow, proposal: Proposal) -> bool:
    """Tell whether a row is in the plan, and at the place, that its sealed bytes name."""
    named = proposal.plan
    kept = (named.get("id", ""), named.get("place", 0), named.get("wish", ""))
    return kept == (row.plan, row.place, row.wish)


def quorum(tx: Reading, row: ApprovalRow, policy: Policy, rule: ApprovalRule) -> bool:
    """Tell whether the votes cast are enough, by the roles their people hold at this moment.

    A rule that wants them confirmed in the browser counts those that were, whatever it said when
    they were cast.
    """
    parts = parts_of(tx, row.incident)
    approvals = {
        vote.person: policy.roles_of(vote.person, parts.get(vote.person))
        for vote in counting(tx, row, rule)
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
        redaction: Redaction,
    ) -> None:
        self._redaction = redaction
        self._store = store
        self._policy = policy
        self._seal = seal
        self._clock = clock
        self._meter = meter
        self._bell = bell

    async def show(self, who: Principal, approval: str, channel: str) -> Shown:
        """Return an approval as `who` sees it; what was rendered is recorded first."""
        policy, now = self._policy.current, self._clock.now()
        shown = await self._store.read(
            lambda tx: self.shown(tx, who, approval, channel, policy, now)
        )
        if shown.row.state == ApprovalState.PENDING.value:
            await self._remember(who, shown, channel)
        return shown

    async def wait(self, approval: str, version: int, seconds: float) -> ApprovalRow:
        """Return the approval once its version is above `version`, or time is up, or we stop."""
        ends = self._clock.monotonic() + min(seconds, _LONGEST_WAIT_S)
        while True:
            with self._bell.listen(approval) as rung:
                row = await self._store.read(lambda tx: approval_of(tx, approval))
                left = ends - self._clock.monotonic()
                if row.version > version or left <= 0 or self._bell.silent:
                    return row
                await rung(min(left, _LOOKS_EVERY_S))

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
        must_be_a_vote(who, vote)
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
        observe_decision(self._meter, row)
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
            fall(tx, row, who.authid)
            return settle(tx, row, ApprovalState.WITHDRAWN, who.authid, reason=reason)

        row = await self._store.commit(unit)
        self._bell.ring(approval)
        return row

    async def expire(self) -> int:
        """Expire what nobody decided, or used, in time; return how many there were.

        Of each only the first that are due, so that it costs the same however many wait.
        """

        def due(tx: Reading) -> list[ApprovalRow]:
            now = self._clock.now()
            ends = {
                ApprovalState.PENDING: "expires_at",
                ApprovalState.APPROVED: "grant_expires_at",
            }
            first = [
                tx.rows(ApprovalRow, state=state.value, order=end, limit=_ENDED_AT_ONCE)
                for state, end in ends.items()
            ]
            return [row for rows in first for row in rows if _deadline(row) <= now]

        rows = await self._store.read(due)
        for row in rows:
            await self._store.commit(partial(expire_if_due, approval=row.id))
            self._bell.ring(row.id)
        return len(rows)

    def shown(
        self,
        tx: Reading,
        who: Principal,
        approval: str,
        channel: str,
        policy: Policy,
        now: datetime,
    ) -> Shown:
        """Return an approval as `who` sees it, out of one state of the store."""
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
            approving=core.refuse_approving(ballot, login_of(who, now)),
            glass=refuse_break(glass_of(tx, row, policy, who, now), now),
            broken=tx.get(BreakRow, approval),
            untold=untold(tx, row.id),
        )

    async def _remember(self, who: Principal, shown: Shown, channel: str) -> None:
        """Record a rendering the first time it is shown in a channel."""
        row = shown.row

        def unit(tx: Transaction) -> None:
            prompted(tx, row, who.authid, channel, shown.text, shown.prompt_digest)

        known = await self._store.read(lambda tx: tx.get(PromptRow, row.id, shown.prompt_digest))
        if known is None:
            with await self._redaction.noticing(shown.text):
                await self._store.commit(unit)

    def _vote_unit(
        self, who: Principal, approval: str, vote: Vote
    ) -> Callable[[Transaction], tuple[ApprovalRow, Refusal | None]]:
        def unit(tx: Transaction) -> tuple[ApprovalRow, Refusal | None]:
            policy = self._policy.current  # of the moment at which the vote counts
            row = expire_if_due(tx, approval)
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
            if refused is None and vote.vote == APPROVE:
                refused = core.refuse_approving(ballot, login_of(who, tx.now))
            if refused is not None:
                note_refused(tx, who, row, refused)
                return row, refused
            cast(tx, who, row, cast_by(who, row, vote, tx.now), seen.channel if seen else "")
            return self._counted(tx, who, row, vote, policy), None

        return unit

    def _counted(
        self, tx: Transaction, who: Principal, row: ApprovalRow, vote: Vote, policy: Policy
    ) -> ApprovalRow:
        rule = policy.rules.get(row.rule)
        if vote.vote == DENY:
            return settle(tx, row, ApprovalState.DENIED, who.authid, reason=vote.reason)
        if rule is None or not quorum(tx, row, policy, rule):
            tell_of(tx, "approval.voted", row)
            return tx.change(row, version=row.version + 1)
        return grant(tx, row, rule)


def observe_decision(meter: Meter, row: ApprovalRow) -> None:
    """Record how long a decision took, where the last vote was the one that decided."""
    if row.state in _BY_VOTE and row.decided_at is not None:
        seconds = (row.decided_at - row.requested_at).total_seconds()
        meter.observe("decision_seconds", seconds, outcome=row.state)


def must_be_a_vote(who: Principal, vote: Vote) -> None:
    """Refuse what no person could have meant as a vote.

    Raises:
        InterlockError: `not-a-person` or `bad-request`.
    """
    if who.run:
        raise refusal("not-a-person", "A run cannot vote; only a person can.")
    if vote.vote not in (APPROVE, DENY):
        raise refusal("bad-request", "A vote is approve or deny.")
    if vote.vote == DENY and not vote.reason.strip():
        raise refusal("bad-request", "A denial says why, so that the requester can go on.")


def cast_by(who: Principal, row: ApprovalRow, vote: Vote, now: datetime) -> VoteRow:
    """Return the row of a vote on `row`."""
    seen = vote.proposal_digest, vote.prompt_digest
    confirmed = confirmed_in(who, now)
    return VoteRow(row.id, who.person.id, vote.vote, vote.reason, *seen, now, confirmed)


def _deadline(row: ApprovalRow) -> datetime:
    return row.grant_expires_at or row.expires_at


def expire_if_due(tx: Transaction, approval: str) -> ApprovalRow:
    """Return an approval as it is now: expired, if its time is up."""
    row = approval_of(tx, approval)
    live = row.state in (ApprovalState.PENDING, ApprovalState.APPROVED)
    if not live or tx.now < _deadline(row):
        return row
    late = "nobody decided in time" if row.grant_expires_at is None else "nobody used it in time"
    return settle(tx, row, ApprovalState.EXPIRED, "system", reason=late)
