"""Who may vote on an approval at this moment, and who has."""

from collections.abc import Mapping, Sequence

from interlock_gateway.core.approval import ApprovalState, Ballot
from interlock_gateway.core.approval_rule import WEB
from interlock_gateway.core.model import IncidentRole
from interlock_gateway.core.policy import Policy
from interlock_gateway.service.incidents import incident_of
from interlock_gateway.service.ports import Reading
from interlock_gateway.service.records import ApprovalRow, IncidentRow, VoteRow


def parts_of(tx: Reading, incident: str) -> Mapping[str, IncidentRole]:
    """Return everybody's part in an incident."""
    found = incident_of(tx, incident)
    return found.roles if found else {}


def eligible_on(tx: Reading, row: ApprovalRow, policy: Policy) -> frozenset[str]:
    """Return who may vote on an approval now; nobody once its incident is not open."""
    rule = policy.rules.get(row.rule)
    if rule is None or not is_open(tx, row.incident):
        return frozenset()
    return policy.eligible(rule, parts_of(tx, row.incident), row.requester)


def is_open(tx: Reading, incident: str) -> bool:
    """Tell whether an incident is open."""
    found = tx.get(IncidentRow, incident)
    return found is not None and found.state == "open"


def ballot_of(tx: Reading, row: ApprovalRow, votes: Sequence[VoteRow], policy: Policy) -> Ballot:
    """Return an approval as far as a new vote is concerned."""
    rule = policy.rules.get(row.rule)
    return Ballot(
        state=ApprovalState(row.state),
        digest=row.digest,
        requester=row.requester,
        expires_at=row.expires_at,
        voted=frozenset(vote.person for vote in votes),
        eligible=eligible_on(tx, row, policy),
        plan=row.plan,
        approval=row.id,
        web_only=rule is not None and rule.confirm_in == WEB,
    )
