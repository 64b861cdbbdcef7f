"""One use of a grant: what was approved, as the target and policy are asked about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock_gateway.core.approval import Proposal
from interlock_gateway.core.decision import Act, Mutate, Operation
from interlock_gateway.core.model import Classification, Dialect, Rows, Statement, Target
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import shown_words
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.targets import Reader, TargetError


@dataclass(frozen=True, slots=True)
class Use:
    """What is known when a grant is used up.

    Attributes:
        row, proposal, target: what was approved, and where it goes.
        found: what tells which columns of its answer are masked, where some are; else None.
        image: the same of the read that tells what the rows were.
        provable: whether its verify, which does not hold yet, could prove it.
    """

    row: ApprovalRow
    proposal: Proposal
    target: Target
    found: Classification | None = None
    image: Classification | None = None
    provable: bool = False


def operation_of(proposal: Proposal, policy: Policy, found: Classification | None) -> Operation:
    """Return what policy is asked about: the action as it is today, or free SQL as proven."""
    if found is not None:
        return Mutate(found, proposal.max_rows)
    action = policy.actions.get(proposal.operation)
    same = action is not None and action.digest == proposal.action_digest
    return Act(proposal.operation, known=same, dialect=proposal.dialect)


def words_of(use: Use, error: TargetError) -> str:
    """Return what the target said, as far as it may be shown."""
    return shown_words(use.target, use.found, error.code, str(error))


async def asked(
    reader: Reader, target: Target, proposal: Proposal, check: Mapping[str, Any]
) -> Rows:
    """Ask the target what a precheck or a verify asks.

    Raises:
        TargetError: it did not answer.
    """
    names = tuple(check["names"])
    statement = Statement(Dialect(proposal.dialect), check["text"], names, check["text"])
    values = {name: proposal.arguments[name] for name in names}
    return await reader.read(target, statement, values, target.limits)


def image_of(proposal: Proposal) -> Statement | None:
    """Return the read of the rows right before they change, or None."""
    if not proposal.image:
        return None
    text = proposal.image["text"]
    return Statement(Dialect(proposal.dialect), text, tuple(proposal.image["names"]), text)


def statement_of(proposal: Proposal) -> Statement:
    """Return exactly what was approved."""
    text = proposal.statement
    return Statement(Dialect(proposal.dialect), text, proposal.names, text)
