"""Entries read without trust: every question has an answer of the right type.

A newer gateway, a redacted part or a broken event must not stop an export in the middle of an
incident, and must not vanish from it either.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, overload

from interlock.export.kept import Kept
from interlock.export.model import Entry, Subject
from interlock.export.text import LEAVES, MAX_DEPTH, count, plain, shown

_SEQUENCE = re.compile(r"[0-9]{1,18}\Z")
_SPAN = re.compile(
    r"P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]+)?)S)?)?", re.ASCII
)
"""The lengths of time that an event's accuracy is given in (ISO 8601, without months)."""
_YEARS = range(1900, 9000)
_MAX_NUMBER = 1e15
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Absent:
    """A value that the event names and the export does not hold."""

    why: str
    redacted: bool = False

    def __str__(self) -> str:
        return f"[{self.why}]"


@dataclass(frozen=True, slots=True)
class More:
    """An artifact that is kept apart, and of which only a preview is at hand."""

    id: str
    size: int
    mediatype: str
    rows: int | None

    @property
    def words(self) -> str:
        """How much there is, and how to get it."""
        rows = f"{count(self.rows, 'row')}, " if self.rows is not None else ""
        kind = f"{self.mediatype}, " if self.mediatype.startswith("image/") else ""
        return f"{kind}{rows}{count(self.size, 'byte')} in all: interlock evidence show {self.id}"


CHART = re.compile(r"chart_[0-9]{1,6}(_spec)?\Z")
"""Parts of a step that its outputs name: pictures, and what they were drawn from."""


class once(Generic[Value]):  # noqa: N801  used as a decorator, like property
    """Computes an attribute when it is first asked for, and keeps it.

    As `functools.cached_property` from Python 3.12 on; before, that takes a lock each time.
    """

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> "once[Value]": ...
    @overload
    def __get__(self, owner: object, kind: type) -> Value: ...
    def __get__(self, owner: object | None, kind: type) -> "once[Value] | Value":
        """Return the value, which then stands in the object itself."""
        if owner is None:
            return self
        value = self._work(owner)
        owner.__dict__[self._name] = value
        return value


@dataclass(frozen=True)
class Reading:
    """One entry; `position` is its place in the input, used when it has no sequence."""

    entry: Entry
    position: int

    @once
    def event(self) -> Mapping[str, Any]:
        """The body, or an empty one if it is no object."""
        return _mapping(getattr(self.entry, "event", None))

    @once
    def data(self) -> Mapping[str, Any]:
        """The body's data, or nothing if it is no object."""
        return _mapping(self.event.get("data"))

    @once
    def type(self) -> str:
        """The kind of event, such as `query.denied`."""
        return _word(self.event.get("type"))

    @once
    def cite(self) -> str:
        """The sequence as cited; `?` and the place in the input when there is none."""
        sequence = shown(self.event.get("sequence"))
        if _SEQUENCE.match(sequence) and sequence.isascii():
            return str(int(sequence))
        return f"?{self.position + 1}"

    @once
    def order(self) -> tuple[int, int]:
        """Sort key by sequence, then by place in the input; without a sequence comes last."""
        numbered = not self.cite.startswith("?")
        return (int(self.cite) if numbered else 10**18, self.position)

    @once
    def time(self) -> datetime | None:
        """When it happened, as claimed, in UTC."""
        return moment(self.event.get("time"))

    @once
    def recorded(self) -> datetime | None:
        """When the store took it, in UTC."""
        return moment(self.event.get("recordedtime"))

    @once
    def id(self) -> str:
        """The event's own id, or ""."""
        return _word(self.event.get("id"))

    @once
    def cause(self) -> str:
        """The id of the event that led to it, or ""."""
        return _word(self.event.get("causationid"))

    @once
    def is_clocked(self) -> bool:
        """Whether the gateway's own clock gave its time, and nobody claimed it."""
        return bool(self.event.get("timesource", "gateway") == "gateway")

    @once
    def accuracy_s(self) -> float:
        """By how many seconds its time may be wrong, as far as it says."""
        return span(self.event.get("timeaccuracy"))

    @once
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(
            run=self.word("run"),
            step=self.word("step"),
            attempt=self.word("attempt"),
            ordinal=self.word("ordinal"),
            approval=self.word("approval"),
            plan=self.word("plan"),
            member=self.word("plan_place"),
        )

    def value(self, key: str) -> Any:
        """Return the value under `key`, from its part where it stands in one, or `Absent`."""
        return self.resolve(self.data.get(key))

    def resolve(self, raw: Any) -> Any:
        """Return what `raw` stands for, made of plain JSON of bounded depth."""
        if not is_part(raw):
            return plain(raw)
        name = raw["$part"]
        if not isinstance(name, str):
            return self._found(raw)
        if name not in self._opened:
            found = self._found(raw)
            self._opened[name] = found if isinstance(found, Absent) else plain(found)
        return self._opened[name]

    @once
    def _opened(self) -> dict[str, Any]:
        """What was opened already, for it is asked for again, and may be large."""
        return {}

    def _found(self, raw: Mapping[str, Any]) -> Any:
        """Return the content of a part as it came, or why it is not here."""
        part = self.part(raw)
        if part.get("redacted"):
            return Absent(_why_redacted(part["redacted"]), redacted=True)
        for form in ("text", "json", "base64"):
            if form in part:
                return part[form]
        return Absent("not in this export")

    def part(self, raw: Any) -> Mapping[str, Any]:
        """Return what the entry delivers of a part that stands outside the body."""
        parts = _mapping(getattr(self.entry, "parts", None))
        name = _mapping(raw).get("$part")
        return _mapping(parts.get(name) if isinstance(name, str) else None)

    def more(self, raw: Any) -> "More | None":
        """Return what is known of an artifact of which only the preview is delivered."""
        told = _mapping(self.part(raw).get("more"))
        if not told:
            return None
        size, rows = number(told.get("size")), number(told.get("rows"))
        name = _word(told.get("artifact"))
        if not name or size is None:
            return None
        return More(
            name, int(size), _word(told.get("mediatype")), None if rows is None else int(rows)
        )

    def outputs(self, raw: Any) -> Any:
        """Return a step's outputs with the pictures that are kept beside them.

        Why a picture is not delivered stands under `left`.
        """
        found = self.resolve(raw)
        if not isinstance(found, (list, tuple)):
            return found
        return [self._with_picture(output) for output in found]

    def _with_picture(self, output: Any) -> Any:
        chart = _mapping(output).get("chart")
        if not isinstance(chart, str) or not CHART.match(chart):
            return output
        raw = self.data.get(chart)
        value, more = self.resolve(raw), self.more(raw)
        if isinstance(value, str) and more is None:
            return {**output, "data": value}
        if isinstance(value, Absent):
            return {**output, "left": value.why}
        return {**output, "left": more.words if more else "not in this export"}

    def word(self, key: str) -> str:
        """Return a short scalar as text; "" when there is none."""
        value = self.data.get(key)
        return value if type(value) is str else _word(value)

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of short scalars, such as people; empty when there is none."""
        value = self.value(key)
        listed = value if isinstance(value, (list, tuple)) else [value]
        return tuple(word for word in map(_word, listed) if word)

    def said(self, key: str) -> str:
        """Return a text part as it was written, or in brackets why it is not here."""
        value = self.value(key)
        return "" if value is None else str(value) if isinstance(value, Absent) else shown(value)

    def object(self, key: str) -> Mapping[str, Any]:
        """Return an object part; empty when it is none."""
        return _mapping(self.value(key))

    def number(self, key: str) -> float | None:
        """Return a finite number of sane size, or None."""
        return number(self.data.get(key))

    def facts(self) -> tuple[tuple[str, Any], ...]:
        """Return everything in the data that is not kept apart, in the event's order."""
        apart = self._apart
        return tuple(
            (shown(key), plain(value)) for key, value in self.data.items() if key not in apart
        )

    @once
    def kept(self) -> tuple[Kept, ...]:
        """Return what stands outside the body, as the body names it, in the event's order."""
        return tuple(_kept(shown(key), raw) for key, raw in self._apart.items())

    @once
    def _apart(self) -> Mapping[Any, Mapping[str, Any]]:
        return {key: raw for key, raw in self.data.items() if is_part(raw)}

    def when(self, key: str) -> datetime | None:
        """Return a time in the data, in UTC, or None."""
        return moment(self.data.get(key))

    def absences(self) -> list[Absent]:
        """Return what the event's parts do not deliver, anywhere in its data."""
        return [
            value
            for raw in _parts_in(self.data, MAX_DEPTH)
            if isinstance(value := self._found(raw), Absent)
        ]


