"""People use Slack: they press, fill in, react and write, and cannot do what is not there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.testing.slack.answers import Answers
from interlock.testing.slack.chat import as_message
from interlock.testing.slack.delivery import Delivery, Kind
from interlock.testing.slack.forms import NotThere, chosen, filled, pressable
from interlock.testing.slack.modals import Modals, as_view
from interlock.testing.slack.workspace import (
    APP,
    BOT,
    HOME,
    Channel,
    Message,
    Person,
    Refused,
    Version,
    View,
    Workspace,
)

__all__ = ["Actor", "Stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """What people need to act: the workspace, and a way to tell the app.

    Attributes:
        tell: sends (kind, payload) to the app and says how to go on once it answered.
        base: the server's address, for `response_url`.
        subscribed: the events that the app wants to be told of.
    """

    workspace: Workspace
    modals: Modals
    answers: Answers
    tell: Callable[[Kind, Mapping[str, Any], Callable[[Delivery], None]], Delivery]
    base: Callable[[], str]
    subscribed: frozenset[str]


class Actor:
    """One person at Slack."""

    def __init__(self, stage: Stage, person: Person) -> None:
        """Act as a person."""
        self._stage = stage
        self._workspace = stage.workspace
        self._id = person.id

    @property
    def person(self) -> Person:
        """Who they are, as of now."""
        return self._workspace.people[self._id]

    @property
    def modal(self) -> View | None:
        """The modal that is open in front of them, if any."""
        return self._workspace.modal(self._id)

    def sees(self, channel: str) -> list[Message]:
        """Return what they see in a channel, oldest first, their own ephemerals included."""
        found = self._workspace.channel(channel)
        if not self._workspace.sees(self._id, found):
            return []
        return visible(found, self._id)

    def presses(
        self,
        message: Message,
        action_id: str,
        *,
        choosing: str = "",
        confirming: bool = True,
        as_of: int = -1,
    ) -> Delivery:
        """Press a button, or choose something, in a message.

        Args:
            message: which they must be able to see.
            action_id: which must be in it.
            choosing: the value to choose, where it is a menu.
            confirming: what they say to a confirm dialog, if there is one.
            as_of: the version of the message they look at; an older one is a phone that has
                not caught up with the last edit.

        Raises:
            NotThere: they do not see the message, or it has no such action.
        """
        self._check_sees(message)
        shown = message.versions[as_of]
        block, element = pressable(shown.blocks, action_id)
        if "confirm" in element and not confirming:
            raise NotThere(f"{self.person.name} said no to the confirm dialog of {action_id!r}.")
        acted = self._acted(block, element, choosing)
        return self._interact(self._in_message(message, shown, acted))

    def presses_in(self, view: View, action_id: str, *, choosing: str = "") -> Delivery:
        """Press a button, or choose something, in the modal that is in front of them.

        Raises:
            NotThere: it is not, or it has no such action.
        """
        self._check_open(view)
        acted = self._acted(*pressable(view.body["blocks"], action_id), choosing)
        payload = self._base("block_actions") | {
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": self._stage.modals.trigger(self._id, view.root),
            "view": as_view(view),
            "actions": [acted],
        }
        return self._interact(payload)

    def submits(self, view: View, values: Mapping[str, str]) -> Delivery:
        """Fill in a modal and submit it.

        Args:
            view: which must be open in front of them.
            values: what to type or choose, by `action_id`; what is left out keeps its
                initial value.

        Raises:
            NotThere: it is not open for them, it has no such input, or what they typed is
                missing, too short or too long: Slack does not let them submit that.
        """
        self._check_open(view)
        state = filled(view, values)
        payload = self._base("view_submission") | {
            "view": as_view(view, state),
            "trigger_id": self._stage.modals.trigger(self._id, view.root),
            "response_urls": [],
        }
        return self._interact(payload, lambda delivery: self._submitted(view, delivery))

    def closes(self, view: View) -> Delivery | None:
        """Close a modal; the app hears of it if the modal has `notify_on_close`."""
        self._check_open(view)
        self._workspace.close_view(view)
        if not view.body.get("notify_on_close"):
            return None
        closed = {"view": as_view(view), "is_cleared": False}
        return self._interact(self._base("view_closed") | closed)

    def reacts(self, message: Message, name: str) -> Delivery | None:
        """React to a message with an emoji, such as `eyes`."""
        self._check_sees(message)
        self._workspace.react(message, self._id, name)
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        what = {"user": self._id, "reaction": name, "item": item, "item_user": message.user}
        return self._event("reaction_added", what, message.channel)

    def writes(
        self, channel: str, text: str, *, thread: str = "", broadcast: bool = False
    ) -> Message:
        """Write a message in a channel they are a member of; `text` as Slack stores it.

        Args:
            channel: where.
            text: what.
            thread: the `ts` of the message it replies to.
            broadcast: sends the reply to the channel, too.
        """
        found = self._workspace.channel(channel)
        if self._id not in found.members or not self.person.active:
            raise NotThere(f"{self.person.name} is no member of #{found.name}.")
        version = Version(text, [], "")
        message = self._workspace.post(found, self._id, version, thread, broadcast=broadcast)
        told = as_message(message) | {"channel_type": _kind(found)}
        self._event("message", told, found.id)
        return message

    def edits(self, message: Message, text: str) -> Delivery | None:
        """Change a message of theirs."""
        self._check_own(message)
        before = as_message(message)
        self._workspace.edit(message, Version(text, [], ""))
        told = {"message": as_message(message), "previous_message": before}
        return self._about(message, "message_changed", told)

    def deletes(self, message: Message) -> Delivery | None:
        """Delete a message of theirs."""
        self._check_own(message)
        before = as_message(message)
        self._workspace.delete(message)
        told = {"previous_message": before, "deleted_ts": message.ts}
        return self._about(message, "message_deleted", told)

    def commands(self, command: str, text: str, channel: str) -> Delivery:
        """Use a slash command, such as `/interlock`."""
        found = self._workspace.channel(channel)
        token = self._stage.answers.token(found, self._id)
        payload = {
            "command": command,
            "text": text,
            "user_id": self._id,
            "user_name": self.person.name,
            "team_id": self.person.team,
            "team_domain": "interlock",
            "channel_id": found.id,
            "channel_name": found.name,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "trigger_id": self._stage.modals.trigger(self._id),
            "response_url": self._response_url(token),
        }
        return self._stage.tell("slash_commands", payload, lambda each: self._said(found, each))

    def uses_shortcut(self, callback_id: str, message: Message | None = None) -> Delivery:
        """Use a shortcut of the app: on a message, or from anywhere."""
        payload = self._base("message_action" if message else "shortcut") | {
            "callback_id": callback_id,
            "trigger_id": self._stage.modals.trigger(self._id),
            "action_ts": self._workspace.ts(),
        }
        if message:
            self._check_sees(message)
            payload |= self._about_message(message)
        return self._interact(payload)

    # --- what the app is told ---------------------------------------------------------------

    def _base(self, kind: str) -> dict[str, Any]:
        who = self.person
        return {
            "type": kind,
            "team": {"id": HOME, "domain": "interlock"},
            "user": {
                "id": who.id,
                "username": who.name,
                "name": who.name,
                "team_id": who.team,
            },
            "api_app_id": APP,
            "token": "deprecated",
            "is_enterprise_install": False,
            "enterprise": None,
        }

    def _about_message(self, message: Message) -> dict[str, Any]:
        channel = self._workspace.channels[message.channel]
        token = self._stage.answers.token(channel, self._id, message)
        return {
            "channel": {"id": channel.id, "name": channel.name},
            "message": as_message(message),
            "message_ts": message.ts,
            "response_url": self._response_url(token),
        }

    def _in_message(
        self, message: Message, shown: Version, acted: dict[str, Any]
    ) -> dict[str, Any]:
        told = self._about_message(message)
        told.pop("message_ts")
        told["message"] |= {"text": shown.text, "blocks": shown.blocks}
        if message.only_for:
            told.pop("message")  # what an ephemeral message says is not repeated
        return self._base("block_actions") | {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": message.channel,
                "is_ephemeral": bool(message.only_for),
            },
            "trigger_id": self._stage.modals.trigger(self._id),
            "state": {"values": {}},
            "actions": [acted],
            **told,
        }

    def _acted(
        self, block: dict[str, Any], element: dict[str, Any], choosing: str
    ) -> dict[str, Any]:
        acted = {
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "type": element["type"],
            "action_ts": self._workspace.ts(),
        }
        if element["type"] == "button":
            kept = {name: element[name] for name in ("text", "value", "style") if name in element}
            return acted | kept
        return acted | chosen(element, choosing)

    def _about(self, message: Message, subtype: str, told: dict[str, Any]) -> Delivery | None:
        channel = self._workspace.channels[message.channel]
        what = {"subtype": subtype, "hidden": True, "ts": self._workspace.ts(), **told}
        return self._event("message", {**what, "channel_type": _kind(channel)}, message.channel)

    def _event(self, kind: str, what: dict[str, Any], channel: str) -> Delivery | None:
        """Tell the app of an event in a channel it is in, if it subscribed to such events."""
        found = self._workspace.channels[channel]
        if kind not in self._stage.subscribed or BOT not in found.members:
            return None
        event = {**what, "type": kind, "event_ts": self._workspace.ts()}
        if kind == "message":
            event["channel"] = channel
        payload = {
            "token": "deprecated",
            "team_id": HOME,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{self._workspace.number():09d}",
            "event_time": int(self._workspace.clock()),
            "authorizations": [{"team_id": HOME, "user_id": BOT, "is_bot": True}],
        }
        return self._stage.tell("events_api", payload, lambda _: None)

    def _interact(
        self, payload: dict[str, Any], then: Callable[[Delivery], None] = lambda _: None
    ) -> Delivery:
        if not self.person.active:
            raise NotThere(f"{self.person.name} is deactivated and cannot do anything.")
        return self._stage.tell("interactive", payload, then)

    # --- what the app answers ---------------------------------------------------------------

    def _submitted(self, view: View, delivery: Delivery) -> None:
        if delivery.acked:
            self._stage.modals.answered(view, delivery.answer)
        else:
            self._stage.modals.failed(view)

    def _said(self, channel: Channel, delivery: Delivery) -> None:
        if delivery.answer:
            try:
                self._stage.answers.say(channel, self._id, delivery.answer)
            except Refused as refused:
                delivery.answer["refused"] = refused.error

    def _response_url(self, token: str) -> str:
        return f"{self._stage.base()}/response/{token}"

    # --- what they can see ------------------------------------------------------------------

    def _check_sees(self, message: Message) -> None:
        channel = self._workspace.channels[message.channel]
        if not self._workspace.sees(self._id, channel) or message not in visible(
            channel, self._id
        ):
            raise NotThere(f"{self.person.name} does not see message {message.ts}.")

    def _check_own(self, message: Message) -> None:
        self._check_sees(message)
        if message.user != self._id:
            raise NotThere(f"Message {message.ts} is not {self.person.name}'s.")

    def _check_open(self, view: View) -> None:
        if self.modal is not view:
            raise NotThere(f"{self.person.name} has no modal {view.id} in front of them.")


def visible(channel: Channel, user: str) -> list[Message]:
    """Return what a person who can look into a channel sees in it, oldest first."""
    mine = [each for each in channel.ephemerals if each.only_for == user]
    found = [each for each in [*channel.messages, *mine] if not each.deleted]
    return sorted(found, key=lambda each: each.ts)


def _kind(channel: Channel) -> str:
    return "group" if channel.is_private else "channel"
