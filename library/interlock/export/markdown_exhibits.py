"""Statements, rows, values and outputs as Markdown blocks."""

import re
from collections.abc import Iterator
from typing import assert_never

from interlock.export.cells import cell_text, rows_line
from interlock.export.markdown_text import cell, code, fence, prose
from interlock.export.model import Exhibit, Grid, Left, Pairs, Picture, Words
from interlock.export.text import count

MAX_ROWS = 20
MAX_COLUMNS = 16
_CELL = 200
_LIMITS = {"sql": 20_000, "python": 8_000, "json": 4_000, "text": 2_000}


def exhibit_lines(exhibit: Exhibit) -> Iterator[str]:
    """Return the lines of one exhibit, ended by an empty one."""
    match exhibit:
        case Words(label, text, "prose"):
            yield f"**{prose(label)}:** {prose(text)}"
        case Words(label, text, kind, note):
            yield from (f"**{prose(label)}**{f' — {prose(note)}' if note else ''}", "")
            yield from fence(text, _language(text, kind), _LIMITS.get(kind, 2_000))
        case Grid():
            yield from _grid(exhibit)
        case Pairs(label, items):
            yield from (f"**{prose(label)}**", "")
            yield from (_pair(*item) for item in items)
        case Picture(label, _, width, height, size):
            told = f"PNG image, {width} × {height}, {count(size, 'byte')}"  # noqa: RUF001  a product
            yield f"**{prose(label)}:** {told}: see the HTML export"
        case Left(label, why):
            yield f"**{prose(label)}:** [{prose(why)}]"
        case _:
            assert_never(exhibit)
    yield ""


_INFO = frozenset({"sql", "python", "json"})
"""Words after a fence; nothing that a renderer would run, such as a diagram language."""


_REQUEST = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) https?://")
"""How the text of an action over HTTP begins; no SQL does."""


def _language(text: str, kind: str) -> str:
    if kind == "sql" and _REQUEST.match(text):
        return "http"
    return kind if kind in _INFO else "text"


def _pair(name: str, value: str, remark: str) -> str:
    told = f" ({prose(remark)})" if remark else ""
    return f"- {code(name, 100)} = {code(value) or '(empty)'}{told}"


def _grid(grid: Grid) -> Iterator[str]:
    columns = grid.columns[:MAX_COLUMNS]
    shown = grid.rows[:MAX_ROWS]
    yield f"**{prose(grid.label)}:** {prose(rows_line(grid, len(shown), len(columns)))}"
    if not columns or not shown:
        return
    yield ""
    yield f"| {' | '.join(cell(name, 80) or '—' for name, _ in columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in shown:
        yield f"| {' | '.join(_cells(grid, row, len(columns)))} |"


def _cells(grid: Grid, row: tuple[object, ...], width: int) -> list[str]:
    kinds = [kind for _, kind in grid.columns[:width]]
    return [
        "_null_" if value is None else cell(cell_text(value, kind), _CELL)
        for value, kind in zip(row[:width], kinds, strict=True)
    ]
