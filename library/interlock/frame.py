"""What a question about metrics gives back: samples as rows, printed as one line a series.

    rows = query_metrics("metrics", "rate(http_requests_total{job=:job}[5m])", start="1h", job=j)
    rows.latest().any("value", ">", 100)

Below the lines stands what stands below every table: how many, cut where, how old, evidence. The
line of a series is a small chart, each as high as its own least and most. Standard library only.
"""

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from html import escape
from typing import Any

from interlock.errors import UsageError
from interlock.rendering import as_html, as_text, printable
from interlock.table import Table

Moment = str | datetime | timedelta
"""A moment with its zone, or how long before: `"90m"`, `"1h30m"`, a timedelta."""

WIDTH = 80
"""Columns a printed frame may take."""

CHART = 24
"""Columns of a series' line."""

TIME, VALUE = "time", "value"

_BLOCKS = "▁▂▃▄▅▆▇█"
_DURATION = re.compile(r"(?:[0-9]{1,6}(?:ms|[smhdw]))+")
_PART = re.compile(r"([0-9]+)(ms|[smhdw])")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a frame.

    Attributes:
        labels: its labels, those it has.
        times: when, in order.
        values: what, as many as there are times.
    """

    labels: Mapping[str, str]
    times: tuple[datetime, ...]
    values: tuple[float, ...]

    @property
    def last(self) -> float:
        """The latest value."""
        return self.values[-1]

    @property
    def least(self) -> float:
        """The smallest value that is a number; NaN where none is."""
        return min(self._finite, default=math.nan)

    @property
    def most(self) -> float:
        """The largest value that is a number; NaN where none is."""
        return max(self._finite, default=math.nan)

    @property
    def _finite(self) -> list[float]:
        return [value for value in self.values if math.isfinite(value)]


class Frame(Table):
    """Samples as rows: `time`, a column for each label, `value`.

    Attributes:
        series: the same, one `Series` for each set of labels.
        labels: the names of the columns that are labels.
        start, end: from when to when was asked; the same for one moment.
    """

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer)
        window = answer.get("window") or {}
        self.start = moment(window.get("start"))
        self.end = moment(window.get("end"))
        self._step_s = float(window.get("step_s") or 0)
        self.labels = tuple(name for name in self.columns if name not in (TIME, VALUE))

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """The rows, one `Series` for each set of labels, in the target's order."""
        found: dict[tuple[Any, ...], list[tuple[datetime, float]]] = {}
        for row in self.rows:
            found.setdefault(tuple(row)[1:-1], []).append((row[TIME], row[VALUE]))
        return tuple(
            Series(
                {n: v for n, v in zip(self.labels, cells, strict=True) if v is not None},
                *zip(*samples, strict=True),
            )
            for cells, samples in found.items()
        )

    def latest(self) -> "Frame":
        """Return how things stand at the end: one row for each series that has a value there.

        A series that had its last value before is not in it: that is not how things stand.
        """
        cells = self._answer.get("rows") or []
        last = self._last_moment
        kept = [
            raw
            for raw, row in zip(cells, self.rows, strict=True)
            if last is None or row[TIME] >= last
        ]
        return Frame({**self._answer, "rows": kept, "age_s": self.age.total_seconds()})

    @property
    def _last_moment(self) -> datetime | None:
        """A little before the last moment at which the query was evaluated; None for one alone."""
        if not self._step_s or self.start is None or self.end is None:
            return None
        steps = int((self.end - self.start).total_seconds() / self._step_s + 1e-6)
        return self.start + timedelta(seconds=(steps - 0.5) * self._step_s)

    # --- how it prints --------------------------------------------------------------------------

    def __repr__(self) -> str:
        names, lines = self._lines()
        head = textwrap.wrap(self._head(), WIDTH, break_on_hyphens=False)
        return "\n".join([*head, as_text(names, lines, self.summary(), WIDTH)])

    def _repr_html_(self) -> str:
        names, lines = self._lines()
        return f"<p>{escape(self._head())}</p>" + as_html(names, lines, self.summary())

    def summary(self) -> str:
        """Return the line below: how many series and samples, cut where, how old, evidence."""
        count = len(self.series)
        return f"{count:,} series, {super().summary()}"

    def _head(self) -> str:
        """Return what all lines have in common: from when to when, and labels."""
        common = [printable(f'{name}="{value}"') for name, value in self._common.items()]
        return "  ".join([_period(self.start, self.end, self._step_s), *common]).strip()

    @cached_property
    def _common(self) -> dict[str, str]:
        if not self.series:
            return {}
        first = self.series[0].labels
        return {
            name: value
            for name, value in first.items()
            if all(one.labels.get(name) == value for one in self.series)
        }

    def _lines(self) -> tuple[list[str], list[list[Any]]]:
        names = [name for name in self.labels if name not in self._common]
        labels = [[one.labels.get(name, "") for name in names] for one in self.series]
        if not self._step_s:
            told = [[_Shown(one.last)] for one in self.series]
            return [*names, VALUE], _beside(labels, told)
        charts = [
            [self._chart(one), _Shown(one.last), _Shown(one.least), _Shown(one.most)]
            for one in self.series
        ]
        return [*names, "over time", "last", "least", "most"], _beside(labels, charts)

    def _chart(self, one: Series) -> str:
        if self.start is None or self.end is None:
            return sparkline(one.values)
        return sparkline(self._spread(one, self.start, self.end))

    def _spread(self, one: Series, start: datetime, end: datetime) -> list[float]:
        """Return a value for each column of the chart; NaN where there was no sample."""
        points = min(CHART, round((end - start).total_seconds() / self._step_s) + 1)
        length = (end - start).total_seconds() or 1.0
        columns: list[list[float]] = [[] for _ in range(points)]
        for at, value in zip(one.times, one.values, strict=True):
            place = (at - start).total_seconds() / length * (points - 1)
            columns[max(0, min(points - 1, round(place)))].append(value)
        return [_mean(values) for values in columns]


