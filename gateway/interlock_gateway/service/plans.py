"""Plans after they are asked for: shown, voted on, withdrawn, waited for, each as a whole.

One vote is a vote on every member, in one unit of work. Each member keeps its own rule and quorum;
the members are granted together, once all of them have theirs, and denied together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from interlock.errors import refusal

from interlock_gateway.core import approval as core
from interlock_gateway.core.approval import ApprovalState, Refusal, plan_state
from interlock_gateway.core.model import IncidentRole
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.prompt import plan_prompt, prompt_digest
from interlock_gateway.service.approvals import (
    RUNNER,
    Along,
    Approvals,
    Shown,
    Vote,
    expire_if_due,
    must_be_a_vote,
    nothing_more,
    observe_decision,
    quorum,
)
from interlock_gateway.service.ballots import ballot_of, parts_of
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.closing import settle, tell
from interlock_gateway.service.identity import Principal, login_of
from interlock_gateway.service.incidents import must_read
from interlock_gateway.service.planned import members_of, plan_of
from interlock_gateway.service.ports import (
    Clock,
    Meter,
    PolicySource,
    Reading,
    Store,
    Transaction,
)
from interlock_gateway.service.prompting import prompted
from interlock_gateway.service.records import ApprovalRow, PlanRow, PromptRow, VoteRow
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.voting import (
    APPROVE,
    DENY,
    cast,
    confirmed_in,
    grant,
    note_refused,
)

_LONGEST_WAIT_S = 60.0
_MOST_SHOWN = 50
_LIVE = (ApprovalState.PENDING, ApprovalState.APPROVED)


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan as one person sees it in one channel.

    Attributes:
        row: as stored.
        members: each as it would be seen alone, in their order.
        votes: those on the whole.
        text, prompt_digest: exactly what was rendered, and its digest.
        eligible: who may vote now: those who may on every member.
        refusal: why this person may not vote now, or None.
        approving: why this person may not approve just now, though they may vote, or None.
    """

    row: PlanRow
    members: tuple[Shown, ...]
    votes: tuple[VoteRow, ...]
    text: str
    prompt_digest: str
    eligible: frozenset[str]
    refusal: Refusal | None
    approving: Refusal | None

    @property
    def state(self) -> str:
        """The state that all members share, or `mixed`."""
        return plan_state([ApprovalState(member.row.state) for member in self.members])

    @property
    def version(self) -> int:
        """A number that grows whenever one of the members changes."""
        return sum(member.row.version for member in self.members)


