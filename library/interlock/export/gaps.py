"""What a timeline does not say: gaps in it, late entries, clocks, and how far it is anchored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from interlock.export.account import Anchored, Gaps, Remark
from interlock.export.model import ApprovalStory, Moment
from interlock.export.reading import Reading
from interlock.export.text import count, duration

LATE_S = 60
"""What was recorded so many seconds after it happened, or before, is listed as such."""
_LEAST_SILENCE_S, _MOST_SILENCE_S = 300, 4 * 3_600
_SHARE = 20
"""A silence is named from a twentieth of the time an incident was open."""
_PAPERWORK = ("log.", "milestone.", "artifact.", "view.", "followup.")
"""Kinds of events that are written about an incident, and are nothing that happened in it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time between two events."""

    start: datetime
    end: datetime
    events: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.end - self.start).total_seconds()


def gaps_of(
    readings: Sequence[Reading],
    moments: Sequence[Moment],
    approvals: Sequence[ApprovalStory],
    *,
    anchored: Anchored | None,
    until: datetime | None,
) -> Gaps:
    """Return what the timeline does not say, or not for certain.

    Args:
        readings: the events in order of their sequence.
        moments: what they tell, in the order shown.
        approvals: the requests: a silence while one waited is said to be that.
        anchored: how far the record is anchored, or None.
        until: when an incident that is still open is looked at, or None.
    """
    open_spans = _open(readings, until)
    limit = _limit(open_spans)
    return Gaps(
        silent_over_s=limit,
        silent=tuple(_silences(readings, open_spans, approvals, limit)),
        late=tuple(_late(readings)),
        unsure=tuple(_unsure(moments)),
        moved=tuple(_moved(moments)),
        skews=tuple(_skews(readings)),
        unanchored=_unanchored(readings, anchored),
    )


# --- silence -----------------------------------------------------------------------------------


def _limit(spans: Sequence[Span]) -> float:
    lasted = sum(span.seconds for span in spans)
    return min(max(lasted / _SHARE, _LEAST_SILENCE_S), _MOST_SILENCE_S)


def _open(readings: Sequence[Reading], until: datetime | None) -> list[Span]:
    """Return when the incident was open: from declared or reopened to closed."""
    spans: list[Span] = []
    opened: Reading | None = None
    for reading in readings:
        if reading.type in {"incident.declared", "incident.reopened"} and reading.time:
            opened = opened or reading
        elif reading.type == "incident.closed" and reading.time and opened and opened.time:
            spans.append(Span(opened.time, reading.time, (opened.cite, reading.cite)))
            opened = None
    if opened and opened.time and until:
        spans.append(Span(opened.time, until, (opened.cite,)))
    return [span for span in spans if span.seconds > 0]


def _silences(
    readings: Sequence[Reading],
    open_spans: Iterable[Span],
    approvals: Sequence[ApprovalStory],
    limit: float,
) -> Iterable[Remark]:
    happened = [r for r in readings if r.time and not r.type.startswith(_PAPERWORK)]
    known = sorted((r.time, r.order, r.cite) for r in happened if r.time)
    for span in open_spans:
        inside = [(time, cite) for time, _, cite in known if span.start <= time <= span.end]
        ends = [] if len(span.events) > 1 else [(span.end, "")]
        for (start, before), (end, after) in pairwise([*inside, *ends]):
            silence = Span(start, end, tuple(filter(None, (before, after))))
            if silence.seconds > limit:
                yield Remark(_silence(silence, approvals), silence.events)


def _silence(span: Span, approvals: Sequence[ApprovalStory]) -> str:
    waiting = [one.id for one in approvals if _waited(one, span)]
    while_ = f", while {', '.join(waiting)} waited" if waiting else ""
    same = span.start.date() == span.end.date()
    end = f"{span.end:%H:%M}" if same else f"{span.end:%Y-%m-%d %H:%M}"
    return f"{duration(span.seconds)} from {span.start:%Y-%m-%d %H:%M} to {end} UTC{while_}"


def _waited(story: ApprovalStory, span: Span) -> bool:
    asked, decided = story.asked_at, story.decided_at
    return bool(asked and asked <= span.start and (decided is None or decided >= span.end))


# --- times -------------------------------------------------------------------------------------


def _late(readings: Sequence[Reading]) -> Iterable[Remark]:
    for reading in readings:
        if reading.time is None or reading.recorded is None:
            continue
        behind = (reading.recorded - reading.time).total_seconds()
        if abs(behind) > LATE_S + reading.accuracy_s:
            way = "after" if behind > 0 else "before"
            text = f"{reading.type or 'an event'} {duration(abs(behind))} {way} it happened"
            yield Remark(text, (reading.cite,))


def _unsure(moments: Sequence[Moment]) -> Iterable[Remark]:
    for moment in moments:
        if moment.unsure:
            near = moment.unsure
            others = f"event {near[0]}" if len(near) == 1 else f"{len(near)} events from {near[0]}"
            rough = duration(moment.accuracy_s)
            yield Remark(f"± {rough}: before or after {others}", (moment.event,))


def _moved(moments: Sequence[Moment]) -> Iterable[Remark]:
    for moment in moments:
        if moment.after:
            text = f"event {moment.event} stands after its cause, though its own time is earlier"
            yield Remark(text, (moment.after, moment.event))


def _skews(readings: Sequence[Reading]) -> Iterable[Remark]:
    """Yield for each clock how far it was off, at its worst."""
    worst: dict[str, tuple[float, Reading]] = {}
    for reading in (r for r in readings if r.type == "log.clock_skew"):
        offset = reading.number("offset_s")
        source = reading.word("source") or "a clock without a name"
        if offset is not None and abs(offset) >= abs(worst.get(source, (0.0, reading))[0]):
            worst[source] = (offset, reading)
    for source, (offset, reading) in worst.items():
        rough = reading.number("uncertainty_s")
        about = f" ± {rough:.3g} s" if rough is not None else ""
        text = f"{source}: {offset:+.3f} s{about} from the gateway's clock"
        yield Remark(text, (reading.cite,))


# --- the anchor --------------------------------------------------------------------------------


def _unanchored(readings: Sequence[Reading], anchored: Anchored | None) -> tuple[Remark, ...]:
    numbers = [int(r.cite) for r in readings if not r.cite.startswith("?")]
    if anchored is None or not numbers:
        return ()
    tail = sorted(number for number in numbers if number > anchored.up_to_sequence)
    if not tail:
        return ()
    text = f"{count(len(tail), 'event')} after it, which nothing outside the store proves yet"
    return (Remark(text, tuple(map(str, tail[:1] + tail[1:][-1:]))),)
