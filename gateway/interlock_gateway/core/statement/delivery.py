"""What of a target's answer may be delivered, and so be seen, kept and exported."""

from interlock_gateway.core.model import Classification, Rows, Target
from interlock_gateway.core.statement.masking import hidden_rows, masked_rows
from interlock_gateway.core.statement.scrub import scrubbed_rows

_UNTOLD = (
    "The target {name} did not do it. Its own words are not shown: they can hold values that are "
    "masked there."
)


def shown_rows(target: Target, found: Classification, rows: Rows) -> Rows:
    """Return the answer without the values in other sessions' statements, and masked.

    Where a target masks columns and nobody could tell which of the answer those are, all are.

    Args:
        target: that answered.
        found: what was proven of the statement, with the target's catalogue where it masks.
        rows: as the target answered.
    """
    if target.masked and found.masks is None:
        return hidden_rows(rows, next(iter(target.masked.values())))
    return masked_rows(target.dialect, found, scrubbed_rows(target.dialect, found, rows))


def shown_words(target: Target, found: Classification | None, code: str, words: str) -> str:
    """Return what may be said of a failure: an engine's words can hold values of the rows.

    `Could not convert string 'ann@example.com' to INT32` is an answer as well.

    Args:
        target: that failed.
        found: what was proven of the statement, if that is known.
        code: what kind of failure it was.
        words: what the target adapter says of it.
    """
    if not target.masked or code != "target-failed" or _reads_nothing_masked(found):
        return words
    return _UNTOLD.format(name=target.name)


def _reads_nothing_masked(found: Classification | None) -> bool:
    """Tell whether no masked column is in anything that was read, also behind its views."""
    masks = found.masks if found else None
    return masks is not None and not masks.rest and not any(masks.origins.values())
