"""How a drill went: who answered, where, after how long, and who did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.errors import refusal

from interlock_gateway.core.approval import LIVE, ApprovalState
from interlock_gateway.core.approval_rule import ApprovalRule, satisfied
from interlock_gateway.core.policy import Policy
from interlock_gateway.service.ballots import parts_of
from interlock_gateway.service.incidents import row_of
from interlock_gateway.service.ports import Reading
from interlock_gateway.service.records import ApprovalRow, IncidentRow, PromptRow, VoteRow

_REACHED = frozenset({ApprovalState.APPROVED.value, ApprovalState.SUCCEEDED.value})


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer: `channel` is where they read the question, `after_s` seconds later."""

    person: str
    vote: str
    channel: str
    after_s: float


@dataclass(frozen=True, slots=True)
class RuleReport:
    """How the approvers of one rule did.

    Attributes:
        rule, needs: its name, and who must approve.
        approval: the question, such as `A-12`.
        state: where it stands.
        reached: whether its quorum was reached.
        over: whether nobody can answer any more.
        answers: who answered, first to last.
        silent: who could have answered and did not; once it is reached, nobody had to.
        why: why it ended otherwise, or "".
    """

    rule: str
    needs: str
    approval: str
    state: str
    reached: bool
    over: bool
    answers: tuple[Answer, ...]
    silent: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """How a drill goes, or went; `over` once everything in it has ended."""

    incident: str
    by: str
    begun_at: datetime
    over: bool
    rules: tuple[RuleReport, ...]


def drill_of(tx: Reading, incident: str) -> IncidentRow:
    """Return a drill's row, or refuse with `incident-not-found`: no other incident is one."""
    row = row_of(tx, incident)
    if not row.drill:
        raise refusal("incident-not-found", f"{incident} is no drill.")
    return row


def fillable(tx: Reading, policy: Policy, rule: ApprovalRule, row: ApprovalRow) -> bool:
    """Tell whether everybody who may vote on a question together would be enough."""
    parts = parts_of(tx, row.incident)
    people = policy.eligible(rule, parts, row.requester)
    held = {person: policy.roles_of(person, parts.get(person)) for person in people}
    return satisfied(rule, held, requester=row.requester)


def report_of(tx: Reading, policy: Policy, drill: IncidentRow) -> Report:
    """Return the report of a drill, from what is recorded of it."""
    rows = tx.rows(ApprovalRow, incident=drill.id, order="requested_at")
    ordered = sorted(rows, key=lambda row: int(row.id.partition("-")[2]))
    rules = tuple(_of_rule(tx, policy, row) for row in ordered)
    over = drill.state != "open"
    return Report(drill.id, drill.declared_by, drill.declared_at, over, rules)


def _of_rule(tx: Reading, policy: Policy, row: ApprovalRow) -> RuleReport:
    rule = policy.rules.get(row.rule)
    votes = tx.rows(VoteRow, approval=row.id, order="at")
    able = policy.eligible(rule, parts_of(tx, row.incident), row.requester) if rule else ()
    voted = {vote.person for vote in votes}
    return RuleReport(
        rule=row.rule,
        needs=rule.needs if rule else "",
        approval=row.id,
        state=row.state,
        reached=row.state in _REACHED,
        over=ApprovalState(row.state) not in LIVE,
        answers=_answers(tx, row, votes),
        silent=tuple(sorted(set(able) - voted)),
        why="" if row.state in _REACHED else row.closing_reason,
    )


def _answers(tx: Reading, row: ApprovalRow, votes: Sequence[VoteRow]) -> tuple[Answer, ...]:
    shown = {each.digest: each.channel for each in tx.rows(PromptRow, approval=row.id)}
    return tuple(
        Answer(
            vote.person,
            vote.vote,
            shown.get(vote.prompt_digest, ""),
            round((vote.at - row.requested_at).total_seconds(), 3),
        )
        for vote in votes
    )
