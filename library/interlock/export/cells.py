"""How a result's cells and its size are told, in every form alike."""

from typing import Any

from interlock.export.model import Grid
from interlock.export.text import count, shown
from interlock.wire import WireError, decode_cell


def cell_text(value: Any, kind: str) -> str:
    """Return one cell of wire type `kind` as text; an interval as hours, minutes, seconds."""
    if kind != "interval":
        return shown(value)
    try:
        return shown(str(decode_cell(kind, value)))
    except (WireError, OverflowError, AttributeError):
        return shown(value)


def rows_line(grid: Grid, rows: int, columns: int) -> str:
    """Return how many rows there are, how many are shown, and what was cut on the way."""
    told = [count(grid.total, "row") if grid.total else "no rows"]
    if rows < grid.total:
        told.append(f"the first {rows:,} are shown")
    if columns < len(grid.columns):
        told.append(f"{len(grid.columns) - columns:,} more columns are not shown")
    if grid.truncated:
        told.append(f"cut at {grid.truncated} when it was asked: there were more")
    return ", ".join(told)
