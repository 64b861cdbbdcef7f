"""What a chat shows of an approval or a plan now: the card, its buttons, where it stands."""

from collections.abc import Sequence

from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.core.approval_rule import WEB
from interlock_gateway.core.card import Card, Setting, card, choice, plan_card
from interlock_gateway.core.drill import is_drill
from interlock_gateway.core.drill_card import drill_card
from interlock_gateway.core.policy import Policy
from interlock_gateway.service.approvals import approval_of, opened
from interlock_gateway.service.ballots import eligible_on
from interlock_gateway.service.chat.protocol import Notice
from interlock_gateway.service.chat.standing import plan_standing, plan_tone, standing, tone
from interlock_gateway.service.incidents import row_of
from interlock_gateway.service.planned import members_of, plan_of
from interlock_gateway.service.ports import PolicySource, Reading, Seal
from interlock_gateway.service.records import ApprovalRow, BreakRow, PlanRow, VoteRow

PLAN = "P-"
"""Begins the id of a plan."""


def asked_as(tx: Reading, name: str) -> ApprovalRow | PlanRow:
    """Return what a name is asked as: an approval, or a plan.

    Raises:
        InterlockError: `approval-not-found`.
    """
    return plan_of(tx, name) if name.startswith(PLAN) else approval_of(tx, name)


class Notices:
    """Puts notices together out of one state of the store."""

    def __init__(self, policy: PolicySource, seal: Seal, address: str) -> None:
        """Take what opens a proposal and who may vote, and where the pages are."""
        self._policy = policy
        self._seal = seal
        self._address = address

    def of(self, tx: Reading, name: str) -> Notice:
        """Return the notice of an approval, or of a plan.

        Raises:
            InterlockError: its stored bytes were changed, or there is none.
        """
        row = asked_as(tx, name)
        return self._of_plan(tx, row) if isinstance(row, PlanRow) else self._of_one(tx, row)

    def _of_one(self, tx: Reading, row: ApprovalRow) -> Notice:
        policy = self._policy.current
        rule = policy.rules.get(row.rule)
        votes = tx.rows(VoteRow, approval=row.id, order="at")
        eligible = sorted(eligible_on(tx, row, policy))
        broken = tx.get(BreakRow, row.id)
        needs = rule.needs if rule else row.rule
        proposal = opened(self._seal, row)
        shown_as = drill_card if is_drill(proposal) else card
        asked = shown_as(proposal, row.id, self._setting(tx, [row]))
        return Notice(
            key=row.id,
            card=asked,
            choice=choice(row.id, row.digest, asked.digest) if _votable([row], asked) else None,
            standing=standing(row, votes, needs, eligible, broken),
            tone=tone(row),
            link=f"{self._address}/approvals/{row.id}",
        )

    def _of_plan(self, tx: Reading, plan: PlanRow) -> Notice:
        policy, rows = self._policy.current, members_of(tx, plan)
        votes = tx.rows(VoteRow, approval=plan.id, order="at")
        eligible = sorted(frozenset.intersection(*(eligible_on(tx, row, policy) for row in rows)))
        members = [(row.id, opened(self._seal, row)) for row in rows]
        asked = plan_card(members, self._setting(tx, rows))
        return Notice(
            key=plan.id,
            card=asked,
            choice=choice(plan.id, plan.digest, asked.digest) if _votable(rows, asked) else None,
            standing=plan_standing(rows, votes, _needs(rows, policy), eligible),
            tone=plan_tone(rows),
            link=f"{self._address}/approvals/plan/{plan.id}",
        )

    def _setting(self, tx: Reading, rows: Sequence[ApprovalRow]) -> Setting:
        rules = [self._policy.current.rules.get(row.rule) for row in rows]
        web_only = any(rule is not None and rule.confirm_in == WEB for rule in rules)
        return Setting(row_of(tx, rows[0].incident).severity, _waits(rows), web_only)


def _waits(rows: Sequence[ApprovalRow]) -> bool:
    return all(row.state == ApprovalState.PENDING.value for row in rows)


def _votable(rows: Sequence[ApprovalRow], asked: Card) -> bool:
    return _waits(rows) and not asked.hindrance


def _needs(rows: Sequence[ApprovalRow], policy: Policy) -> str:
    rules = [policy.rules.get(row.rule) for row in rows]
    return "; ".join(dict.fromkeys(rule.needs for rule in rules if rule is not None))
