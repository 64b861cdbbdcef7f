"""The page that looks like Slack: channels, messages, threads, modals, as one person sees them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from interlock.testing.slack import page_blocks
from interlock.testing.slack.actor import visible
from interlock.testing.slack.markup import Html, join, tag
from interlock.testing.slack.page_blocks import EMOJI, marked, text_object
from interlock.testing.slack.workspace import HOME, Channel, Message, Person, View, Workspace

__all__ = ["CSP", "Look", "render"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing is loaded from elsewhere, and nothing in a text can run."""
_COLOURS = 6


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at what.

    Attributes:
        person: whose Slack it is.
        channel: the channel they look at, or None if they see none.
        sockets: how many connections the app has; -1 where it is told over HTTP.
    """

    workspace: Workspace
    person: Person
    channel: Channel | None
    sockets: int

    def called(self, identifier: str) -> str:
        """Return the name of a person or a channel."""
        return self.workspace.called(identifier)


def render(look: Look) -> str:
    """Return the whole page."""
    title = f"#{look.channel.name}" if look.channel else "No channel"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} — pretend Slack"),
        tag("link", rel="stylesheet", href="/page.css"),
        tag("script", src="/page.js", defer=True),
    )
    body = tag(
        "body",
        _side(look),
        _channel(look),
        _modal(look),
        data_me=look.person.id,
        data_channel=look.channel.id if look.channel else "",
        data_revision=str(look.workspace.revision),
    )
    return "<!doctype html>" + tag("html", head, body, lang="en")


def _side(look: Look) -> Html:
    seen = [each for each in look.workspace.channels.values() if _sees(look, each)]
    return tag(
        "nav",
        tag("h1", "Interlock", tag("small", "a pretend Slack")),
        tag("h2", "Channels"),
        tag("ul", *(_entry(look, each) for each in seen)),
        tag("h2", "You are"),
        _picker(look),
        tag("p", _state(look.sockets), class_="state" + (" off" if not look.sockets else "")),
        tag(
            "p",
            "On this machine only. Whoever opens this page can be anybody: that is for trying "
            "things out.",
            class_="hint",
        ),
        id="side",
    )


def _sees(look: Look, channel: Channel) -> bool:
    return look.workspace.sees(look.person.id, channel)


def _entry(look: Look, channel: Channel) -> Html:
    here = look.channel is channel
    private = tag("small", " private") if channel.is_private else Html("")
    return tag(
        "li",
        tag(
            "a",
            f"# {channel.name}",
            private,
            href=f"/?as={look.person.id}&channel={channel.id}",
            aria_current="page" if here else None,
        ),
    )


def _picker(look: Look) -> Html:
    people = [each for each in look.workspace.people.values() if not each.bot and each.active]
    options = (
        tag("option", each.real_name + _sort(each), value=each.id, selected=each == look.person)
        for each in people
    )
    return tag("select", *options, id="me", aria_label="You are")


def _sort(person: Person) -> str:
    """Return what is special about a person, as Slack's badges say it."""
    if person.bot:
        return " · APP"
    if not person.active:
        return " · deactivated"
    if person.team != HOME:
        return " · another company"
    return " · guest" if person.guest else ""


def _state(sockets: int) -> str:
    if sockets < 0:
        return "Interlock is told over HTTP."
    if not sockets:
        return "Interlock is not connected: buttons do nothing."
    return (
        "Interlock is connected." if sockets == 1 else f"Interlock is connected {sockets} times."
    )


def _channel(look: Look) -> Html:
    if look.channel is None:
        empty = tag("p", f"{look.person.real_name} is in no channel yet.", class_="empty")
        return tag("main", empty, id="channel")
    members = len(look.channel.members)
    head = tag(
        "header",
        tag("h2", f"# {look.channel.name}"),
        tag("span", look.channel.topic, class_="topic"),
        tag("span", f"{members} members", class_="count"),
    )
    found = [*_messages(look, look.channel)] or [_nothing(look.channel)]
    return tag("main", head, tag("div", *found, class_="messages"), _write(look), id="channel")


def _nothing(channel: Channel) -> Html:
    words = f"Nothing was said in #{channel.name} yet. What the app posts appears here by itself."
    return tag("p", words, class_="empty")


def _write(look: Look) -> Html:
    if not look.channel or look.person.id not in look.channel.members or look.channel.is_archived:
        return tag("p", "You can read this channel and not write in it.", class_="write off")
    words = f"Message #{look.channel.name}"
    box = tag("input", id="write", placeholder=words, aria_label=words, autocomplete="off")
    return tag("div", box, class_="write")


def _messages(look: Look, channel: Channel) -> Iterator[Html]:
    found = visible(channel, look.person.id)
    for message in found:
        if not message.thread or message.thread == message.ts:
            replies = [each for each in found if each.thread == message.ts != each.ts]
            yield _message(look, message, replies)


