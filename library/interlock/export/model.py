"""What an incident's timeline says, as frozen values that every renderer shares.

Text in these values is as it was recorded: not escaped, not shortened, possibly hostile.
Renderers pass it through `interlock.export.text` and their own escaping.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from interlock.export.account import (
    Anchored,
    Gaps,
    Known,
    Metric,
    Number,
    Participant,
    Recorder,
    Remark,
)
from interlock.export.entries import NO_LEDGER, Ledger, Link, View
from interlock.export.kept import Cell, Kept


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a timeline, as `GET /v1/incidents/{id}/timeline` delivers it.

    Attributes:
        event: the CloudEvents body.
        parts: part id → `{"text": …}`, `{"json": …}` or `{"redacted": why}`.
    """

    event: Mapping[str, Any]
    parts: Mapping[str, Mapping[str, Any]]


class Tone(StrEnum):
    """How a moment reads at a glance; always shown as a word too, never by colour alone."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    WAITING = "waiting"
    PLAIN = "plain"


GLYPHS: Mapping[Tone, str] = {
    Tone.OK: "✔",
    Tone.INFO: "●",
    Tone.WARN: "▲",
    Tone.BAD: "✖",
    Tone.UNKNOWN: "?",
    Tone.REFUSED: "⊘",
    Tone.WAITING: "◷",
    Tone.PLAIN: "·",
}
"""One sign per tone, from fonts that every system has."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text in a box: a statement, a message, an output.

    Attributes:
        kind: `sql`, `python`, `json`, `text` (verbatim), `display` (what a cell displayed, often
            its result once more), `prompt` (what a person was shown before voting) or `prose`
            (a person's words).
        note: what else there is to say of it, such as which policy line allowed a statement.
    """

    label: str
    text: str
    kind: str = "text"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows under column names, as delivered.

    Attributes:
        columns: names with their wire types ("" when unknown).
        rows: cells as JSON values.
        total: rows the target answered with, as far as the record says.
        truncated: "" or the limit that cut the answer on its way.
    """

    label: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int
    truncated: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Named values, such as parameters: (name, value, remark)."""

    label: str
    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG image that was checked to be one; `base64` is our own encoding of its bytes."""

    label: str
    base64: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True)
class Left:
    """Something that is not here, and why: redacted, not delivered, not shown."""

    label: str
    why: str


