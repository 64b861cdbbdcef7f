"""What the sentences of a timeline are made of, whatever they tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from interlock.export.entries import Link
from interlock.export.exhibits import HEADLINE
from interlock.export.model import Tone
from interlock.export.reading import Reading
from interlock.export.text import capped, duration


@dataclass(frozen=True, slots=True)
class Scene:
    """What other events say that a sentence needs: who runs a run, what an approval asks.

    `over` names the runs that have ended, and by which event: what has no end in them will
    never get one. `links` are those of each event, by its id.
    """

    requesters: Mapping[str, str]
    operations: Mapping[str, str]
    reasons: Mapping[str, str]
    start: datetime | None = None
    over: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, its tone, and the keys of the data that it tells in full."""

    what: str
    tone: Tone = Tone.PLAIN
    told: tuple[str, ...] = ()


def unended(r: Reading, scene: Scene, what: str) -> Said:
    """Say that something started and has no end: yet, or, once its run is over, at all."""
    if r.word("run") in scene.over:
        return Said(f"{what} started; no end recorded", Tone.UNKNOWN, told=("title",))
    return Said(f"{what} started; no end recorded yet", Tone.WAITING, told=("title",))


Teller = Callable[[Reading, Scene], Said]
"""Tells one kind of event."""


def quote(reading: Reading, key: str) -> str:
    """Return a person's words in quotation marks, cut to fit a headline; "" for none."""
    words = capped(reading.said(key).strip(), HEADLINE)
    return f"“{words}”" if words else ""


def because(reading: Reading, key: str = "reason") -> str:
    """Return `: “why”`, or "" when no reason was given."""
    words = quote(reading, key)
    return f": {words}" if words else ""


def operation_of(reading: Reading) -> str:
    """Return what is asked of which target."""
    operation = reading.word("operation") or reading.word("effect") or "something"
    target = reading.word("target")
    return f"{operation} on {target}" if target else operation


def elapsed_of(reading: Reading) -> str:
    """Return how long it took, or ""."""
    elapsed = reading.number("elapsed_ms")
    return duration(elapsed / 1000) if elapsed is not None and elapsed >= 0 else ""
