"""What an approver reads of a drill in a chat. No card of anything real begins like it."""

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.card import Card, Setting
from interlock_gateway.core.drill import MARK, SAYS


def drill_card(proposal: Proposal, approval: str, setting: Setting) -> Card:
    """Return a drill as a chat shows it; where its rule takes votes on the web, so does it."""
    elsewhere = setting.web_only and setting.is_open
    return Card(
        approval=approval,
        headline=f"{MARK} · {approval} · {proposal.incident}: nothing runs",
        asks=f"{proposal.requester} practises with whoever may approve by "
        f"{proposal.rule.get('name', '')}.",
        exact=SAYS,
        facts=(("Touches", "nothing: there is no target"),),
        hindrance="Votes on this are taken in the browser alone." if elsewhere else "",
    )
