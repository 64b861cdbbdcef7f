"""Statements, rows, values, pictures and outputs as HTML that folds."""

from typing import assert_never

from interlock.export.cells import cell_text, rows_line
from interlock.export.markup import Child, Html, flag, row, tag
from interlock.export.model import Exhibit, Grid, Left, Pairs, Picture, Words
from interlock.export.text import block, capped, count, fits, line, trimmed

MAX_ROWS = 100
MAX_COLUMNS = 40
_CELL = 1_000
_LIMITS = {"sql": 40_000, "python": 20_000, "json": 20_000, "text": 10_000, "prose": 10_000}
_SHORT = 400


def exhibit_html(exhibit: Exhibit, *, unfolded: bool = False) -> Html:
    """Return one exhibit: a line when it is short, else something that unfolds."""
    match exhibit:
        case Words():
            return _words(exhibit, unfolded=unfolded)
        case Grid():
            return _grid(exhibit, unfolded=unfolded)
        case Pairs(label, items):
            rows = [_pair(*item) for item in items]
            return _fold(label, "", tag("dl", rows, class_="pairs"), unfolded=unfolded)
        case Picture(label, data, width, height, size):
            told = f"PNG, {width} × {height}, {count(size, 'byte')}"  # noqa: RUF001  a product
            source = f"data:image/png;base64,{data}"
            image = tag("img", src=source, alt=f"{label}: {told}")
            return _fold(label, told, image, unfolded=unfolded)
        case Left(label, why):
            return tag("p", _label(label), " ", tag("em", f"[{why}]"), class_="left")
        case _:
            assert_never(exhibit)


def exhibits_html(exhibits: tuple[Exhibit, ...], *, unfolded: bool = False) -> Child:
    """Return all exhibits of one moment, or nothing."""
    shown = [exhibit_html(one, unfolded=unfolded) for one in exhibits]
    return tag("div", shown, class_="exhibits") if shown else None


def _words(words: Words, *, unfolded: bool) -> Html:
    if words.kind == "prose" and fits(words.text, _SHORT):
        text = tag("span", line(words.text, _SHORT), class_="data")
        return tag("p", _label(words.label), " ", text, class_="said")
    whole = block(trimmed(words.text), _LIMITS.get(words.kind, 10_000))
    lines = count(trimmed(words.text).count("\n") + 1, "line")
    told = f"{words.note}, {lines}" if words.note else lines
    pre = tag("pre", tag("code", whole), class_=words.kind)
    return _fold(words.label, told, pre, unfolded=unfolded)


def _fold(label: str, told: str, body: Child, *, unfolded: bool) -> Html:
    more = tag("span", told, class_="told") if told else None
    summary = tag("summary", tag("b", label), " ", more)
    return flag("details", "open", summary, body) if unfolded else tag("details", summary, body)


def _label(label: str) -> Html:
    return tag("b", f"{label}:")


def _pair(name: str, value: str, remark: str) -> Child:
    told = tag("span", f" {remark}", class_="told") if remark else None
    shown = line(value, _CELL) or "(empty)"
    return [tag("dt", tag("code", name)), tag("dd", tag("code", shown), told)]


def _grid(grid: Grid, *, unfolded: bool) -> Html:
    columns = grid.columns[:MAX_COLUMNS]
    shown = grid.rows[:MAX_ROWS]
    told = rows_line(grid, len(shown), len(columns))
    if not columns or not shown:
        return tag("p", _label(grid.label), f" {told}", class_="said")
    head = tag(
        "tr",
        [tag("th", name or "—", scope="col", title=capped(kind, 40)) for name, kind in columns],
    )
    body = [
        row([_cell(v, k) for v, (_, k) in zip(cells, columns, strict=False)]) for cells in shown
    ]
    table = tag("table", tag("thead", head), tag("tbody", body))
    return _fold(grid.label, told, scrolling(table, grid.label), unfolded=unfolded)


def scrolling(table: Html, label: str) -> Html:
    """Return a wide thing in a box that scrolls, by keyboard too."""
    named = capped(label, 200)
    return tag("div", table, class_="wide", tabindex="0", role="region", aria_label=named)


def _cell(value: object, kind: str) -> tuple[str | Html, str]:
    if value is None:
        return _NULL, ""
    number = kind in {"integer", "number", "numeric"}
    return line(cell_text(value, kind), _CELL), "number" if number else ""


_NULL = tag("i", "null")
