"""What a step printed and displayed, within its quota, and an honest word on the rest."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_MIMETYPE = re.compile(r"[a-z]+/[A-Za-z0-9][\w.+-]*")
_VEGA = re.compile(r"application/vnd\.vega(lite)?\.v[0-9]+\+json")
_PNG = "image/png"
_RICHEST = (
    *(_PNG, "image/jpeg", "image/svg+xml", "text/html", "text/markdown", "text/latex"),
    "application/json",
)
"""Which one form of a display is kept besides its plain text, best first.

Beside a picture the Vega specification that it was drawn from is kept, too: it holds the data.
"""

_MAX_DEPTH = 50
"""Levels of a JSON display; the gateway takes a few more, around it."""

_PLAIN = "text/plain"
_CUT = "… cut here: see output_truncated …\n"


def without_ansi(text: str) -> str:
    """Return `text` without terminal escape sequences."""
    return _ANSI.sub("", text)


class InvalidOutputError(ValueError):
    """A display that is no display: not a mapping of mime types to what they may hold."""


class Outputs:
    """Collects one step's outputs in their order, streams merged, up to a quota.

    Arguments:
        quota: bytes that are recorded; what comes after is counted, not kept.
    """

    def __init__(self, quota: int) -> None:
        self._quota = quota
        self._kept: list[Json] = []
        self._displays: dict[str, Json] = {}
        self._used = 0
        self.bytes = 0
        """Bytes that came, kept or not."""
        self.dropped = 0
        """Bytes that came and were not kept."""

    @property
    def records(self) -> tuple[Json, ...]:
        """The outputs as they are recorded."""
        return tuple(_joined(record) for record in self._kept)

    @property
    def truncated(self) -> str:
        """What was not recorded and which limit that was, or ""."""
        if not self.dropped:
            return ""
        return (
            f"{self.dropped:,} of {self.bytes:,} bytes of output were not recorded: "
            f"the limit is {self._quota:,} bytes a step."
        )

    def take(self, kind: str, content: Mapping[str, Any]) -> None:
        """Take one message of the kernel's output channel; an unknown kind is no output."""
        match kind:
            case "stream":
                self._stream(str(content.get("name")), str(content.get("text", "")))
            case "display_data" | "execute_result" | "update_display_data":
                self._display(kind, content)
            case "error":
                self._add({"kind": "error", **_error(content)})

    def _stream(self, name: str, text: str) -> None:
        text = self._fitting(text)
        if not text:
            return
        last = self._kept[-1] if self._kept else {}
        if last.get("kind") == "stream" and last.get("name") == name:
            last["parts"].append(text)
        else:
            self._kept.append({"kind": "stream", "name": name, "parts": [text]})

    def _fitting(self, text: str) -> str:
        """Return as much of `text` as the quota still takes; ASCII is the common case."""
        size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self.bytes += size
        room = self._quota - self._used
        if size <= room:
            self._used += size
            return text
        kept = text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
        first_cut = not self.dropped
        self.dropped += size - room
        self._used = self._quota
        return kept + _CUT if first_cut else ""

    def _display(self, kind: str, content: Mapping[str, Any]) -> None:
        try:
            shown = _shown(content.get("data"))
        except InvalidOutputError as error:
            self._add({"kind": "error", "name": "InvalidOutput", "text": str(error)})
            return
        number = str((content.get("transient") or {}).get("display_id") or "")
        if kind == "update_display_data":
            self._update(number, shown)
            return
        record = {"kind": "result" if kind == "execute_result" else "display", **shown}
        if self._add(record) and number:
            self._displays[number] = record

    def _update(self, number: str, shown: Json) -> None:
        """Replace what a display shows, as progress bars do; each version counts."""
        record = self._displays.get(number)
        if record is not None and self._fits(shown):
            kind = record["kind"]
            record.clear()
            record.update({"kind": kind, **shown})

    def _add(self, record: Json) -> bool:
        if self._fits(record):
            self._kept.append(record)
            return True
        return False

    def _fits(self, record: Json) -> bool:
        size = len(json.dumps(record))
        self.bytes += size
        if self._used + size > self._quota:
            self.dropped += size
            return False
        self._used += size
        return True


def _joined(record: Json) -> Json:
    if "parts" not in record:
        return record
    return {"kind": "stream", "name": record["name"], "text": "".join(record["parts"])}


def _error(content: Mapping[str, Any]) -> Json:
    said = f"{content.get('ename')}: {content.get('evalue')}"
    return {"name": str(content.get("ename")), "text": without_ansi(said)}


def _shown(bundle: Any) -> Json:
    """Return a display's plain text and its richest form; of a chart, both its forms.

    Raises:
        InvalidOutputError: something in the bundle is not what its mime type says.
    """
    if not isinstance(bundle, dict):
        raise InvalidOutputError("This display is not a mapping of mime types.")
    data = {str(name): _content(str(name), value) for name, value in bundle.items()}
    richest = next((name for name in _RICHEST if name in data), "")
    shown: Json = {"text": without_ansi(str(data.get(_PLAIN, "")))}
    spec = next((name for name in data if _VEGA.fullmatch(name)), "")
    if richest == _PNG and spec:  # a chart: the picture, and what it was drawn from
        shown["spec"] = {"mimetype": spec, "data": data[spec]}
    if spec and not richest.startswith("image/"):
        richest = spec
    return shown | ({"mimetype": richest, "data": data[richest]} if richest else {})


def _content(name: str, value: Any) -> Any:
    if not _MIMETYPE.fullmatch(name):
        raise InvalidOutputError(f"{name[:80]!r} is not a mime type.")
    if name == "application/json" or name.endswith("+json"):
        return _bounded(name, value)
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        raise InvalidOutputError(f"{name} must hold text, not {type(value).__name__}.")
    if name in {"image/png", "image/jpeg"}:
        _check_base64(name, value)
    return value


def _bounded(name: str, value: Any) -> Any:
    """Return JSON that every reader can read: not too deep, without half surrogates or NaN."""
    levels, layer = 0, [value]
    while layer:
        levels += 1
        if levels > _MAX_DEPTH:
            raise InvalidOutputError(f"{name} is nested deeper than {_MAX_DEPTH} levels.")
        layer = [
            inner
            for outer in layer
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise InvalidOutputError(f"{name} is not JSON: {error}.") from error
    return value


def _check_base64(name: str, value: str) -> None:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except ValueError as error:
        raise InvalidOutputError(f"{name} is not base64: {error}.") from error
