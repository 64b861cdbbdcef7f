"""Rows as text for a terminal and as HTML for a notebook. Standard library only.

Cells come from production and may hold anything: control characters, escape sequences and
text-direction marks are shown as what they are, never passed on to a terminal.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from numbers import Number
from typing import Any
from unicodedata import combining, east_asian_width

WIDTH = 100
"""Columns a printed table may take."""

ROWS = 40
"""Rows a printed table shows; the rest is counted."""

_NARROWEST = 5
_GAP = "  "
_LONGEST_CELL = 400


def printable(text: str) -> str:
    """Return `text` with every character that could steer a terminal shown as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def previewed_lines(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return what an action of a dry run would do, by label; empty for one that was done.

    Arguments:
        answer: the outcome as the gateway gave it.
    """
    if answer.get("state") != "previewed":
        return {}
    count = answer.get("count")
    told = {
        "would send": answer.get("statement"),
        "with": _given(answer.get("values") or {}),
        "rows": f"{count:,}" if isinstance(count, int) else "",
        "touches": answer.get("blast_radius"),
        "undo": answer.get("undo"),
        "needs": answer.get("needs"),
        "note": answer.get("note"),
    }
    flat = {name: " ".join(str(words or "").split()) for name, words in told.items()}
    return {name: printable(words) for name, words in flat.items() if words}


def _given(values: Mapping[str, Any]) -> str:
    """Return typed values by name, on one line."""
    return ", ".join(f"{name} = {typed.get('value')}" for name, typed in values.items())


def cell_text(value: Any) -> str:
    """Return one cell as a person reads it, on one line."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case bytes():
            return "\\x" + value[:64].hex() + ("…" if len(value) > 64 else "")  # noqa: PLR2004  as many bytes as a line shows
        case list() | dict():
            return printable(json.dumps(value, ensure_ascii=False)[:_LONGEST_CELL])
        case _:
            return printable(str(value)[:_LONGEST_CELL])


def as_text(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], summary: str, width: int = WIDTH
) -> str:
    """Return a table at most `width` columns wide, and `summary` below it."""
    names = [printable(name) for name in columns]
    shown = [[cell_text(value) for value in row] for row in rows[:ROWS]]
    widths = _widths(names, shown, width)
    right = [_is_numeric(rows, index) for index in range(len(names))]
    hidden = len(names) - len(widths)
    lines = [_line(names, widths, right), _GAP.join("─" * width for width in widths)]
    lines += [_line(cells, widths, right) for cells in shown]
    more = _more(len(rows) - len(shown), hidden)
    return "\n".join([*(lines if names else []), *more, summary])


def as_html(columns: Sequence[str], rows: Sequence[Sequence[Any]], summary: str) -> str:
    """Return a table as HTML in which nothing but our own tags is markup."""
    head = "".join(f"<th>{escape(printable(name))}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell_text(value))}</td>" for value in row) + "</tr>"
        for row in rows[:ROWS]
    )
    below = " · ".join([*_more(len(rows) - ROWS, 0), summary])
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{escape(below)}</p>"
    )


def _more(rows: int, columns: int) -> list[str]:
    unseen = [
        f"{count:,} more {what}{'' if count == 1 else 's'}"
        for count, what in ((rows, "row"), (columns, "column"))
        if count > 0
    ]
    return ["… " + " and ".join(unseen) + ": see .rows"] if unseen else []


def _widths(names: Sequence[str], shown: Sequence[Sequence[str]], most: int) -> list[int]:
    """Return a width per column that fits; the widest give way first, the last may be left out."""
    widths = [max(map(_width, column)) for column in zip(names, *shown, strict=True)]
    while _total(widths) > most:
        widest = max(widths)
        if widest <= _NARROWEST:
            widths.pop()
        else:
            widths[widths.index(widest)] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _is_numeric(rows: Sequence[Sequence[Any]], index: int) -> bool:
    values = [row[index] for row in rows if row[index] is not None]
    return bool(values) and all(isinstance(value, Number) for value in values)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    fitted = [
        _fit(cell, width, to_the_right=to_the_right)
        for cell, width, to_the_right in zip(cells, widths, right, strict=False)
    ]
    return _GAP.join(fitted).rstrip()


def _fit(text: str, width: int, *, to_the_right: bool) -> str:
    if _width(text) > width:
        while _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    blank = " " * (width - _width(text))
    return blank + text if to_the_right else text + blank


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
