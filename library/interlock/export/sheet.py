"""Where an incident stood when its command changed hands, in lines for a terminal and a box."""

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.export.text import line, shown

_TITLES = {
    "hypotheses": "Open hypotheses",
    "questions": "Open questions",
    "waiting": "Waiting for approval, or approved and not done",
    "unknown": "Outcome unknown",
    "follow_ups": "Open follow-ups",
    "findings": "Last findings",
}
_WORDS = 300


def sheet_lines(sheet: Mapping[str, Any]) -> list[str]:
    """Return a handover sheet as plain lines; a list that is empty says so, none is left out.

    Args:
        sheet: as `GET /v1/incidents/{id}/sheet` gives it; what it lacks counts as empty.
    """
    return [text for name, title in _TITLES.items() for text in _list(sheet, name, title)]


def _list(sheet: Mapping[str, Any], name: str, title: str) -> Iterator[str]:
    found = sheet.get(name)
    items = (
        [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
    )
    if not items:
        yield f"{title}: none"
        return
    yield f"{title}:"
    for item in items:
        yield f"  {_item(name, item)}{_number(item)}"
    left = sheet.get("left_out")
    more = left.get(name) if isinstance(left, Mapping) else 0
    if more:
        yield f"  … and {shown(more)} more"


def _item(name: str, item: Mapping[str, Any]) -> str:
    text = _word(item, "text")
    match name:
        case "hypotheses":
            return f"{_word(item, 'hypothesis')} ({_word(item, 'confidence')}): {text}"
        case "questions":
            return text
        case "follow_ups":
            due = f", due {_word(item, 'due')}" if item.get("due") else ""
            return f"{_word(item, 'follow_up')} ({_word(item, 'owner') or 'nobody'}{due}): {text}"
        case "findings":
            return f"{_word(item, 'status')} {_word(item, 'run')}/{_word(item, 'step')}: {text}"
        case _:
            what = f"{_word(item, 'operation')} on {_word(item, 'target')}"
            state = _word(item, "state").replace("_", " ")
            return (
                f"{_word(item, 'approval')} {state}: {what}, asked by {_word(item, 'requester')}"
            )


def _number(item: Mapping[str, Any]) -> str:
    sequence = item.get("sequence")
    return f" [#{sequence}]" if isinstance(sequence, int) and sequence > 0 else ""


def _word(item: Mapping[str, Any], key: str) -> str:
    return line(shown(item.get(key, "")), _WORDS)
