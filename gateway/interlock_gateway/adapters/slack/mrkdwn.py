"""What somebody wrote in Slack, as plain text: nothing that people saw is lost on the way.

Slack stores `&`, `<` and `>` as entities; whatever stands between a bare `<` and `>` is a mention,
a link or a date. Signs that only look like markup (`*`, `_`, backticks, `:memo:`) stay as they
are.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MOST = 40_000
"""Characters of a message; Slack itself takes no more."""

_CONTROL = re.compile(r"<([^<>\n]+)>")
_PERSON = re.compile(r"<@([A-Z0-9]{2,30})(?:\|[^<>\n]*)?>")
_ID = re.compile(r"[A-Z0-9]{2,30}\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_BROADCASTS = ("here", "channel", "everyone")


def plain(text: str, handle: Callable[[str], str] = lambda _: "") -> str:
    """Return a text as it was read.

    Args:
        text: as Slack stores it.
        handle: an account → its handle, or "" where that is not known.
    """
    pieces, end = [], 0
    for found in _CONTROL.finditer(text):
        pieces += [_unescaped(text[end : found.start()]), _shown(found[1], handle)]
        end = found.end()
    return "".join([*pieces, _unescaped(text[end:])])


def mentioned(text: str) -> list[str]:
    """Return the accounts that a text mentions, each once, in order."""
    return list(dict.fromkeys(_PERSON.findall(text)))


def source(message: Mapping[str, Any]) -> str:
    """Return all that a message says, as Slack stores it; attachments, where it has no text.

    Files are named, each on a line of its own.
    """
    text = str(message.get("text") or "")
    lines = [text] if text.strip() else list(_besides(message))
    names = [str(file.get("name") or "unnamed") for file in _objects(message.get("files"))]
    return "\n".join([*lines, *(f"[file: {_escaped(name)}]" for name in names)])


def cut(text: str) -> str:
    """Return at most `MOST` characters, and say how many more there were."""
    if len(text) <= MOST:
        return text
    return f"{text[:MOST]}… {len(text) - MOST:,} more characters"


def _besides(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a program's message says where its text is empty."""
    for attachment in _objects(message.get("attachments")):
        said = [attachment.get(name) for name in ("pretext", "title", "text")]
        lines = [str(each) for each in said if each]
        yield "\n".join(lines) or str(attachment.get("fallback") or "")
    for block in _objects(message.get("blocks")):
        yield from _texts(block)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, Mapping):
        text = value.get("text")
        literal = value.get("type") in {"text", "plain_text", "link"}
        if isinstance(text, str):
            yield _escaped(text) if literal else text
        for name in ("text", "fields", "elements"):
            if not isinstance(value.get(name), str):
                yield from _texts(value.get(name))


def _shown(inner: str, handle: Callable[[str], str]) -> str:
    goal, _, label = inner.partition("|")
    label = _unescaped(label)
    match goal[:1], goal[1:]:
        case "@", account if _ID.match(account):
            return "@" + (handle(account) or label.removeprefix("@") or account)
        case "#", channel if _ID.match(channel):
            return "#" + (label.removeprefix("#") or channel)
        case "!", word if word in _BROADCASTS:
            return "@" + word
        case "!", word if word.startswith("subteam^"):
            return label or "@" + word.removeprefix("subteam^")
        case "!", _ if label:
            return label
        case _:
            return _link(_unescaped(goal), label) if _SCHEME.match(goal) else _literal(inner)


def _link(goal: str, label: str) -> str:
    """Return a label with where it leads; one of them, where the other says nothing new."""
    bare = goal.removeprefix("mailto:").removeprefix("tel:")
    if label in {"", goal}:
        return label or bare
    same = label in {bare, bare.partition("://")[2], bare.partition("://")[2].rstrip("/")}
    return bare if same else f"{label} ({goal})"


def _literal(inner: str) -> str:
    return f"<{_unescaped(inner)}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
