"""What a question about logs gives back: lines as rows, printed with the time of day.

    lines = query_logs("logs", '{app=:app} |= "error"', start="15m", app=params.app)
    lines.any("line", "contains", "timeout")

Lines hold whatever a program wrote: what could steer a terminal is shown as its escape, never
passed on. Above them stands from when to when was asked and how they lie over that time; below
stands how many there are, and what was left out. Standard library only.
"""

import math
import textwrap
from collections.abc import Mapping
from functools import cached_property
from html import escape
from typing import Any

from interlock.frame import CHART, moment, sparkline
from interlock.rendering import WIDTH, as_html, as_text, printable
from interlock.table import Row, Table

TIME, AT, LINE = "time", "at", "line"


class Lines(Table):
    """Lines as rows: `time`, `at`, a column for each label, `line`.

    `time` is a moment, cut to the microsecond; `at` is the same to the nanosecond, as text that
    sorts as the moments do.

    Attributes:
        labels: the names of the columns that are labels.
        start, end: from when to when was asked; a line at `end` itself is not in it.
        newest: whether the newest lines stand first, and are those kept where there are too many.
    """

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer)
        window = answer.get("window") or {}
        self.start = moment(window.get("start"))
        self.end = moment(window.get("end"))
        self.newest = bool(window.get("newest", True))
        self.labels = tuple(name for name in self.columns if name not in (TIME, AT, LINE))

    def volume(self) -> str:
        """Return how many lines there were over time, as one block for each part of it.

        Of an incomplete answer, the part beyond its last line is a gap: how many is not known.
        """
        if self.start is None or self.end is None or not self.rows:
            return ""
        length = (self.end - self.start).total_seconds() or 1.0
        counts = [0.0] * CHART
        for row in self.rows:
            part = (row[TIME] - self.start).total_seconds() / length
            counts[max(0, min(CHART - 1, int(part * CHART)))] += 1
        return sparkline(self._known(counts) if self.truncated else counts)

    def _known(self, counts: list[float]) -> list[float]:
        """Return `counts` without those beyond the last line that was delivered."""
        there = [part for part, count in enumerate(counts) if count]
        first, last = (there[0], CHART) if self.newest else (0, there[-1])
        return [count if first <= part <= last else math.nan for part, count in enumerate(counts)]

    # --- how it prints --------------------------------------------------------------------------

    def __repr__(self) -> str:
        names, cells = self._cells()
        head = textwrap.wrap(self._head(), WIDTH, break_on_hyphens=False)
        return "\n".join([*head, as_text(names, cells, self.summary())])

    def _repr_html_(self) -> str:
        names, cells = self._cells()
        return f"<p>{escape(self._head())}</p>" + as_html(names, cells, self.summary())

    def summary(self) -> str:
        """Return the line below: how many, cut where, how old, evidence."""
        return super().summary().replace(" row", " line", 1)

    def _head(self) -> str:
        """Return what all lines have in common: from when to when, how they lie, and labels."""
        common = [printable(f'{name}="{value}"') for name, value in self._common.items()]
        return "  ".join(filter(None, [self._period(), self.volume(), *common]))

    def _period(self) -> str:
        if self.start is None or self.end is None:
            return ""
        same = self.start.date() == self.end.date()
        until = f"{self.end:%H:%M:%S}" if same else f"{self.end:%Y-%m-%d %H:%M:%S}"
        order = "newest" if self.newest else "oldest"
        return f"{self.start:%Y-%m-%d %H:%M:%S} to {until} UTC, {order} first"

    @cached_property
    def _common(self) -> dict[str, str]:
        """Labels that have one value in all lines; of a single line, all it has."""
        found = {name: {row[name] for row in self.rows} for name in self.labels}
        return {
            name: next(iter(values))
            for name, values in found.items()
            if len(values) == 1 and None not in values
        }

    def _cells(self) -> tuple[list[str], list[list[Any]]]:
        names = [name for name in self.labels if name not in self._common]
        cells = [[_clock(row), *(row[name] or "" for name in names), row[LINE]] for row in self]
        return [TIME, *names, LINE], cells


def _clock(row: Row) -> str:
    """Return the time of day of a line, to the millisecond."""
    at = row[TIME]
    return f"{at:%H:%M:%S}.{at.microsecond // 1_000:03}"
