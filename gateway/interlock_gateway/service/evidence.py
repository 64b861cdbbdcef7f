"""Evidence: what an incident's events point at, listed, and opened in full.

Whoever opens a piece by its id leaves an event, durable before a byte of it is given. A piece is
a part or an artifact. It is open to the people of its incident, to standing roles, and to a run
where it is that run's own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.errors import refusal

from interlock_gateway.core.piece import Piece, pieces
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.evidence_records import RetentionRow, TombstoneRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import book_of, must_read, row_of
from interlock_gateway.service.ports import PolicySource, Reading, Store, Transaction

MOST_OPENED = 500
"""Pieces that one person, or one run, may open within an hour: each is an event."""

_PAGE = 500
_AT_MOST = 64
"""Characters of an id that anybody would ask for."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A piece in the list of an incident's evidence, with its tombstone if it is gone."""

    piece: Piece
    gone: TombstoneRow | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A piece in full."""

    piece: Piece
    mediatype: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """Whether an incident's evidence is held: by whom, since when and why; "" for nobody."""

    by: str = ""
    reason: str = ""
    at: datetime | None = None


class Evidence:
    """Lists what an incident holds, and opens pieces of it."""

    def __init__(self, store: Store, policy: PolicySource) -> None:
        self._store = store
        self._policy = policy

    async def listed(self, who: Principal, incident: str) -> tuple[list[Listed], Held]:
        """Return every piece of an incident, in order, and whether it is held; no content."""

        def question(tx: Reading) -> tuple[list[Listed], Held]:
            row_of(tx, incident)
            must_read(tx, self._policy.current, who, incident)
            gone = {row.part: row for row in tx.rows(TombstoneRow, incident=incident)}
            found = [Listed(piece, gone.get(piece.id)) for piece in _all(tx, incident)]
            return found, held(tx, incident)

        return await self._store.read(question)

    async def open(self, who: Principal, name: str) -> Opened:
        """Return a piece in full; that it was opened is an event before anything is given.

        Args:
            who: a person, or a run.
            name: the id of an artifact or part, as the timeline names it.

        Raises:
            InterlockError: `evidence-not-found`, `evidence-redacted`, `not-on-incident`,
                `run-token-mismatch` or `too-many-calls`.
        """
        piece = await self._store.commit(lambda tx: self._noted(tx, who, name))
        found = (await self._store.read(lambda tx: tx.contents([name]))).get(name)
        if found is None:
            raise refusal("evidence-redacted", f"{name} was destroyed just now.")
        return Opened(piece, *found)

    def _noted(self, tx: Transaction, who: Principal, name: str) -> Piece:
        """Record that somebody opens a piece; refuse who may not, and what is gone."""
        piece = piece_of(tx, name)
        self._must_see(tx, who, piece)
        must_be_there(tx, piece)
        hour = int(tx.now.timestamp()) // 3600
        if tx.number(f"evidence opened by {who.authid} in hour {hour}") > MOST_OPENED:
            limit = f"at most {MOST_OPENED} pieces an hour"
            raise refusal("too-many-calls", "Too much evidence was opened.", line=limit)
        tx.append(told("accessed", who.authid, tx, piece, {"by": who.person.id}))
        return piece

    def _must_see(self, tx: Reading, who: Principal, piece: Piece) -> None:
        if who.run and who.run != piece.run:
            message = f"{piece.id} is not of {who.run}; a run sees its own evidence alone."
            raise refusal("run-token-mismatch", message)
        if piece.incident:
            must_read(tx, self._policy.current, who, piece.incident)
        elif who.run or not self._policy.current.roles_of(who.person.id):
            raise refusal("not-on-incident", f"{who.person.id} may not read {piece.id}.")


def held(tx: Reading, incident: str) -> Held:
    """Return whether somebody holds an incident's evidence."""
    row = tx.get(RetentionRow, incident)
    return Held(row.held_by, row.reason, row.held_at) if row and row.held_by else Held()


def piece_of(tx: Reading, name: str) -> Piece:
    """Return the piece with this id; by the id of a preview, the artifact it stands for.

    Raises:
        InterlockError: `evidence-not-found`.
    """
    body = tx.origin(name) if 0 < len(name) <= _AT_MOST else None
    for piece in pieces(json.loads(body)) if body is not None else ():
        if name in piece.ids:
            return piece
    raise refusal("evidence-not-found", f"There is no evidence {name[:_AT_MOST]!r}.")


def must_be_there(tx: Reading, piece: Piece) -> None:
    """Refuse what was destroyed, and say by whom, when and why.

    Raises:
        InterlockError: `evidence-redacted`.
    """
    row = tx.get(TombstoneRow, piece.id)
    if row is not None:
        when = f"{row.at:%Y-%m-%d %H:%M}Z"
        message = f"{piece.id} was {row.kind} by {row.by} on {when}: {row.reason or 'no reason'}."
        raise refusal("evidence-redacted", message)


def told(
    word: str,
    authid: str,
    tx: Reading,
    piece: Piece,
    data: Mapping[str, Any],
) -> Draft:
    """Return the event `artifact.WORD` about a piece, for the book that takes it."""
    about = {
        "artifact": piece.id,
        "part": piece.part,
        "event": piece.event,
        "what": str(piece.body["type"]),
        "of": piece.incident,
        **({"run": piece.run} if piece.run else {}),
    }
    return Draft(
        f"artifact.{word}",
        authid,
        {**about, **data},
        incident=book_of(tx, piece.incident) if piece.incident else "",
        subject=piece.id,
        correlationid=piece.run,
        causationid=piece.event,
    )


def _all(tx: Reading, incident: str) -> Iterator[Piece]:
    after = 0
    while page := tx.events(incident, after=after, limit=_PAGE):
        for event in page:
            yield from pieces(json.loads(event.body))
        after = page[-1].sequence


def listed_json(one: Listed) -> dict[str, Any]:
    """Return a piece as a list tells it."""
    piece, gone = one.piece, one.gone
    return {
        "id": piece.id,
        "sequence": int(piece.body.get("sequence", 0)),
        "event": piece.event,
        "what": str(piece.body["type"]),
        "part": piece.part,
        "mediatype": piece.mediatype,
        "size": piece.size,
        "artifact": bool(piece.preview),
        "rows": piece.rows,
        "truncated": piece.truncated,
        "state": gone.kind if gone else "kept",
        "gone": gone_json(gone) if gone else None,
    }


def gone_json(row: TombstoneRow) -> dict[str, str]:
    """Return why something is not there any more, and who saw to it."""
    at = row.at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"reason": row.reason, "by": row.by, "at": at, "kind": row.kind}
