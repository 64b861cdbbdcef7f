"""A timeline as CSV (RFC 4180): one row a moment, safe to open in a spreadsheet.

A spreadsheet runs a cell that begins like a formula. So a `'` is put before what would begin
one, at the start of a cell and after each character at which a spreadsheet may split it; the
column `guarded` names the columns where that was done, and `plain_cell` takes it away again.
Every field is quoted; characters that cannot be seen are written by number, line breaks as ⏎.

Source: OWASP, "CSV Injection"; CWE-1236.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from interlock.export.about import about_lines
from interlock.export.clock import Clock, clock
from interlock.export.model import Moment, Postmortem
from interlock.export.text import line, offset

COLUMNS = (
    "time_utc",
    "time_local",
    "offset",
    "recorded_utc",
    "type",
    "tone",
    "who",
    "what",
    "run",
    "step",
    "attempt",
    "approval",
    "events",
    "guarded",
)
"""The header; `time_local` is in the chosen zone and has its offset from UTC."""

ABOUT = "about"
"""The type of the first row, which says what the record is and what is missing from it."""

_LIMIT = 30_000  # a spreadsheet's cell holds 32,767 characters
_SIGNS = "=+\\-@|%\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212\u207a\u207b"
_BEFORE = r"\s\"\u201c\u201d\u2018\u2019`"
_STARTS = re.compile(rf"(^|[;\t\n\r⇥⏎])(?='|[{_BEFORE}]*[{_SIGNS}])")
_GUARDED = re.compile(r"(^|[;\t\n\r⇥⏎])'")


def csv_text(postmortem: Postmortem, *, zone: str = "UTC") -> str:
    """Return the timeline as CSV with a header row and CR LF at the end of each line.

    Args:
        postmortem: what `build` returned.
        zone: an IANA time zone for the column `time_local`.

    Raises:
        UsageError: the zone is not known.
    """
    when = clock(zone)
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerow(_guarded(_about(postmortem, when)))
    writer.writerows(_guarded(_row(moment, when)) for moment in postmortem.moments)
    return out.getvalue()


def guarded_cell(text: str) -> str:
    """Return `text` so that no spreadsheet takes it, or a piece of it, for a formula."""
    return _STARTS.sub(r"\1'", text)


def plain_cell(text: str) -> str:
    """Return what `guarded_cell` was given."""
    return _GUARDED.sub(r"\1", text)


def _guarded(cells: Sequence[str]) -> Iterator[str]:
    safe = [guarded_cell(text) for text in cells]
    changed = (name for name, a, b in zip(COLUMNS, cells, safe, strict=False) if a != b)
    return iter((*safe, " ".join(changed)))


def _about(pm: Postmortem, when: Clock) -> tuple[str, ...]:
    told = ". ".join(f"{label}: {text}" for label, text, _ in about_lines(pm, when))
    blank = dict.fromkeys(COLUMNS[:-1], "")
    return tuple((blank | {"type": ABOUT, "what": line(told, _LIMIT)}).values())


def _row(moment: Moment, when: Clock) -> tuple[str, ...]:
    about = moment.subject
    return (
        _stamp(moment.time),
        moment.time.astimezone(when.zone).isoformat() if moment.time else "",
        offset(moment.offset_s) if moment.offset_s is not None else "",
        _stamp(moment.recorded),
        line(moment.type, 200),
        moment.tone.value,
        line(moment.who, 300),
        line(moment.what, _LIMIT),
        *(line(text, 200) for text in (about.run, about.step, about.attempt, about.approval)),
        " ".join(f"[#{event}]" for event in moment.events),
    )


def _stamp(when: datetime | None) -> str:
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z") if when else ""
