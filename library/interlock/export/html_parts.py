"""Small pieces that every section of an exported page is made of."""

from collections.abc import Sequence
from datetime import datetime

from interlock.export.markup import Child, Html, tag
from interlock.export.model import GLYPHS, Tone


def section(name: str, title: str, *children: Child, **attributes: str) -> Html:
    """Return a section with its heading, which names it for those who cannot see it."""
    heading = tag("h2", title, id=f"{name}-title")
    named = {"id": name, "aria_labelledby": f"{name}-title", **attributes}
    return tag("section", heading, *children, **named)


def cited(events: Sequence[str]) -> Child:
    """Return citations that lead to their place in the timeline."""
    links = [tag("a", f"[#{event}]", href=f"#{place(event)}") for event in events]
    return tag("span", links, class_="cited") if events else None


def place(event: str) -> str:
    """Return the anchor of an event in the page."""
    return f"e{event.replace('?', 'x')}"


def anchor(name: str) -> str:
    """Return the anchor of an approval in the page."""
    return "approval-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:80]


def sign(tone: Tone) -> Html:
    """Return how something reads at a glance, as a sign and as a word."""
    word = "" if tone is Tone.PLAIN else str(tone)
    return tag(
        "span",
        tag("span", GLYPHS[tone], aria_hidden="true", class_="glyph"),
        tag("span", word, class_="word") if word else None,
        class_=f"sign {tone}",
    )


def instant(when: datetime, text: str) -> Html:
    """Return a moment as text that a script can show in another zone."""
    return tag("time", text, datetime=when.isoformat())
