"""Reading an incident's timeline: who may, and what is shown of each event."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from interlock_gateway.core.artifact import PNG, is_json
from interlock_gateway.core.piece import Piece, pieces
from interlock_gateway.service.evidence import gone_json
from interlock_gateway.service.evidence_copies import is_given
from interlock_gateway.service.evidence_records import TombstoneRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import must_read, row_of
from interlock_gateway.service.ports import (
    PolicySource,
    Reading,
    Store,
    StoredEvent,
)

Entry = dict[str, Any]
"""An event as readers get it: `{"event": body, "parts": {id: shown}}`.

Shown is `{"text"}`, `{"json"}` or `{"base64", "mediatype"}`, and for an artifact of which only
the preview is shown `{"more": {"artifact", "size", "mediatype", "rows"}}` beside it; or
`{"redacted": {"reason", "by", "at", "kind"}}`.
"""

_PAGE = 500
_SHOWN_BYTES = 8 * 1024 * 1024
_SHOWN_PIECE = 1024 * 1024
_WHOLE_BYTES = 64 * 1024 * 1024


class Depth(Enum):
    """How much of an artifact is read with its event; what is larger stays behind its preview.

    What is shown is pictures, and what people wrote and asked: nobody reads half a note. The
    values are bytes: of all artifacts together, and of each.
    """

    PREVIEWS = (0, 0)
    SHOWN = (_SHOWN_BYTES, _SHOWN_PIECE)
    WHOLE = (_WHOLE_BYTES, _WHOLE_BYTES)


@dataclass(slots=True)
class _Budget:
    """What may still be read of artifacts, so that a timeline of any size fits in memory."""

    depth: Depth
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.depth.value[0]

    def takes(self, piece: Piece) -> bool:
        """Tell whether an artifact is read whole, and count it."""
        shown = piece.mediatype == PNG or not is_given(piece.part)
        wanted = shown or self.depth is Depth.WHOLE
        fits = piece.size <= min(self.left, self.depth.value[1])
        if wanted and fits:
            self.left -= piece.size
        return wanted and fits


class Timeline:
    """Gives people the timelines they may read."""

    def __init__(self, store: Store, policy: PolicySource) -> None:
        self._store = store
        self._policy = policy

    async def entries(
        self, who: Principal, incident: str, *, after: int = 0, limit: int = _PAGE
    ) -> list[Entry]:
        """Return a page of entries with a sequence above `after`; artifacts as previews."""
        return await self._page(who, incident, after, limit, _Budget(Depth.PREVIEWS))

    async def whole(
        self, who: Principal, incident: str, depth: Depth = Depth.SHOWN
    ) -> list[Entry]:
        """Return every entry of the incident, artifacts as deep as asked for."""
        budget = _Budget(depth)
        out: list[Entry] = []
        while page := await self._page(who, incident, _last(out), _PAGE, budget):
            out.extend(page)
        return out

    async def _page(
        self, who: Principal, incident: str, after: int, limit: int, budget: _Budget
    ) -> list[Entry]:
        def question(tx: Reading) -> list[Entry]:
            row_of(tx, incident)
            must_read(tx, self._policy.current, who, incident)
            page = tx.events(incident, after=after, limit=max(1, min(limit, _PAGE)))
            return list(_entries(tx, page, budget))

        return await self._store.read(question)


def entries_of(tx: Reading, page: Sequence[StoredEvent], depth: Depth) -> list[Entry]:
    """Return events as readers get them, artifacts as deep as asked for."""
    return list(_entries(tx, page, _Budget(depth)))


def _entries(tx: Reading, page: Sequence[StoredEvent], budget: _Budget) -> Iterator[Entry]:
    bodies: list[dict[str, Any]] = [json.loads(event.body) for event in page]
    found = [list(pieces(body)) for body in bodies]
    ids = tuple(str(body["id"]) for body in bodies)
    gone = {row.part: row for row in tx.rows(TombstoneRow, event=ids)} if ids else {}
    read = [one.id for each in found for one in each if one.preview and budget.takes(one)]
    whole = tx.contents(read) if read else {}
    for event, body, each in zip(page, bodies, found, strict=True):
        there = {**event.parts, **whole}
        yield {"event": body, "parts": {one.id: _shown(one, there, gone) for one in each}}


def _shown(
    piece: Piece,
    there: Mapping[str, tuple[str, bytes] | None],
    gone: Mapping[str, TombstoneRow],
) -> dict[str, Any]:
    """Return what readers get of a piece: all of it, its preview, or why it is gone."""
    if piece.id in gone:
        return {"redacted": gone_json(gone[piece.id])}
    content = there.get(piece.id)
    if content is not None:
        return _opened(*content)
    preview = there.get(piece.preview) if piece.preview else None
    if preview is None:
        return {"redacted": "the content of this part was destroyed"}
    more = {"artifact": piece.id, "size": piece.size, "mediatype": piece.mediatype}
    rows = {"rows": piece.rows} if piece.rows is not None else {}
    return {**_opened(*preview), "more": more | rows}


def _opened(mediatype: str, content: bytes) -> dict[str, Any]:
    if is_json(mediatype):
        return {"json": json.loads(content)}
    if mediatype == PNG:
        return {"base64": base64.b64encode(content).decode(), "mediatype": mediatype}
    return {"text": content.decode("utf-8", "replace")}


def _last(entries: Sequence[Entry]) -> int:
    return int(entries[-1]["event"]["sequence"]) if entries else 0
