"""A drill: a question that approvers answer for real, about nothing.

It is the one operation without a target. A proposal is a drill only if it names nothing that
could be sent anywhere, so what is answered in a drill can never be used, and nothing that can be
used is a drill. In text, only a drill says that it is one.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.approval_rule import ApprovalRule
from interlock_gateway.core.timeline import stamp

OPERATION = "drill"
"""Reserved: the id of an action has a dot in it, and no line of policy can name it."""

MARK = "DRILL"
SAYS = "Nothing runs. Press Approve to show that you can."
TITLE = "DRILL: can approvals be given?"
LINE = "a drill: no line of policy is asked"

_KEPT = frozenset(
    {
        *("incident", "requester", "operation", "effect", "rule", "line", "reason"),
        *("preview", "blast_radius", "undo", "requested_at", "expires_at", "nonce"),
    }
)
"""The fields of a proposal that a drill fills; every other one is empty."""

_D, _R = r"[d\u0501\u056a]", r"[r\u0433]"
_I = r"[il1|!\u0131\u0456\u04cf\u03b9]"
_LETTERS = (_D, _R, _I, _I, _I)
_CLAIM = re.compile(r"(?<![^\W_])" + r"[\W_]*".join(_LETTERS) + r"s?(?![^\W_])")


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and by whom a rule's approvers are asked to show that they can."""

    incident: str
    requester: str
    now: datetime
    within: timedelta
    nonce: str


def proposed(rule: ApprovalRule, at: Occasion) -> Proposal:
    """Return what the approvers of a rule are asked; it has no target and no text to send."""
    expires = at.now + min(at.within, timedelta(seconds=rule.decide_within_s))
    return Proposal(
        **_EMPTY,
        incident=at.incident,
        requester=at.requester,
        operation=OPERATION,
        effect="none",
        preview={"note": "a drill reads nothing"},
        blast_radius="nothing",
        undo="none needed: nothing is done",
        reason=f"{MARK}. {SAYS}",
        line=LINE,
        rule={**rule.as_json(), "needs": rule.needs},
        requested_at=stamp(at.now),
        expires_at=stamp(expires),
        nonce=at.nonce,
    )


_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(("run", "step", "source_digest", "runbook", "runbook_digest"), ""),
    **dict.fromkeys(("target", "dialect", "tier", "generation", "action_digest"), ""),
    **dict.fromkeys(("statement", "expect"), ""),
    **dict.fromkeys(("attempt", "ordinal", "rows", "max_rows"), 0),
    **{name: {} for name in ("values", "arguments", "precheck", "verify", "image")},
    "names": (),
}
"""What a drill leaves empty, and how."""


def is_drill(proposal: Proposal) -> bool:
    """Tell whether a proposal is a drill: it is called so, and there is nothing in it to do."""
    others = (entry.name for entry in fields(Proposal) if entry.name not in _KEPT)
    return proposal.operation == OPERATION and not any(getattr(proposal, it) for it in others)


def claims(text: str) -> bool:
    """Tell whether a text says "drill": words of a requester's, which only a drill may have.

    Spaces and signs between the letters, and letters that look the same, change nothing.
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(char for char in folded if unicodedata.category(char) not in ("Cf", "Mn"))
    return _CLAIM.search(plain) is not None


def drill_lines(proposal: Proposal, approval: str, channel: str) -> Iterator[str]:
    """Yield what is read of a drill in `channel` (`web`, `cli`, …)."""
    yield f"{MARK} · {approval} · {proposal.incident} · shown in {channel}"
    yield SAYS
    yield f"asked by {proposal.requester}, who practises; there is no target"
    yield f"rule: {proposal.rule.get('name', '')}"
    yield f"needs: {proposal.rule.get('needs', '')}; not {proposal.requester}"
    yield f"decide before: {proposal.expires_at}"