def _kept(key: str, raw: Mapping[str, Any]) -> Kept:
    size = raw.get("size")
    known = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < _MAX_NUMBER
    return Kept(
        key=key,
        id=_word(raw.get("$part")),
        commitment=_word(raw.get("commitment")),
        mediatype=_word(raw.get("mediatype")),
        size=size if known else None,
    )


def is_part(raw: Any) -> bool:
    """Tell whether a value in an event's data stands for a part kept outside the body."""
    kind = type(raw)
    if kind is str or kind is int:
        return False
    return (kind is dict or isinstance(raw, Mapping)) and "$part" in raw


def moment(value: Any) -> datetime | None:
    """Return an RFC 3339 time in UTC, or None when it is no usable time."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        # Years at the edge of the calendar cannot be moved into another zone.
        return zoned.astimezone(UTC) if zoned.year in _YEARS else None
    except (ValueError, OverflowError):
        return None


def span(value: Any) -> float:
    """Return a length of time such as `PT5M` or `PT0.001S` in seconds; 0 for anything else."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) and len(value) < 30 else None  # noqa: PLR2004  no length of time is longer
    parts = zip(found.groups("0"), (86_400, 3_600, 60, 1), strict=True) if found else ()
    return sum(float(amount) * unit for amount, unit in parts)


def number(value: Any) -> float | None:
    """Return a finite number of sane size, or None; booleans are no numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # False for nan and infinity too, and exact for integers beyond what a float can hold.
    return value if abs(value) < _MAX_NUMBER else None


def _mapping(value: Any) -> Mapping[str, Any]:
    if type(value) is dict:
        return value
    return value if isinstance(value, Mapping) else {}


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value
    scalar = isinstance(value, (int, float)) and not isinstance(value, bool)
    return shown(value) if scalar else ""


def _why_redacted(value: Any) -> str:
    told = _mapping(value)
    reason = told.get("reason") if told else value
    said = f"redacted: {reason}" if isinstance(reason, str) and reason else "redacted"
    by, at = _word(told.get("by")), moment(told.get("at"))
    who = "Interlock" if by == "system" else by
    when = f"{at:%Y-%m-%d %H:%MZ}" if at else ""
    seen = ", ".join(word for word in (f"by {who}" if who else "", when) if word)
    return f"{said} ({seen})" if seen else said


def _parts_in(value: Any, depth: int) -> list[Mapping[str, Any]]:
    if depth <= 0:
        return []
    if is_part(value):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, (Mapping, list, tuple)):
        return []
    deeper = (item for item in items if type(item) not in LEAVES)
    return [part for item in deeper for part in _parts_in(item, depth - 1)]
