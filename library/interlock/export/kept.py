"""What stands behind an event and beside it: its parts, and each cell as a notebook has it.

`interlock.export.model` gathers these; like everything there, their text is as it was recorded.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of an event as its body names it: what is kept apart, and the commitment to it.

    Attributes:
        key: where it belongs in the event's data.
        id: the part's own random id.
        commitment: `sha256:` and the digest over its salt and its bytes.
        size: of its content, in bytes, as the body says.
    """

    key: str
    id: str
    commitment: str
    mediatype: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a cell as it was asked and answered, for whoever runs the cell again.

    Attributes:
        kind: the type of the event that ended it, such as `query.completed`.
        asked: the statement, parameters and arguments, by key; what is not here says why.
        answer: result, message and code, by key.
        events: what it was read from.
    """

    ordinal: str
    kind: str
    target: str
    asked: tuple[tuple[str, Any], ...]
    answer: tuple[tuple[str, Any], ...]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One try at a step: the text of the cell, what it asked, and what it put out.

    Attributes:
        state: its last event's word, or `no end recorded`.
        source: the cell's text, or in brackets why it is not here.
        outputs: as recorded, unchecked; None when there are none.
        parts: the evidence behind it.
    """

    step: str
    attempt: str
    title: str
    state: str
    source: str
    outputs: Any
    calls: tuple[Call, ...]
    events: tuple[str, ...]
    parts: tuple[Kept, ...]