def _beside(left: Sequence[list[Any]], right: Sequence[list[Any]]) -> list[list[Any]]:
    return [[*a, *b] for a, b in zip(left, right, strict=True)]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(value / len(finite) for value in finite) if finite else math.nan


def sparkline(values: Sequence[float]) -> str:
    """Return one block for each value, as high as it lies between the least and the most.

    What is no number is a gap.

    Examples:
        >>> sparkline([1, 2, 3, float("nan"), 8])
        '▁▂▃ █'
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_block(value, low, high) for value in values)


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return " "
    if low == high:
        return _BLOCKS[0]
    part = (value - low) / (high - low)
    if not math.isfinite(high - low):  # halved, so that no difference overflows
        part = (value / 2 - low / 2) / (high / 2 - low / 2)
    return _BLOCKS[min(len(_BLOCKS) - 1, int(part * len(_BLOCKS)))]


class _Shown(float):
    """A number that stands to the right, and short."""

    def __str__(self) -> str:
        return number(float(self))


def number(value: float) -> str:
    """Return a number as a person reads it: four digits, and no more than it has."""
    if value == int(value) if math.isfinite(value) else False:
        return f"{int(value)}" if abs(value) < 1e15 else f"{value:.4g}"  # noqa: PLR2004  exact so far
    return f"{value:.4g}"


def _period(start: datetime | None, end: datetime | None, step_s: float) -> str:
    if end is None:
        return ""
    if not step_s or start is None:
        return f"{end:%Y-%m-%d %H:%M:%S} UTC"
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {until} UTC, every {step_s:g} s"


def moment(text: Any) -> datetime | None:
    """Return the moment that an answer gives as text, or None."""
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def span(value: Moment | None) -> datetime | timedelta | None:
    """Return `value` with a duration's text as a timedelta.

    Raises:
        UsageError: the text is no duration, or a moment has no zone.
    """
    if isinstance(value, str):
        if not _DURATION.fullmatch(value):
            raise UsageError(f"{value!r} is no duration.", help='Write "90s", "15m" or "1h30m".')
        parts = _PART.findall(value)
        return sum((int(count) * _UNITS[unit] for count, unit in parts), timedelta())
    if isinstance(value, datetime) and value.tzinfo is None:
        raise UsageError("A moment needs its zone.", help="Use `now()`, or datetime.now(UTC).")
    return value
