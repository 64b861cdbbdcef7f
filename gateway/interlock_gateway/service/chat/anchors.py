"""What a chat is told of the log: checkpoints, in a thread for each incident's record."""

from interlock_gateway.service.chat.protocol import Words


def record_of(incident: str, room: str) -> Words:
    """Return the message of a room in whose thread an incident's checkpoints stand."""
    text = (
        f"The record of {incident}. In this thread stand its signed checkpoints: with them, "
        "anybody can check later that nothing was changed or left out (interlock verify --anchor)."
    )
    return Words(f"{incident}/record/{room}", text)


def checkpoint_of(incident: str, size: int, length: int, note: str) -> Words:
    """Return a checkpoint as it is posted: to be copied whole, and read again as a note."""
    text = f"{incident} up to its event {length}:\n\n{note}"
    return Words(f"{incident}/record/{size}", text)
