"""How a failure reads on the command line, and which exit code it has."""

from interlock import errors
from interlock.cli.plain import visible
from interlock.cli.world import World

OK, FAILED, USAGE, FINDING_BAD, NOT_LOGGED_IN, DENIED, NO_APPROVAL, UNKNOWN, WAITING = range(9)
"""The exit codes, in the order of design/interfaces.md: 0 ok … 8 waiting for approval."""

INTERRUPTED = 130
"""Ctrl-C, as shells report it (128 + SIGINT)."""

_EXITS: tuple[tuple[type[errors.InterlockError], int], ...] = (
    (errors.NotLoggedIn, NOT_LOGGED_IN),
    (errors.ApprovalRefused, NO_APPROVAL),
    (errors.OutcomeUnknown, UNKNOWN),
    (errors.Denied, DENIED),
    (errors.UsageError, USAGE),
)

_APPROVERS = "the people named by `interlock approvals show`"
_OWNER = "the runbook's owner, by a reviewed change"
_WHO = {
    "incident-closed": "the incident's commander",
    "incident-state": "the incident's commander",
    "not-on-incident": "the incident's commander",
    "not-in-manifest": _OWNER,
    "runbook-invalid": _OWNER,
    "runbook-changed": _OWNER,
    "self-approval": _APPROVERS,
    "already-voted": _APPROVERS,
    "not-eligible": _APPROVERS,
    "approval-denied": _APPROVERS,
    "approval-expired": _APPROVERS,
    "approval-not-granted": _APPROVERS,
    "outcome-unknown": "the incident's commander, after looking at the target",
    "store-unwritable": "whoever runs the gateway",
    "unavailable": "whoever runs the gateway",
    "target-unreachable": "whoever runs the target or the gateway",
}


def exit_code(error: errors.InterlockError) -> int:
    """Return the exit code for `error`."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), FAILED)


def refusal(error: errors.InterlockError) -> list[tuple[str, str]]:
    """Return what to print about `error`: lines of (label, text); the first label is a mark."""
    code = "" if error.code == errors.InterlockError.code else error.code
    why = " · ".join(filter(None, (code, error.line)))
    shown = ("at", error.excerpt)
    rows = [("✖", error.message), shown, ("why", why), ("who", who_can_change(error))]
    return [(label, visible(text)) for label, text in [*rows, ("next", error.help)] if text]


def who_can_change(error: errors.InterlockError) -> str:
    """Return who could make this go through, "" where it is the caller."""
    if error.code in _WHO:
        return _WHO[error.code]
    if error.line and isinstance(error, errors.Denied):
        return f"whoever reviews changes to {error.line.partition(':')[0]}"
    return ""


def print_refusal(world: World, error: errors.InterlockError) -> None:
    """Print `error` beside the results: what, why, who can change it, what next."""
    (_, what), *rest = refusal(error)
    world.hint(f"{world.styled('✖', 'bad')} {_indented(what, 2)}")
    for label, text in rest:
        world.hint(f"  {world.styled(f'{label:<4}', 'dim')}  {_indented(text, 8)}")


def _indented(text: str, by: int) -> str:
    return text.strip("\n").rstrip().replace("\n", "\n" + " " * by)
