"""What the services need of the world, as narrow protocols; adapters implement them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from interlock_gateway.core.model import Before, Classification, Statement, Target
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, StoredPart
from interlock_gateway.service.record import Record
from interlock_gateway.service.records import OutboxRow

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class StoreUnwritableError(Exception):
    """The store did not take a unit of work; nothing of it happened."""


class ConflictError(Exception):
    """A row exists already, or is not in the state that a change expected."""


class NotReachedError(Exception):
    """Whoever is to be told does not answer, or takes nothing now: it is tried again later.

    What an operator has to mend (a revoked token, a channel the app was never invited to) is of
    this kind, too: nothing is lost while it lasts.
    """

    def __init__(
        self,
        message: str,
        *,
        after_s: float = 0.0,
        alone: bool = False,
        barred: bool = False,
        word: str = "",
    ) -> None:
        """Say what happened.

        Args:
            message: what happened and what to do about it.
            after_s: seconds before which it makes no sense to try again.
            alone: whether others can be told all the same.
            barred: whether there was an answer: that this may not be done, or not there.
            word: what the answer was.
        """
        super().__init__(message)
        self.after_s = after_s
        self.alone = alone
        self.barred = barred
        self.word = word


class NotTakenError(Exception):
    """A notice that is refused for good: trying it again cannot help."""


class StoredEvent(Protocol):
    """An event with its parts, as read back."""

    @property
    def sequence(self) -> int:
        """Its place in its incident's timeline."""
        ...

    @property
    def body(self) -> bytes:
        """The verbatim CloudEvents JSON."""
        ...

    @property
    def parts(self) -> Mapping[str, tuple[str, bytes] | None]:
        """Part identifier → (media type, content), or None when it was destroyed."""
        ...


class Reading(Protocol):
    """Questions to one consistent state of the store."""

    def get(self, kind: type[R], *key: object) -> R | None:
        """Return the row with this key, or None."""
        ...

    def rows(
        self, kind: type[R], *, order: str = "", limit: int = 0, **where: object
    ) -> Sequence[R]:
        """Return the rows whose columns equal `where` (a tuple means any of), in order.

        `order` is a column name, with a leading `-` for descending.
        """
        ...

    def count(self, kind: type[Record], **where: object) -> int:
        """Return how many rows match `where`, without reading them."""
        ...

    def events(self, incident: str, *, after: int = 0, limit: int = 500) -> Sequence[StoredEvent]:
        """Return the events of one incident with a sequence above `after`, in order."""
        ...

    def contents(self, names: Sequence[str]) -> Mapping[str, tuple[str, bytes]]:
        """Return (media type, content) of those parts and artifacts that are there."""
        ...

    def origin(self, name: str) -> bytes | None:
        """Return the body of the event that a part or artifact belongs to, or None.

        It is known also of what was destroyed.
        """
        ...

    def event(self, event: str) -> StoredEvent | None:
        """Return the event of that identifier, without its parts, or None."""
        ...

    def parts(self, events: Sequence[str]) -> Sequence[StoredPart]:
        """Return every part and artifact of these events that is there, with its salt."""
        ...

    def sequence_below(self, incident: str, size: int) -> int:
        """Return the last sequence of an incident in the first `size` events of the log, or 0."""
        ...

    def tile(self, level: int, tile: int) -> Sequence[bytes]:
        """Return up to 256 hashes of the log's tree: at level 0 leaves, at 8 roots of 256."""
        ...

    def bodies(self, first: int, limit: int) -> Sequence[tuple[int, bytes, bytes]]:
        """Return (log index, body, leaf) of all events from log index `first` on, in order."""
        ...

    def cited(self, events: Sequence[str]) -> Sequence[StoredEvent]:
        """Return the events with these identifiers, in order; one that is not there is left out.

        What the same unit of work, or one beside it, has just appended is not there yet.
        """
        ...

    def journal(
        self, types: Sequence[str], *, since: datetime, after: int = 0, limit: int = 500
    ) -> Sequence[tuple[int, bytes]]:
        """Return (log index, body) of events of all incidents, in the order of the journal.

        Those of these types, recorded at `since` or later, with a log index above `after`.
        """
        ...


class Transaction(Reading, Protocol):
    """One unit of work: state, outbox and events, all or nothing, durable when it returns."""

    @property
    def now(self) -> datetime:
        """The moment at which this unit is recorded."""
        ...

    def add(self, row: Record) -> None:
        """Insert a row.

        Raises:
            ConflictError: its key, or something else that must be unique, exists.
        """
        ...

    def change(self, row: R, **changes: object) -> R:
        """Replace columns of `row` if it is still exactly as it was read.

        Raises:
            ConflictError: somebody else changed it first.
        """
        ...

    def append(self, draft: Draft) -> str:
        """Append an event to the journal and return its identifier."""
        ...

    def length(self, incident: str) -> int:
        """Return how many events an incident has, those of this unit among them."""
        ...

    def checkpoint(self) -> None:
        """Have a checkpoint of the log signed in the transaction of this unit."""
        ...

    def rotate(self, key: str) -> None:
        """Have the log signed by this key from now on, and by the one before it once more."""
        ...

    def number(self, series: str) -> int:
        """Return the next number of a series, counted from 1 without gaps."""
        ...

    def destroy(self, name: str) -> None:
        """Destroy a part or an artifact that has its tombstone: salt and bytes together."""
        ...


