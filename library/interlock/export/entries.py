"""What people wrote into a timeline, as values: hypotheses, decisions, questions, milestones.

Like everything in `interlock.export.model`, texts are as they were recorded: not escaped, not
shortened, possibly hostile. Events are named by the numbers that a timeline shows.
"""

from dataclasses import dataclass
from datetime import datetime

HIDEABLE = ("timeline", "runs", "approvals", "ledger", "suggestions")
"""What a narrative view can leave out of a document: events not picked, and sections."""


@dataclass(frozen=True, slots=True)
class Link:
    """That a moment has to do with others: `word` says how, such as `corrected by`."""

    word: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that became of a hypothesis.

    Attributes:
        what: `opened`, `updated`, or how it ended: `confirmed`, `refuted`, …
        confidence: the new one; "" where it stayed.
        speaks_for, against: the events that were cited.
    """

    what: str
    who: str
    time: datetime | None
    text: str
    confidence: str
    speaks_for: tuple[str, ...]
    against: tuple[str, ...]
    event: str


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What people thought was wrong, to its end; a dead end is kept as well.

    Attributes:
        state: `open`, `confirmed`, `refuted`, `superseded` or `abandoned`.
        superseded_by: the one that took its place; "" for none.
    """

    id: str
    text: str
    state: str
    confidence: str
    superseded_by: str
    moves: tuple[Move, ...]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided, among which options, why and by whom.

    Attributes:
        evidence: the events that it rests on.
    """

    choice: str
    options: tuple[str, ...]
    reason: str
    by: str
    time: datetime | None
    evidence: tuple[str, ...]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its answers, as (text, who, event); without one it is open."""

    text: str
    who: str
    answers: tuple[tuple[str, str, str], ...]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A milestone.

    Attributes:
        kind: such as `detected`.
        title: the same for people.
        time: when it was: that of the event it marks, or as a person said.
        marks: the event that it marks; "" where a time was given.
        counts: False where somebody marked the same later, elsewhere.
    """

    kind: str
    title: str
    time: datetime | None
    who: str
    text: str
    marks: str
    counts: bool
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pinned:
    """An event that is pinned, by whom and why."""

    event: str
    who: str
    text: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that people kept account of."""

    hypotheses: tuple[Hypothesis, ...] = ()
    decisions: tuple[Decided, ...] = ()
    questions: tuple[Asked, ...] = ()
    milestones: tuple[Marked, ...] = ()
    pins: tuple[Pinned, ...] = ()


NO_LEDGER = Ledger()
"""Of an incident in which nobody kept account of anything."""


@dataclass(frozen=True, slots=True)
class ViewItem:
    """An item of a narrative view: an event, or a heading, and what its author says of it.

    Attributes:
        event: the number of an event; "" for a heading.
    """

    event: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """One version of a narrative view.

    Attributes:
        hide: some of `HIDEABLE`.
        events: the event that saved this version.
        newest: the newest version of this view in the record.
        destroyed: whether what it held was destroyed.
    """

    name: str
    version: int
    by: str
    at: datetime | None
    items: tuple[ViewItem, ...]
    hide: tuple[str, ...]
    events: tuple[str, ...]
    newest: int = 0
    destroyed: bool = False
