"""What every export confesses at its top: zone, gaps, cuts, who recorded, what proves it."""

from collections.abc import Sequence

from interlock.export.clock import Clock
from interlock.export.model import Postmortem, Record, Remark
from interlock.export.text import count

Line = tuple[str, str, tuple[str, ...]]
_FEW = 5


def about_lines(pm: Postmortem, when: Clock) -> list[Line]:
    """Return label, sentence and citations of everything a reader must know first."""
    record = pm.record
    made = f", exported {when.stamp(pm.exported_at)}" if pm.exported_at else ""
    source = f"{count(record.events, 'event')} of {pm.id or 'one incident'}{made}"
    zone = "all times are UTC" if when.is_utc else f"times are UTC and {when.name}"
    order = "as claimed by who wrote them; ordered by time, then by sequence"
    return [
        ("Source", f"{source}; what a line says stands in the events it cites", ()),
        ("Times", f"{zone}, {order}{_undated(record)}", ()),
        ("Recorded by", _recorders(record), ()),
        *_gaps(record),
        ("Anchoring", record.anchored, ()),
    ]


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
    if record.masked:
        left.append(f"{count(record.masked, 'secret')} masked before storing")
    lines.append(("Left out", ", ".join(left) or "nothing was redacted or omitted", ()))
    lines += _listed("Cut at a limit", record.truncated)
    lines += _listed("No end or start", record.unfinished)
    return lines


def _listed(label: str, remarks: Sequence[Remark]) -> list[Line]:
    if not remarks:
        return []
    shown = remarks[:_FEW]
    more = f"; … {len(remarks) - _FEW} more" if len(remarks) > _FEW else ""
    events = tuple(event for remark in shown for event in remark.events)
    return [(label, "; ".join(remark.text for remark in shown) + more, events)]
