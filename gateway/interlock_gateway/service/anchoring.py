"""Checkpoints on time, and their copies where the store's owner cannot reach them.

A checkpoint proves nothing against whoever holds the store and its key: they sign another one. A
copy of it outside does, from then on. What an anchor holds is compared with the log before more
is laid there, so that a store that was restored or rewritten is noticed while it runs.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from interlock.proof import (
    Checkpoint,
    ProofError,
    Tree,
    read_checkpoint,
    read_key,
    signers,
)

from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.claims import take
from interlock_gateway.service.closing import tell
from interlock_gateway.service.log_records import (
    LOG,
    AnchoringRow,
    CheckpointRow,
    LogKeyRow,
    LogRow,
)
from interlock_gateway.service.ports import (
    Clock,
    Meter,
    NotReachedError,
    Randomness,
    Reading,
    Store,
    Transaction,
)

NOTICE = "log.checkpoint"
"""The kind of notice by which a checkpoint is told in a chat, and in the gateway's own log."""

SLACK = "slack:"
"""Begins the name of an anchor that is an incident's thread; the incident follows."""

_THREADS = "slack"
_LATEST = 500

CHECKPOINT_S = 10.0
"""Seconds after which a log that grew has another checkpoint, at the latest."""

_CLAIM, _CLAIM_S = "anchoring", 30.0


class Anchor(Protocol):
    """A place outside the store where checkpoints are laid down, and stay."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def newest(self) -> str:
        """Return the last note that it holds, or "".

        Raises:
            NotReachedError: it cannot be read.
        """
        ...

    async def lay(self, note: str) -> str:
        """Add a note and return where it is to be found.

        Raises:
            NotReachedError: it is not there now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Anchored:
    """How far an anchor goes.

    Attributes:
        anchor: its name.
        size: events that its last checkpoint covers; 0 where there is none.
        at: when that was laid there.
        receipt: where it is to be found.
        trouble: why it goes no further, or "".
    """

    anchor: str
    size: int = 0
    at: datetime | None = None
    receipt: str = ""
    trouble: str = ""


def announce(tx: Transaction, note: str, lengths: Mapping[str, int]) -> None:
    """Have a checkpoint told outside for each incident that it was signed for.

    Args:
        tx: the unit of work that it is signed in.
        note: the checkpoint.
        lengths: incident → how many events it has.
    """
    for incident, length in lengths.items():
        tell(tx, NOTICE, incident, json.dumps({"note": note, "length": length}))


class Anchoring:
    """Signs checkpoints on time, and lays them down at every anchor."""

    def __init__(
        self,
        store: Store,
        anchors: Sequence[Anchor],
        clock: Clock,
        meter: Meter,
        randomness: Randomness,
    ) -> None:
        """Look after the log of a store; without anchors, it only signs."""
        self._store = store
        self._anchors = anchors
        self._clock = clock
        self._meter = meter
        self._holder = randomness.identifier("gw_")
        self._troubles: dict[str, str] = {}
        self._conflicting: set[str] = set()

    async def run(self) -> None:
        """Go on for ever: whatever goes wrong is said, and tried again."""
        while True:
            try:
                await self.turn()
            except Exception:  # noqa: BLE001  it outlives every trouble, and counts it
                self._meter.count("alarms", kind="anchoring")
            await asyncio.sleep(CHECKPOINT_S)

    async def turn(self) -> None:
        """Sign where the log ends if it grew, and lay it down; one gateway at a time does it."""
        if not await self._store.commit(lambda tx: take(tx, _CLAIM, self._holder, _CLAIM_S)):
            return
        if await self._store.read(_has_grown):
            await self._store.commit(lambda tx: tx.checkpoint())
        for anchor in self._anchors:
            await self._anchor(anchor)

    async def status(self) -> list[Anchored]:
        """Return how far each anchor goes; incidents' threads are one, and none of them is named.

        Whose thread it is and where it stands is for that incident's people: `anchored_up_to`.
        """

        def question(tx: Reading) -> list[AnchoringRow]:
            return list(tx.rows(AnchoringRow, order="-size", limit=_LATEST))

        newest: dict[str, AnchoringRow] = {}
        for row in await self._store.read(question):
            if row.anchor.startswith(SLACK):
                row = AnchoringRow(_THREADS, row.size, row.at, "")  # noqa: PLW2901  as it is told
            newest.setdefault(row.anchor, row)
        names = [*(anchor.name for anchor in self._anchors), *newest]
        return [self._known(name, newest.get(name)) for name in dict.fromkeys(names)]

    def _known(self, name: str, row: AnchoringRow | None) -> Anchored:
        trouble = self._troubles.get(name, "")
        if row is None:
            return Anchored(name, trouble=trouble)
        return Anchored(name, row.size, row.at, row.receipt, trouble)

    async def _anchor(self, anchor: Anchor) -> None:
        try:
            held = await anchor.newest()
            wrong = await self._store.read(lambda tx: conflict(tx, held)) if held else ""
            if wrong:
                await self._conflicts(anchor.name, wrong)
                return
            newest = await self._store.read(lambda tx: _due(tx, anchor.name))
            if newest is not None:
                receipt = await anchor.lay(newest.note)
                await self._laid(anchor.name, newest.size, receipt)
        except NotReachedError as error:
            self._meter.count("alarms", kind="anchor_unreachable")
            self._troubles[anchor.name] = str(error)
        else:
            self._troubles.pop(anchor.name, None)
            self._conflicting.discard(anchor.name)

    async def _laid(self, name: str, size: int, receipt: str) -> None:
        def unit(tx: Transaction) -> None:
            if tx.get(AnchoringRow, name, size) is None:
                tx.add(AnchoringRow(name, size, tx.now, receipt))

        await self._store.commit(unit)

    async def _conflicts(self, name: str, wrong: str) -> None:
        """Say it in the journal once, and leave what the anchor holds as it is."""
        self._meter.count("alarms", kind="anchor_conflict")
        if name in self._conflicting:
            return  # what was seen first says most: the log grows past it
        data = {"anchor": name, "conflict": wrong}
        await self._store.commit(
            lambda tx: tx.append(Draft("log.anchor_conflict", "system", data, subject=name))
        )
        self._conflicting.add(name)
        self._troubles[name] = wrong


