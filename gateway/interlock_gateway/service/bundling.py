"""What leaves the gateway with its proof: the stated length, the proof block, the bundle."""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock.proof import BLOCK, Tree, note_of
from interlock.proof.bundle import bundle

from interlock_gateway.core.timeline import Draft, StoredPart, stamp
from interlock_gateway.service.anchoring import anchorings
from interlock_gateway.service.evidence_records import TombstoneRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import book_of, must_read, row_of
from interlock_gateway.service.log_records import (
    LOG,
    AnchoringRow,
    CheckpointRow,
    LogKeyRow,
    LogRow,
)
from interlock_gateway.service.ports import LogSigner, PolicySource, Reading, Store, Transaction

_PAGE = 500
_MOST_ANCHORS = 50
_LONG = 8 * 1024


@dataclass(frozen=True, slots=True)
class Statement:
    """That an incident's timeline is taken away, as the log states it.

    Attributes:
        event: the event that states it.
        incident: whose timeline.
        length: how many events it has.
    """

    event: str
    incident: str
    length: int


class Bundling:
    """States how long a timeline is before it leaves, and puts its proof together."""

    def __init__(self, store: Store, policy: PolicySource, signer: LogSigner) -> None:
        self._store = store
        self._policy = policy
        self._signer = signer

    async def state(self, who: Principal, incident: str, form: str) -> Statement:
        """Record that somebody takes a timeline away, and its length; a checkpoint covers it.

        A sealed record stays as it is: it is recorded in the deployment's own then.

        Raises:
            InterlockError: `incident-not-found`, `not-on-incident`.
        """

        def unit(tx: Transaction) -> Statement:
            return self._stated(tx, who, incident, {"form": form})

        return await self._store.commit(unit)

    async def state_page(
        self, who: Principal, incident: str, page: str, length: int
    ) -> Statement | None:
        """Record also what a page says, and return None where there are newer events than it has.

        Args:
            who: who takes it away.
            incident: the incident that it shows.
            page: `interlock.export.page_digest` of what it shows.
            length: how many events it shows.

        Raises:
            InterlockError: `incident-not-found`, `not-on-incident`.
        """

        def unit(tx: Transaction) -> Statement | None:
            if tx.length(incident) != length:
                return None
            return self._stated(tx, who, incident, {"form": "html", "page": page})

        return await self._store.commit(unit)

    def _stated(
        self, tx: Transaction, who: Principal, incident: str, said: Mapping[str, str]
    ) -> Statement:
        row_of(tx, incident)
        must_read(tx, self._policy.current, who, incident)
        book, length = book_of(tx, incident), tx.length(incident)
        data = {**said, "of": incident, "length": length}
        event = tx.append(Draft("log.exported", who.authid, data, incident=book, subject=incident))
        return Statement(event, incident, length)

    async def block(self, statement: Statement) -> dict[str, Any]:
        """Return the `interlock-proof/v1` block of what was stated, with every body."""
        return await self._store.read(partial(_block, statement=statement))

    async def bundle(self, statement: Statement, more: Mapping[str, bytes]) -> bytes:
        """Return the evidence bundle of what was stated.

        Args:
            statement: what `state` returned.
            more: further files, such as the postmortem in a form for people.
        """
        taken = await self._store.read(partial(_taken, statement=statement))
        return await asyncio.to_thread(self._packed, statement, taken, more)

    def _packed(self, statement: Statement, taken: "_Taken", more: Mapping[str, bytes]) -> bytes:
        block = taken.block
        bodies = [event.pop("body") for event in block["events"]]
        content = {
            "timeline.jsonl": "".join(f"{body}\n" for body in bodies).encode(),
            "log.json": _json(block),
            "parts.jsonl": b"".join(_json(_line(part)) for part in taken.parts),
            **{_file(part): part.content for part in taken.parts if _is_long(part)},
            **more,
        }
        about = {
            "incident": statement.incident,
            "length": statement.length,
            "checkpoint": block["checkpoint"],
            "left_out": dict(taken.gone),
        }
        return bundle(content, about, partial(self._signed, taken.key))

    def _signed(self, key: str, text: str) -> str:
        return note_of(text, self._signer.sign(key, text))


