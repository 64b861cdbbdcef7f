"""Votes that are cast in a chat, on an approval or on a plan: the same vote as anywhere else."""

from dataclasses import dataclass

from interlock.errors import refusal

from interlock_gateway.core.approval import Refusal, refuse_vote
from interlock_gateway.core.card import read_choice
from interlock_gateway.core.policy import Policy
from interlock_gateway.service.approvals import Along, Approvals, Vote
from interlock_gateway.service.ballots import ballot_of
from interlock_gateway.service.chat.board import CHANNEL
from interlock_gateway.service.chat.notices import asked_as
from interlock_gateway.service.chat.protocol import Heard
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.planned import members_of
from interlock_gateway.service.plans import Plans, refused_on_plan
from interlock_gateway.service.ports import Clock, PolicySource, Reading
from interlock_gateway.service.records import ApprovalRow, PlanRow, PromptRow, VoteRow


@dataclass(frozen=True, slots=True)
class Named:
    """The approval or plan that a button named, and the prompt that its person saw."""

    row: ApprovalRow | PlanRow
    prompt: str


class ChatVotes:
    """Casts votes, and says why one does not count."""

    def __init__(
        self, policy: PolicySource, approvals: Approvals, plans: Plans, clock: Clock
    ) -> None:
        self._policy = policy
        self._approvals = approvals
        self._plans = plans
        self._clock = clock

    async def cast(
        self, who: Principal, named: Named, answer: str, reason: str, along: Along
    ) -> None:
        """Vote; `along` goes into the same unit of work, whichever way it goes.

        Raises:
            InterlockError: the vote does not count.
        """
        vote = Vote(answer, named.row.digest, named.prompt, reason)
        if isinstance(named.row, PlanRow):
            await self._plans.vote(who, named.row.id, vote, along=along)
        else:
            await self._approvals.vote(who, named.row.id, vote, along=along)

    def refusal(self, tx: Reading, who: Principal, named: Named) -> Refusal | None:
        """Return why somebody may not vote on it now, or None."""
        policy, now = self._policy.current, self._clock.now()
        row = asked_as(tx, named.row.id)
        if isinstance(row, PlanRow):
            return refused_on_plan(tx, row, who, policy, now)
        ballot = ballot_of(tx, row, tx.rows(VoteRow, approval=row.id), policy)
        return refuse_vote(ballot, who.person.id, seen=row.digest, prompted=True, now=now)

    def why_not(self, tx: Reading, who: Principal, named: Named, refused: Refusal) -> str:
        """Say why somebody's vote does not count, who may vote, and why not they."""
        said = f"Your vote on {named.row.id} did not count. {refused.message}"
        if refused.code != "not-eligible":
            return said
        policy, rows = self._policy.current, _rows(tx, named.row)
        ballots = [ballot_of(tx, row, (), policy) for row in rows]
        may = frozenset.intersection(*(ballot.eligible for ballot in ballots))
        roles = ", ".join(sorted(policy.roles_of(who.person.id))) or "no standing role"
        people = ", ".join(sorted(may)) or "nobody now"
        return f"{said} It needs {_needs(rows, policy)}: {people}. You have {roles}."


def named_by(tx: Reading, heard: Heard) -> Named:
    """Return what a button named, if it is what was proposed and what was shown.

    Raises:
        InterlockError: `approval-changed`, `approval-not-found`.
    """
    choice = read_choice(heard.value)
    if choice is None:
        raise refusal("approval-changed", "This button is none of ours.")
    row = asked_as(tx, choice.approval)
    for prompt in tx.rows(PromptRow, approval=row.id, channel=CHANNEL):
        if choice.fits(row.digest, prompt.digest):
            return Named(row, prompt.digest)
    raise refusal("approval-changed", f"This button belongs to another text than {row.id}.")


def _rows(tx: Reading, row: ApprovalRow | PlanRow) -> list[ApprovalRow]:
    return list(members_of(tx, row)) if isinstance(row, PlanRow) else [row]


def _needs(rows: list[ApprovalRow], policy: Policy) -> str:
    rules = [policy.rules.get(row.rule) for row in rows]
    said = (rule.needs if rule else row.rule for rule, row in zip(rules, rows, strict=True))
    return "; ".join(dict.fromkeys(said))
