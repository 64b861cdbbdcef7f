"""The curated runbooks in a folder, read anew when they are asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interlock.catalogue import Catalogue, Entry

from interlock_gateway.service.runs import Shelved


class FolderShelf:
    """Implements `service.gateway.Library` over `interlock.catalogue`."""

    def __init__(self, folder: Path) -> None:
        self._catalogue = Catalogue(folder)

    def get(self, runbook: str) -> Shelved:
        """Return one runbook, or raise an InterlockError with `runbook-not-found`."""
        return Shelved(*self._catalogue.get(runbook))

    def listed(self, words: str) -> Sequence[dict[str, Any]]:
        """Return a summary of each notebook that fits `words`, broken ones with their error."""
        return [_summary(entry) for entry in self._catalogue.find(words)]


def _summary(entry: Entry) -> dict[str, Any]:
    book = entry.runbook
    if book is None:
        return {"id": entry.id, "status": "broken", "error": entry.error}
    return {
        "id": book.id,
        "title": book.title,
        "version": book.version,
        "summary": book.summary,
        "domain": book.domain,
        "owner": book.owner.team,
        "status": book.status,
        "review_due": book.reviewed.due.isoformat(),
        "effects": list(book.effects),
        "digest": book.digest,
    }
