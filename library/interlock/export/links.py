"""What entries of a timeline have to do with each other: answers, corrections, evidence, marks.

An event is named by its id, which nobody chooses. A number alone, or the id of an event that is
not in the export, makes no link.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.export.entries import Link
from interlock.export.reading import Reading

CORRECTED = "corrected by"
TITLES: Mapping[str, str] = {
    "impact_started": "Impact start",
    "detected": "Detection",
    "acknowledged": "Acknowledged",
    "diagnosed": "Diagnosis",
    "mitigated": "Repair",
    "resolved": "Resolved",
    "key_moment": "Key moment",
}
"""Milestones as people read them."""

_FORTH_AND_BACK = (
    ("answers", "answers", "answered by"),
    ("corrects", "corrects", CORRECTED),
    ("evidence", "evidence", ""),
    ("for", "for", ""),
    ("against", "against", ""),
)
_MOST = 50


def links_of(readings: Sequence[Reading]) -> Mapping[str, tuple[Link, ...]]:
    """Return the links of each event, by its id."""
    cites = {_id(r): r.cite for r in readings if _id(r)}
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for reading in readings:
        for word, back, target in _named(reading):
            if target in cites and _id(reading) in cites:
                found[_id(reading)][word].append(cites[target])
                if back:
                    found[target][back].append(reading.cite)
    return {
        event: tuple(Link(word, tuple(dict.fromkeys(numbers))) for word, numbers in words.items())
        for event, words in found.items()
    }


def cited_by(reading: Reading, key: str, cites: Mapping[str, str]) -> tuple[str, ...]:
    """Return the numbers of the events that an entry names under `key`."""
    return tuple(cites[event] for event in _ids(reading.data.get(key)) if event in cites)


def _named(reading: Reading) -> Iterator[tuple[str, str, str]]:
    """Yield (word, word on the other side or "", id) of each event that an entry names."""
    for key, word, back in _FORTH_AND_BACK:
        yield from ((word, back, event) for event in _ids(reading.data.get(key)))
    family, _, kind = reading.type.partition(".")
    if family == "milestone" and reading.word("marks"):
        yield "marks", f"marked as {TITLES.get(kind, kind)}", reading.word("marks")
    if family == "pin" and reading.word("pins"):
        yield "pins" if kind == "added" else "unpins", "", reading.word("pins")


def _ids(value: Any) -> list[str]:
    if not value:
        return []
    items = value if isinstance(value, (list, tuple)) else [value]
    named = [item.get("event") for item in items[:_MOST] if isinstance(item, Mapping)]
    return [event for event in named if isinstance(event, str) and event]


def _id(reading: Reading) -> str:
    event = reading.event.get("id")
    return event if isinstance(event, str) else ""
