"""Notices and forms as Block Kit. Data stands in rich text, where nothing is markup.

In rich text every character is shown as it is: no mention pings anybody, no link is made of a
text, no backtick ends a code block. The fallback text of a message, which notifications show,
does know markup, so it is escaped.

Source: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block,
https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from interlock_gateway.core.card import Card
from interlock_gateway.service.chat.protocol import Notice, Question, Words

Block: TypeAlias = dict[str, Any]

KEY = "interlock "
"""Begins the `block_id` by which one of our messages is found again."""

_SIGNS = {"waiting": "⏳", "good": "✅", "bad": "⛔", "still": "▫️"}
_FALLBACK = 300


def message(content: Notice | Words) -> dict[str, Any]:
    """Return `text` and `blocks` of a message."""
    match content:
        case Notice():
            return {"text": escaped(_summary(content)), "blocks": _notice(content)}
        case Words():
            return {"text": escaped(content.text[:_FALLBACK]), "blocks": list(_words(content))}


def key_of(blocks: list[Block]) -> str:
    """Return the key of a message of ours, or ""."""
    first = str(blocks[0].get("block_id", "")) if blocks else ""
    return first.removeprefix(KEY) if first.startswith(KEY) else ""


def escaped(text: str) -> str:
    """Return `text` with the three characters that begin markup as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def form(question: Question) -> dict[str, Any]:
    """Return the view of a form with one field."""
    field = {
        "type": "plain_text_input",
        "action_id": "answer",
        "multiline": question.most > 100,  # noqa: PLR2004  a code is one line
        "min_length": question.least,
        "max_length": question.most,
    }
    return {
        "type": "modal",
        "callback_id": question.about,
        "private_metadata": json.dumps({"value": question.value, "room": question.room}),
        "title": _plain(question.title),
        "submit": _plain(question.submit),
        "close": _plain("Cancel"),
        "blocks": [
            {
                "type": "input",
                "block_id": "question",
                "label": _plain(question.label),
                "hint": _plain(question.hint),
                "element": field,
            }
        ],
    }


def _summary(notice: Notice) -> str:
    said = notice.card.asks if notice.choice else notice.standing
    return f"{notice.card.headline}: {said}"[:_FALLBACK]


def _notice(notice: Notice) -> list[Block]:
    card = notice.card
    sections = [
        _section(_bold(card.headline)),
        _section(_text(card.asks)),
        {"type": "rich_text_preformatted", "elements": [_text(card.exact)]},
        *_facts(card),
        _section(_text(f"{_SIGNS[notice.tone]} "), _bold(notice.standing)),
    ]
    body = {"type": "rich_text", "block_id": KEY + notice.key, "elements": sections}
    return [body, {"type": "actions", "block_id": "decide", "elements": list(_buttons(notice))}]


def _facts(card: Card) -> Iterator[Block]:
    for label, text in card.facts:
        yield _section(_bold(f"{label}: "), _text(text))
    if card.hindrance:
        yield _section(_bold(card.hindrance))


def _buttons(notice: Notice) -> Iterator[Block]:
    if notice.choice is not None:
        value = str(notice.choice)
        confirm = {
            "title": _plain(f"Approve {notice.card.approval}?"),
            "text": _plain(notice.card.headline[:300]),
            "confirm": _plain("Approve"),
            "deny": _plain("Back"),
        }
        yield {**_button("approve", "Approve", value), "style": "primary", "confirm": confirm}
        yield {**_button("deny", "Deny…", value), "style": "danger"}
    label = "Open in browser" if not notice.card.hindrance else "Open the full text"
    yield {**_button("open", label), "url": notice.link}


def _words(words: Words) -> Iterator[Block]:
    yield {
        "type": "rich_text",
        "block_id": KEY + words.key,
        "elements": [_section(_text(words.text))],
    }
    buttons = []
    if words.button:
        buttons.append(_button(words.button, "Link my account", "link"))
    if words.link:
        buttons.append({**_button("open", "Open in browser"), "url": words.link})
    if buttons:
        yield {"type": "actions", "block_id": "decide", "elements": buttons}


def _button(action: str, label: str, value: str = "") -> Block:
    button = {"type": "button", "action_id": action, "text": _plain(label)}
    return {**button, "value": value} if value else button


def _section(*elements: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _bold(text: str) -> Block:
    return {"type": "text", "text": text, "style": {"bold": True}}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
