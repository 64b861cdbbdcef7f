"""What Slack tells of by its Events API, as `Heard`: reactions, edits and deletions.

Source: https://docs.slack.dev/apis/events-api/#event-type-structure
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from interlock_gateway.adapters.slack.mrkdwn import MOST, source
from interlock_gateway.service.chat.protocol import Heard

_MOST_SOURCE = 2 * MOST
"""Characters of a message with its entities; Slack's limit counts them in one way or another."""


def event(payload: Mapping[str, Any], reaction: str) -> Heard | None:
    """Return what an event says, or None where it is not about us.

    Args:
        payload: with its envelope, `event_callback`.
        reaction: the emoji by which people add a message to a timeline.
    """
    told = payload["event"]
    match told.get("type"), told.get("subtype"):
        case "reaction_added", _ if told["item"]["type"] == "message":
            return _reacted(payload, told, reaction)
        case "message", "message_changed":
            return _edited(payload, told)
        case "message", "message_deleted":
            return _deleted(payload, told)
        case _:
            return None


def _reacted(payload: Mapping[str, Any], told: Mapping[str, Any], reaction: str) -> Heard | None:
    if str(told["reaction"]).partition("::")[0] != reaction:
        return None
    item = told["item"]
    who = {"account": str(told["user"]), "room": str(item["channel"]), "ts": str(item["ts"])}
    return _heard(payload, "react", **who, about="note")


def _edited(payload: Mapping[str, Any], told: Mapping[str, Any]) -> Heard | None:
    message = told["message"]
    if message.get("subtype") == "tombstone":  # a deleted message that has replies
        return _deleted(payload, {**told, "deleted_ts": message["ts"]})
    edited = message.get("edited") or {}
    return _heard(
        payload,
        "edit",
        account=str(edited.get("user") or message.get("user") or ""),
        about=str(edited.get("ts") or ""),
        value=str(told.get("event_ts") or told.get("ts") or ""),
        text=source(message)[:_MOST_SOURCE],
        room=str(told["channel"]),
        ts=str(message["ts"]),
    )


def _deleted(payload: Mapping[str, Any], told: Mapping[str, Any]) -> Heard:
    return _heard(
        payload,
        "delete",
        value=str(told.get("event_ts") or told.get("ts") or ""),
        room=str(told["channel"]),
        ts=str(told["deleted_ts"]),
    )


def _heard(payload: Mapping[str, Any], deed: str, **what: str) -> Heard:
    """Return it under the name that every try of the same event has."""
    team = str(payload["team_id"])
    name = json.dumps(["event", team, str(payload["event_id"])])
    identifier = hashlib.sha256(name.encode()).hexdigest()[:32]
    given: dict[str, str] = {"account": "", "about": "", **what}
    return Heard(id=identifier, team=team, home=team, deed=deed, **given)
