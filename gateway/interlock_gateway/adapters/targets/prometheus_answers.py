"""What Prometheus answers, as rows: one for each sample, with its time, its labels, its value.

A series is delivered whole or not at all, and what is not delivered is said.
"""

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from interlock_gateway.core.model import Column, Limits, Rows

TIME, METRIC, VALUE = "time", "metric", "value"

MOST_LABELS = 64
"""Labels that are delivered, each as a column."""

_LONGEST_WARNING = 200
_HALF = re.compile("[\ud800-\udfff]")


class AnswerError(ValueError):
    """The answer is not what the API promises; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels, and its samples as (seconds since 1970, number)."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


def frame(document: Mapping[str, Any], limits: Limits, most: int, took_ms: float) -> Rows:
    """Return an answer of `query` or `query_range` as rows.

    Args:
        document: what was answered, with `status` success.
        limits: rows and bytes that are delivered.
        most: series that are delivered.
        took_ms: how long it took, in milliseconds.

    Raises:
        AnswerError: not in the form that the API documents.
    """
    found = list(_series(member(document, "data", dict)))
    kept, cut = _within(found, limits, most)
    names = _names(kept)
    columns = (
        Column(TIME, "timestamptz"),
        *(Column(shown, "text") for shown in names.values()),
        Column(VALUE, "number"),
    )
    rows = tuple(row for one in kept for row in _rows(one, names))
    return Rows(columns, rows, cut or warned(document), elapsed_ms=took_ms)


def _rows(series: Series, names: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    labels = [series.labels.get(name) for name in names]
    for at, value in series.samples:
        yield (_moment(at), *labels, _cell(value))


def _names(series: Sequence[Series]) -> dict[str, str]:
    """Return label → column; a label that is called as a column of ours gives way."""
    labels = sorted({name for one in series for name in one.labels} - {"__name__"})
    if len(labels) > MOST_LABELS:
        raise AnswerError(f"the series have more than {MOST_LABELS} labels")
    named = any("__name__" in one.labels for one in series)
    taken = {TIME, VALUE, *([METRIC] if named else [])}
    found = {"__name__": METRIC} if named else {}
    return found | columns_of(labels, taken)


def columns_of(labels: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """Return label → column, with the label's own name unless it is one of `taken`."""
    found: dict[str, str] = {}
    for label in labels:
        shown = label
        while shown in taken or shown in found.values():
            shown = f"label_{shown}"
        found[label] = shown
    return found


def _within(found: Sequence[Series], limits: Limits, most: int) -> tuple[list[Series], str]:
    """Return the series that are delivered, and the limit that cut the others off."""
    kept: list[Series] = []
    rows = size = 0
    for one in found:
        rows += len(one.samples)
        size += _size(one)
        if len(kept) >= most:
            return kept, f"series ({most:,} of {len(found):,})"
        if rows > limits.rows:
            return kept, f"rows ({limits.rows:,})"
        if size > limits.bytes:
            return kept, f"bytes ({limits.bytes:,})"
        kept.append(one)
    return kept, ""


_PER_SAMPLE = 64  # bytes of a time and a number as JSON, generously


def _size(one: Series) -> int:
    return len(one.samples) * (_PER_SAMPLE + len(json.dumps(list(one.labels.values()))))


def warned(document: Mapping[str, Any]) -> str:
    """Return warnings as a limit: an answer that its own sender doubts is no whole one."""
    warnings = document.get("warnings") or []
    if not isinstance(warnings, list):
        raise AnswerError("`warnings` is no list")
    told = "; ".join(str(one) for one in warnings)[:_LONGEST_WARNING]
    return f"a warning of the target ({told})" if told else ""


# --- the form that the API documents ----------------------------------------------------------


def _series(data: Mapping[str, Any]) -> Iterator[Series]:
    kind, result = data.get("resultType"), data.get("result")
    match kind:
        case "matrix" | "vector":
            for raw in listed(result):
                yield _one(raw, "values" if kind == "matrix" else "value")
        case "scalar":
            yield Series({}, (_sample(result),))
        case _:
            raise AnswerError(f"a result of the type {str(kind)[:40]!r} is not read")


def _one(raw: Any, key: str) -> Series:
    labels = member(raw, "metric", dict)
    if not all(isinstance(value, str) for value in labels.values()):
        raise AnswerError("a label is no text")
    if key not in raw:
        raise AnswerError("a series holds histograms, which are not read")
    pairs = listed(raw[key]) if key == "values" else [raw[key]]
    return Series({whole(k): whole(v) for k, v in labels.items()}, tuple(map(_sample, pairs)))


def whole(text: str) -> str:
    """Return `text` with a mark for each half of a character, which no UTF-8 can say."""
    return _HALF.sub("\ufffd", text)


def _sample(pair: Any) -> tuple[float, float]:
    match pair:
        case [int() | float() as at, str(number)] if not isinstance(at, bool):
            try:
                return float(at), float(number)
            except ValueError:
                raise AnswerError(f"{number[:40]!r} is no number") from None
    raise AnswerError("a sample is no pair of a time and a number")


def member(raw: Any, key: str, kind: type[dict[str, Any]]) -> dict[str, Any]:
    """Return what stands under a key, once it is of that kind."""
    value = raw.get(key) if isinstance(raw, Mapping) else None
    if not isinstance(value, kind):
        raise AnswerError(f"`{key}` is missing")
    return value


def listed(value: Any) -> list[Any]:
    """Return a value, once it is a list."""
    if not isinstance(value, list):
        raise AnswerError("`result` is no list")
    return value


def _moment(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        raise AnswerError("a time lies outside the calendar") from None


def _cell(value: float) -> float | str:
    """Return a number as JSON can say it; the wire type reads the words back."""
    return value if math.isfinite(value) else repr(value)
