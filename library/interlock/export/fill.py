"""Sections put where a template wants them, with marks around them where that was asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from interlock.export.clock import Clock
from interlock.export.markdown_text import cell, prose
from interlock.export.markdown_top import told_shortly
from interlock.export.model import Postmortem
from interlock.export.regions import marked
from interlock.export.templates import Only, Said, Section, Template
from interlock.export.text import duration

_NEVER_MISSED = frozenset({"about", "glance", "facts", "numbers", "phases", "findings"})
"""Sections that say again what the others hold; a template without them leaves out nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a template is filled with.

    Attributes:
        said: section → its lines; none where it has nothing to say.
        template: the name of the template, for the marks.
        marked: whether each section stands between marks.
    """

    postmortem: Postmortem
    when: Clock
    said: Mapping[str, Sequence[str]]
    template: str
    marked: bool


def fill(page: Page, template: Template) -> list[str]:
    """Return the lines of the whole document."""
    left = _left_out(page, template)
    out: list[str] = []
    for part in template.parts:
        match part:
            case Only(name, unless, parts):
                if _stays(page, name, unless=unless):
                    for inner in parts:
                        _put(out, _lines(page, inner, left))
            case Said() | Section():
                _put(out, _lines(page, part, left))
            case _:
                assert_never(part)
    if page.said["audit"] and "audit" not in template.sections():
        _put(out, ["", "## For the auditor", "", *_section(page, "audit", ()), ""])
    return out


def _stays(page: Page, name: str, *, unless: bool) -> bool:
    """Tell whether guarded lines stay; in a file that is written again, sections have a place."""
    if page.marked and name != "audit":
        return not unless
    return bool(page.said[name]) != unless


def only(page: Page, sections: Sequence[str]) -> list[str]:
    """Return these sections alone, with a line that says what they are a part of."""
    out: list[str] = []
    if "about" not in sections and not page.marked:
        out += [f"> {prose(told_shortly(page.postmortem))}", ""]
    for name in sections:
        _put(out, [*_section(page, name, ()), ""])
    return out


def _put(out: list[str], lines: Iterable[str]) -> None:
    """Add lines; an empty one only where there is none yet."""
    found = list(lines)
    if len(found) > 1 or found != [""] or (out and out[-1]):
        out += found


def _lines(page: Page, part: Said | Section, left: Sequence[str]) -> list[str]:
    match part:
        case Section(name):
            return _section(page, name, left)
        case Said(pieces):
            return [_said(page, pieces)]
        case _:
            assert_never(part)


def _section(page: Page, name: str, left: Sequence[str]) -> list[str]:
    lines = list(page.said[name])
    if name == "about" and left:
        lines.append(f"> - **Not in this template:** {', '.join(left)}")
    if not page.marked:
        return lines
    pm = page.postmortem
    facts = {
        "section": name,
        "incident": pm.id,
        "template": page.template,
        "profile": pm.profile,
        "zone": page.when.name,
        "until": _until(pm),
    }
    return marked(facts, lines or ["Nothing was recorded."])


def _until(pm: Postmortem) -> str:
    numbered = [int(e) for m in pm.moments for e in m.events if e.isdecimal()]
    return str(max(numbered, default=0))


def _left_out(page: Page, template: Template) -> tuple[str, ...]:
    has = {*template.sections(), *_NEVER_MISSED, "audit"}
    return tuple(name for name, lines in page.said.items() if lines and name not in has)


def _said(page: Page, pieces: Sequence[str]) -> str:
    words = _words(page)
    escape = cell if pieces[0].lstrip().startswith("|") else prose
    filled = [escape(words[p], 300) if place % 2 else p for place, p in enumerate(pieces)]
    return "".join(filled)


def _words(page: Page) -> dict[str, str]:
    pm, when = page.postmortem, page.when
    lasted = duration((pm.end - pm.start).total_seconds()) if pm.start and pm.end else "—"
    return {
        "id": pm.id or "?",
        "title": pm.title or ("(title left out)" if pm.profile == "external" else "untitled"),
        "severity": pm.severity or "—",
        "state": pm.state or "—",
        "commander": pm.commander or "—",
        "declared": when.stamp(pm.start),
        "closed": when.stamp(pm.end) if pm.end else "not closed",
        "lasted": lasted,
    }
