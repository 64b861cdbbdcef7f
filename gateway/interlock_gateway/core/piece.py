"""The pieces of an event: its parts and artifacts, as its body names them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part or artifact as its event names it; `preview` is an artifact's, or ""."""

    id: str
    body: Body
    part: str
    mediatype: str
    size: int
    preview: str = ""
    rows: int | None = None
    truncated: str = ""

    @property
    def event(self) -> str:
        """The id of its event."""
        return str(self.body["id"])

    @property
    def incident(self) -> str:
        """The incident it is about; "" for none. A sealed one's later events say which."""
        return str(self.body.get("incident") or self.body.get("data", {}).get("of") or "")

    @property
    def run(self) -> str:
        """The run it came from, or ""."""
        return str(self.body.get("data", {}).get("run") or "")

    @property
    def ids(self) -> tuple[str, ...]:
        """What is destroyed with it: itself, and its preview."""
        return (self.id, self.preview) if self.preview else (self.id,)


def pieces(body: Body) -> Iterator[Piece]:
    """Yield what an event's data points at; an artifact's preview is part of it."""
    for name, value in body.get("data", {}).items():
        if not isinstance(value, Mapping) or "$part" not in value:
            continue
        preview = value.get("preview")
        yield Piece(
            id=str(value["$part"]),
            body=body,
            part=name,
            mediatype=str(value.get("mediatype", "")),
            size=int(value.get("size", 0)),
            preview=str(preview["$part"]) if isinstance(preview, Mapping) else "",
            rows=value.get("rows"),
            truncated=str(value.get("truncated") or body["data"].get("truncated") or ""),
        )
