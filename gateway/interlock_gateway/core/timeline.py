"""Events as they are written: a CloudEvents body whose exact bytes are kept and hashed.

What is sensitive stands outside the body as a part: (its own random salt, bytes), with only a
salted commitment inside. Destroying a part's salt and bytes therefore leaves the body, and
everything later computed over bodies, as it was.

A part of more than 8 KB is an **artifact**. It is stored apart from the other parts, under an
identifier and a salt of its own, and its reference in the body is a part's with three members
more: `artifact` (true), what is known of it (`rows`, `truncated`, where it has rows) and
`preview`, the reference of a small part that is shown in its place. Both have a commitment of
their own, so either can be checked without the other; they are destroyed together.

Source: CloudEvents 1.0.2 (JSON format); attribute names are lower-case letters and digits.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from interlock_gateway.core.artifact import INLINE, preview_of

SOURCE = "/interlock"
SALT_BYTES = 32
_COMMITMENT = b"interlock-part/v1\0"


@dataclass(frozen=True, slots=True)
class Part:
    """A sensitive value that belongs to an event but stands outside its body."""

    content: bytes
    mediatype: str


def text_part(text: str) -> Part:
    """Return `text` as a part; what UTF-8 cannot say is kept as its escape."""
    return Part(text.encode("utf-8", "backslashreplace"), "text/plain")


def json_part(value: Any) -> Part:
    """Return a JSON value as a part.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON does not have and readers refuse.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return Part(text.encode(), "application/json")


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before the store has given it its place.

    Attributes:
        type: `incident.declared`, `query.started`, …
        authid: who caused it: `person:…`, `run:…` or `system`.
        data: plain values of the body.
        parts: field of `data` → the sensitive value that belongs there.
        incident: the incident whose timeline it joins; "" for the deployment's own.
        subject: what it is about, such as a call or an approval.
        correlationid: the run or approval that ties several events together.
        causationid: the event that led to this one.
        time: when it happened, if that is not when it is recorded.
        timesource: where `time` comes from, if not from whoever caused it.
        timeaccuracy: how good `time` is, as an ISO 8601 duration, if not to the second.
    """

    type: str
    authid: str
    data: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    incident: str = ""
    subject: str = ""
    correlationid: str = ""
    causationid: str = ""
    time: datetime | None = None
    timesource: str = "claimed"
    timeaccuracy: str = "PT1S"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands: its identifier, its indexes and when it was recorded."""

    event: str
    logindex: int
    sequence: int
    recorded: datetime


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as it is stored: addressed by a random identifier, never by its content."""

    id: str
    event: str
    salt: bytes
    content: bytes
    mediatype: str


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A part too large to stay with its event; `preview` is the part shown in its place."""

    id: str
    event: str
    salt: bytes
    content: bytes
    mediatype: str
    preview: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is stored: `body` is the verbatim CloudEvents JSON."""

    place: Place
    incident: str
    type: str
    body: bytes
    parts: tuple[StoredPart, ...]
    artifacts: tuple[StoredArtifact, ...] = ()


def commitment(salt: bytes, content: bytes) -> str:
    """Return the salted digest that stands in the body for a part.

    Raises:
        ValueError: the salt is not 32 bytes, so content and salt could be told apart wrongly.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"A salt has {SALT_BYTES} bytes, not {len(salt)}.")
    return "sha256:" + hashlib.sha256(_COMMITMENT + salt + content).hexdigest()


def write(
    draft: Draft,
    place: Place,
    *,
    part_id: Callable[[], str],
    salt: Callable[[], bytes],
    artifact_id: Callable[[], str] | None = None,
) -> Event:
    """Return `draft` as the event that is stored at `place`.

    Args:
        draft: what happened.
        place: where it stands in the journal.
        part_id: gives a fresh random identifier for each part.
        salt: gives 32 fresh random bytes for each part.
        artifact_id: gives one for each part that is large; as `part_id` unless said.
    """
    keeping = _Keeping(place.event, part_id, artifact_id or part_id, salt)
    references = {name: keeping.keep(part) for name, part in draft.parts.items()}
    body = {
        **_attributes(draft, place, restricted=bool(references)),
        "data": {**draft.data, **references},
    }
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Event(
        place,
        draft.incident,
        draft.type,
        text.encode(),
        tuple(keeping.parts),
        tuple(keeping.artifacts),
    )


@dataclass(frozen=True, slots=True)
class _Keeping:
    """The parts of one event as they are made, each with its reference in the body."""

    event: str
    part_id: Callable[[], str]
    artifact_id: Callable[[], str]
    salt: Callable[[], bytes]
    parts: list[StoredPart] = field(default_factory=list)
    artifacts: list[StoredArtifact] = field(default_factory=list)

    def keep(self, part: Part) -> dict[str, Any]:
        """Keep a part, whole or behind its preview, and return what the body says of it."""
        if len(part.content) > INLINE:
            return self._keep_large(part)
        stored = StoredPart(self.part_id(), self.event, self.salt(), part.content, part.mediatype)
        self.parts.append(stored)
        return _reference(stored)

    def _keep_large(self, part: Part) -> dict[str, Any]:
        shown = preview_of(part.content, part.mediatype)
        preview = StoredPart(
            self.part_id(), self.event, self.salt(), shown.content, shown.mediatype
        )
        whole = StoredArtifact(
            self.artifact_id(), self.event, self.salt(), part.content, part.mediatype, preview.id
        )
        self.parts.append(preview)
        self.artifacts.append(whole)
        more = {"artifact": True, **shown.facts, "preview": _reference(preview)}
        return {**_reference(whole), **more}


def _reference(part: StoredPart | StoredArtifact) -> dict[str, Any]:
    return {
        "$part": part.id,
        "commitment": commitment(part.salt, part.content),
        "size": len(part.content),
        "mediatype": part.mediatype,
    }


def _attributes(draft: Draft, place: Place, *, restricted: bool) -> dict[str, str]:
    optional = {
        "subject": draft.subject,
        "incident": draft.incident,
        "correlationid": draft.correlationid,
        "causationid": draft.causationid,
    }
    return {
        "specversion": "1.0",
        "id": place.event,
        "source": SOURCE,
        "type": draft.type,
        "time": stamp(draft.time or place.recorded),
        "recordedtime": stamp(place.recorded),
        "timesource": draft.timesource if draft.time else "gateway",
        "timeaccuracy": draft.timeaccuracy if draft.time else "PT0.001S",
        "sequence": str(place.sequence),
        "logindex": str(place.logindex),
        "authid": draft.authid,
        "dataclassification": "restricted" if restricted else "internal",
        "datacontenttype": "application/json",
        **{name: value for name, value in optional.items() if value},
    }


def stamp(moment: datetime) -> str:
    """Return an aware moment as RFC 3339 in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
