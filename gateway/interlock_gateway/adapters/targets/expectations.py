"""Whether a deed's result is the approved one. Pure; every engine asks here before COMMIT."""

from dataclasses import dataclass
from typing import assert_never

from interlock_gateway.service.targets import Deed, Expect, OutcomeUnknownError, TargetError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine said about a deed, before it is made to last.

    Attributes:
        count: rows it answered with.
        first: the first cell of the first row, or None.
        affected: rows it changed, as the engine counted; None when it did not count.
        tag: the engine's word for what ran, for messages.
        all_true: whether the first cell of every row is true; False where nobody looked.
    """

    count: int
    first: object
    affected: int | None
    tag: str
    all_true: bool = False


def check(deed: Deed, outcome: Outcome) -> None:
    """Return if `outcome` is what was approved; the caller rolls back otherwise.

    Raises:
        TargetError: `precondition-failed` or `exceeded-approved-effect`.
        OutcomeUnknownError: it ran, did not answer as expected, and cannot be rolled back.
    """
    match deed.expect:
        case Expect.ONE_TRUE:
            _one_row(outcome)
            if outcome.first not in (True, 1):
                # `pg_terminate_backend(pid, timeout)` says false after it has sent the signal.
                raise OutcomeUnknownError(f"It answered {outcome.first!r} instead of true.")
        case Expect.ALL_TRUE:
            _all_true(outcome)
        case Expect.ONE_ROW:
            _one_row(outcome)
        case Expect.NO_ROWS:
            if outcome.count:
                raise _precondition(f"it answered with {outcome.count:,} rows instead of none")
        case Expect.ALONE:
            if outcome.count:
                raise OutcomeUnknownError(f"It answered with {outcome.count:,} rows.")
        case Expect.ROW_COUNT:
            _row_count(deed, outcome)
        case _:
            assert_never(deed.expect)


def _one_row(outcome: Outcome) -> None:
    if outcome.count > 1:
        # Such deeds signal other sessions; a rollback does not take a signal back.
        raise OutcomeUnknownError(f"It answered with {outcome.count:,} rows instead of one.")
    if outcome.count == 0:
        raise _precondition("what it aims at is not there, or is not the same any more")


def _all_true(outcome: Outcome) -> None:
    if outcome.count == 0:
        raise _precondition("nothing of what it aims at is there any more")
    if not outcome.all_true:
        raise OutcomeUnknownError("Not each of its rows is true.")


def _row_count(deed: Deed, outcome: Outcome) -> None:
    changed = outcome.affected
    if changed is None:
        raise _precondition(f"the engine did not count its rows ({outcome.tag or 'no tag'})")
    allowed = min(deed.rows, deed.max_rows)
    if changed > allowed:
        raise TargetError(
            "exceeded-approved-effect",
            f"It would have changed {changed:,} rows; {allowed:,} were approved. Rolled back.",
        )
    if changed < deed.rows:
        raise _precondition(f"it would have changed {changed:,} of {deed.rows:,} approved rows")


def _precondition(why: str) -> TargetError:
    return TargetError("precondition-failed", f"The target has changed: {why}. Rolled back.")
