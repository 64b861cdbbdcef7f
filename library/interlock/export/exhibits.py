"""What backs a moment up: each part of an event's data as text, rows, pairs or a picture.

One table says how a key is shown; a key that is not in it is shown by its shape. So an event
of a kind that this version does not know still shows everything it holds.
"""

import base64
import binascii
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import Any

from interlock.export.model import Exhibit, Grid, Left, Pairs, Picture, Words
from interlock.export.reading import CHART, Absent, Reading, is_part
from interlock.export.sheet import sheet_lines
from interlock.export.text import count, duration, fits, json_text, shown

HEADLINE = 280
"""Characters of a person's words that a headline shows; longer ones get a box as well."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = struct.Struct(">8sI4sII")
_MAX_PNG = 4 * 1024 * 1024
_MAX_SIDE = 8_192

Show = Callable[[str, Any], tuple[Exhibit, ...]]


def exhibits(
    reading: Reading, *, told: Sequence[str] = (), head: tuple[str, str] = ("", ""), call: str = ""
) -> tuple[Exhibit, ...]:
    """Return an exhibit for every part of the event, and for every key that always has one.

    Args:
        reading: the event.
        told: keys that the headline tells; they get a box only when they did not fit there.
        head: the label of a statement and a note on it.
        call: put before each other label, such as `Query 1`.
    """
    found: list[Exhibit] = []
    for raw_key, raw in reading.data.items():
        key = shown(raw_key)
        apart = is_part(raw)
        if not apart and (key not in _SHOWN or isinstance(raw, (bool, int, float))):
            continue
        if CHART.match(key):
            continue  # it is shown where the outputs name it
        value = reading.outputs(raw) if key == "outputs" else reading.resolve(raw)
        if not (key in told and _is_told(value)):
            asked = head if key in _ASKED else ("", "")
            found += _noted(_exhibit(key, value, label=asked[0], call=call), asked[1])
        if apart and (more := reading.more(raw)):
            found.append(Left(_usual(key, call), f"the whole is kept apart: {more.words}"))
    if reading.type != "query.completed":
        return tuple(found)
    return tuple(_counted(reading, one) if isinstance(one, Grid) else one for one in found)


_ASKED = frozenset({"statement", "promql", "logql"})
"""What a query asked, in one language or another."""


def everything(reading: Reading) -> tuple[Exhibit, ...]:
    """Return all that an event of an unknown kind holds: its scalars, then every other value."""
    scalars = [(k, v) for k, v in reading.facts() if not isinstance(v, (dict, list))]
    facts = Pairs("Data", tuple((key, shown(value), "") for key, value in scalars))
    known = {key for key, _ in scalars}
    rest = [
        (shown(key), reading.resolve(raw))
        for key, raw in reading.data.items()
        if not CHART.match(shown(key))
    ]
    boxes = [box for key, value in rest if key not in known for box in _exhibit(key, value)]
    unread = () if reading.data or not reading.event else (_raw(reading),)
    return (*((facts,) if scalars else ()), *boxes, *unread, *_no_event(reading))


def _raw(reading: Reading) -> Words:
    return Words("Event", json_text(reading.event, indent=1), "json")


def _no_event(reading: Reading) -> tuple[Exhibit, ...]:
    raw = getattr(reading.entry, "event", None)
    return () if reading.event else (Words("Event", json_text(raw, indent=1), "json"),)


def _noted(found: tuple[Exhibit, ...], note: str) -> tuple[Exhibit, ...]:
    """Put a note on words, if there is one."""
    if not note:
        return found
    return tuple(replace(one, note=note) if isinstance(one, Words) else one for one in found)


def _counted(reading: Reading, exhibit: Grid) -> Grid:
    """Give the rows of a query what its event says beside them: how many, and what cut them."""
    rows = reading.number("rows")
    elapsed = reading.number("elapsed_ms")
    took = f" in {duration(elapsed / 1000)}" if elapsed is not None and elapsed >= 0 else ""
    return replace(
        exhibit,
        label=exhibit.label + took,
        total=max(exhibit.total, int(rows)) if rows is not None else exhibit.total,
        truncated=exhibit.truncated or reading.word("truncated"),
    )


def _is_told(value: Any) -> bool:
    return isinstance(value, Absent) or value is None or fits(shown(value), HEADLINE)


def _exhibit(key: str, value: Any, *, label: str = "", call: str = "") -> tuple[Exhibit, ...]:
    _, show = _SHOWN.get(key, ("", _by_shape))
    label = label or _usual(key, call)
    if isinstance(value, Absent):
        return (Left(label, value.why),)
    return () if value in (None, "", [], {}) else show(label, value)


def _usual(key: str, call: str) -> str:
    usual, _ = _SHOWN.get(key, (_label(key), _by_shape))
    return f"{call}: {usual[:1].lower()}{usual[1:]}" if call else usual


def _label(key: str) -> str:
    return key[:1].upper() + key[1:].replace("_", " ") or "?"


# --- one way to show each shape ----------------------------------------------------------------


def _by_shape(label: str, value: Any) -> tuple[Exhibit, ...]:
    if isinstance(value, str):
        return (Words(label, value, "prose"),)
    scalars = (str, int, float)
    if isinstance(value, Sequence) and all(isinstance(item, scalars) for item in value):
        return (Words(label, ", ".join(map(shown, value)), "prose"),)
    return _rows(label, value)


def _words(kind: str) -> Show:
    def show(label: str, value: Any) -> tuple[Exhibit, ...]:
        if isinstance(value, str):
            return (Words(label, value, kind),)
        return (Words(label, json_text(value, indent=1), "json"),)

    return show


def _rows(label: str, value: Any) -> tuple[Exhibit, ...]:
    grid = grid_of(label, value)
    if grid is None and _is_flat(value):
        return (Pairs(label, tuple((shown(k), shown(v), "") for k, v in value.items())),)
    if grid is None:
        return (Words(label, json_text(value, indent=1), "json"),)
    rest = _beside_rows(value)
    return (grid, *((Pairs(f"{label}: summary", rest),) if rest else ()))


def _is_flat(value: Any) -> bool:
    scalars = (str, int, float, NoneType)
    return isinstance(value, Mapping) and all(isinstance(v, scalars) for v in value.values())


def _beside_rows(value: Any) -> tuple[tuple[str, str, str], ...]:
    if not isinstance(value, Mapping):
        return ()
    known = ("columns", "rows", "truncated", "total")
    return tuple((shown(k), shown(v), "") for k, v in value.items() if k not in known)


def grid_of(label: str, value: Any) -> Grid | None:
    """Return `value` as rows if it is `{columns, rows}` or a list of objects; else None."""
    if isinstance(value, Mapping):
        columns, rows = value.get("columns"), value.get("rows")
        if isinstance(columns, (list, tuple)) and isinstance(rows, (list, tuple)):
            total = value.get("total")
            known = isinstance(total, int) and not isinstance(total, bool) and total >= len(rows)
            cut = shown(value.get("truncated") or "")
            cells = tuple(map(_row, rows))
            if any(len(row) != len(columns) for row in cells):
                return None
            return Grid(
                label,
                tuple(map(_column, columns)),
                cells,
                total=total if known and total is not None else len(rows),
                truncated=cut,
            )
    if isinstance(value, (list, tuple)) and value and all(isinstance(r, Mapping) for r in value):
        names = list(dict.fromkeys(shown(key) for row in value for key in row))
        named = [{shown(key): cell for key, cell in row.items()} for row in value]
        cells = tuple(tuple(row.get(name) for name in names) for row in named)
        return Grid(label, tuple((name, "") for name in names), cells, total=len(cells))
    return None


def _column(column: Any) -> tuple[str, str]:
    if isinstance(column, Mapping):
        return shown(column.get("name", "?")), shown(column.get("type") or "")
    return shown(column), ""


def _row(row: Any) -> tuple[Any, ...]:
    return tuple(row) if isinstance(row, (list, tuple)) else (row,)


def pairs_of(label: str, value: Any) -> tuple[Exhibit, ...]:
    """Return named values, typed (`{"type", "value"}`) or plain, with where they came from."""
    if not isinstance(value, Mapping):
        return _rows(label, value)
    return (Pairs(label, tuple(_pair(shown(name), item) for name, item in value.items())),)


def _pair(name: str, item: Any) -> tuple[str, str, str]:
    if not isinstance(item, Mapping) or "value" not in item:
        return name, shown(item), ""
    origin = item.get("origin")
    remark = [shown(item[key]) for key in ("type",) if item.get(key)]
    remark += [f"from {shown(origin)}"] if origin else []
    return name, shown(item["value"]), ", ".join(remark)


def _finding(label: str, value: Any) -> tuple[Exhibit, ...]:
    # The headline tells status, text and next; only the data behind them is left to show.
    told = {"status", "text", "next"}
    if not isinstance(value, Mapping):
        return _rows(label, value)
    long = [
        (Words(f"{label}: {shown(key)}", shown(item), "prose"))
        for key, item in value.items()
        if key in told and item and not fits(shown(item), HEADLINE)
    ]
    rest = {key: item for key, item in value.items() if key not in told and item}
    data = rest.pop("data", None)
    shown_data = _rows(f"{label}: data", data) if data else ()
    return (*long, *shown_data, *(_rows(f"{label}: more", rest) if rest else ()))


def _error(label: str, value: Any) -> tuple[Exhibit, ...]:
    if not isinstance(value, Mapping):
        return _words("text")(label, value)
    known = {"name", "message", "traceback"}
    traceback = value.get("traceback") or ""
    if isinstance(traceback, (list, tuple)):
        traceback = "\n".join(map(shown, traceback))
    told = ": ".join(shown(value[key]) for key in ("name", "message") if value.get(key))
    rest = {key: item for key, item in value.items() if key not in known}
    text = "\n".join(part for part in (told, shown(traceback)) if part)
    more = _rows(f"{label}: more", rest) if rest else ()
    return ((Words(label, text),) if text else ()) + more


# --- outputs of a cell -------------------------------------------------------------------------


def output_exhibits(value: Any) -> tuple[Exhibit, ...]:
    """Return what a cell put out as text and PNG; anything else by its name."""
    return () if value in (None, "", [], {}) else _outputs("Output", value)


def _outputs(label: str, value: Any) -> tuple[Exhibit, ...]:
    if not isinstance(value, (list, tuple)):
        return _words("text")(label, value)
    return tuple(exhibit for output in value for exhibit in _output(output))


def _output(output: Any) -> tuple[Exhibit, ...]:
    if not isinstance(output, Mapping):
        return _words("text")("Output", output)
    label = " ".join(
        ["Output", *(f"({shown(output[key])})" for key in ("name",) if output.get(key))]
    )
    kind = "display" if output.get("kind") in {"display", "result"} else "text"
    text, data = output.get("text"), output.get("data")
    bundle = data if isinstance(data, Mapping) else {shown(output.get("mimetype") or ""): data}
    plain_text = text or bundle.get("text/plain")
    media = {shown(mime): item for mime, item in bundle.items() if item and mime != "text/plain"}
    if plain_text and (markup := media.pop("text/html", None)):
        note = f"also as HTML of {count(len(shown(markup)), 'character')}, not shown"
    else:
        note = ""
    shown_text = [Words(label, shown(plain_text), kind, note)] if plain_text else []
    left = [Left(label, shown(output["left"]))] if output.get("left") else []
    found = (*shown_text, *left, *(_medium(label, mime, item) for mime, item in media.items()))
    return found or (Left(label, f"an empty {shown(output.get('kind') or 'output')}"),)


def _medium(label: str, mime: str, data: Any) -> Exhibit:
    if mime == "image/png" and (picture := _picture(label, data)):
        return picture
    if mime.startswith("image/"):
        return Left(label, f"{mime}, {count(len(shown(data)), 'character')}: only PNG is shown")
    kind = "json" if not isinstance(data, str) else "text"
    text = data if isinstance(data, str) else json_text(data, indent=1)
    return Words(f"{label}, {mime}" if mime not in {"", "text/plain"} else label, text, kind)


def _picture(label: str, data: Any) -> Picture | None:
    """Return the image if its bytes are a PNG of sane size; its own text is never passed on."""
    if not isinstance(data, str) or len(data) > 2 * _MAX_PNG:
        return None
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (ValueError, binascii.Error):
        return None
    if len(raw) < _PNG_HEAD.size or len(raw) > _MAX_PNG:
        return None
    magic, _, chunk, width, height = _PNG_HEAD.unpack_from(raw)
    sane = 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE
    if magic != _PNG or chunk != b"IHDR" or not sane:
        return None
    return Picture(label, base64.b64encode(raw).decode(), width, height, len(raw))


def _sheet(label: str, value: Any) -> tuple[Exhibit, ...]:
    """Show where an incident stood, as whoever took over was told."""
    if not isinstance(value, Mapping):
        return _by_shape(label, value)
    return (Words(label, "\n".join(sheet_lines(value))),)


_SHOWN: Mapping[str, tuple[str, Show]] = {
    "sheet": ("Where it stood", _sheet),
    "source": ("Cell", _words("python")),
    "statement": ("Statement", _words("sql")),
    "promql": ("PromQL", _words("promql")),
    "logql": ("LogQL", _words("logql")),
    "sent": ("Sent to the target", _words("promql")),
    "params": ("Parameters", pairs_of),
    "args": ("Arguments", pairs_of),
    "result": ("Result", _rows),
    "preview": ("Preview", _rows),
    "trial": ("Trial", _rows),
    "before": ("The rows before", _rows),
    "verify": ("Verification", _rows),
    "verified": ("Verification", _rows),
    "outputs": ("Output", _outputs),
    "finding": ("Finding", _finding),
    "error": ("Error", _error),
    "message": ("Message", _words("text")),
    "reasons": ("Why", _rows),
    "prompt": ("Prompt", _words("prompt")),
    "notebook": ("Notebook", _words("python")),
    "undo": ("Undo", _words("prose")),
    "undo_sql": ("What brings the rows back", _words("sql")),
    "reason": ("Reason", _words("prose")),
    "summary": ("Summary", _words("prose")),
    "text": ("Text", _words("prose")),
    "title": ("Title", _words("prose")),
}
