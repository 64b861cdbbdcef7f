"""Block Kit as data: which blocks and elements each surface takes, and how long they may be.

The limits follow Slack's reference, https://docs.slack.dev/reference/block-kit/ (blocks, block
elements, composition objects) and https://docs.slack.dev/reference/views/modal-views; those of
sections, confirm dialogs and inputs were read there, the others in lists that quote it: section
3,000 and fields 2,000, header 150, button text 75 and value 2,000, identifiers 255, context 10
elements, actions 25, confirm 100/300/30/30, input label and hint 2,000, modal title and buttons
24, `private_metadata` 3,000, 50 blocks in a message and 100 in a modal. Length is counted in
characters of the text as sent, so `&lt;` counts as four.

All blocks of one message together may hold about 12,000 characters of text, more blocks a little
less (`msg_blocks_too_long`). Slack publishes no figure; the maintainers name 12,000 "with a
buffer" in slackapi/bolt-js#2509 and #2867, whose measurements the figures here agree with.

Left out, and refused as unsupported: blocks that only other products make (`call`, `file`,
`video`, `table`, cards and the like), pickers for times, numbers, files and conversations.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.testing.slack.shapes import Flag, Many, Number, Record, Shape, Union, Words, faults

__all__ = ["MESSAGE", "MODAL", "in_message", "in_modal", "is_too_long", "strings"]

ALL_TEXT = 12_000
"""How many characters all blocks of a message may hold together, about."""
_PER_BLOCK = 20  # what a block itself costs of ALL_TEXT, about

_ID = Words(255)
_FLAG = Flag()


def _text(most: int, *, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Record:
    may = {"emoji": _FLAG, "verbatim": _FLAG} if "mrkdwn" in kinds else {"emoji": _FLAG}
    needs = {"type": Words(20, one_of=kinds), "text": Words(most)}
    return Record(needs=needs, may=may, several=len(kinds) > 1)


def _plain(most: int) -> Record:
    return _text(most, kinds=("plain_text",))


def _typed(
    kind: str, needs: Mapping[str, Shape], may: Mapping[str, Shape] | None = None
) -> Record:
    return Record(needs={"type": Words(255, one_of=(kind,)), **needs}, may=may or {})


_CONFIRM = Record(
    needs={"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    may={"style": Words(20, one_of=("primary", "danger"))},
)
_OPTION = Record(
    needs={"text": _text(75), "value": Words(150)},
    may={"description": _text(75), "url": Words(3000)},
)
_OPTIONS = Many(_OPTION, most=100)
_ACTS: Mapping[str, Shape] = {"action_id": _ID, "confirm": _CONFIRM}
_FIELD: Mapping[str, Shape] = {
    "action_id": _ID,
    "placeholder": _plain(150),
    "focus_on_load": _FLAG,
}

_ELEMENTS: Mapping[str, Record] = {
    "button": _typed(
        "button",
        {"text": _plain(75)},
        {
            **_ACTS,
            "url": Words(3000),
            "value": Words(2000),
            "style": Words(20, one_of=("primary", "danger")),
            "accessibility_label": Words(75),
        },
    ),
    "static_select": _typed(
        "static_select",
        {"options": _OPTIONS},
        {**_ACTS, **_FIELD, "initial_option": _OPTION},
    ),
    "users_select": _typed("users_select", {}, {**_ACTS, **_FIELD, "initial_user": _ID}),
    "overflow": _typed("overflow", {"options": Many(_OPTION, most=5)}, _ACTS),
    "radio_buttons": _typed(
        "radio_buttons",
        {"options": Many(_OPTION, most=10)},
        {**_ACTS, "initial_option": _OPTION, "focus_on_load": _FLAG},
    ),
    "checkboxes": _typed(
        "checkboxes",
        {"options": Many(_OPTION, most=10)},
        {**_ACTS, "initial_options": Many(_OPTION, most=10), "focus_on_load": _FLAG},
    ),
    "image": _typed("image", {"image_url": Words(3000), "alt_text": Words(2000)}),
    "plain_text_input": _typed(
        "plain_text_input",
        {},
        {
            **_FIELD,
            "initial_value": Words(3000, 0),
            "multiline": _FLAG,
            "min_length": Number(0, 3000),
            "max_length": Number(1, 3000),
        },
    ),
}
_STYLE = Record(may=dict.fromkeys(("bold", "italic", "strike", "code", "underline"), _FLAG))
_STYLED: Mapping[str, Shape] = {"style": _STYLE}
_RICH = Union(
    {
        "text": _typed("text", {"text": Words(40_000)}, _STYLED),
        "link": _typed(
            "link", {"url": Words(3000)}, {**_STYLED, "text": Words(40_000), "unsafe": _FLAG}
        ),
        "user": _typed("user", {"user_id": _ID}, _STYLED),
        "usergroup": _typed("usergroup", {"usergroup_id": _ID}, _STYLED),
        "channel": _typed("channel", {"channel_id": _ID}, _STYLED),
        "emoji": _typed("emoji", {"name": _ID}, {**_STYLED, "unicode": _ID}),
        "broadcast": _typed(
            "broadcast",
            {"range": Words(20, one_of=("here", "channel", "everyone"))},
            _STYLED,
        ),
    }
)
_PIECES: Mapping[str, Shape] = {"elements": Many(_RICH, most=1000, least=0)}
_BORDER: Mapping[str, Shape] = {"border": Number(0, 1)}
_SECTION_OF_RICH = _typed("rich_text_section", _PIECES)
_RICH_PARTS = Union(
    {
        "rich_text_section": _SECTION_OF_RICH,
        "rich_text_preformatted": _typed(
            "rich_text_preformatted", _PIECES, {**_BORDER, "language": _ID}
        ),
        "rich_text_quote": _typed("rich_text_quote", _PIECES, _BORDER),
        "rich_text_list": _typed(
            "rich_text_list",
            {
                "elements": Many(Union({"rich_text_section": _SECTION_OF_RICH}), most=1000),
                "style": Words(20, one_of=("bullet", "ordered")),
            },
            {**_BORDER, "indent": Number(0, 8), "offset": Number(0)},
        ),
    }
)


def _elements(*kinds: str) -> Union:
    return Union({kind: _ELEMENTS[kind] for kind in kinds})


_CHOICES = ("static_select", "users_select", "radio_buttons", "checkboxes")
_ACTION_ELEMENTS = _elements("button", "overflow", *_CHOICES)
_ACCESSORY = _elements("button", "overflow", "image", *_CHOICES)
_INPUT = _elements("plain_text_input", *_CHOICES)
_NAMED: Mapping[str, Shape] = {"block_id": _ID}


def _section() -> Record:
    return Record(
        needs={"type": Words(20)},
        may={
            **_NAMED,
            "text": _text(3000),
            "fields": Many(_text(2000), most=10),
            "accessory": _ACCESSORY,
            "expand": _FLAG,
        },
        either=("text", "fields"),
    )


_BLOCKS: Mapping[str, Record] = {
    "section": _section(),
    "header": _typed("header", {"text": _plain(150)}, _NAMED),
    "divider": _typed("divider", {}, _NAMED),
    "context": _typed(
        "context",
        {
            "elements": Many(
                Union(
                    {
                        **_elements("image").kinds,
                        **{kind: _text(3000, kinds=(kind,)) for kind in ("plain_text", "mrkdwn")},
                    }
                ),
                most=10,
            )
        },
        _NAMED,
    ),
    "actions": _typed("actions", {"elements": Many(_ACTION_ELEMENTS, most=25)}, _NAMED),
    "rich_text": _typed("rich_text", {"elements": Many(_RICH_PARTS, most=1000)}, _NAMED),
    "image": _typed(
        "image",
        {"image_url": Words(3000), "alt_text": Words(2000)},
        {**_NAMED, "title": _plain(2000)},
    ),
    "markdown": _typed("markdown", {"text": Words(12_000)}, _NAMED),
    "input": _typed(
        "input",
        {"label": _plain(2000), "element": _INPUT},
        {**_NAMED, "hint": _plain(2000), "optional": _FLAG, "dispatch_action": _FLAG},
    ),
}


def _surface(*without: str, most: int) -> Many:
    kinds = {kind: block for kind, block in _BLOCKS.items() if kind not in without}
    return Many(Union(kinds), most=most, least=0)


MESSAGE = _surface(most=50)
"""The blocks of a message."""
MODAL = Record(
    needs={
        "type": Words(20, one_of=("modal",)),
        "title": _plain(24),
        "blocks": _surface("markdown", most=100),
    },
    may={
        "close": _plain(24),
        "submit": _plain(24),
        "private_metadata": Words(3000, 0),
        "callback_id": Words(255, 0),
        "external_id": Words(255, 0),
        "clear_on_close": _FLAG,
        "notify_on_close": _FLAG,
        "submit_disabled": _FLAG,
    },
)
"""A modal view."""


def in_message(blocks: Any) -> list[str]:
    """Return what Slack would say is wrong with the blocks of a message."""
    found = list(faults(blocks, MESSAGE, "/blocks"))
    return found or list(_twice(blocks, "/blocks"))


def in_modal(view: Any) -> list[str]:
    """Return what Slack would say is wrong with a modal."""
    found = list(faults(view, MODAL, "/view"))
    if found:
        return found
    blocks = view["blocks"]
    asks = any(block["type"] == "input" for block in blocks)
    if asks and "submit" not in view:
        found = ["missing required field: submit [json-pointer:/view]"]
    return found + list(_twice(blocks, "/view/blocks")) + list(_lengths(blocks))


def is_too_long(blocks: list[dict[str, Any]]) -> bool:
    """Tell whether the blocks of a message hold more text than Slack takes in one message."""
    return sum(map(len, strings(blocks))) + _PER_BLOCK * len(blocks) > ALL_TEXT


def strings(value: Any) -> Iterator[str]:
    """Yield every `text` in blocks, in order, as it was sent."""
    if isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == "text" and isinstance(each, str):
                yield each
            else:
                yield from strings(each)


def _twice(blocks: list[dict[str, Any]], pointer: str) -> Iterator[str]:
    """Yield identifiers that stand twice: of blocks in a message, of elements in a block."""
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        name = block.get("block_id")
        if name in seen:
            yield f"block_id already exists: {name} [json-pointer:{pointer}/{number}/block_id]"
        seen |= {name} if name else set()
        actions = [each.get("action_id") for each in _inside(block)]
        for place, action in enumerate(actions):
            if action and action in actions[:place]:
                where = f"{pointer}/{number}/elements/{place}/action_id"
                yield f"action_id already exists: {action} [json-pointer:{where}]"


def _inside(block: dict[str, Any]) -> list[dict[str, Any]]:
    return block.get("elements", []) if block["type"] == "actions" else []


def _lengths(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for number, block in enumerate(blocks):
        element = block.get("element", {})
        if element.get("min_length", 0) > element.get("max_length", 3000):
            where = f"/view/blocks/{number}/element/min_length"
            yield f"must be less than max_length [json-pointer:{where}]"
