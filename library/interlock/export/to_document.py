"""A postmortem as JSON for programs: every value whole, nothing shortened.

One thing is named and not carried: HTML that a cell displayed beside the same as text.

Schema `interlock/postmortem/v1`. The object has the fields of `interlock.export.Postmortem`, and
each value below it the fields of its class in `interlock.export.model`, under the same names.
Times are RFC 3339 in UTC or null. Each exhibit has a `shape`: `words`, `grid`, `pairs`,
`picture` or `left`; the facts of a
source are an object. A later version adds fields; it never renames or removes one within v1.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

from interlock.export.clock import clock
from interlock.export.model import (
    Grid,
    Left,
    Pairs,
    Phase,
    Picture,
    Postmortem,
    RunStory,
    Source,
    Words,
)
from interlock.export.text import plain, written

SCHEMA = "interlock/postmortem/v1"


def document(postmortem: Postmortem) -> dict[str, Any]:
    """Return the postmortem as objects, lists, text, numbers, booleans and null."""
    found: dict[str, Any] = {"schema": SCHEMA, **_value(postmortem)}
    return found


def document_text(postmortem: Postmortem, *, zone: str = "UTC") -> str:
    """Return the postmortem as JSON text that no terminal or browser is moved by.

    Characters that cannot be seen stand as escapes, so that the text reads back unchanged.
    Times stay in UTC in any zone; `zone` is only checked.
    """
    clock(zone)
    whole = {"schema": SCHEMA, **_members(postmortem)}
    members = [f"{written(key)}: {_member(value)}" for key, value in whole.items()]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _member(value: Any) -> str:
    """Return a list with one item a line, so that two exports can be compared line by line."""
    if not isinstance(value, tuple) or not value:
        return written(value, default=_told)
    # Each item is written by itself: the whole never stands in memory twice.
    return "[\n  " + ",\n  ".join(written(item, default=_told) for item in value) + "\n]"


def _told(value: Any) -> Any:
    """Return what stands for a value of the model that JSON does not know."""
    if isinstance(value, datetime):
        return _stamp(value)
    return _members(value)


def _stamp(when: datetime) -> str:
    utc = when if when.tzinfo is UTC else when.astimezone(UTC)
    return utc.isoformat()[: -len("+00:00")] + "Z"


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return _stamp(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _value(item) for name, item in _members(value).items()}
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else plain(value)


def _members(value: Any) -> dict[str, Any]:
    """Return the members of a value of the model, as they are there."""
    kind = type(value)
    names, members = _named(value.__class__)
    found = dict(zip(names, members(value), strict=True))
    if kind in SHAPED:
        return {"shape": kind.__name__.lower(), **found}
    if kind is Phase:
        found["seconds"] = value.seconds
    elif kind is Source:
        found["facts"] = dict(value.facts)
    return found


@cache
def _named(kind: Any) -> tuple[tuple[str, ...], Callable[[Any], Iterable[Any]]]:
    """Return the names of a class's members, and what gets them all of a value at once."""
    names = tuple(f.name for f in fields(kind) if (kind, f.name) not in ELSEWHERE)
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda value: [getattr(value, name) for name in names]


ELSEWHERE = frozenset({(RunStory, "cells")})
"""What tells again, for notebooks, what the moments of a run already hold."""

SHAPED = (Words, Grid, Pairs, Picture, Left)


def lines_text(postmortem: Postmortem, *, zone: str = "UTC") -> str:
    """Return the timeline as JSON Lines: first what the record is, then one moment a line.

    Each line is an object whose `line` says what it holds: `about`, with the schema and the
    fields of the record, or `moment`. What backs a moment up stands in it whole.
    """
    clock(zone)
    pm = postmortem
    named = ("id", "title", "severity", "state", "commander", "start", "end", "profile")
    about = {"line": "about", "schema": SCHEMA} | {n: _value(getattr(pm, n)) for n in named}
    lines = [about | {"exported_at": _value(pm.exported_at), "record": _value(pm.record)}]
    told = ({"line": "moment", **_members(moment)} for moment in pm.moments)
    return "".join(f"{written(one, default=_told)}\n" for one in chain(lines, told))
