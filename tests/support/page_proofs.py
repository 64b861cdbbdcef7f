"""A log around one incident, signed: what a gateway hands to an exported page as its proof."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from interlock.export import Entry
from interlock.proof import (
    BLOCK,
    Checkpoint,
    checkpoint_text,
    key_text,
    note_of,
    signature_line,
    tree_of,
)

ORIGIN = "interlock.test/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
Block = dict[str, Any]


def public(key: Ed25519PrivateKey = KEY) -> str:
    """Return a log's key as it is published."""
    return key_text(ORIGIN, key.public_key().public_bytes_raw())


def signed(size: int, root: bytes, key: Ed25519PrivateKey = KEY) -> str:
    """Return the checkpoint of a log."""
    text = checkpoint_text(Checkpoint(ORIGIN, size, root))
    bare = key.public_key().public_bytes_raw()
    return note_of(text, signature_line(ORIGIN, bare, key.sign(text.encode())))


@dataclass(slots=True)
class _Nodes:
    """Nodes of paths, each once."""

    found: dict[bytes, int]

    def path(self, nodes: Sequence[bytes]) -> list[int]:
        return [self.found.setdefault(node, len(self.found)) for node in nodes]


def proof(
    entries: Sequence[Entry],
    *,
    page: str = "",
    incident: str = "INC-1",
    length: int = 0,
    key: Ed25519PrivateKey = KEY,
) -> Block:
    """Return the proof of these entries, which stand from place 1 of the log in their order.

    Args:
        entries: with `logindex` as `sample_incident` gives it: the sequence.
        page: what the event of the export states of the page; "" for nothing.
        incident: whose length is stated.
        length: what is stated; 0 for as many as there are.
        key: who signs.
    """
    stated = {"of": incident, "length": length or len(entries)} | ({"page": page} if page else {})
    statement = len(entries) + 2
    exported = {"type": "log.exported", "logindex": str(statement), "data": stated}
    written = [json.dumps(entry.event, separators=(",", ":")) for entry in entries]
    bodies = ['{"other":1}', *written, '{"other":2}', json.dumps(exported)]
    tree = tree_of([body.encode() for body in bodies])
    size, nodes = len(bodies), _Nodes({})

    def entry(index: int) -> Block:
        path = nodes.path(tree.inclusion(index, size))
        return {"logindex": index, "body": bodies[index], "path": path}

    events = [entry(at) | {"sequence": at} for at in range(1, len(written) + 1)]
    also = [entry(statement)]
    return {
        "schema": BLOCK,
        "checkpoint": signed(size, tree.root(size), key),
        "keys": [public(key)],
        "nodes": [base64.b64encode(node).decode() for node in nodes.found],
        "events": events,
        "also": also,
        "length": stated["length"],
        "statement": statement,
    }
