"""A narrative view as text that a person edits: strict, so that nothing typed is lost silently.

    version: 2
    hide: runs, approvals
    ## Detection
    - #12
      The alert fired and nobody looked.

A line is `version:` with the version that it was made from, `hide:` with words, both before all
else; `## ` with a heading, `- #` with an event's number, text that is
indented by two blanks and belongs to the line above it, empty, or begins with `//` and is left
out. Anything else is an error with its line number.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.errors import InterlockError, UsageError
from interlock.export.entries import HIDEABLE

_EVENT = re.compile(r"- #([1-9][0-9]{0,14})\s*\Z")
_HEADING = re.compile(r"## (\S.*)\Z")
_VERSION = re.compile(r"version:\s*(0|[1-9][0-9]{0,8})\s*\Z")
_HIDE = re.compile(r"hide:(.*)\Z")
_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What some programs take for the end of a line, and others do not."""

HOW = """\
// One line a thing: "## Heading", "- #12" for an event, and two blanks before your words
// about the line above. Move lines to change the order. "hide: runs, approvals" leaves out
// sections; "hide: timeline" leaves out events that you do not pick. Lines with // count not.
"""


@dataclass(frozen=True, slots=True)
class Form:
    """What a person typed: items as the API takes them, what is hidden, and over which version."""

    items: tuple[Mapping[str, Any], ...]
    hide: tuple[str, ...] = ()
    base: int = 0


@dataclass(slots=True)
class _Reading:
    items: list[dict[str, Any]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    hide: list[str] = field(default_factory=list)
    base: int | None = None


def written(form: Form) -> Iterator[str]:
    """Return a view as the lines that `read` reads back to the same."""
    yield f"version: {form.base}"
    if form.hide:
        yield f"hide: {', '.join(form.hide)}"
    for item in form.items:
        heading = str(item.get("heading", ""))
        yield f"## {heading}" if heading else f"- #{item['event']}"
        lines = str(item.get("text", "")).split("\n") if item.get("text") else []
        yield from (f"  {line}" if line.strip() else "" for line in lines)


def read(text: str) -> Form:
    """Return what a person means by `text`.

    Raises:
        UsageError: a line is none of those, or there is no item; it names the line.
    """
    found = _Reading()
    for number, line in enumerate(_BREAKS.sub("\n", text).split("\n"), start=1):
        _take(found, number, line.rstrip())
    if not found.items:
        raise UsageError("There is no heading and no event in it.", help='Write "- #12".')
    items = [_whole(item, lines) for item, lines in zip(found.items, found.texts, strict=True)]
    return Form(tuple(items), tuple(dict.fromkeys(found.hide)), found.base or 0)


def _take(found: _Reading, number: int, line: str) -> None:
    if line.startswith("//"):
        return
    if not line or line.startswith("  "):
        _words(found, number, line)
    elif event := _EVENT.match(line):
        _add(found, number, event=int(event[1]))
    elif heading := _HEADING.match(line):
        _add(found, number, heading=heading[1].strip())
    elif (version := _VERSION.match(line)) and not found.items and found.base is None:
        found.base = int(version[1])
    elif (hide := _HIDE.match(line)) and not found.items:
        found.hide += _hidden(number, hide[1])
    else:
        raise _wrong(number, f"{line[:60]!r} is none of: ## heading, - #12, two blanks and words")


def _words(found: _Reading, number: int, line: str) -> None:
    if found.items:
        found.texts[-1].append(line[2:])
    elif line:
        raise _wrong(number, "these words stand below no heading and no event")


def _add(found: _Reading, number: int, **item: Any) -> None:
    if item in found.items and "event" in item:
        raise _wrong(number, f"#{item['event']} stands in it twice")
    found.items.append(item)
    found.texts.append([])


def _hidden(number: int, words: str) -> list[str]:
    named = [word for word in re.split(r"[\s,]+", words) if word]
    unknown = [word for word in named if word not in HIDEABLE]
    if unknown:
        raise _wrong(number, f"{unknown[0][:40]!r} is none of: {', '.join(HIDEABLE)}")
    return named


def _whole(item: Mapping[str, Any], lines: Sequence[str]) -> Mapping[str, Any]:
    text = "\n".join(lines).strip("\n")
    return {**item, "text": text} if text.strip() else item


def _wrong(number: int, why: str) -> InterlockError:
    return UsageError(f"line {number}: {why}.", help="Mend that line and save again.")
