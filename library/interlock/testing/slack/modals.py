"""`views.*`: modals, the triggers that open them, and what a submission's answer does to them."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.testing.slack import blocks as kit
from interlock.testing.slack.workspace import APP, BOT, HOME, Refused, View, Workspace

__all__ = ["Modals", "as_view"]

TRIGGER_SECONDS = 3.0
"""How long a `trigger_id` works; https://docs.slack.dev/interactivity/handling-user-interaction."""
_DEPTH = 3  # how many modals may stand on one another
_TROUBLE = "We had some trouble connecting. Try again?"

Arguments = Mapping[str, Any]


@dataclass(slots=True)
class _Trigger:
    user: str
    until: float
    root: str = ""
    used: bool = False


class Modals:
    """The methods about modals."""

    def __init__(self, workspace: Workspace) -> None:
        """Open modals in a workspace."""
        self._workspace = workspace
        self._triggers: dict[str, _Trigger] = {}

    def trigger(self, user: str, root: str = "") -> str:
        """Return a `trigger_id` for what somebody did just now, in a stack of modals or not."""
        name = f"{self._workspace.number()}.{secrets.token_hex(8)}"
        until = self._workspace.clock() + TRIGGER_SECONDS
        self._triggers[name] = _Trigger(user, until, root)
        return name

    def open(self, given: Arguments) -> dict[str, Any]:
        """`views.open`."""
        body = _valid(given.get("view"))
        trigger = self._use(given)
        return {"view": as_view(self._workspace.open_view(trigger.user, body))}

    def push(self, given: Arguments) -> dict[str, Any]:
        """`views.push`: another modal on top of the one that was used."""
        body = _valid(given.get("view"))
        trigger = self._use(given)
        return {"view": as_view(self._pushed(trigger.user, trigger.root, body))}

    def update(self, given: Arguments) -> dict[str, Any]:
        """`views.update`, by `view_id` or `external_id`; an old `hash` is a conflict."""
        body = _valid(given.get("view"))
        view = self._found(given)
        if given.get("hash") and given["hash"] != view.hash:
            raise Refused("hash_conflict")
        self._workspace.change_view(view, body)
        return {"view": as_view(view)}

    def answered(self, view: View, answer: Mapping[str, Any]) -> None:
        """Do to a submitted modal what the app's answer says; without a word it closes."""
        try:
            self._answer(view, answer)
        except Refused:
            self.failed(view)

    def failed(self, view: View) -> None:
        """Say in a modal that the app did not answer, or not in a form that Slack knows."""
        view.errors = {"": _TROUBLE}
        self._workspace.changed()

    def _answer(self, view: View, answer: Mapping[str, Any]) -> None:
        match answer.get("response_action"):
            case None:
                self._workspace.close_view(view)
            case "clear":
                self._workspace.close_view(view, all_of_them=True)
            case "update":
                self._workspace.change_view(view, _valid(answer.get("view")))
            case "push":
                self._pushed(view.user, view.root, _valid(answer.get("view")))
            case "errors" if _names_inputs(answer.get("errors"), view):
                view.errors = {str(name): str(text) for name, text in answer["errors"].items()}
                self._workspace.changed()
            case _:
                raise Refused("invalid_response_action")

    def _pushed(self, user: str, root: str, body: dict[str, Any]) -> View:
        stack = [each for each in self._workspace.views.values() if each.is_open]
        if root and sum(each.root == root for each in stack) >= _DEPTH:
            raise Refused("push_limit_reached")
        return self._workspace.open_view(user, body, root)

    def _use(self, given: Arguments) -> _Trigger:
        trigger = self._triggers.get(str(given.get("trigger_id") or ""))
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self._workspace.clock() > trigger.until:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger

    def _found(self, given: Arguments) -> View:
        for view in self._workspace.views.values():
            external = view.body.get("external_id")
            if view.is_open and (
                view.id == given.get("view_id")
                or (external and external == given.get("external_id"))
            ):
                return view
        raise Refused("not_found")


def _valid(view: Any) -> dict[str, Any]:
    try:
        found = json.loads(view) if isinstance(view, str) else view
    except ValueError as error:
        raise Refused("invalid_arguments", ("view is not JSON [json-pointer:/view]",)) from error
    wrong = kit.in_modal(found)
    if wrong:
        raise Refused("invalid_arguments", tuple(wrong))
    return dict(found)


def _names_inputs(errors: Any, view: View) -> bool:
    """Tell whether errors name input blocks of the modal; any others Slack does not take."""
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    return isinstance(errors, dict) and bool(errors) and set(errors) <= inputs


def as_view(view: View, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a modal as the Web API and payloads describe it."""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "close": None,
        "submit": None,
        **view.body,
        "id": view.id,
        "team_id": HOME,
        "app_id": APP,
        "bot_id": BOT,
        "hash": view.hash,
        "root_view_id": view.root,
        "state": {"values": dict(values or {})},
    }
