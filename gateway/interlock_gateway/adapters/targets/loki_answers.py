"""What Loki answers, as rows: one for each line, with its time, its labels, its text.

Lines are delivered as they are, whatever they hold; who shows them makes them harmless. What is
left out or cut off is said.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock_gateway.adapters.targets.prometheus_answers import (
    MOST_LABELS,
    AnswerError,
    columns_of,
    listed,
    member,
    warned,
    whole,
)
from interlock_gateway.core.model import Column, Limits, Rows

TIME, AT, LINE = "time", "at", "line"

_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = re.compile(r"-?[0-9]{1,19}")
_PER_LINE = 96  # bytes of two times and the signs around a row as JSON, generously


@dataclass(frozen=True, slots=True)
class Line:
    """One line: nanoseconds since 1970, the labels of its stream, its text."""

    at: int
    labels: Mapping[str, str]
    text: str


def lines(
    document: Mapping[str, Any], limits: Limits, longest: int, *, newest: bool, took_ms: float
) -> Rows:
    """Return an answer of `query_range` to a query for lines as rows, in order of time.

    Args:
        document: what was answered, with `status` success.
        limits: rows and bytes that are delivered.
        longest: characters of a line that are delivered.
        newest: whether the newest come first.
        took_ms: how long it took, in milliseconds.

    Raises:
        AnswerError: not in the form that the API documents, or with more labels than columns.
    """
    found = list(_lines(member(document, "data", dict)))
    found.sort(key=lambda one: one.at, reverse=newest)
    kept, cut = _within(found, limits, newest=newest)
    names = _names(kept)
    columns = (
        Column(TIME, "timestamptz"),
        Column(AT, "text"),
        *(Column(shown, "text") for shown in names.values()),
        Column(LINE, "text"),
    )
    rows = tuple(_row(one, names, longest) for one in kept)
    cuts = (cut, _shortened(kept, longest), warned(document))
    return Rows(columns, rows, "; ".join(filter(None, cuts)), elapsed_ms=took_ms)


def _row(line: Line, names: Mapping[str, str], longest: int) -> tuple[Any, ...]:
    time, at = _moments(line.at)
    text = line.text
    if len(text) > longest:
        text = f"{text[:longest]}… [{len(text) - longest:,} more characters]"
    return (time, at, *(line.labels.get(name) for name in names), text)


def _moments(nanoseconds: int) -> tuple[str, str]:
    """Return a time to the microsecond, cut and not rounded, and the same to the nanosecond."""
    try:
        moment = _BEGAN + timedelta(microseconds=nanoseconds // 1_000)
    except OverflowError:
        raise AnswerError("a time lies outside the calendar") from None
    exact = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return moment.isoformat(), f"{exact}.{nanoseconds % 1_000_000_000:09}Z"


def _names(kept: Sequence[Line]) -> dict[str, str]:
    """Return label → column; a label that is called as a column of ours gives way."""
    labels = sorted({name for one in kept for name in one.labels})
    if len(labels) > MOST_LABELS:
        raise AnswerError(
            f"the lines have {len(labels):,} labels and {MOST_LABELS} are delivered; keep those "
            "that matter with `| keep a, b`"
        )
    return columns_of(labels, {TIME, AT, LINE})


def _within(found: Sequence[Line], limits: Limits, *, newest: bool) -> tuple[list[Line], str]:
    """Return the lines that are delivered, and the limit that cut the others off."""
    others = "older" if newest else "newer"
    kept: list[Line] = []
    size = 0
    for one in found:
        size += _PER_LINE + len(one.text.encode()) + sum(map(len, one.labels.values()))
        if len(kept) >= limits.rows:
            return kept, f"rows ({limits.rows:,}), {others} lines left out"
        if size > limits.bytes:
            return kept, f"bytes ({limits.bytes:,}), {others} lines left out"
        kept.append(one)
    return kept, ""


def _shortened(kept: Sequence[Line], longest: int) -> str:
    count = sum(len(one.text) > longest for one in kept)
    if not count:
        return ""
    return f"line ({longest:,} characters), {count:,} line{'s' * (count > 1)} cut"


# --- the form that the API documents ----------------------------------------------------------


def _lines(data: Mapping[str, Any]) -> Iterator[Line]:
    kind = data.get("resultType")
    if kind != "streams":
        raise AnswerError(f"a result of the type {str(kind)[:40]!r} holds no lines")
    for raw in listed(data.get("result")):
        labels = member(raw, "stream", dict)
        if not all(isinstance(value, str) for value in labels.values()):
            raise AnswerError("a label is no text")
        known = {whole(name): whole(value) for name, value in labels.items()}
        for pair in listed(raw.get("values")):
            yield _line(pair, known)


def _line(pair: Any, labels: Mapping[str, str]) -> Line:
    match pair:
        case [str(at), str(text), *more] if _NANOSECONDS.fullmatch(at) and more in ([], [{}]):
            return Line(int(at), labels, whole(text))
    raise AnswerError("a line is no pair of nanoseconds and a text")
