"""Reading an incident's timeline: who may, and what is shown of each event."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import book_of, must_read, row_of
from interlock_gateway.service.ports import (
    PolicySource,
    Reading,
    Store,
    StoredEvent,
    Transaction,
)

Entry = dict[str, Any]
"""An event as readers get it: `{"event": body, "parts": {id: {"text"|"json"|"redacted"}}}`."""

_PAGE = 500


class Timeline:
    """Gives people the timelines they may read."""

    def __init__(self, store: Store, policy: PolicySource) -> None:
        self._store = store
        self._policy = policy

    async def entries(
        self, who: Principal, incident: str, *, after: int = 0, limit: int = _PAGE
    ) -> list[Entry]:
        """Return a page of entries with a sequence above `after`."""

        def question(tx: Reading) -> Sequence[StoredEvent]:
            row_of(tx, incident)
            must_read(tx, self._policy.current, who, incident)
            return tx.events(incident, after=after, limit=max(1, min(limit, _PAGE)))

        return [entry(event) for event in await self._store.read(question)]

    async def whole(self, who: Principal, incident: str) -> list[Entry]:
        """Return every entry of the incident."""
        out: list[Entry] = []
        while page := await self.entries(who, incident, after=_last(out)):
            out.extend(page)
        return out

    async def exported(self, who: Principal, incident: str, form: str) -> None:
        """Record that somebody took the timeline away; a sealed record stays as it is."""

        def unit(tx: Transaction) -> None:
            data, book = {"form": form, "of": incident}, book_of(tx, incident)
            tx.append(Draft("log.exported", who.authid, data, incident=book, subject=incident))

        await self._store.commit(unit)


def entry(stored: StoredEvent) -> Entry:
    """Return an event with its parts opened, or said to be gone."""
    body: dict[str, Any] = json.loads(stored.body)
    named = [value for value in body.get("data", {}).values() if _is_part(value)]
    parts = {str(value["$part"]): _opened(stored.parts.get(value["$part"])) for value in named}
    return {"event": body, "parts": parts}


def _is_part(value: object) -> bool:
    return isinstance(value, Mapping) and "$part" in value


def _opened(part: tuple[str, bytes] | None) -> dict[str, Any]:
    if part is None:
        return {"redacted": "the content of this part was destroyed"}
    mediatype, content = part
    if mediatype == "application/json":
        return {"json": json.loads(content)}
    return {"text": content.decode("utf-8", "replace")}


def _last(entries: Sequence[Entry]) -> int:
    return int(entries[-1]["event"]["sequence"]) if entries else 0