Exhibit = Words | Grid | Pairs | Picture | Left
"""What backs a moment up."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a moment is about; "" where it is not.

    Attributes:
        member: of what is asked for with others in a plan, its place there, from 1.
    """

    run: str = ""
    step: str = ""
    attempt: str = ""
    ordinal: str = ""
    approval: str = ""
    plan: str = ""
    member: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One event behind a moment, with everything in its data that is not kept apart.

    Attributes:
        event: the sequence as cited.
        id: the event's own id.
        logindex: its place in the log of the whole deployment.
        recorded: when the store took it.
        classification: how confidential the event is, in its own word.
        parts: what of it is kept apart.
        until: the event with which it began to be told together, such as the end of this start;
            "" where it tells for itself.
    """

    event: str
    id: str
    type: str
    time: datetime | None
    authid: str
    facts: tuple[tuple[str, Any], ...]
    logindex: str = ""
    recorded: datetime | None = None
    classification: str = ""
    parts: tuple[Kept, ...] = ()
    until: str = ""

    def before(self, event: str) -> bool:
        """Tell whether this was recorded before another event, given as cited."""
        return (len(self.event), self.event) < (len(event), event)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, and every event it was read from.

    Attributes:
        events: sequence numbers as cited.
        type: the type of the event that tells it.
        sources: the events themselves, for machines.
        time: when it happened as claimed; None when the event has no usable time.
        recorded: when the store took it.
        offset_s: seconds from the incident's start.
        who: a person's id, `Interlock`, or `R-1 (you)` for what a run did.
        what: one sentence.
        event: the event that tells it, one of `events`.
        since: the event since which it is told in these words; mostly `event`.
        place: where it stands among all events in the order shown.
        after: the cause it stands behind although its own time is earlier; "" for none.
        accuracy_s: its time may be wrong by so many seconds, as far as the record says.
        unsure: the events that it may have come before or after.
        links: what it has to do with other events, such as which corrects it.
    """

    events: tuple[str, ...]
    type: str
    time: datetime | None
    recorded: datetime | None
    offset_s: float | None
    who: str
    what: str
    tone: Tone
    subject: Subject
    sources: tuple[Source, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    event: str = ""
    since: str = ""
    place: int = 0
    after: str = ""
    accuracy_s: float = 0.0
    unsure: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def corrected(self) -> bool:
        """Whether a later note corrects it."""
        return any(link.word == "corrected by" for link in self.links)

    def fact(self, name: str) -> str:
        """Return the first text that an event behind this moment holds under `name`, or ""."""
        found = (v for source in self.sources for k, v in source.facts if k == name)
        return next((value for value in found if isinstance(value, str) and value), "")


@dataclass(frozen=True, slots=True)
class Earlier:
    """How an event was told before later ones said more, such as a start without its end yet.

    Attributes:
        until: the event since which it is told otherwise.
        place: where it stands among all events in the order shown.
    """

    event: str
    until: str
    time: datetime | None
    who: str
    what: str
    tone: Tone
    place: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the incident between two events."""

    name: str
    start: datetime
    end: datetime
    events: tuple[str, str]

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class RunStory:
    """One execution of a runbook; `moments` are its steps and calls in order.

    `exhibits` back up its start and its end: parameters, a long summary. `cells` are the steps
    as a notebook has them, each attempt by itself, in the order in which they began.
    """

    id: str
    runbook: str
    version: str
    digest: str
    mode: str
    requester: str
    outcome: str
    started: datetime | None
    ended: datetime | None
    events: tuple[str, ...]
    exhibits: tuple[Exhibit, ...]
    moments: tuple[Moment, ...]
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer; `after_s` counts from the request."""

    person: str
    vote: str
    reason: str
    time: datetime | None
    after_s: float | None
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalStory:
    """One approval request from question to outcome.

    Attributes:
        state: the last state recorded, such as `approved`, `succeeded`, `outcome_unknown`.
        waited_s: from the request to the decision (or the expiry).
        waited_on: the two events that `waited_s` lies between.
        outcome: what came of it in one sentence; "" when nothing was run.
        exhibits: arguments or statement, preview, undo, result, verification.
        plan: the plan that it was asked for with; "" for one alone.
        place: where in the plan, as `2 of 3`.
        broken: who broke its glass, why and when, as a vote; None where approvers decided.
    """

    id: str
    state: str
    tone: Tone
    requester: str
    operation: str
    target: str
    effect: str
    rule: str
    needs: str
    line: str
    eligible: tuple[str, ...]
    asked_at: datetime | None
    decided_at: datetime | None
    expires_at: datetime | None
    waited_s: float | None
    waited_on: tuple[str, ...]
    votes: tuple[Vote, ...]
    refused: tuple[Remark, ...]
    outcome: str
    exhibits: tuple[Exhibit, ...]
    events: tuple[str, ...]
    plan: str = ""
    place: str = ""
    broken: Vote | None = None

    @property
    def ending(self) -> str:
        """The last state, and that no approver decided where that is so."""
        return (
            f"{self.state}, by break-glass of {self.broken.person}" if self.broken else self.state
        )


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What the postmortem owes an answer to, or its answer.

    Attributes:
        about: the approval it came of; "" where a person wrote it down.
        owner: whom it falls to; "" for nobody.
        due: the day until which it is to be done; "" for none.
        closed_by, answer: how it ended; "" while it is open.
    """

    id: str
    about: str
    owner: str
    text: str
    closed_by: str
    answer: str
    events: tuple[str, ...]
    due: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What a reader must know before trusting the rest.

    Attributes:
        events: how many events were read.
        missing: sequence ranges not in this export, such as `14`, or two numbers with a dash.
        redacted: how many parts were removed on purpose.
        absent: how many parts the events name that were not delivered.
        truncated: what was cut at a limit when it was recorded.
        unfinished: starts without an end, ends without a start.
        undated: events without a usable time.
        withheld: what the profile keeps from its readers, as phrases.
        anchored: how far the record is anchored outside the store; None for not at all.
        gaps: what it does not say, or not for certain.
        masked: how many secrets were masked in what is shown, before it was stored.
    """

    events: int
    missing: tuple[str, ...]
    redacted: int
    absent: int
    truncated: tuple[Remark, ...]
    unfinished: tuple[Remark, ...]
    undated: int
    recorders: tuple[Recorder, ...]
    withheld: tuple[str, ...] = ()
    anchored: Anchored | None = None
    gaps: Gaps = field(default_factory=Gaps)
    masked: int = 0


@dataclass(frozen=True, slots=True)
class Postmortem:
    """A whole incident, ready to be rendered.

    Attributes:
        moments: everything that happened, in time; undated ones last.
        follow_ups: suggestions drawn from the record alone.
        owed: follow-ups that were opened in the incident, with their answers.
        ledger: what people kept account of.
        views: the narrative views that were saved, in every version.
        view: the one that this is told by; None for the whole.
        exported_at: when this was made, or None.
        profile: for whom this was made: `internal`, `external` or `auditor`.
        metrics: how long it took to detect, acknowledge, mitigate and resolve, and to decide.
        known: the moment in the past as of which this is told; None for now.
        earlier: how events were told before later ones said more.
    """

    id: str
    title: str
    severity: str
    state: str
    commander: str
    start: datetime | None
    end: datetime | None
    record: Record
    numbers: tuple[Number, ...]
    people: tuple[Participant, ...]
    phases: tuple[Phase, ...]
    moments: tuple[Moment, ...]
    runs: tuple[RunStory, ...]
    approvals: tuple[ApprovalStory, ...]
    follow_ups: tuple[Remark, ...]
    exported_at: datetime | None = None
    owed: tuple[FollowUp, ...] = ()
    profile: str = "internal"
    metrics: tuple[Metric, ...] = ()
    known: Known | None = None
    earlier: tuple[Earlier, ...] = ()
    ledger: Ledger = NO_LEDGER
    views: tuple[View, ...] = ()
    view: View | None = None
