"""Blocks and mrkdwn as the page shows them; every text from outside is escaped by `tag`."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from interlock.testing.slack import mrkdwn
from interlock.testing.slack.markup import Html, join, tag
from interlock.testing.slack.mrkdwn import Control

__all__ = ["Called", "block", "marked", "text_object"]

Called = Callable[[str], str]

EMOJI = {
    "white_check_mark": "✅", "x": "❌", "warning": "⚠️", "eyes": "👀", "rotating_light": "🚨",
    "lock": "🔒", "hourglass": "⏳", "no_entry": "⛔", "memo": "📝", "pushpin": "📌", "+1": "👍",
    "thumbsup": "👍", "tada": "🎉", "bell": "🔔", "question": "❓", "arrow_right": "➡️",
}  # fmt: skip
_INLINE = re.compile(
    r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<control>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<b>[^*\n]+)\*(?![\w*])|(?<![\w_])_(?P<i>[^_\n]+)_(?![\w_])"
    r"|(?<![\w~])~(?P<s>[^~\n]+)~(?![\w~])|:(?P<emoji>[a-z0-9_+-]+):|(?P<newline>\n)",
    re.DOTALL,
)
_SAFE = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def marked(text: str, called: Called) -> Html:
    """Return a mrkdwn text as it looks."""
    parts: list[str] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts += [mrkdwn.unescape(text[end : found.start()]), _inline(found, called)]
        end = found.end()
    return join(*parts, mrkdwn.unescape(text[end:]))


def _inline(found: re.Match[str], called: Called) -> Html:
    kind, inner = found.lastgroup or "", found[found.lastgroup or 0]
    match kind:
        case "pre":
            return tag("pre", mrkdwn.plain(inner.strip("\n"), called))
        case "code":
            return tag("code", mrkdwn.plain(inner, called))
        case "control":
            return _control(mrkdwn.read(inner), called)
        case "emoji":
            return join(EMOJI.get(inner, f":{inner}:"))
        case "newline":
            return tag("br")
        case _:
            return tag(kind, marked(inner, called))


def _control(control: Control, called: Called) -> Html:
    if control.kind == "link":
        return link(control.goal, control.label)
    if control.kind == "date":
        return join(_date(control))
    shown = mrkdwn.said(control, called)
    return tag("span", shown, class_="mention" + (" many" if control.kind == "broadcast" else ""))


def link(goal: str, label: str, **more: str) -> Html:
    """Return a link, or a text where the address is of no kind that Slack links."""
    if not _SAFE.match(goal):
        return join(label or goal)
    kept = {"rel": "noopener noreferrer", "target": "_blank", **more}
    return tag("a", label or goal, href=goal, **kept)


def _date(control: Control) -> str:
    seconds = control.goal.split("^")[1:2]
    if control.goal.startswith("date^") and seconds and re.fullmatch(r"\d{1,11}", seconds[0]):
        return f"{datetime.fromtimestamp(int(seconds[0]), UTC):%Y-%m-%d %H:%M UTC}"
    return control.label or control.goal


def text_object(text: Mapping[str, Any], called: Called) -> Html:
    """Return a text object as it looks: plain text as it is, emoji names aside."""
    if text["type"] == "mrkdwn":
        return marked(text["text"], called)
    if text.get("emoji", True):
        return join(re.sub(r":([a-z0-9_+-]+):", lambda m: EMOJI.get(m[1], m[0]), text["text"]))
    return join(text["text"])


def block(given: dict[str, Any], called: Called) -> Html:
    """Return a block of a message or a modal, inputs aside."""
    kind = given["type"]
    if kind in _WHOLE:
        return _WHOLE[kind](given, called)
    if kind in {"context", "actions", "rich_text"}:
        return tag("div", *_inside(given, called), class_=kind.removesuffix("_text"))
    return tag("div", f"image: {given.get('alt_text', '')}", class_="image")


def _inside(given: dict[str, Any], called: Called) -> list[Html]:
    """Return the elements of a block that has several."""
    show: Callable[[dict[str, Any]], Html] = {
        "context": lambda each: _context(each, called),
        "actions": lambda each: element(each, given["block_id"], called),
        "rich_text": lambda each: _rich(each, called),
    }[given["type"]]
    return [show(each) for each in given["elements"]]


def _section(given: dict[str, Any], called: Called) -> Html:
    parts: list[Html] = []
    if "text" in given:
        parts.append(tag("div", text_object(given["text"], called)))
    if "fields" in given:
        fields = (tag("div", text_object(each, called)) for each in given["fields"])
        parts.append(tag("div", *fields, class_="fields"))
    side = given.get("accessory")
    extra = [tag("div", element(side, given["block_id"], called), class_="side")] if side else []
    return tag("div", tag("div", *parts, class_="main"), *extra, class_="section")


_WHOLE: Mapping[str, Callable[[dict[str, Any], Called], Html]] = {
    "section": _section,
    "header": lambda given, called: tag("h3", text_object(given["text"], called), class_="header"),
    "divider": lambda *_: tag("hr"),
    "markdown": lambda given, _: tag("div", given["text"], class_="plain"),
}


def _context(given: dict[str, Any], called: Called) -> Html:
    shown = join(given["alt_text"]) if given["type"] == "image" else text_object(given, called)
    return tag("span", shown)


def element(given: dict[str, Any], block_id: str, called: Called) -> Html:
    """Return something that can be pressed or chosen."""
    if given["type"] == "image":
        return tag("span", f"image: {given['alt_text']}", class_="image")
    asked = {"data_block": block_id, "data_action": given["action_id"], **_confirm(given)}
    if given["type"] == "button":
        style = given.get("style", "plain")
        label = text_object(given["text"], called)
        if "url" in given:
            return tag("span", link(given["url"], label, **asked), class_="button")
        spoken = given.get("accessibility_label")
        return tag("button", label, type="button", class_=f"button {style}", aria_label=spoken,
                   **asked)  # fmt: skip
    first = tag("option", "Choose …", value="")
    return tag("select", first, *options(given, called), aria_label="Choose", **asked)


def options(given: dict[str, Any], called: Called) -> list[Html]:
    """Return what a menu offers."""
    return [
        tag("option", text_object(each["text"], called), value=each["value"])
        for each in given.get("options", [])
    ]


def _confirm(given: dict[str, Any]) -> dict[str, str]:
    """Return what a confirm dialog says, for the page's script to show as text."""
    if "confirm" not in given:
        return {}
    asked = given["confirm"]
    parts = ("title", "text", "confirm", "deny")
    said = {f"data_confirm_{part}": mrkdwn.unescape(asked[part]["text"]) for part in parts}
    return said | {"data_confirm_style": asked.get("style", "primary")}


