"""What only an auditor reads: indexes, times, policy digests, what stands behind each event."""

from collections.abc import Iterator
from datetime import UTC, datetime

from interlock.export.clock import Clock
from interlock.export.kept import Kept
from interlock.export.markdown_text import cell, cited
from interlock.export.model import Postmortem, Source
from interlock.export.text import shown


def audit(pm: Postmortem, _: Clock) -> Iterator[str]:
    """Write a line for each event with everything in its body; for the profile `auditor`."""
    if pm.profile != "auditor":
        return
    yield "Everything that each event's body says. A commitment is the salted digest of a part."
    yield from (
        "",
        "| Event | Log | Kind | Happened (UTC) | Recorded (UTC) | Who | Class | Body |",
    )
    yield "|---|---|---|---|---|---|---|---|"
    sources = [source for moment in pm.moments for source in moment.sources]
    for source in sorted(sources, key=lambda s: (len(s.event), s.event)):
        yield _row(source)


def _row(source: Source) -> str:
    facts = [f"{name}={shown(value)}" for name, value in source.facts]
    body = "; ".join([*facts, *map(_part, source.parts)])
    cells = (
        source.logindex,
        source.type,
        _stamp(source.time),
        _stamp(source.recorded),
        source.authid,
        source.classification,
        body,
    )
    return f"| {cited((source.event,))} | {' | '.join(cell(text or '—') for text in cells)} |"


def _part(part: Kept) -> str:
    size = f", {part.size:,} bytes" if part.size is not None else ""
    return f"{part.key} is part {part.id} ({part.mediatype}{size}) committed {part.commitment}"


def _stamp(when: datetime | None) -> str:
    if when is None:
        return ""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
