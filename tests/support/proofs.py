"""A log of a few events with everything that proves it, made without a gateway."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from interlock.proof import (
    BLOCK,
    Checkpoint,
    checkpoint_text,
    key_text,
    leaf_hash,
    note_of,
    signature_line,
    tree_of,
)
from interlock.proof.bundle import bundle

ORIGIN = "interlock/test"
_PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
_PUBLIC = _PRIVATE.public_key().public_bytes_raw()
KEY = key_text(ORIGIN, _PUBLIC)


def bodies(count: int, incident: str = "INC-1") -> list[str]:
    """Return the events of an incident, and the one that states their number."""
    notes = [_body(number, incident, "note.observation", {"n": number}) for number in range(count)]
    said = {"form": "bundle", "of": incident, "length": count}
    return [*notes, _body(count, incident, "log.exported", said)]


def _body(place: int, incident: str, kind: str, data: dict[str, Any]) -> str:
    return json.dumps(
        {
            "id": f"evt_{place}",
            "type": kind,
            "incident": incident,
            "sequence": str(place + 1),
            "logindex": str(place),
            "data": data,
        }
    )


def signed(text: str) -> str:
    """Return the note of a text, signed by the log's key."""
    return note_of(text, signature_line(ORIGIN, _PUBLIC, _PRIVATE.sign(text.encode())))


def checkpoint(events: Sequence[str]) -> str:
    """Return the signed checkpoint over these events."""
    root = tree_of([event.encode() for event in events]).root(len(events))
    return signed(checkpoint_text(Checkpoint(ORIGIN, len(events), root)))


def block(events: Sequence[str]) -> dict[str, Any]:
    """Return the proof block of events whose last one states how many are before it."""
    tree, nodes = tree_of([event.encode() for event in events]), dict[bytes, int]()
    entries = []
    for place, event in enumerate(events):
        path = [nodes.setdefault(one, len(nodes)) for one in tree.inclusion(place, len(events))]
        entries.append({"logindex": place, "sequence": place + 1, "path": path, "body": event})
    return {
        "schema": BLOCK,
        "checkpoint": checkpoint(events),
        "keys": [KEY],
        "rotations": [],
        "events": entries[:-1],
        "also": entries[-1:],
        "length": len(events) - 1,
        "statement": len(events) - 1,
        "growth": [],
        "anchors": [],
        "nodes": [base64.b64encode(one).decode() for one in nodes],
    }


def bundled(events: Sequence[str], incident: str = "INC-1") -> bytes:
    """Return these events as an evidence bundle."""
    proof = block(events)
    for entry in proof["events"]:
        del entry["body"]
    content = {
        "timeline.jsonl": "".join(f"{event}\n" for event in events[:-1]).encode(),
        "log.json": json.dumps(proof).encode(),
        "parts.jsonl": b"",
    }
    about = {"incident": incident, "length": len(events) - 1, "left_out": {}}
    return bundle(content, about, signed)


def entries(events: Sequence[str]) -> list[dict[str, Any]]:
    """Return the events as the gateway delivers its whole log."""
    return [
        {"logindex": place, "body": event, "leaf": leaf_hash(event.encode()).hex()}
        for place, event in enumerate(events)
    ]
