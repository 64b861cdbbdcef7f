"""What Slack tells an app, as `Heard`; what is not for us is nothing."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from interlock_gateway.adapters.slack.events import event
from interlock_gateway.service.chat.protocol import Heard

NOTE_SHORTCUT = "interlock_note"
"""The `callback_id` of the message shortcut "Add to the timeline"."""

_MOST_TEXT = 4_000


def heard(payload: Mapping[str, Any], reaction: str = "memo") -> Heard | None:
    """Return what an interaction or an event says, or None where nothing of ours was done.

    Whatever is malformed is nothing: Slack signed it, yet nobody can have meant it.

    Args:
        payload: as Slack sent it.
        reaction: the emoji by which people add a message to a timeline.
    """
    try:
        match payload.get("type"):
            case "block_actions":
                return _pressed(payload)
            case "view_submission":
                return _answered(payload)
            case "message_action":
                return _chose(payload)
            case "event_callback":
                return event(payload, reaction)
            case _:
                return None
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        return None


def _pressed(payload: Mapping[str, Any]) -> Heard | None:
    action = payload["actions"][0]
    if action["type"] != "button" or "url" in action or action["action_id"] == "open":
        return None
    return Heard(
        id=_name("press", payload, str(action["action_ts"]), str(action["action_id"])),
        deed="press",
        about=str(action["action_id"]),
        value=str(action.get("value", "")),
        room=str(payload["container"]["channel_id"]),
        ts=str(payload["container"]["message_ts"]),
        trigger=str(payload.get("trigger_id", "")),
        **_who(payload),
    )


def _answered(payload: Mapping[str, Any]) -> Heard | None:
    view = payload["view"]
    about = json.loads(view["private_metadata"])
    answer = view["state"]["values"]["question"]["answer"]["value"] or ""
    return Heard(
        id=_name("answer", payload, str(view["id"]), str(view.get("hash", ""))),
        deed="answer",
        about=str(view["callback_id"]),
        value=str(about["value"]),
        room=str(about["room"]),
        text=str(answer)[:_MOST_TEXT],
        trigger=str(payload.get("trigger_id", "")),
        **_who(payload),
    )


def _chose(payload: Mapping[str, Any]) -> Heard | None:
    if payload["callback_id"] != NOTE_SHORTCUT:
        return None
    room, ts = str(payload["channel"]["id"]), str(payload["message_ts"])
    return Heard(
        id=_name("shortcut", payload, str(payload["action_ts"]), room, ts),
        deed="shortcut",
        about="note",
        room=room,
        ts=ts,
        trigger=str(payload.get("trigger_id", "")),
        **_who(payload),
    )


def _who(payload: Mapping[str, Any]) -> dict[str, str]:
    user = payload["user"]
    home = str((payload.get("team") or {}).get("id", ""))
    return {"home": home, "team": str(user.get("team_id") or home), "account": str(user["id"])}


def _name(deed: str, payload: Mapping[str, Any], *what: str) -> str:
    """Return a name that every delivery of the same deed has, and no other deed."""
    user = payload["user"]
    said = json.dumps([deed, user.get("team_id"), user["id"], *what])
    return hashlib.sha256(said.encode()).hexdigest()[:32]
