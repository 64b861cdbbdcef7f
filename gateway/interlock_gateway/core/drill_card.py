"""What an approver reads of a drill in a chat. No card of anything real begins like it."""

from datetime import datetime

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.card import Card, Setting, clock_of
from interlock_gateway.core.drill import MARK, SAYS

_NAMES = 6


def drill_card(proposal: Proposal, approval: str, setting: Setting) -> Card:
    """Return a drill as a chat shows it."""
    needs = str(proposal.rule.get("needs", ""))
    people = ", ".join(setting.eligible[:_NAMES]) or "nobody now"
    more = len(setting.eligible) - _NAMES
    may = f"{people} and {more} more" if more > 0 else people
    expires = clock_of(datetime.fromisoformat(proposal.expires_at))
    return Card(
        approval=approval,
        headline=f"{MARK} · {approval} · {proposal.incident}: nothing runs",
        asks=f"{proposal.requester} practises with whoever may approve by "
        f"{proposal.rule.get('name', '')}.",
        exact=SAYS,
        facts=(
            ("Touches", "nothing: there is no target"),
            ("Decide before", expires),
            ("May approve", f"{may} ({needs}), not {proposal.requester}"),
        ),
    )