class Plans:
    """Shows plans and takes votes on them."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        approvals: Approvals,
        clock: Clock,
        meter: Meter,
        bell: Bell,
        redaction: Redaction,
    ) -> None:
        self._redaction = redaction
        self._store = store
        self._policy = policy
        self._approvals = approvals
        self._clock = clock
        self._meter = meter
        self._bell = bell

    async def show(self, who: Principal, plan: str, channel: str) -> ShownPlan:
        """Return a plan as `who` sees it; what was rendered is recorded first."""
        policy, now = self._policy.current, self._clock.now()
        shown = await self._store.read(lambda tx: self._shown(tx, who, plan, channel, policy, now))
        if shown.state == ApprovalState.PENDING.value:
            await self._remember(who, shown, channel)
        return shown

    async def wait(self, plan: str, version: int, seconds: float) -> PlanRow:
        """Return the plan once its version is above `version`, or time is up, or we stop."""
        ends = self._clock.monotonic() + min(seconds, _LONGEST_WAIT_S)
        while True:
            with self._bell.listen(plan) as rung:
                row, now = await self._store.read(lambda tx: _versioned(tx, plan))
                left = ends - self._clock.monotonic()
                if now > version or left <= 0 or self._bell.silent:
                    return row
                await rung(min(left, 1.0))

    async def vote(
        self, who: Principal, plan: str, vote: Vote, *, along: Along = nothing_more
    ) -> None:
        """Count a vote on every member at once, or record why it does not count.

        Args:
            who: who votes.
            plan: on what.
            vote: the answer, and what it was given to.
            along: what is written in the same unit of work, whichever way it goes.

        Raises:
            InterlockError: the code says which check refused it, and the message which member.
        """
        must_be_a_vote(who, vote)

        def unit(tx: Transaction) -> Refusal | None:
            refused = self._voted(tx, who, plan, vote)
            along(tx, refused)
            return refused

        refused = await self._store.commit(unit)
        await self._ring(plan)
        if refused is not None:
            self._meter.count("votes", outcome=refused.code)
            raise refusal(refused.code, refused.message)
        self._meter.count("votes", outcome=vote.vote)
        first = await self._store.read(lambda tx: members_of(tx, plan_of(tx, plan))[0])
        observe_decision(self._meter, first)

    async def withdraw(self, who: Principal, plan: str, reason: str) -> None:
        """Take back what of a plan waits or is granted: its requester or the commander may."""

        def unit(tx: Transaction) -> None:
            whole = plan_of(tx, plan)
            commander = parts_of(tx, whole.incident).get(who.person.id) is IncidentRole.COMMANDER
            if who.run or (who.person.id != whole.requester and not commander):
                raise refusal("no-permission", "Only the requester or the commander may withdraw.")
            live = [row for row in members_of(tx, whole) if row.state in _LIVE]
            if not live:
                raise refusal("approval-decided", f"Nothing of {plan} waits or is granted.")
            for row in live:
                settle(tx, row, ApprovalState.WITHDRAWN, who.authid, reason=reason)

        await self._store.commit(unit)
        await self._ring(plan)

    def _shown(
        self,
        tx: Reading,
        who: Principal,
        plan: str,
        channel: str,
        policy: Policy,
        now: datetime,
    ) -> ShownPlan:
        row = plan_of(tx, plan)
        must_read(tx, policy, who, row.incident)
        rows = members_of(tx, row)
        members = tuple(
            self._approvals.shown(tx, who, one.id, channel, policy, now) for one in rows
        )
        text = plan_prompt([(one.row.id, one.proposal) for one in members], channel)
        return ShownPlan(
            row=row,
            members=members,
            votes=tuple(tx.rows(VoteRow, approval=plan, order="at")),
            text=text,
            prompt_digest=prompt_digest(text),
            eligible=frozenset.intersection(*(one.eligible for one in members)),
            refusal=refused_on_plan(tx, row, who, policy, now),
            approving=next((one.approving for one in members if one.approving), None),
        )

    async def _remember(self, who: Principal, shown: ShownPlan, channel: str) -> None:
        """Record a rendering the first time it is shown in a channel."""
        row = shown.row

        def unit(tx: Transaction) -> None:
            prompted(tx, row, who.authid, channel, shown.text, shown.prompt_digest)

        known = await self._store.read(lambda tx: tx.get(PromptRow, row.id, shown.prompt_digest))
        if known is None:
            with await self._redaction.noticing(shown.text):
                await self._store.commit(unit)

    def _voted(self, tx: Transaction, who: Principal, plan: str, vote: Vote) -> Refusal | None:
        policy = self._policy.current  # of the moment at which the vote counts
        whole = plan_of(tx, plan)
        rows = [expire_if_due(tx, row.id) for row in members_of(tx, whole)]
        shown = tx.get(PromptRow, plan, vote.prompt_digest)
        prompted = shown is not None and shown.channel != RUNNER
        seen = _Seen(vote.proposal_digest, prompted=prompted)
        refused = _refused(tx, whole, rows, who, policy, seen, tx.now)
        if refused is None and vote.vote == APPROVE:
            refused = _refused_approving(tx, rows, who, policy)
        if refused is not None:
            note_refused(tx, who, whole, refused)
            return refused
        channel = shown.channel if shown else ""
        digests = (vote.prompt_digest, tx.now, confirmed_in(who, tx.now))
        tx.add(VoteRow(plan, who.person.id, vote.vote, vote.reason, whole.digest, *digests))
        for row in rows:
            mine = VoteRow(row.id, who.person.id, vote.vote, vote.reason, row.digest, *digests)
            cast(tx, who, row, mine, channel, plan_digest=whole.digest)
        _counted(tx, who, rows, vote, policy)
        return None

    async def _ring(self, plan: str) -> None:
        """Wake whoever waits for the plan, or for one of its members."""
        members = await self._store.read(lambda tx: tx.rows(ApprovalRow, plan=plan))
        for name in (plan, *(row.id for row in members)):
            self._bell.ring(name)


def refused_on_plan(
    tx: Reading, plan: PlanRow, who: Principal, policy: Policy, now: datetime
) -> Refusal | None:
    """Return why somebody may not vote on a plan now, having read it, or None."""
    seen = _Seen(plan.digest, prompted=True)
    return _refused(tx, plan, members_of(tx, plan), who, policy, seen, now)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a vote names: the digest of a plan, and whether its prompt was really shown."""

    digest: str
    prompted: bool


