"""What an approver reads of a drill in a chat. No card of anything real begins like it."""

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.card import Card, Setting
from interlock_gateway.core.drill import MARK, SAYS


def drill_card(proposal: Proposal, approval: str, _setting: Setting) -> Card:
    """Return a drill as a chat shows it; it is the same however the drill goes."""
    return Card(
        approval=approval,
        headline=f"{MARK} · {approval} · {proposal.incident}: nothing runs",
        asks=f"{proposal.requester} practises with whoever may approve by "
        f"{proposal.rule.get('name', '')}.",
        exact=SAYS,
        facts=(("Touches", "nothing: there is no target"),),
    )
