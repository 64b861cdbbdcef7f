"""What a step concludes. Standard library only.

The one rule that matters: nothing is concluded from data that is not all there. A finding on a
truncated table, or on none, is `unknown`, whatever the notebook hoped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from interlock.errors import UsageError
from interlock.rendering import cell_text
from interlock.table import Row, Table

SYMBOLS = {"ok": "✔", "info": "·", "warn": "⚠", "unknown": "?", "bad": "✖"}
"""Every status with its symbol, from the mildest to the worst."""

Data = Table | Sequence[Row]
"""What a finding may rest on: a table, or some of the rows of one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A step's conclusion.

    Attributes:
        status: `ok`, `info`, `warn`, `unknown` or `bad`.
        text: the conclusion in one line.
        next: the step to go on with, or "".
    """

    status: str
    text: str
    next: str = ""

    def __repr__(self) -> str:
        following = f" → next: {self.next}" if self.next else ""
        return f"{SYMBOLS.get(self.status, '?')} {self.text}{following}"


@dataclass(frozen=True, slots=True)
class Words:
    """What a finding says.

    Attributes:
        ok: said when all is well; "" makes that case `info` with `text`.
        text: said otherwise; `{column}` stands for the first row's cell.
        next: the step to go on with when it is not ok.
    """

    ok: str = ""
    text: str = ""
    next: str = ""


def judge(data: Data | None, words: Words, *, bad: bool, warn: bool) -> Finding:
    """Return what `data` shows.

    Raises:
        UsageError: `words.text` names a column that the data does not have.
    """
    missing = _missing(data)
    if data is None or missing:
        said = _filled(words.text, data) if data else words.text
        return Finding("unknown", f"{missing}: {said}" if said else missing, words.next)
    status = "bad" if bad else "warn" if warn else "ok" if words.ok else "info"
    if status == "ok":
        return Finding("ok", words.ok)
    return Finding(status, _filled(words.text, data), words.next)


def _missing(data: Data | None) -> str:
    """Return why `data` cannot carry a conclusion, or ""."""
    if data is None:
        return "no data"
    if isinstance(data, Table):
        return f"data cut at {data.truncated}" if data.truncated else ""
    if not all(isinstance(row, Row) for row in data):
        raise UsageError("A finding rests on a table or on rows of one.", code="bad-finding")
    cut = next((row._partial for row in data if row._partial), "")  # noqa: SLF001  a row knows whether its table was whole
    return f"data cut at {cut}" if cut else ""


def _filled(text: str, data: Data) -> str:
    row = data[0] if len(data) else None
    try:
        return _Cells().vformat(text, (), _Named(row))
    except (IndexError, ValueError, AttributeError) as error:
        raise UsageError(
            f"The finding's text {text!r} cannot be filled: {error}.",
            code="bad-finding",
            help="Name columns in braces, as in {victims}; write {{ for a brace.",
        ) from error


class _Named(Mapping[str, Any]):
    """The first row by name; without a row every cell is unknown."""

    def __init__(self, row: Row | None) -> None:
        self._row = row

    def __getitem__(self, name: str) -> Any:
        return "?" if self._row is None else self._row[name]

    def __iter__(self) -> Any:
        return iter(() if self._row is None else self._row.keys())

    def __len__(self) -> int:
        return 0 if self._row is None else len(self._row)


class _Cells(Formatter):
    """Formats cells as tables show them, unless a format is given that fits the value."""

    def format_field(self, value: Any, format_spec: str) -> str:
        try:
            return format(value, format_spec) if format_spec else cell_text(value)
        except (TypeError, ValueError):
            return cell_text(value)
