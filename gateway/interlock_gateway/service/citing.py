"""Events that people's entries point at: by the number a timeline shows, of one incident alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.errors import refusal

from interlock_gateway.core.piece import Piece, pieces
from interlock_gateway.service.ports import Reading, StoredEvent

_Content = tuple[str, bytes]

MOST_CITED = 50
"""Events that one entry may point at."""


@dataclass(frozen=True, slots=True)
class Cited:
    """An event of an incident that something points at."""

    event: str
    sequence: int
    type: str
    time: datetime
    timeaccuracy: str = ""

    @property
    def reference(self) -> dict[str, str | int]:
        """How an entry's data names it: for machines by its id, for people by its number."""
        return {"event": self.event, "sequence": self.sequence}


def cite(tx: Reading, incident: str, sequence: int) -> Cited:
    """Return the event that `#sequence` names in this incident, and in no other.

    Raises:
        InterlockError: there is none.
    """
    found = tx.events(incident, after=sequence - 1, limit=1) if sequence > 0 else ()
    if not found or found[0].sequence != sequence:
        message = f"{incident} has no event #{sequence}."
        raise refusal("bad-request", message, help=f"See `interlock timeline {incident}`.")
    return _read(found[0])


def cite_all(tx: Reading, incident: str, sequences: Sequence[int]) -> list[Cited]:
    """Return each event once, in the order given.

    Raises:
        InterlockError: one of them is not there, or they are too many.
    """
    wanted = list(dict.fromkeys(sequences))
    if len(wanted) > MOST_CITED:
        raise refusal("bad-request", f"One entry points at {MOST_CITED} events at the most.")
    return [cite(tx, incident, sequence) for sequence in wanted]


def cite_id(tx: Reading, incident: str, event: str) -> Cited:
    """Return the event of this incident with an identifier, as a run knows its answers by.

    Raises:
        InterlockError: there is none, or it is another incident's.
    """
    found = tx.cited([event])
    if not found or json.loads(found[0].body).get("incident") != incident:
        raise refusal("bad-request", f"{incident} has no event {event[:60]!r}.")
    return _read(found[0])


def references(found: Iterable[Cited], name: str = "evidence") -> dict[str, Any]:
    """Return what an entry's data says of the events it points at; nothing for none."""
    listed = [one.reference for one in found]
    return {name: listed} if listed else {}


def texts_of(tx: Reading, events: Iterable[str]) -> dict[str, "Told"]:
    """Return what events say, by identifier; a long text, kept as an artifact, in full."""
    found = tx.cited(list(dict.fromkeys(event for event in events if event)))
    bodies = [json.loads(one.body) for one in found]
    said = {str(body["id"]): list(pieces(body)) for body in bodies}
    long = [piece.id for each in said.values() for piece in each if piece.preview]
    there: dict[str, _Content | None] = {**tx.contents(long)} if long else {}
    for one in found:
        there |= one.parts
    return {
        event: Told(one.sequence, _texts(said[event], there))
        for one, event in zip(found, said, strict=True)
    }


@dataclass(frozen=True, slots=True)
class Told:
    """What an event says: its number, and the texts in its parts by their field.

    A part that was destroyed is None.
    """

    sequence: int
    texts: Mapping[str, str | None]

    def text(self, field: str = "text") -> str:
        """Return the text of a part, or ""; of one that was destroyed, "[destroyed]"."""
        found = self.texts.get(field, "")
        return "[destroyed]" if found is None else found

    def json(self, field: str) -> Any:
        """Return the value in a JSON part; None if there is none, or it was destroyed."""
        found = self.texts.get(field)
        return json.loads(found) if found else None


NOTHING_TOLD = Told(0, {})


def _texts(said: Iterable[Piece], there: Mapping[str, _Content | None]) -> dict[str, str | None]:
    found = {piece.part: there.get(piece.id) for piece in said}
    return {field: one and one[1].decode("utf-8", "replace") for field, one in found.items()}


def _read(stored: StoredEvent) -> Cited:
    body = json.loads(stored.body)
    at = datetime.fromisoformat(str(body["time"]))
    accuracy = str(body.get("timeaccuracy", "PT1S"))
    return Cited(str(body["id"]), stored.sequence, str(body["type"]), at, accuracy)
