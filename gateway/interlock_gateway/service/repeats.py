"""What is not done again: the same thing while it is unsettled, and an action too often."""

from collections.abc import Sequence
from datetime import timedelta

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.action import Action
from interlock_gateway.core.approval import UNSETTLED
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import ApprovalRow


def not_twice(tx: Transaction, key: str) -> None:
    """Refuse what is under way or unresolved already."""
    for row in tx.rows(ApprovalRow, idempotency_key=key, state=tuple(UNSETTLED)):
        planned = (
            f" It is part of {row.plan}; use it as planned, or withdraw it." if row.plan else ""
        )
        raise refusal(
            "idempotency-conflict",
            f"{row.id} asks for the same thing and is {row.state}.{planned}",
        )


def too_often(
    tx: Transaction, action: Action | None, target: str, run: str, *, planned: int = 0
) -> InterlockError | None:
    """Return why an action may not be used once more now, or None; free SQL has no such limit.

    `planned` is how often it is asked for already in the same plan.

    Asked before approvers are, and again when a grant is used: several may be granted at once.
    """
    if action is None:
        return None
    used = [
        (row.run, tx.now - row.started_at)
        for row in tx.rows(ApprovalRow, operation=action.id, target=target)
        if row.started_at is not None
    ]
    in_run = sum(one == run for one, _ in used)
    if in_run + planned >= action.max_per_run:
        more = f", and is asked for {planned} times before this" if planned else ""
        return refusal(
            "outside-limits",
            f"{action.id} was used {in_run} times in this run{more}.",
            line=f"actions/{action.id}.toml: max_per_run ({action.max_per_run})",
        )
    since = min((age for _, age in used), default=None)
    if since is not None and since < timedelta(seconds=action.cooldown_s):
        return refusal(
            "outside-limits",
            f"{action.id} was used on {target} {since.total_seconds():.0f} s ago.",
            line=f"actions/{action.id}.toml: cooldown_s ({action.cooldown_s})",
        )
    return _broken(action, target, [age for _, age in used])


def _broken(action: Action, target: str, ages: Sequence[timedelta]) -> InterlockError | None:
    """Return why the action's circuit breaker is open, or None.

    What has to be done again and again does not help: somebody should look for the cause.
    """
    breaker = action.breaker
    lately = sum(age < timedelta(seconds=breaker.within_s) for age in ages)
    if lately < breaker.uses:
        return None
    message = f"{action.id} was used on {target} {lately} times within {breaker.within_s} s."
    return refusal(
        "outside-limits",
        message,
        line=f"actions/{action.id}.toml: circuit_breaker ({breaker.uses})",
        help="Find out why it is needed so often; it can be used again when that time has passed.",
    )
