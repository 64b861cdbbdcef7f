"""Where the journal ends: the last place in it, and the frontier of the tree over it."""

from dataclasses import dataclass

from interlock.proof import (
    Checkpoint,
    Frontier,
    ProofError,
    checkpoint_text,
    leaf_hash,
    note_of,
    unpacked,
)

from interlock_gateway.adapters.store.driver import Driver
from interlock_gateway.adapters.store.reading import SqlReading
from interlock_gateway.adapters.store.statements import last_logindex, last_sequence
from interlock_gateway.core.timeline import Event
from interlock_gateway.service.log_records import LOG, LogRow, NodeRow
from interlock_gateway.service.ports import LogSigner


class BrokenLogError(Exception):
    """The log cannot go on: its end is not what it was, or nothing can sign for it."""


class Heads:
    """The end of the log, and the last sequence of each incident as far as it is known."""

    def __init__(self, reading: SqlReading, driver: Driver) -> None:
        """Read where the log ends.

        Raises:
            BrokenLogError: the journal has more or fewer events than the log counted.
        """
        row = reading.get(LogRow, LOG)
        last = driver.one(last_logindex(driver.engine), {})
        found = 0 if last is None else int(last) + 1
        if row is None or row.size != found:
            counted = row.size if row else 0
            raise BrokenLogError(
                f"the log counted {counted} events and the journal holds {found}: it was changed "
                "from outside, or restored in parts. See docs/verifying.md."
            )
        try:
            self._frontier = unpacked(row.size, row.peaks)
        except ProofError as error:
            raise BrokenLogError(str(error)) from error
        self.row = row
        self._logindex = row.size - 1
        self._sequences: dict[str, int] = {}
        self._before: tuple[int, dict[str, int]] = (self._logindex, {})

    def mark(self) -> None:
        """Remember this moment, for `forget`."""
        self._before = (self._logindex, {})

    def forget(self) -> None:
        """Take back every number taken since `mark`."""
        self._logindex, sequences = self._before
        self._sequences.update(sequences)

    def last(self, driver: Driver, incident: str) -> int:
        """Return the last sequence of an incident that was taken; 0 for none."""
        if incident not in self._sequences:
            last = driver.one(last_sequence(driver.engine), {"incident": incident})
            self._sequences[incident] = int(last or 0)
        return self._sequences[incident]

    def next(self, driver: Driver, incident: str) -> tuple[int, int]:
        """Return the next (log index from 0, sequence from 1) and take them."""
        self._before[1].setdefault(incident, self.last(driver, incident))
        self._logindex += 1
        self._sequences[incident] += 1
        return self._logindex, self._sequences[incident]

    def grow(self, events: list[Event]) -> "Growth":
        """Put events into the tree; what comes of it counts once its transaction does."""
        leaves = [leaf_hash(event.body) for event in events]
        nodes = [NodeRow(*found) for leaf in leaves for found in self._frontier.push(leaf)]
        return Growth(leaves, nodes, self._frontier)


@dataclass(frozen=True, slots=True)
class Growth:
    """What events add to the log: their leaves, the subtrees they complete, its new end."""

    leaves: list[bytes]
    nodes: list[NodeRow]
    frontier: Frontier


def signed(row: LogRow, signer: LogSigner, *keys: str) -> str:
    """Return the checkpoint of a log that ends so, as a note that these keys have signed.

    Raises:
        BrokenLogError: one of them is not here.
    """
    frontier = unpacked(row.size, row.peaks)
    text = checkpoint_text(Checkpoint(row.origin, frontier.size, frontier.root))
    try:
        return note_of(text, *(signer.sign(key, text) for key in keys))
    except (OSError, ValueError) as error:
        raise BrokenLogError(f"nothing can sign for the log: {error}") from error
