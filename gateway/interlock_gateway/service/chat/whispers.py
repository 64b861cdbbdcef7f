"""What one person is told in a chat about what they did, for their eyes only."""

import json

from interlock_gateway.service.chat.protocol import Heard
from interlock_gateway.service.closing import tell
from interlock_gateway.service.ports import Transaction

WHISPER = "chat.whisper"
"""The kind of an outbox entry that is for one person's eyes."""

LINK = "link"
"""The button, and the form, by which an account is linked."""


def whisper(tx: Transaction, heard: Heard, text: str, *, button: str = "") -> None:
    """Tell whoever did something what became of it, for their eyes only."""
    if heard.room:
        told = {"room": heard.room, "text": text, "button": button}
        tell(tx, WHISPER, heard.account, json.dumps(told))