_RICH_TAGS = {
    "rich_text_section": "p",
    "rich_text_preformatted": "pre",
    "rich_text_quote": "blockquote",
}


def _rich(part: dict[str, Any], called: Called) -> Html:
    if part["type"] == "rich_text_list":
        items = (tag("li", *_pieces(each, called)) for each in part["elements"])
        return tag("ol" if part["style"] == "ordered" else "ul", *items)
    return tag(_RICH_TAGS[part["type"]], *_pieces(part, called))


def _pieces(part: dict[str, Any], called: Called) -> list[Html]:
    return [_piece(each, called) for each in part["elements"]]


_STYLES = {"bold": "b", "italic": "i", "strike": "s", "code": "code", "underline": "u"}


def _piece(piece: dict[str, Any], called: Called) -> Html:
    found = _bare(piece, called)
    for style, name in _STYLES.items():
        if piece.get("style", {}).get(style):
            found = tag(name, found)
    return found


def _bare(piece: dict[str, Any], called: Called) -> Html:
    match piece["type"]:
        case "text":
            return join(piece["text"])
        case "link":
            return link(piece["url"], piece.get("text", ""))
        case "emoji":
            return join(EMOJI.get(piece["name"], f":{piece['name']}:"))
        case "broadcast":
            return tag("span", f"@{piece['range']}", class_="mention many")
        case "channel":
            return tag("span", f"#{called(piece['channel_id'])}", class_="mention")
        case _:
            who = piece.get("user_id") or piece["usergroup_id"]
            return tag("span", f"@{called(who)}", class_="mention")
