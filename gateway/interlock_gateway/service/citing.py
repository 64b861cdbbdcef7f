"""Events that people's entries point at: by the number a timeline shows, of one incident alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.errors import refusal

from interlock_gateway.service.ports import Reading, StoredEvent

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
    """Return what events say, by identifier."""
    found = tx.cited(list(dict.fromkeys(event for event in events if event)))
    return {str(json.loads(one.body)["id"]): told(one) for one in found}


@dataclass(frozen=True, slots=True)
class Told:
    """What an event says: its number, its data, and the texts in its parts by their field.

    A part that was destroyed says so in brackets.
    """

    sequence: int
    data: Mapping[str, Any]
    texts: Mapping[str, str]

    def text(self, field: str = "text") -> str:
        """Return the text of a part, or ""."""
        return self.texts.get(field, "")


NOTHING_TOLD = Told(0, {}, {})


def told(stored: StoredEvent) -> Told:
    """Return what a stored event says."""
    data: dict[str, Any] = json.loads(stored.body).get("data", {})
    named = {name: value["$part"] for name, value in data.items() if _is_part(value)}
    texts = {name: _opened(stored.parts.get(part)) for name, part in named.items()}
    return Told(stored.sequence, data, texts)


def _is_part(value: object) -> bool:
    return isinstance(value, Mapping) and "$part" in value


def _opened(part: tuple[str, bytes] | None) -> str:
    return "[destroyed]" if part is None else part[1].decode("utf-8", "replace")


def _read(stored: StoredEvent) -> Cited:
    body = json.loads(stored.body)
    at = datetime.fromisoformat(str(body["time"]))
    accuracy = str(body.get("timeaccuracy", "PT1S"))
    return Cited(str(body["id"]), stored.sequence, str(body["type"]), at, accuracy)
