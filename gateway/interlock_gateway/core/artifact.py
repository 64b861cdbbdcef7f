"""What is shown of a large value: its first rows or words, and how much there is of it.

A value of more than `INLINE` bytes is an artifact: it is kept whole, apart from the timeline. Its
preview is what the timeline shows, so it has to be small whatever the value holds.
"""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INLINE = 8 * 1024
"""Bytes of a value that stays with its event."""

PREVIEW = 4 * 1024
"""Bytes that a preview has at most."""

PNG = "image/png"

_CUT = "…"
_CHARACTERS = 200
_ITEMS = 40
_LEVELS = 6
_PNG_HEAD = struct.Struct(">8sI4sII")
_MAGIC = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of an artifact.

    Attributes:
        content: at most `PREVIEW` bytes.
        mediatype: of `content`.
        facts: what else the event says of it: `rows` and `truncated`, where it has rows.
    """

    content: bytes
    mediatype: str
    facts: Mapping[str, Any]


def preview_of(content: bytes, mediatype: str) -> Preview:
    """Return what is shown of `content`; it never fails, whatever the bytes are.

    Args:
        content: the whole value.
        mediatype: what it is; JSON and PNG are understood, the rest is taken for text.
    """
    if is_json(mediatype):
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            return _words(content)
        return Preview(_encoded(_small(value)), "application/json", _facts(value))
    if mediatype == PNG:
        return Preview(_encoded(_picture(content)), "application/json", {})
    return _words(content)


def is_json(mediatype: str) -> bool:
    """Tell whether a media type is JSON, or built on it (RFC 6839)."""
    return mediatype == "application/json" or mediatype.endswith("+json")


def _words(content: bytes) -> Preview:
    text = content[:PREVIEW].decode("utf-8", "replace").encode()  # a bad byte becomes three
    room = PREVIEW - len(_CUT.encode())
    whole = len(content) <= PREVIEW and len(text) <= PREVIEW
    shown = text if whole else text[:room].decode("utf-8", "ignore").encode() + _CUT.encode()
    return Preview(shown, "text/plain", {})


def _picture(content: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"picture": PNG, "bytes": len(content)}
    if len(content) < _PNG_HEAD.size:
        return told
    magic, _, chunk, width, height = _PNG_HEAD.unpack_from(content)
    known = magic == _MAGIC and chunk == b"IHDR"
    return told | ({"width": width, "height": height} if known else {})


def _facts(value: Any) -> dict[str, Any]:
    rows = value.get("rows") if isinstance(value, Mapping) else None
    if not isinstance(rows, list):
        return {}
    truncated = value.get("truncated")
    return {"rows": len(rows), "truncated": truncated if isinstance(truncated, str) else ""}


def _small(value: Any) -> Any:
    """Return as much of a JSON value, in its own shape, as a preview has room for."""
    if isinstance(value, list):
        return _first(value, PREVIEW - 2)
    if isinstance(value, Mapping) and isinstance(value.get("rows"), list):
        return _first_rows(value)
    cut = _cut(value)
    return cut if len(_encoded(cut)) <= PREVIEW else _as_text(value)


def _first_rows(value: Mapping[str, Any]) -> Any:
    rows: Sequence[Any] = value["rows"]
    rest = {name: _cut(item) for name, item in value.items() if name != "rows"}
    head = {"total": len(rows), **rest}
    room = PREVIEW - len(_encoded({**head, "rows": []}))
    if room < 0:
        return _as_text(value)
    return {**head, "rows": _first(rows, room)}


def _first(items: Iterable[Any], room: int) -> list[Any]:
    """Return the first items, each cut, that fit into `room` bytes of JSON."""
    kept: list[Any] = []
    for item in items:
        cut = _cut(item)
        room -= len(_encoded(cut)) + 2
        if room < 0:
            break
        kept.append(cut)
    return kept


def _cut(value: Any, levels: int = _LEVELS) -> Any:
    match value:
        case str():
            return value if len(value) <= _CHARACTERS else value[:_CHARACTERS] + _CUT
        case list() | dict() if not levels:
            return _CUT
        case list():
            return [_cut(item, levels - 1) for item in value[:_ITEMS]]
        case dict():
            names = list(value)[:_ITEMS]
            return {name[:_CHARACTERS]: _cut(value[name], levels - 1) for name in names}
        case _:
            return value if len(repr(value)) <= _CHARACTERS else _CUT


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)[: PREVIEW // 3] + _CUT


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()
