"""Whether a verify query can prove a deed whose own answer was lost, and what it then proves.

It can where it did not hold right before and holds now. One that held before proves nothing, and
one that does not hold yet proves nothing either: what was sent may still be done.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.model import Rows
from interlock_gateway.service.outcomes import Kept, Outcome, as_expected, succeeded, unknown
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.targets import TargetError

HOLDS_NOW = "The verify query did not hold right before and does now"

Ask = Callable[[Mapping[str, Any]], Awaitable[Rows]]


async def provable(proposal: Proposal, ask: Ask) -> bool:
    """Tell whether there is a verify query, and it does not hold yet."""
    if not proposal.verify:
        return False
    try:
        return not as_expected(await ask(proposal.verify), proposal.verify["expect"])
    except TargetError:
        return False


def proven(row: ApprovalRow, lost: str, verify: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a deed whose answer was lost, given what its verify found."""
    said = verify["message"]
    if verify["verified"] is not True:
        return unknown(f"{lost} The verify query proves nothing: {said}.")
    told = f"{lost} {HOLDS_NOW}: {said}."
    return succeeded(row, Rows((), ()), 0.0, {**verify, "message": told}, Kept())