def _versioned(tx: Reading, plan: str) -> tuple[PlanRow, int]:
    row = plan_of(tx, plan)
    return row, sum(member.version for member in tx.rows(ApprovalRow, plan=plan))


def _refused(
    tx: Reading,
    plan: PlanRow,
    rows: Sequence[ApprovalRow],
    who: Principal,
    policy: Policy,
    seen: _Seen,
    now: datetime,
) -> Refusal | None:
    """Return why this person may not vote on the whole plan now, or None."""
    gone = next((row for row in rows if row.state != ApprovalState.PENDING), None)
    if gone is not None:
        message = f"{gone.id} of {plan.id} is {gone.state}; a plan is voted on while all waits."
        return Refusal("approval-decided", message)
    for row in rows:
        ballot = ballot_of(tx, row, tuple(tx.rows(VoteRow, approval=row.id)), policy)
        whole = replace(ballot, digest=plan.digest, plan="")
        refused = core.refuse_vote(
            whole, who.person.id, seen=seen.digest, prompted=seen.prompted, now=now
        )
        if refused is not None:
            return _named(refused, plan, row)
    return None


def _refused_approving(
    tx: Transaction, rows: Sequence[ApprovalRow], who: Principal, policy: Policy
) -> Refusal | None:
    """Return why this login may not approve, where the rule of one member wants a fresh one."""
    login = login_of(who, tx.now)
    ballots = (ballot_of(tx, row, (), policy) for row in rows)
    refusals = (core.refuse_approving(ballot, login) for ballot in ballots)
    return next((refused for refused in refusals if refused), None)


def _named(refused: Refusal, plan: PlanRow, row: ApprovalRow) -> Refusal:
    """Say of which member somebody has no vote: the others do not help."""
    if refused.code != "not-eligible":
        return refused
    message = f"Rule {row.rule} of {row.id} gives you no vote, and {plan.id} is voted on whole."
    return Refusal(refused.code, message)


def _counted(
    tx: Transaction, who: Principal, rows: Sequence[ApprovalRow], vote: Vote, policy: Policy
) -> None:
    """Deny all, grant all once each has its quorum, or let all wait on."""
    rules = [policy.rules.get(row.rule) for row in rows]
    ruled = [(row, rule) for row, rule in zip(rows, rules, strict=True) if rule is not None]
    enough = len(ruled) == len(rows) and all(quorum(tx, row, policy, rule) for row, rule in ruled)
    if vote.vote == DENY:
        for row in rows:
            settle(tx, row, ApprovalState.DENIED, who.authid, reason=vote.reason)
    elif enough:
        for row, rule in ruled:
            grant(tx, row, rule)
    else:
        for row in rows:
            tx.change(row, version=row.version + 1)
        tell(tx, "approval.voted", rows[0].plan)
