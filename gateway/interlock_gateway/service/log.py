"""The log for those who look after it or check it: where it stands, its growth, its keys."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from interlock.errors import refusal
from interlock.proof import ProofError, Tree, read_key

from interlock_gateway.core.limits import MAX_TEXT
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.anchoring import Anchored, Anchoring, anchored_up_to
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.log_records import LOG, CheckpointRow, LogKeyRow, LogRow
from interlock_gateway.service.ports import LogSigner, Reading, Store, Transaction
from interlock_gateway.service.stewards import Stewards

MOST_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class LogStatus:
    """Where the log stands.

    Attributes:
        origin: its name in checkpoints.
        size: events that it has.
        note: its newest checkpoint; "" before the first.
        signed_at: when that was signed.
        keys: every key that signed for it, oldest first; the last one signs now.
        anchors: how far each anchor goes.
    """

    origin: str
    size: int
    note: str
    signed_at: datetime | None
    keys: Sequence[LogKeyRow]
    anchors: Sequence[Anchored]


@dataclass(frozen=True, slots=True)
class AnchoredIncident:
    """How far one incident's record is anchored: up to which of its events, when and where."""

    length: int
    up_to: int
    at: datetime | None
    anchor: str
    receipt: str


class Log:
    """Answers for the log, and changes its key."""

    def __init__(
        self, store: Store, anchoring: Anchoring, signer: LogSigner, stewards: Stewards
    ) -> None:
        self._store = store
        self._anchoring = anchoring
        self._signer = signer
        self._stewards = stewards

    async def status(self) -> LogStatus:
        """Return where the log stands; nothing in it tells what any event says."""
        anchors = await self._anchoring.status()
        row, newest, keys = await self._store.read(_standing)
        note, at = (newest.note, newest.at) if newest else ("", None)
        return LogStatus(row.origin, row.size, note, at, keys, anchors)

    async def anchored(self, incident: str) -> AnchoredIncident:
        """Return how far an incident's record is anchored."""

        def question(tx: Reading) -> AnchoredIncident:
            up_to, row = anchored_up_to(tx, incident)
            length = tx.sequence_below(incident, _log_of(tx).size)
            if row is None:
                return AnchoredIncident(length, 0, None, "", "")
            return AnchoredIncident(length, up_to, row.at, row.anchor, row.receipt)

        return await self._store.read(question)

    async def growth(self, old: int, new: int) -> list[str]:
        """Return the path that shows the log of `new` events to begin with that of `old`.

        Raises:
            InterlockError: `bad-request`; the log has not so many events.
        """

        def question(tx: Reading) -> list[bytes]:
            if new > _log_of(tx).size:
                raise refusal("bad-request", f"The log has {_log_of(tx).size} events, not {new}.")
            try:
                return Tree(tx.tile).consistency(old, new)
            except ProofError as error:
                raise refusal("bad-request", str(error)) from error

        return [base64.b64encode(one).decode() for one in await self._store.read(question)]

    async def entries(
        self, who: Principal, first: int, limit: int
    ) -> list[tuple[int, bytes, bytes]]:
        """Return (log index, body, leaf) of all incidents' events from `first` on, to a steward.

        Raises:
            InterlockError: `no-permission`, `not-a-person`.
        """
        self._stewards.must_have(who, "read the whole log")
        return list(
            await self._store.read(lambda tx: tx.bodies(first, max(1, min(limit, MOST_ENTRIES))))
        )

    async def rotate(self, who: Principal, reason: str) -> LogKeyRow:
        """Have the log signed by a new key from now on; both sign the checkpoint in between.

        Raises:
            InterlockError: `no-permission`, `not-a-person`, `bad-request`.
        """
        self._stewards.must_have(who, "change the log's key")
        if not reason.strip() or len(reason) > MAX_TEXT:
            raise refusal("bad-request", "Say why the log gets a new key.")
        origin = (await self._store.read(_log_of)).origin
        text = self._signer.make(origin)
        await self._store.commit(partial(_rotated, who=who, reason=reason, text=text))
        made = await self._store.read(lambda tx: tx.get(LogKeyRow, read_key(text).id))
        assert made is not None  # noqa: S101  it was committed just now, and is never removed
        return made


def _rotated(tx: Transaction, who: Principal, reason: str, text: str) -> None:
    data = {"from": _log_of(tx).key, "to": read_key(text).id, "key": text}
    parts = {"reason": text_part(reason)}
    tx.append(Draft("log.key_rotated", who.authid, data, parts, subject=data["to"]))
    tx.rotate(text)


def _standing(tx: Reading) -> tuple[LogRow, CheckpointRow | None, list[LogKeyRow]]:
    newest = next(iter(tx.rows(CheckpointRow, order="-size", limit=1)), None)
    return _log_of(tx), newest, list(tx.rows(LogKeyRow, order="since"))


def _log_of(tx: Reading) -> LogRow:
    row = tx.get(LogRow, LOG)
    assert row is not None  # noqa: S101  it is made with the store
    return row
