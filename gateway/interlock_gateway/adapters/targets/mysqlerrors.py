"""What a MySQL or MariaDB error means for the one who asked. Pure.

Source: MariaDB knowledge base, "MariaDB Error Code Reference"; MySQL manual, "Server Error
Message Reference".
"""

from interlock_gateway.adapters.targets.mysqlline import RefusedError
from interlock_gateway.core.model import Limits, Target
from interlock_gateway.service.targets import TargetError

TIME_IS_UP = frozenset({1969, 3024})  # max_statement_time, max_execution_time
INTERRUPTED = TIME_IS_UP | {1317, 1028}  # and killed, a sort given up
LOCKED = frozenset({1205, 3572})  # a row or a table, within its own limit
DENIED = frozenset({1044, 1045, 1095, 1142, 1143, 1227, 1370, 1410, 1698})
DEADLOCK = 1213
READ_ONLY = frozenset({1290, 1792, 1836})  # the server, the transaction, the engine
NOT_PREPARABLE = 1295
NO_SUCH_SESSION = 1094
GONE = frozenset({1053, 1077, 1079, 1152, 1184, 1927, 4031})  # the session ended with these

INCOMPLETE = {
    1931: "rows (LIMIT ROWS EXAMINED)",
    1260: "text (GROUP_CONCAT)",
}
"""Warnings that say that an answer is not all of it, and the words for that."""


def explained(error: RefusedError, target: Target, limits: Limits, elapsed: float) -> TargetError:
    """Return what happened in the words of this project, and the server's own."""
    words, number = said(error), error.number
    if number in GONE:
        return lost(target, words)
    if number in TIME_IS_UP or (number in INTERRUPTED and elapsed >= limits.seconds * 0.9):
        return too_slow(target, limits)
    if number in LOCKED:
        return TargetError("target-timeout", f"Target {target.name} gave up on a lock: {words}")
    return TargetError("target-failed", f"{_told(number, target)}: {words}")


def _told(number: int, target: Target) -> str:
    if number == 1792:  # noqa: PLR2004  named above, among others
        return f"Target {target.name} refused a write in a read"
    if number in DENIED:
        return f"The login for target {target.name} may not do this"
    if number == NOT_PREPARABLE:
        return (
            f"Target {target.name} cannot prepare this statement, and nothing is sent any other "
            "way. Nothing was run; ask in another form, such as a SELECT from information_schema"
        )
    return f"Target {target.name} answered"


def lost(target: Target, words: str) -> TargetError:
    """Return that the line ended while nothing could have changed."""
    return TargetError(
        "target-unreachable", f"The connection to target {target.name} was lost: {words}"
    )


def too_slow(target: Target, limits: Limits) -> TargetError:
    """Return that the time limit struck, whoever of both looked at the clock."""
    return TargetError(
        "target-timeout",
        f"Target {target.name} did not finish within {limits.seconds:g} s; cancelled there.",
    )


def said(error: RefusedError) -> str:
    """Return the server's words with its number and SQLSTATE."""
    state = f", SQLSTATE {error.state}" if error.state else ""
    return f"{' '.join(error.words.split())} (error {error.number}{state})"
