"""The log over all events: at which of them a signed checkpoint is due at once."""

from collections.abc import Iterable

SEALING = frozenset(
    {
        *("approval.approved", "approval.glass_broken", "action.started"),
        *("incident.sealed", "log.exported", "log.key_rotated"),
    }
)
"""Events that authority or a reader rests on: a checkpoint is signed in their own transaction."""


def is_due(types: Iterable[str]) -> bool:
    """Tell whether a checkpoint must be signed together with events of these types."""
    return not SEALING.isdisjoint(types)
