"""The rows behind people's own entries: what stands now, while the events say how it came to be.

None holds what somebody wrote: that stands in the parts of the events that a row names, where it
is masked, and where it can be destroyed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from interlock_gateway.service.record import Record


@dataclass(frozen=True, slots=True)
class HypothesisRow(Record):
    """A hypothesis of an incident, `H-1`; `state` as `core.ledger.Belief` says it.

    `event` opened it and `last` is the event that changed it last.
    """

    TABLE: ClassVar[str] = "hypotheses"
    KEY: ClassVar[tuple[str, ...]] = ("incident", "id")
    incident: str
    id: str
    state: str
    confidence: str
    event: str
    last: str
    opened_by: str
    opened_at: datetime
    closed_by: str = ""
    superseded_by: str = ""


@dataclass(frozen=True, slots=True)
class QuestionRow(Record):
    """A question, known by its event; `answer` is the event of its latest answer, or ""."""

    TABLE: ClassVar[str] = "questions"
    KEY: ClassVar[tuple[str, ...]] = ("event",)
    event: str
    incident: str
    asked_at: datetime
    answer: str = ""


@dataclass(frozen=True, slots=True)
class PinRow(Record):
    """Whether an event of an incident is pinned (1) or not any more (0), and by which event."""

    TABLE: ClassVar[str] = "pins"
    KEY: ClassVar[tuple[str, ...]] = ("incident", "event")
    incident: str
    event: str
    pinned: int
    last: str


@dataclass(frozen=True, slots=True)
class ViewRow(Record):
    """One version of a narrative view, never changed; `event` holds its whole definition."""

    TABLE: ClassVar[str] = "views"
    KEY: ClassVar[tuple[str, ...]] = ("incident", "name", "version")
    incident: str
    name: str
    version: int
    event: str
    saved_by: str
    saved_at: datetime
