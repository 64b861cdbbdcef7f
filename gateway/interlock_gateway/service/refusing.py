"""A refused statement as its author wrote it: where it was refused, and what to do instead."""

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.decision import Act, Read, Request
from interlock_gateway.core.model import Statement
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.statement import advice, pointed


def shown(
    error: InterlockError, request: Request, statement: Statement | None, policy: Policy
) -> InterlockError:
    """Return the refusal with the statement's own text in it, where that is what was refused."""
    operation, target = request.operation, policy.targets.get(request.target)
    if isinstance(operation, Act) or statement is None or target is None:
        return error
    found = operation.statement
    if not found.reasons or not _is_about(error, request):
        return error
    return refusal(
        error.code,
        error.message,
        line=error.line,
        help=advice(target.dialect, found, target.name, policy.actions) or error.help,
        excerpt=pointed(statement, found),
    )


def _is_about(error: InterlockError, request: Request) -> bool:
    """Tell whether the effect was refused, and not the person or what is read."""
    if error.code in ("not-understood", "not-read-only"):
        return True
    by_policy = error.code == "no-permission" and not error.line.startswith("targets.toml")
    return by_policy and isinstance(request.operation, Read)
