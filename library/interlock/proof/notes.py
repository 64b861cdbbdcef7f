"""Signed notes as they are written: keys, and checkpoints (C2SP signed-note, tlog-checkpoint)."""

import base64

from interlock.proof.checking import Checkpoint, key_hash


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Return the text that is signed for a checkpoint."""
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"


def key_text(name: str, public: bytes) -> str:
    """Return a public key as a log publishes it: `name+hash+base64`."""
    encoded = base64.b64encode(b"\1" + public).decode()
    return f"{name}+{key_hash(name, public).hex()}+{encoded}"


def signature_line(name: str, public: bytes, signature: bytes) -> str:
    """Return the line with which a note bears an Ed25519 signature."""
    encoded = base64.b64encode(key_hash(name, public) + signature).decode()
    return f"— {name} {encoded}\n"


def note_of(text: str, *lines: str) -> str:
    """Return the note of a text with its signature lines."""
    return f"{text}\n{''.join(lines)}"
