"""What a plan is made of: its members, what still holds it together, and how a run uses them.

A member is an approval of its own. The plan binds them: its digest covers theirs, in their order.
"""

from collections.abc import Sequence

from interlock.errors import refusal

from interlock_gateway.core.approval import ApprovalState, plan_digest
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.approvals import expire_if_due
from interlock_gateway.service.calls import AWAITING, Scene, Site, open_call, scene
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.outcomes import site_of, taken_up_at
from interlock_gateway.service.ports import Reading, Transaction
from interlock_gateway.service.records import ApprovalRow, PlanRow, VoteRow
from interlock_gateway.service.runs import RUNNING
from interlock_gateway.service.voting import APPROVE
from interlock_gateway.service.wishes import PLAN, PlanWish, Wish, listed

_TO_BE_USED = (ApprovalState.PENDING.value, ApprovalState.APPROVED.value)


def plan_of(tx: Reading, plan: str) -> PlanRow:
    """Return a plan's row, or refuse with `approval-not-found`."""
    row = tx.get(PlanRow, plan)
    if row is None:
        raise refusal("approval-not-found", f"There is no plan {plan!r}.")
    return row


def members_of(tx: Reading, plan: PlanRow) -> Sequence[ApprovalRow]:
    """Return a plan's members in their order, proven to be those that its digest names.

    Raises:
        InterlockError: `approval-invalidated`, when one is missing, added, moved or another one.
    """
    rows = tx.rows(ApprovalRow, plan=plan.id, order="place")
    if plan_digest(plan.id, [row.digest for row in rows]) != plan.digest:
        message = f"The members of {plan.id} are not those that were asked for."
        raise refusal("approval-invalidated", message)
    return rows


def must_stand(tx: Reading, row: ApprovalRow) -> None:
    """Refuse a member whose plan is not what was asked for, or not what its voters saw.

    Raises:
        InterlockError: `approval-invalidated`.
    """
    if not row.plan:
        return
    plan = plan_of(tx, row.plan)
    members_of(tx, plan)
    seen = {vote.person: vote for vote in tx.rows(VoteRow, approval=plan.id, vote=APPROVE)}
    for vote in tx.rows(VoteRow, approval=row.id, vote=APPROVE):
        whole = seen.get(vote.person)
        if whole is None or whole.proposal_digest != plan.digest:
            message = f"{vote.person} did not vote on {plan.id} as it was asked for."
            raise refusal("approval-invalidated", message)


def used_at(tx: Reading, row: ApprovalRow) -> Site:
    """Return the call that uses a grant: the last that took it up, else the one that asked."""
    sites = taken_up_at(tx, row) if row.plan else []
    return sites[-1] if sites else site_of(row)


def planned(tx: Reading, found: Scene, wish: Wish) -> ApprovalRow | None:
    """Return the member of a plan of this run that asked for exactly this, and can be used.

    Only a call that may be made now finds one: its step runs and lists it, and the run has calls
    left. Whatever finds none is asked for as if there were no plan.
    """
    if not _may_use(found, [wish]):
        return None
    rows = tx.rows(ApprovalRow, run=found.run.id, wish=wish.sameness, state=_TO_BE_USED)
    return rows[0] if rows else None


def _may_use(found: Scene, wishes: Sequence[Wish]) -> bool:
    running = found.step is not None and found.step.state == RUNNING
    left = found.calls < found.max_calls
    return running and left and all(listed(found, wish) for wish in wishes)


def same_plan(tx: Reading, found: Scene, plan: PlanWish) -> PlanRow | None:
    """Return the plan of this run that asked for exactly this, and waits or is granted whole.

    A step that is run again, since something failed after its plan, finds what is granted.
    """
    if not _may_use(found, plan.members):
        return None
    wishes = [wish.sameness for wish in plan.members]
    for row in tx.rows(PlanRow, run=found.run.id, order="-requested_at"):
        members = tx.rows(ApprovalRow, plan=row.id, order="place")
        live = all(member.state in _TO_BE_USED for member in members)
        if live and [member.wish for member in members] == wishes:
            return row
    return None


def take_up_plan(tx: Transaction, who: Principal, plan: PlanWish) -> str:
    """Let a call have the plan that was asked for already, and return its id; "" without one."""
    found = scene(tx, plan.site, tx.now)
    row = same_plan(tx, found, plan)
    if row is None:
        return ""
    members = [expire_if_due(tx, member.id) for member in members_of(tx, row)]
    if any(member.state not in _TO_BE_USED for member in members):
        return ""
    event = tx.append(
        Draft(
            "approval.taken_up",
            who.authid,
            {"plan": row.id, **plan.site.data},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=found.step.event if found.step else "",
        )
    )
    call = open_call(tx, plan.site, plan.digest, PLAN, state=AWAITING, event=event)
    tx.change(call, approval=row.id)
    return row.id


def take_up(tx: Transaction, who: Principal, wish: Wish) -> str:
    """Let a call use the grant that a plan asked for, and return its id; "" when there is none."""
    found = scene(tx, wish.site, tx.now)
    row = planned(tx, found, wish)
    if row is not None:
        row = expire_if_due(tx, row.id)
    if row is None or row.state not in _TO_BE_USED:
        return ""
    event = tx.append(
        Draft(
            "approval.taken_up",
            who.authid,
            {
                "approval": row.id,
                **row.in_plan,
                **wish.site.data,
                "target": row.target,
                "operation": row.operation,
            },
            {"reason": text_part(wish.reason)} if wish.reason else {},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=found.step.event if found.step else "",
        )
    )
    call = open_call(tx, wish.site, wish.digest, wish.operation, state=AWAITING, event=event)
    tx.change(call, approval=row.id)
    return row.id
