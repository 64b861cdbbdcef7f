"""The forms in which a test plants a secret, and looks for it."""

import base64
import html
import json
from urllib.parse import quote, quote_plus


def written(secret: str) -> list[str]:
    """Return a secret as people and programs may write it, whole and with something around it."""
    padded = [base64.b64encode(before + secret.encode() + b"yz").decode() for before in _BEFORE]
    return [*padded, base64.encodebytes((secret * 5).encode()).decode(), *forms(secret)[:-2]]


_BEFORE = (b"", b"x", b"xy")


def forms(secret: str) -> list[str]:
    """Return what would stand in a file if a secret did, in one form or another."""
    content = secret.encode()
    encoded = base64.b64encode(content)
    return [
        secret,
        json.dumps(secret)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        html.escape(secret),
        content.hex(),
        content.hex().upper(),
        encoded.decode().rstrip("="),
        base64.urlsafe_b64encode(content).decode().rstrip("="),
        base64.b64encode(encoded).decode().rstrip("="),
        "".join(f"\\u{ord(char):04x}" for char in secret),
        base64.b64encode(b"x" + content).decode()[2:-4],
        base64.b64encode(b"xy" + content).decode()[3:-4],
    ]
