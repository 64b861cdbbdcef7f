"""The ports through which services reach targets; one adapter per engine implements both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from interlock_gateway.core.model import Before, Limits, Rows, Statement, Target

if TYPE_CHECKING:  # children import this module, and need none of the guard's parsers
    from interlock_gateway.core.statement import Catalogue
    from interlock_gateway.core.telemetry import Evaluation, Search


class TargetError(Exception):
    """The target did not do what was asked, and this is proven: nothing changed.

    Attributes:
        code: `target-failed`, `target-timeout`, `target-unreachable`, `precondition-failed`,
            `outside-limits`, `exceeded-approved-effect` or `too-many-calls`.
        answered: whether the target was there to say so, though it let nobody in.
    """

    def __init__(self, code: str, message: str, *, answered: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.answered = answered


class OutcomeUnknownError(Exception):
    """The connection was lost after the work may have happened; nobody knows yet."""


class Expect(StrEnum):
    """What the result of an action's statement must look like, else it did not succeed."""

    ONE_TRUE = "one row, true"
    ALL_TRUE = "one row or more, all true"
    ONE_ROW = "one row"
    NO_ROWS = "no rows"
    ROW_COUNT = "row count"
    ALONE = "done, outside a transaction"

    @property
    def signals(self) -> bool:
        """Whether such a deed may have reached past its transaction, as a signal or VACUUM does.

        A rollback does not take that back.
        """
        return self not in {Expect.ROW_COUNT, Expect.NO_ROWS}


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
            the same transaction, locked, and tells them as `Prepared.before`.
        table: what `statement` changes, as it is written there, its schema first; () where that
            is not known.
    """

    statement: Statement
    values: Mapping[str, Mapping[str, Any]]
    expect: Expect
    rows: int = 0
    max_rows: int = 0
    image: Statement | None = None
    table: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a deed has done in its open transaction, which its target was not told to keep yet.

    Attributes:
        affected: rows changed, as the engine counted them; None when it did not count.
        before: what the rows were, where that is asked for and could be read.
        transaction: the names by which the target can be asked later what became of it; empty
            where it does not tell.
    """

    affected: int | None
    before: Before | None = None
    transaction: Mapping[str, str] = field(default_factory=dict)


class Witness(Protocol):
    """Is called by an actor when everything is done but the COMMIT."""

    async def before_commit(self, prepared: Prepared) -> None:
        """Return when `prepared` is durable; only then may COMMIT be sent.

        Raises:
            TargetError: it is not durable, so the caller rolls back.
        """
        ...


class Became(StrEnum):
    """What a target says of a transaction whose COMMIT was not answered."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    OPEN = "in progress"
    UNTOLD = "not told"


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a transaction, and how that is known, as a sentence."""

    became: Became
    words: str


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

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:
        """Run `deed` once, and have `witness` keep what it did before COMMIT is sent.

        What commits by itself, statement by statement, has no such moment: nobody is called.

        Returns:
            The rows or the affected count, after the deed has taken effect.

        Raises:
            TargetError: proven without effect: never sent, refused, or rolled back.
            OutcomeUnknownError: sent, and then the connection was lost.
        """
        ...

    async def became(self, target: Target, transaction: Mapping[str, str]) -> Proof:
        """Ask the target what became of a transaction that `Prepared.transaction` names.

        What is not certain to be that very transaction proves nothing: `Became.UNTOLD`.

        Raises:
            TargetError: it cannot be asked now.
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
