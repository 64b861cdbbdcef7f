"""What one call and one run may cost, and how the narrowest limit is found."""

from dataclasses import replace
from typing import Any

from interlock_gateway.core.model import Limits

MAX_TEXT = 64 * 1024
"""Characters of one statement, note or reason."""

MAX_CALLS_PER_RUN = 500
"""Calls one run may make when its runbook names no limit of its own."""

MAX_PLAN = 10
"""Actions that one plan may ask for at once: more, nobody reads to the end."""

MAX_NOTES_PER_RUN = 500
"""Notes that the steps of one run may write."""

MAX_DEPTH = 64
"""Levels of lists and objects in one JSON value: what is deeper, many readers cannot read."""

MAX_RUN_S = 3_600.0
"""Seconds one run may last, waiting for approvals not counted, when nothing else is said."""


def narrowed(
    limits: Limits,
    *,
    rows: int | None = None,
    size: int | None = None,
    seconds: float | None = None,
) -> Limits:
    """Return `limits` with each number lowered to what was asked for, never raised."""
    return replace(
        limits,
        rows=limits.rows if rows is None else max(0, min(limits.rows, rows)),
        bytes=limits.bytes if size is None else max(0, min(limits.bytes, size)),
        seconds=limits.seconds if seconds is None else max(0.0, min(limits.seconds, seconds)),
    )


def deeper(value: Any, most: int = MAX_DEPTH) -> bool:
    """Tell whether a JSON value has more than `most` levels; depth costs no recursion."""
    level = [value]
    for _ in range(most):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [inner for inner in held if isinstance(inner, dict | list)]
