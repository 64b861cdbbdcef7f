"""What every export confesses at its top: zone, gaps, cuts, who recorded, what proves it."""

from collections.abc import Sequence

from interlock.export.account import Gaps, Known, Remark
from interlock.export.clock import Clock
from interlock.export.model import Postmortem, Record
from interlock.export.text import count, duration
from interlock.export.views import about_view

NOT_ANCHORED = "this record is not anchored outside the store yet"
"""What an export says until the log has an anchor; its absence is not hidden."""
Line = tuple[str, str, tuple[str, ...]]
_FEW = 5


def about_lines(pm: Postmortem, when: Clock) -> list[Line]:
    """Return label, sentence and citations of everything a reader must know first."""
    record = pm.record
    made = f", exported {when.stamp(pm.exported_at)}" if pm.exported_at else ""
    source = f"{count(record.events, 'event')} of {pm.id or 'one incident'}{made}"
    zone = "all times are UTC" if when.is_utc else f"times are UTC and {when.name}"
    order = "as claimed by who wrote them; causes first, then by time, then by sequence"
    return [
        *_known(pm.known, when),
        ("Source", f"{source}; what a line says stands in the events it cites", ()),
        ("Made for", _READERS.get(pm.profile, pm.profile), ()),
        ("Times", f"{zone}, {order}{_undated(record)}", ()),
        *_uncertain(record.gaps),
        ("Recorded by", _recorders(record), ()),
        *about_view(pm),
        *_gaps(record),
        *_anchoring(record, when),
    ]


_READERS = {
    "internal": "the people of the incident (internal): names, statements, results are in it",
    "external": "readers outside (external): no names, statements, results, hosts or targets; "
    "only lines that a person marked as public tell in words",
    "auditor": "an auditor: everything, and what each decision rested on",
}


def _known(known: Known | None, when: Clock) -> list[Line]:
    if known is None:
        return []
    at = when.stamp(known.at) if known.at else "the beginning"
    lost = f" and {count(known.unplaced, 'event')} without a place" if known.unplaced else ""
    told = (
        f"at {at}, when event {known.sequence} was the last; "
        f"left out: {count(known.later, 'event')} recorded later{lost}; "
        "what had no end by then has none here, and later corrections are not applied"
    )
    return [("As known", told, ())]


def _uncertain(gaps: Gaps) -> list[Line]:
    return [
        *_listed("Order uncertain", gaps.unsure),
        *_listed("Clocks disagree", gaps.moved),
        *_listed("Clock skew", gaps.skews),
        *_listed("Recorded late", gaps.late),
    ]


def _anchoring(record: Record, when: Clock) -> list[Line]:
    anchored = record.anchored
    if anchored is None:
        return [("Anchoring", NOT_ANCHORED, ())]
    told = f"up to event {anchored.up_to_sequence} at {when.stamp(anchored.at)}, {anchored.where}"
    tail = record.gaps.unanchored
    text = "; ".join([told, *(remark.text for remark in tail)])
    return [("Anchoring", text, tuple(event for remark in tail for event in remark.events))]


def _undated(record: Record) -> str:
    if not record.undated:
        return ""
    return f"; {count(record.undated, 'event')} without a usable time stand apart"


def _recorders(record: Record) -> str:
    runs: dict[str, list[str]] = {}
    for who in record.recorders:
        host = f" on {who.host}" if who.host else ""
        runs.setdefault(f"{who.kind} runner{host}, {who.confinement}", []).append(who.run)
    told = [f"{who} ({', '.join(names)})" for who, names in runs.items()]
    return "; ".join(told) or "the gateway alone; no run took part"


def _gaps(record: Record) -> list[Line]:
    lines: list[Line] = []
    if record.missing:
        lines.append(("Missing", f"events {', '.join(record.missing)} are not in this export", ()))
    left = [
        f"{count(number, 'part')} {what}"
        for number, what in ((record.redacted, "redacted"), (record.absent, "not delivered"))
        if number
    ]
    left += record.withheld
    if record.masked:
        left.append(f"{count(record.masked, 'secret')} masked before storing")
    lines.append(("Left out", ", ".join(left) or "nothing was redacted or omitted", ()))
    lines += _listed("Cut at a limit", record.truncated)
    lines += _listed("No end or start", record.unfinished)
    over = f"Silent for over {duration(record.gaps.silent_over_s)}"
    lines += _listed(over, record.gaps.silent)
    return lines


def _listed(label: str, remarks: Sequence[Remark]) -> list[Line]:
    if not remarks:
        return []
    shown = remarks[:_FEW]
    more = f"; … {len(remarks) - _FEW} more" if len(remarks) > _FEW else ""
    events = tuple(event for remark in shown for event in remark.events)
    return [(label, "; ".join(remark.text for remark in shown) + more, events)]