def anchored_up_to(tx: Reading, incident: str) -> tuple[int, AnchoringRow | None]:
    """Return the sequence up to which an incident is anchored, and by what; 0 and None if not."""
    row = next(iter(anchorings(tx, incident, 1)), None)
    return (tx.sequence_below(incident, row.size), row) if row else (0, None)


def anchorings(tx: Reading, incident: str, limit: int) -> list[AnchoringRow]:
    """Return what was laid down for an incident, newest first: in its own thread, and for all.

    Other incidents' threads are other people's.
    """
    own = tx.rows(AnchoringRow, anchor=f"{SLACK}{incident}", order="-size", limit=limit)
    latest = tx.rows(AnchoringRow, order="-size", limit=_LATEST)
    for_all = (row for row in latest if not row.anchor.startswith(SLACK))
    return sorted((*own, *for_all), key=lambda row: row.size, reverse=True)[:limit]


def _has_grown(tx: Reading) -> bool:
    row, newest = tx.get(LogRow, LOG), _newest(tx)
    return row is not None and row.size > (newest.size if newest else 0)


def _newest(tx: Reading) -> CheckpointRow | None:
    return next(iter(tx.rows(CheckpointRow, order="-size", limit=1)), None)


def _due(tx: Reading, anchor: str) -> CheckpointRow | None:
    """Return the checkpoint that an anchor lacks, or None."""
    newest = _newest(tx)
    laid = newest and tx.get(AnchoringRow, anchor, newest.size)
    return None if laid else newest


def conflict(tx: Reading, held: str) -> str:
    """Return why a note that an anchor holds is not of this log's past; "" when it is."""
    row = tx.get(LogRow, LOG)
    keys = [read_key(key.text) for key in tx.rows(LogKeyRow)]
    try:
        said, ours = read_checkpoint(held), row or LogRow(LOG, "", 0, b"", "")
        if said.origin != ours.origin:
            return (
                f"It holds checkpoints of another log, {said.origin}; this one is {ours.origin}."
            )
        if said.size > ours.size:
            return (
                f"It holds a checkpoint of {said.size} events, and the log has {ours.size}: "
                "the store was restored from a backup, or its end was cut off."
            )
        if not signers(held, keys):
            return "None of this log's keys signed the last checkpoint that it holds."
        if said != Checkpoint(ours.origin, said.size, Tree(tx.tile).root(said.size)):
            return f"The first {said.size} events are not those that it holds a checkpoint of."
    except ProofError as error:
        return f"Its last note cannot be compared: {error}"
    return ""
