"""What can be pressed, filled in and chosen, and what Slack keeps people from submitting."""

from collections.abc import Mapping
from typing import Any

from interlock.testing.slack.workspace import View, elements

__all__ = ["NotThere", "chosen", "filled", "pressable"]


class NotThere(LookupError):  # noqa: N818  what a person cannot do because it is not there
    """Somebody was to use what they cannot see: a button that is gone, another's message."""


def pressable(
    blocks: list[dict[str, Any]], action_id: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the (block, element) that somebody presses.

    Raises:
        NotThere: there is none of that `action_id`.
    """
    for block, element in elements(blocks):
        if element.get("action_id") == action_id and block["type"] != "input":
            return block, element
    there = ", ".join(str(each.get("action_id")) for _, each in elements(blocks)) or "nothing"
    raise NotThere(f"There is no {action_id!r} to press; there is {there}.")


def filled(view: View, values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return a modal's state once it is filled in, inputs by `action_id`.

    Raises:
        NotThere: it has no such input, or Slack would not submit what was typed.
    """
    inputs = [found for found in elements(view.body["blocks"]) if found[0]["type"] == "input"]
    known = {element["action_id"] for _, element in inputs}
    if set(values) - known:
        raise NotThere(f"The modal has no {sorted(set(values) - known)}, only {sorted(known)}.")
    return {
        block["block_id"]: {element["action_id"]: _value(block, element, values)}
        for block, element in inputs
    }


def _value(
    block: dict[str, Any], element: dict[str, Any], values: Mapping[str, str]
) -> dict[str, Any]:
    name = element["action_id"]
    typed = values.get(name, element.get("initial_value", ""))
    if not typed and not block.get("optional"):
        raise NotThere(f"Slack wants something in {name!r} before it submits.")
    if element["type"] != "plain_text_input":
        return {"type": element["type"], **(chosen(element, typed) if typed else {})}
    if typed and not element.get("min_length", 0) <= len(typed) <= element.get("max_length", 3000):
        raise NotThere(f"{name!r} is too short or too long for Slack to submit it.")
    return {"type": "plain_text_input", "value": typed or None}


def chosen(element: dict[str, Any], value: str) -> dict[str, Any]:
    """Return what an app is told of a choice.

    Raises:
        NotThere: the menu does not offer it.
    """
    if element["type"] == "users_select":
        return {"selected_user": value}
    options = [each for each in element["options"] if each["value"] == value]
    if not options:
        raise NotThere(f"{element['action_id']!r} does not offer {value!r}.")
    if element["type"] == "checkboxes":
        return {"selected_options": options}
    return {"selected_option": options[0]}
