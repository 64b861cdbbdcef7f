"""HTML that cannot be broken out of: text is escaped when it enters, never by hand.

Only `Html` is written as it stands, and only this module makes it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from interlock.export.text import capped, visible

_VOID = frozenset({"meta", "img", "br", "hr", "input"})


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that was built here; everything else is text."""

    source: str


Child = str | Html | None | Iterable["Child"]


def tag(name: str, /, *children: Child, **attributes: str) -> Html:
    """Return an element; `class_` stands for `class`, and an attribute of "" is left out.

    Text is made visible and escaped; lists are flattened; None is nothing.
    """
    written = ""
    for key, value in attributes.items():
        if value:
            written += f' {_NAMES.get(key) or _attribute(key)}="{_escaped(value)}"'
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


_NAMES = {"class_": "class", "href": "href", "id": "id"}
"""The attributes of almost every element."""


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def row(cells: Iterable[tuple[str | Html, str]]) -> Html:
    """Return a row of a table: each cell's content and class; tables are most of a long page."""
    return Html(
        "<tr>"
        + "".join(
            [
                f'<td class="{kind}">{_source(content)}</td>'
                if kind
                else f"<td>{_source(content)}</td>"
                for content, kind in cells
            ]
        )
        + "</tr>"
    )


def flag(name: str, attribute: str, /, *children: Child, **attributes: str) -> Html:
    """Return an element that carries a bare attribute, such as an open `details`."""
    made = tag(name, *children, **attributes).source
    return Html(f"<{name} {attribute}{made[len(name) + 1 :]}")


def join(children: Iterable[Child]) -> str:
    """Return the source of all children in order."""
    return "".join([_source(child) for child in children])


def style(css: str) -> Html:
    """Return a style sheet of ours; it is never made from data."""
    return Html(f"<style>{css}</style>")


def script(source: str) -> Html:
    """Return a script of ours; it is never made from data."""
    if any(ending in source.lower() for ending in ("</script", "<script", "<!--")):
        raise ValueError("A script must not hold what ends it.")
    return Html(f"<script>{source}</script>")


def block_of(name: str, json_text: str) -> Html:
    """Return JSON that a script reads: data, which no browser runs and nothing can end."""
    inert = json_text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{name}">{inert}</script>')


def _source(child: Child) -> str:
    if isinstance(child, Html):
        return child.source
    if isinstance(child, str):
        return _escaped(child if len(child) <= MAX_TEXT else capped(child, MAX_TEXT))
    return "" if child is None else join(child)


def _escaped(text: str) -> str:
    if text.isascii() and text.isprintable():
        return escape(text, quote=True) if _SPECIAL.search(text) else text
    return escape(visible(text), quote=True)


_SPECIAL = re.compile("[&<>\"']")


MAX_TEXT = 60_000
"""Characters of one text in a page, whatever its caller allowed."""