def _message(look: Look, message: Message, replies: list[Message]) -> Html:
    author = look.workspace.people.get(message.user)
    name = author.real_name if author else message.user
    colour = sum(map(ord, message.user)) % _COLOURS
    only = tag("p", "Only visible to you", class_="only") if message.only_for else Html("")
    head = tag(
        "p",
        tag("b", name),
        tag("span", _sort(author).strip(" ·"), class_="badge") if author else "",
        tag("time", _clock(message.ts)),
        class_="author",
    )
    body = tag("div", only, head, *_body(look, message), _reactions(message),
               _thread(look, replies), class_="body")  # fmt: skip
    avatar = tag("span", name[:1], class_=f"avatar c{colour}", aria_hidden="true")
    kind = " ephemeral" if message.only_for else ""
    return tag("article", avatar, body, class_=f"message{kind}", data_ts=message.ts)


def _body(look: Look, message: Message) -> Iterator[Html]:
    if message.blocks:
        for each in message.blocks:
            yield page_blocks.block(each, look.called)
    else:
        yield tag("div", marked(message.text, look.called))
    if message.is_marked:
        times = len(message.versions) - 1
        yield tag("span", "(edited)", class_="edited", title=f"changed {times} times")


def _reactions(message: Message) -> Html:
    chips = (
        tag("span", f"{EMOJI.get(name, f':{name}:')} {len(who)}", class_="chip")
        for name, who in message.reactions.items()
    )
    tools = (
        tag("button", EMOJI[name], type="button", data_react=name, aria_label=f"React: {name}")
        for name in ("white_check_mark", "eyes", "pushpin")
    )
    bar = Html("") if message.only_for else tag("div", *tools, class_="tools")
    row = tag("p", *chips, class_="reactions") if message.reactions else Html("")
    return join(row, bar)


def _thread(look: Look, replies: list[Message]) -> Html:
    if not replies:
        return Html("")
    count = f"{len(replies)} repl{'ies' if len(replies) > 1 else 'y'}"
    shown = (_message(look, each, []) for each in replies)
    return tag("details", tag("summary", count), *shown, class_="thread", open=True)


def _clock(ts: str) -> str:
    return f"{datetime.fromtimestamp(float(ts), UTC):%H:%M:%S} UTC"


def _modal(look: Look) -> Html:
    view = look.workspace.modal(look.person.id)
    if view is None:
        return tag("dialog", id="modal")
    # The page keeps what was typed for as long as the key stays the same.
    key = f"{view.id} {view.hash} {sorted(view.errors.items())}"
    parts = (_part(look, view, each) for each in view.body["blocks"])
    title = text_object(view.body["title"], look.called)
    return tag(
        "dialog",
        tag(
            "form",
            tag("h2", title),
            *_trouble(view),
            *parts,
            _buttons(look, view),
            method="dialog",
        ),
        id="modal",
        data_key=key,
        data_view=view.id,
        aria_label=view.body["title"]["text"],
    )


def _trouble(view: View) -> Iterator[Html]:
    if "" in view.errors:
        yield tag("p", f"⚠ {view.errors['']}", class_="error", role="alert")


def _buttons(look: Look, view: View) -> Html:
    close = view.body.get("close") or {"type": "plain_text", "text": "Cancel"}
    parts = [tag("button", text_object(close, look.called), type="button", class_="button close")]
    if "submit" in view.body:
        label = text_object(view.body["submit"], look.called)
        parts.append(tag("button", label, type="button", class_="button primary submit"))
    return tag("div", *parts, class_="buttons")


def _part(look: Look, view: View, given: dict[str, Any]) -> Html:
    if given["type"] != "input":
        return page_blocks.block(given, look.called)
    optional = tag("small", " (optional)") if given.get("optional") else Html("")
    hint = given.get("hint")
    extra = [tag("small", text_object(hint, look.called), class_="hint")] if hint else []
    error = view.errors.get(given["block_id"])
    wrong = [tag("small", error, class_="error", role="alert")] if error else []
    label = text_object(given["label"], look.called)
    field = _field(look, given["element"], needed=not given.get("optional"))
    return tag("label", tag("b", label, optional), field, *extra, *wrong, class_="field")


def _field(look: Look, given: dict[str, Any], *, needed: bool) -> Html:
    name = {"data_input": given["action_id"], "required": needed}
    if given["type"] == "plain_text_input":
        holder = given.get("placeholder", {}).get("text", "")
        start = given.get("initial_value", "")
        sizes = {
            "minlength": str(given.get("min_length", 0)),
            "maxlength": str(given.get("max_length", 3000)),
        }
        if given.get("multiline"):
            return tag("textarea", start, placeholder=holder, rows="4", **sizes, **name)
        return tag("input", value=start, placeholder=holder, **sizes, **name)
    if given["type"] == "users_select":
        people = (each for each in look.workspace.people.values() if each.active)
        offered = [tag("option", each.real_name, value=each.id) for each in people]
    else:
        offered = page_blocks.options(given, look.called)
    return tag("select", tag("option", "Choose …", value=""), *offered, **name)


def nothing_here(words: str) -> str:
    """Return a page that says why there is none."""
    return "<!doctype html>" + join(tag("title", words), tag("p", words))