@dataclass(frozen=True, slots=True)
class _Taken:
    """One state of the store: the proof block, what is kept beside it, the key that signs now.

    `gone` says of each part or artifact that was destroyed by whom, when and why.
    """

    block: dict[str, Any]
    parts: Sequence[StoredPart]
    gone: Mapping[str, str]
    key: str


def _taken(tx: Reading, statement: Statement) -> _Taken:
    row = tx.get(LogRow, LOG)
    assert row is not None  # noqa: S101  it is made with the store
    block = _block(tx, statement)
    events = [json.loads(event["body"])["id"] for event in (*block["events"], *block["also"])]
    parts = [
        part
        for first in range(0, len(events), _PAGE)
        for part in tx.parts(events[first : first + _PAGE])
    ]
    gone = {one.part: _grave(one) for one in tx.rows(TombstoneRow, incident=statement.incident)}
    return _Taken(block, parts, gone, row.key)


def _block(tx: Reading, statement: Statement) -> dict[str, Any]:
    checkpoint = tx.rows(CheckpointRow, order="-size", limit=1)[0]
    keys = tx.rows(LogKeyRow, order="since")
    paths = _Paths(Tree(tx.tile), checkpoint.size)
    anchored = anchorings(tx, statement.incident, _MOST_ANCHORS)
    stated = tx.event(statement.event)
    assert stated is not None  # noqa: S101  it was committed before
    events = [paths.entry(body) for body in _bodies(tx, statement)]
    also = [paths.entry(stated.body)]
    return {
        "schema": BLOCK,
        "checkpoint": checkpoint.note,
        "keys": [key.text for key in keys],
        "rotations": [key.note for key in keys[1:]],
        "events": events,
        "also": also,
        "length": statement.length,
        "statement": also[0]["logindex"],
        "growth": _growth(tx, checkpoint, anchored),
        "anchors": [_anchoring(row) for row in anchored],
        "nodes": paths.nodes,
    }


def _bodies(tx: Reading, statement: Statement) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < statement.length:
        limit = min(_PAGE, statement.length - len(found))
        page = tx.events(statement.incident, after=len(found), limit=limit)
        found += [bytes(event.body) for event in page]
    return found


class _Paths:
    """Inclusion paths of many events, each hash that they share written once."""

    def __init__(self, tree: Tree, size: int) -> None:
        self._tree = tree
        self._size = size
        self._places: dict[bytes, int] = {}

    def entry(self, body: bytes) -> dict[str, Any]:
        """Return an event with its place in the log and its path from there."""
        event = json.loads(body)
        index = int(event["logindex"])
        path = self._tree.inclusion(index, self._size)
        places = [self._places.setdefault(one, len(self._places)) for one in path]
        number = int(event["sequence"])
        return {"logindex": index, "sequence": number, "path": places, "body": body.decode()}

    @property
    def nodes(self) -> list[str]:
        """Every hash that a path names, at its place."""
        return [base64.b64encode(one).decode() for one in self._places]


def _anchoring(row: AnchoringRow) -> dict[str, Any]:
    return {
        "anchor": row.anchor,
        "size": row.size,
        "at": row.at.isoformat(),
        "receipt": row.receipt,
    }


def _growth(
    tx: Reading, newest: CheckpointRow, anchored: Sequence[AnchoringRow]
) -> list[dict[str, Any]]:
    """Return what shows the log to go on from each size that was anchored."""
    tree = Tree(tx.tile)
    sizes = sorted({row.size for row in anchored if row.size < newest.size})
    return [
        {
            "size": size,
            "path": [
                base64.b64encode(one).decode() for one in tree.consistency(size, newest.size)
            ],
        }
        for size in sizes
    ]


def _line(part: StoredPart) -> dict[str, Any]:
    """Return a part as a line of the bundle: a long one stands in a file of its own."""
    about = {
        "id": part.id,
        "event": part.event,
        "mediatype": part.mediatype,
        "salt": base64.b64encode(part.salt).decode(),
    }
    if _is_long(part):
        return {**about, "file": _file(part)}
    try:
        return {**about, "text": part.content.decode()}
    except UnicodeDecodeError:
        return {**about, "base64": base64.b64encode(part.content).decode()}


def _is_long(part: StoredPart) -> bool:
    return len(part.content) > _LONG


def _file(part: StoredPart) -> str:
    return f"evidence/{part.id}"


def _grave(row: TombstoneRow) -> str:
    return f"{row.kind} by {row.by}, {stamp(row.at)}: {row.reason}"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