class Cleaner(Protocol):
    """Masks secrets in what a unit of work writes down, whoever wrote it."""

    def draft(self, draft: Draft) -> Draft:
        """Return an event as it may be stored."""
        ...

    def row(self, values: Mapping[str, object], words: Sequence[str]) -> dict[str, object]:
        """Return the columns of a row as they may be stored; `words` name those with texts."""
        ...


class Store(Protocol):
    """Where everything is kept; one writer, many readers."""

    async def commit(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` as one unit of work and return what it returns, once it is durable.

        An exception that `unit` raises rolls this unit back, alone, and is raised here.

        Raises:
            StoreUnwritableError: the store did not take it; nothing of it happened.
        """
        ...

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer `question` from one consistent state."""
        ...

    async def glance(self, question: Callable[[Reading], T]) -> T:
        """Answer the same where it takes a few rows, each found by its key.

        What stands before a call is asked this way: an embedded store answers at once, without
        a thread's turn. Anything that grows with an incident is a `read`.
        """
        ...

    @property
    def untidy(self) -> bool:
        """Whether bytes of what was destroyed may still be in the store's files."""
        ...

    async def tidy(self, *, wholly: bool) -> bool:
        """Have the bytes of what was destroyed leave the store's files, as far as an engine can.

        With `wholly` tables may be locked for a moment. Return whether all are gone. It never
        raises: what cannot be done now leaves the store untidy, and can be tried again.
        """
        ...


class Echoes(Protocol):
    """Hears what other gateways over the same store have changed."""

    async def run(self, heard: Callable[[str], None]) -> None:
        """Call `heard` with each approval that changed; it goes on until it is cancelled.

        It may miss some, and may tell of some twice: it says where to look, never what is there.
        """
        ...


class LogSigner(Protocol):
    """Holds the keys that sign the log's checkpoints."""

    def make(self, name: str) -> str:
        """Make a key for the log of that name, keep it, and return its public text.

        Raises:
            OSError: it cannot be kept.
        """
        ...

    def sign(self, key: str, text: str) -> str:
        """Return the line with which a key (its hash in hexadecimal) signs a note.

        Raises:
            OSError, ValueError: it is not here.
        """
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Return the current moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only grow, for measuring durations."""
        ...


class Randomness(Protocol):
    """The only source of identifiers, nonces and secrets."""

    def identifier(self, prefix: str) -> str:
        """Return a new identifier such as `evt_…`, sortable by time."""
        ...

    def secret(self) -> str:
        """Return 256 random bits as URL-safe text."""
        ...

    def code(self) -> str:
        """Return a one-time code that a person can type."""
        ...


class Seal(Protocol):
    """Keeps stored bytes unreadable and unchangeable outside this deployment."""

    def close(self, content: bytes, label: str) -> bytes:
        """Return `content` encrypted and bound to `label`."""
        ...

    def open(self, sealed: bytes, label: str) -> bytes:
        """Return what `close` was given.

        Raises:
            ValueError: changed, sealed with another key, or bound to another label.
        """
        ...


class RunTokens(Protocol):
    """Short-lived signed tokens that name one run."""

    def issue(self, run: str, digest: str, now: datetime) -> tuple[str, datetime]:
        """Return a token for `run` of the runbook with `digest`, and when it ends."""
        ...

    def read(self, token: str, now: datetime) -> tuple[str, str] | None:
        """Return (run, runbook digest) of a valid token, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Preview:
    """How to see what a free mutation would change, before it runs.

    Attributes:
        count: a read whose first cell is the number of rows, or None when `rows` is known.
        sample: a read of some of those rows, or None.
        rows: the number of rows, where the statement itself says it (INSERT … VALUES).
        table: what it changes.
        note: what an approver is told when there is nothing to read.
        undo: how to take it back, as far as that can be said.
        image: a read of every row that it would change, or None.
    """

    count: Statement | None
    sample: Statement | None
    rows: int
    table: str
    note: str
    undo: str
    image: Statement | None = None


class Guard(Protocol):
    """Translates and classifies SQL within bounded time."""

    def translate(self, dialect: str, source: str) -> Statement:
        """Return the statement with its engine's placeholders.

        Raises:
            interlock.errors.InterlockError: the text cannot be read as one statement.
        """
        ...

    async def classify(self, statement: Statement) -> Classification:
        """Return what the text alone proves; never raises: what fails is unknown."""
        ...

    async def classify_at(self, target: Target, statement: Statement) -> Classification:
        """Return what the text proves, given what the names in it mean at the target.

        Raises:
            interlock.errors.InterlockError: the target does not tell what its names mean.
        """
        ...

    def table(self, statement: Statement) -> tuple[str, ...]:
        """Return the table that a change names, as written, its schema first; or ()."""
        ...

    def undo(self, statement: Statement, before: Before) -> str:
        """Return the statements that bring the rows of a change back, or "" if none is certain."""
        ...

    def preview(self, statement: Statement) -> Preview:
        """Return how to see what a mutation would change.

        Raises:
            interlock.errors.InterlockError: `preview-failed`; no read can show it.
        """
        ...


class PolicySource(Protocol):
    """Holds the policy that is in force."""

    @property
    def current(self) -> Policy:
        """The snapshot in force."""
        ...


class Noticeboard(Protocol):
    """Tells people outside what waits for them: in the log, in a chat."""

    async def post(self, notice: OutboxRow) -> None:
        """Tell it.

        Raises:
            NotReachedError: not now.
            NotTakenError: never.
        """
        ...


class Meter(Protocol):
    """Counts and times what happens, under bounded labels."""

    def count(self, name: str, **labels: str) -> None:
        """Add one."""
        ...

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Record a duration in seconds."""
        ...
