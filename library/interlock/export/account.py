"""What an export says of itself: what it lacks, how certain it is, and as of when it is told."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about the record or a suggestion, with the events it rests on."""

    text: str
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anchored:
    """How far a record is anchored outside its store.

    Attributes:
        up_to_sequence: the last event of the incident that an anchor covers.
        at: when that anchor was made.
        where: the place, such as `the incident's Slack thread`.
    """

    up_to_sequence: int
    at: datetime
    where: str


@dataclass(frozen=True, slots=True)
class Known:
    """That a story is told as it was known at a moment in the past.

    Attributes:
        sequence: the last event that was recorded by then; 0 for none.
        at: when that was: the moment asked for, or when that event was recorded.
        later: how many events were recorded afterwards.
        unplaced: how many say neither their sequence nor when they were recorded.
    """

    sequence: int
    at: datetime | None
    later: int
    unplaced: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a timeline does not say, or not for certain.

    Attributes:
        silent_over_s: how long nothing must have happened, in an open incident, to be named.
        silent: stretches in which nothing was recorded.
        late: what was recorded long after it happened, or before.
        unsure: what may have come before or after something else.
        moved: what stands behind its cause although its own time is earlier.
        skews: clocks that differed from the gateway's.
        unanchored: the events after the last anchor, if there is one.
    """

    silent_over_s: float = 0.0
    silent: tuple[Remark, ...] = ()
    late: tuple[Remark, ...] = ()
    unsure: tuple[Remark, ...] = ()
    moved: tuple[Remark, ...] = ()
    skews: tuple[Remark, ...] = ()
    unanchored: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """How long it took from one event to another, and why these two.

    Attributes:
        name: `TTD`, `TTA`, `TTM`, `TTR` or the approval that was waited for.
        label: the same in words.
        seconds: None where it is not known.
        value: the length of time, or why there is none and what to do about it.
        read: what was taken for its start and its end.
        events: the two it lies between, and what they were marked on.
    """

    name: str
    label: str
    seconds: float | None
    value: str
    read: str = ""
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """One figure and the events it was computed from."""

    label: str
    value: str
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Participant:
    """A person, their roles in this incident and what they did."""

    id: str
    roles: tuple[str, ...]
    did: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who recorded a run from outside its kernel, and how far that kernel was confined."""

    run: str
    kind: str
    confinement: str
    host: str
