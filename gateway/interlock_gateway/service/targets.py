"""The ports through which services reach targets; one adapter per engine implements both."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from interlock_gateway.core.model import Limits, Rows, Statement, Target

if TYPE_CHECKING:  # children import this module, and need none of the guard's parsers
    from interlock_gateway.core.statement import Catalogue
    from interlock_gateway.core.telemetry import Evaluation, Search


class TargetError(Exception):
    """The target did not do what was asked, and this is proven: nothing changed.

    Attributes:
        code: `target-failed`, `target-timeout`, `target-unreachable`, `precondition-failed`,
            `outside-limits`, `exceeded-approved-effect` or `too-many-calls`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknownError(Exception):
    """The connection was lost after the work may have happened; nobody knows yet."""


class Expect(StrEnum):
    """What the result of an action's statement must look like, else it did not succeed."""

    ONE_TRUE = "one row, true"
    ALL_TRUE = "one row or more, all true"
    ONE_ROW = "one row"
    NO_ROWS = "no rows"
    ROW_COUNT = "row count"


@dataclass(frozen=True, slots=True)
class Deed:
    """A mutating statement and the only result under which it may stand.

    Attributes:
        statement: exactly these bytes are sent.
        values: a wire-typed value (`{"type", "value"}`) for each of the statement's names.
        expect: what the result must be; anything else rolls back where the engine can.
        rows: with `Expect.ROW_COUNT`, the number of rows that must be affected.
        max_rows: never more than this many rows, whatever `rows` says.
        image: a proven read of the rows that it will change; an engine that can reads them in
            the same transaction, locked, and gives them as `Rows.before`.
    """

    statement: Statement
    values: Mapping[str, Mapping[str, Any]]
    expect: Expect
    rows: int = 0
    max_rows: int = 0
    image: Statement | None = None


class Reader(Protocol):
    """Runs proven reads under the engine's read lock."""

    async def read(
        self,
        target: Target,
        statement: Statement,
        values: Mapping[str, Mapping[str, Any]],
        limits: Limits,
    ) -> Rows:
        """Run `statement` as a read: extended protocol, read-only, capped, always rolled back.

        Cancelling the awaiting task cancels the work on the target.

        Raises:
            TargetError: refused, failed, timed out or unreachable; nothing changed.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class Metrics(Protocol):
    """Evaluates queries that were understood, at targets that keep metrics."""

    async def evaluate(self, target: Target, asked: "Evaluation", limits: Limits) -> Rows:
        """Return a row for each sample: `time`, a column for each label, `value`.

        Raises:
            TargetError: refused, failed, timed out, unreachable or larger than `limits`.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class Logs(Metrics, Protocol):
    """Searches lines, and evaluates queries that make numbers of them, at targets with logs."""

    async def search(self, target: Target, asked: "Search", limits: Limits) -> Rows:
        """Return a row for each line: `time`, `at`, a column for each label, `line`.

        `at` is the time to the nanosecond, as text. At most `limits.rows` lines are given, from
        the end of the span that `asked` wants first.

        Raises:
            TargetError: refused, failed, timed out, unreachable or larger than `limits`.
        """
        ...


class Catalogues(Protocol):
    """Tells what the names in a target mean."""

    async def catalogue(self, target: Target, *, fresh: bool = False) -> "Catalogue | None":
        """Return a snapshot, not older than a minute; None for an engine that needs none.

        Args:
            target: whose names.
            fresh: take a new one, since the last one does not know a name.

        Raises:
            TargetError: the target does not tell; then nothing can be proven there.
        """
        ...


class Actor(Protocol):
    """Runs approved deeds under the target's action login."""

    async def act(self, target: Target, deed: Deed, limits: Limits) -> Rows:
        """Run `deed` once.

        Returns:
            The rows or the affected count, after the deed has taken effect; with what the rows
            were before, where that is asked for and could be read.

        Raises:
            TargetError: proven without effect: never sent, refused, or rolled back.
            OutcomeUnknownError: sent, and then the connection was lost.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class Secrets(Protocol):
    """Resolves a reference (`env:NAME`, `file:path`) to the credential, in the gateway only."""

    def resolve(self, reference: str) -> str:
        """Return the secret.

        Raises:
            TargetError: `target-unreachable`, naming the reference and never a value.
        """
        ...
