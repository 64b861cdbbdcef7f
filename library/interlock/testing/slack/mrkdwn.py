"""Slack's mrkdwn, as far as it matters: what a person sees, and whom a text pings.

Only `&amp;`, `&lt;` and `&gt;` are escapes; `<…>` is a control sequence wherever it stands, in
backticks too: `<@U…>` mentions a person, `<#C…>` a channel, `<!here>`, `<!channel>`,
`<!everyone>` and `<!subteam^S…>` ping many, `<!date^…|…>` is a date, anything else a link.
Source: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Control", "controls", "pings", "pings_of_blocks", "plain", "unescape"]

_CONTROL = re.compile(r"<([^<>\n]+)>")
_BROADCASTS = ("here", "channel", "everyone")
_NAMED = re.compile(r"(?<![\w@])@(here|channel|everyone)\b")


@dataclass(frozen=True, slots=True)
class Control:
    """One `<…>` of a text.

    Attributes:
        kind: person, channel, broadcast, group, date or link.
        goal: an identifier, a word such as `channel`, or an address.
        label: what is shown in its place, or "".
    """

    kind: str
    goal: str
    label: str = ""

    @property
    def ping(self) -> str:
        """Whom it pings: `@channel`, a person's or a group's identifier, or nobody ("")."""
        if self.kind == "broadcast":
            return f"@{self.goal}"
        return self.goal if self.kind in {"person", "group"} else ""


def unescape(text: str) -> str:
    """Return a text with its three escapes read; `&amp;lt;` stays `&lt;`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def controls(text: str) -> Iterator[Control]:
    """Yield every control sequence of a mrkdwn text."""
    return map(read, _CONTROL.findall(text))


def read(inner: str) -> Control:
    """Return what stands between `<` and `>`."""
    goal, _, label = inner.partition("|")
    label = unescape(label)
    match goal[:1], goal[1:]:
        case "@", person:
            return Control("person", person, label)
        case "#", channel:
            return Control("channel", channel, label)
        case "!", word if word in _BROADCASTS:
            return Control("broadcast", word, label)
        case "!", word if word.startswith("subteam^"):
            return Control("group", word.partition("^")[2], label)
        case "!", word:
            return Control("date", word, label)
        case _:
            return Control("link", unescape(goal), label)


def pieces(text: str) -> Iterator[str | Control]:
    """Yield a text cut at its control sequences; texts between them are unescaped."""
    end = 0
    for found in _CONTROL.finditer(text):
        yield unescape(text[end : found.start()])
        yield read(found[1])
        end = found.end()
    yield unescape(text[end:])


def plain(text: str, called: Callable[[str], str]) -> str:
    """Return a mrkdwn text as it is read: escapes read, mentions by name, links by label.

    Args:
        text: as it was sent.
        called: the name of a person or a channel.
    """
    return "".join(
        piece if isinstance(piece, str) else said(piece, called) for piece in pieces(text)
    )


def said(control: Control, called: Callable[[str], str]) -> str:
    """Return what stands in the place of one control sequence."""
    match control.kind:
        case "person" | "group":
            return "@" + called(control.goal)
        case "channel":
            return "#" + called(control.goal)
        case "broadcast":
            return "@" + control.goal
        case _:
            return control.label or control.goal


def pings(text: str, *, names: bool = False) -> set[str]:
    """Return whom a mrkdwn text pings.

    Args:
        text: as it was sent.
        names: whether the call asked for `link_names` or `parse=full`, which make a bare
            `@channel` ping too.
    """
    bare = {f"@{name}" for name in _NAMED.findall(text)} if names else set()
    return bare | ({control.ping for control in controls(text)} - {""})


def pings_of_blocks(value: Any) -> set[str]:
    """Return whom blocks ping: mrkdwn texts, and mentions in rich text; plain text never does."""
    if isinstance(value, list):
        return set().union(*map(pings_of_blocks, value))
    if not isinstance(value, dict):
        return set()
    kind = value.get("type")
    if kind in {"mrkdwn", "markdown"}:
        return pings(str(value.get("text", "")))
    own = _RICH[kind](value) if kind in _RICH else ""
    return ({own} - {""}) | set().union(*map(pings_of_blocks, value.values()))


_RICH: Mapping[Any, Callable[[dict[str, Any]], str]] = {
    "user": lambda each: str(each.get("user_id", "")),
    "usergroup": lambda each: str(each.get("usergroup_id", "")),
    "broadcast": lambda each: f"@{each.get('range', '')}",
}
