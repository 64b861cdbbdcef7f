"""What a query gives back: typed rows, printed as a compact table that says what it is not.

A table never looks more complete than it is: how many rows, cut at which limit, how old, and
which entry of the timeline proves it stand below the rows. Standard library only.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from importlib import import_module
from time import monotonic
from typing import Any

from interlock import arrow, wire
from interlock.errors import UsageError
from interlock.rendering import as_html, as_text

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda cell, values: cell in values,
    "contains": lambda cell, part: part in cell,
}


def unknown_name(kind: str, name: str, known: Sequence[str]) -> str:
    """Return what to say of a `name` nobody knows, with the closest one that exists.

    Examples:
        >>> unknown_name("column", "victms", ["pid", "victims"])
        "There is no column 'victms'; did you mean 'victims'?"
    """
    close = get_close_matches(name, known, n=1)
    if close:
        return f"There is no {kind} {name!r}; did you mean {close[0]!r}?"
    there = ", ".join(known) or "none"
    return f"There is no {kind} {name!r}; there is: {there}."


class Row:
    """One row: `row.victims`, `row["victims"]`, `row[0]`, `dict(row)`."""

    __slots__ = ("_names", "_partial", "_values")

    def __init__(self, names: tuple[str, ...], values: tuple[Any, ...], partial: str = "") -> None:
        self._names = names
        self._values = values
        self._partial = partial

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # so that copy, pickle and IPython's probes see a plain miss
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, key: str | int) -> Any:
        if isinstance(key, int):
            return self._values[key]
        try:
            return self._values[self._names.index(key)]
        except ValueError:
            raise UsageError(
                unknown_name("column", key, self._names), code="unknown-column"
            ) from None

    def keys(self) -> tuple[str, ...]:
        """Return the names of the columns, so that `dict(row)` works."""
        return self._names

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return list(self._names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        return (self._names, self._values) == (other._names, other._values)

    __hash__ = None  # type: ignore[assignment]  # cells may be lists, which have none either

    def __repr__(self) -> str:
        cells = ", ".join(f"{name}={value!r}" for name, value in self._pairs())
        return f"Row({cells})"

    def _pairs(self) -> Iterator[tuple[str, Any]]:
        return zip(self._names, self._values, strict=True)


class Table:
    """The rows that a target gave, as the gateway delivered them.

    Attributes:
        columns: the names of the columns.
        rows: a `Row` each, cells as Python values.
        truncated: "" when complete, else the name of the limit at which it was cut.
        evidence: the id of the event that proves it.
        call: the call's place, as `R-1/blockers/1/0`.
        elapsed_ms: how long the target took.
    """

    def __init__(self, answer: Mapping[str, Any]) -> None:
        described = answer.get("columns") or []
        self.columns: tuple[str, ...] = tuple(str(column["name"]) for column in described)
        self.truncated = str(answer.get("truncated") or "")
        self.evidence = str(answer.get("event") or "")
        self.call = str(answer.get("call") or "")
        self.elapsed_ms = float(answer.get("elapsed_ms") or 0)
        types = [str(column["type"]) for column in described]
        self._answer = answer
        self.rows: tuple[Row, ...] = tuple(
            self._row(types, cells) for cells in answer.get("rows") or []
        )
        self._arrived = monotonic() - float(answer.get("age_s") or 0)

    def _row(self, types: list[str], cells: Sequence[Any]) -> Row:
        pairs = zip(types, cells, strict=True)
        values = tuple(wire.decode_cell(name, cell) for name, cell in pairs)
        return Row(self.columns, values, self.truncated)

    @property
    def age(self) -> timedelta:
        """How long ago the target was asked."""
        return timedelta(seconds=round(monotonic() - self._arrived, 3))

    def first(self) -> Row | None:
        """Return the first row, or None when there is none."""
        return self.rows[0] if self.rows else None

    def any(self, column: str, op: str, value: Any) -> bool:
        """Say whether any row's `column` compares as asked; NULL never does.

        Arguments:
            column: the name of a column.
            op: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `contains`.
            value: what to compare with.

        Raises:
            UsageError: no such column or operator, or two values that cannot be compared.
        """
        if column not in self.columns:
            raise UsageError(unknown_name("column", column, self.columns), code="unknown-column")
        if op not in _OPERATORS:
            raise UsageError(unknown_name("operator", op, list(_OPERATORS)))
        cells = [row[column] for row in self.rows]
        try:
            return any(_OPERATORS[op](cell, value) for cell in cells if cell is not None)
        except TypeError as error:
            raise UsageError(f"Column {column!r} cannot be compared so: {error}.") from error

    def pandas(self) -> Any:
        """Return the rows as a pandas DataFrame."""
        return _library("pandas").DataFrame(self._records(), columns=list(self.columns))

    def polars(self) -> Any:
        """Return the rows as a polars DataFrame."""
        return _library("polars").DataFrame(
            self._records(), schema=list(self.columns), orient="row"
        )

    def arrow(self) -> Any:
        """Return the rows as a pyarrow Table, each column in the Arrow type of its own."""
        return arrow.table(self._answer)

    def _records(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.rows]

    def summary(self) -> str:
        """Return the line below the rows: how many, cut where, how long, how old, evidence."""
        count = f"{len(self.rows):,} row" + ("" if len(self.rows) == 1 else "s")
        cut = f"cut at {self.truncated}" if self.truncated else ""
        parts = [count + (f", {cut}" if cut else ""), f"{self.elapsed_ms:.0f} ms"]
        parts.append(f"{_span(self.age)} ago")
        proof = self.call or self.evidence
        return " · ".join([*parts, *([f"evidence {proof}"] if proof else [])])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def __repr__(self) -> str:
        return as_text(self.columns, self._records(), self.summary())

    def _repr_html_(self) -> str:
        return as_html(self.columns, self._records(), self.summary())


def _span(age: timedelta) -> str:
    """Return an age in its largest unit: `12s`, `3m`, `5h`, `2d`."""
    seconds = age.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:.0f}s"


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            f"{name} is not installed where this kernel runs.",
            help=f"Use .rows, or install {name} on the runner's machine.",
        ) from error
