"""Taking a yes back: until a grant is used, whoever could have said no still can."""

from interlock.errors import refusal

from interlock_gateway.core.approval import ApprovalState, Refusal
from interlock_gateway.core.model import IncidentRole
from interlock_gateway.core.policy import Policy
from interlock_gateway.service.approvals import approval_of, expire_if_due
from interlock_gateway.service.ballots import eligible_on, parts_of
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.closing import settle
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import Meter, PolicySource, Reading, Store, Transaction
from interlock_gateway.service.records import ApprovalRow, VoteRow
from interlock_gateway.service.voting import APPROVE


class Revoking:
    """Takes grants back that were not used yet."""

    def __init__(self, store: Store, policy: PolicySource, meter: Meter, bell: Bell) -> None:
        self._store = store
        self._policy = policy
        self._meter = meter
        self._bell = bell

    async def may(self, who: Principal, approval: str) -> bool:
        """Tell whether somebody may take this grant back now."""

        def question(tx: Reading) -> bool:
            row = approval_of(tx, approval)
            return not who.run and refuse_revoking(tx, row, who, self._policy.current) is None

        return await self._store.read(question)

    async def revoke(self, who: Principal, approval: str, reason: str) -> ApprovalRow:
        """Take an unused grant back, with a reason; it is used or revoked, never both.

        Raises:
            InterlockError: `not-a-person`, `bad-request`, `approval-decided`, `no-permission`.
        """
        if who.run:
            raise refusal("not-a-person", "A run cannot take a yes back; only a person can.")
        if not reason.strip():
            raise refusal("bad-request", "Say why, so that the requester can go on.")

        def unit(tx: Transaction) -> ApprovalRow:
            row = expire_if_due(tx, approval)
            refused = refuse_revoking(tx, row, who, self._policy.current)
            if refused is not None:
                raise refusal(refused.code, refused.message)
            return settle(tx, row, ApprovalState.REVOKED, who.authid, reason=reason)

        row = await self._store.commit(unit)
        self._bell.ring(approval)
        self._meter.count("votes", outcome="revoke")
        return row


def refuse_revoking(
    tx: Reading, row: ApprovalRow, who: Principal, policy: Policy
) -> Refusal | None:
    """Return why somebody may not take this grant back now, or None.

    Its approvers may, everybody who could vote on it now, and whoever leads the incident: also
    where the glass was broken, which is when they are told.
    """
    if row.state != ApprovalState.APPROVED:
        return Refusal("approval-decided", f"{row.id} is {row.state}; only a grant is revoked.")
    person = who.person.id
    vote = tx.get(VoteRow, row.id, person)
    leads = parts_of(tx, row.incident).get(person) is IncidentRole.COMMANDER
    approved = vote is not None and vote.vote == APPROVE
    if approved or leads or person in eligible_on(tx, row, policy):
        return None
    return Refusal("no-permission", "Only its approvers, or the commander, may take it back.")
