"""Blocks as a person reads them, in plain text: for assertions, and for the page's titles."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from interlock.testing.slack import mrkdwn

__all__ = ["of_text", "words"]


def of_text(text: Mapping[str, Any], called: Callable[[str], str] = str) -> str:
    """Return a text object as it is read: plain text as it is, mrkdwn with its escapes read."""
    if text["type"] == "plain_text":
        return str(text["text"])
    return mrkdwn.plain(str(text["text"]), called)


def words(blocks: list[dict[str, Any]]) -> str:
    """Return all that blocks show, a line for each part."""
    return "\n".join(line for block in blocks for line in _lines(block))


def _lines(block: dict[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "section":
            texts = [block[name] for name in ("text",) if name in block]
            yield from map(of_text, [*texts, *block.get("fields", [])])
            yield from _labels([block["accessory"]] if "accessory" in block else [])
        case "header":
            yield of_text(block["text"])
        case "context":
            yield " ".join(of_text(each) for each in block["elements"] if "text" in each)
        case "actions":
            yield from _labels(block["elements"])
        case "rich_text":
            yield from (rich(part) for part in block["elements"])
        case "input":
            yield of_text(block["label"])
        case "markdown":
            yield block["text"]
        case _:
            yield block.get("alt_text", "")


def _labels(elements: list[dict[str, Any]]) -> Iterator[str]:
    named = [f"[{of_text(each['text'])}]" for each in elements if each["type"] == "button"]
    if named:
        yield " ".join(named)


def rich(part: Mapping[str, Any]) -> str:
    """Return one part of rich text as it is read; its texts are data and are read literally."""
    if part["type"] == "rich_text_list":
        return "\n".join("• " + rich(each) for each in part["elements"])
    return "".join(map(_piece, part["elements"]))


def _piece(piece: Mapping[str, Any]) -> str:
    match piece["type"]:
        case "text":
            return str(piece["text"])
        case "link":
            return str(piece.get("text") or piece["url"])
        case "user" | "usergroup":
            return "@" + str(piece.get("user_id") or piece["usergroup_id"])
        case "channel":
            return "#" + str(piece["channel_id"])
        case "broadcast":
            return "@" + str(piece["range"])
        case _:
            return f":{piece['name']}:"
