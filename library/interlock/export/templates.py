"""Templates of a Markdown export: headings and text of a team's own around named sections.

A template is a Markdown file. In it

* `{{ section NAME }}`, alone on a line, is replaced by a section of `NAMES`,
* `{{ when NAME }}` … `{{ end }}` keeps the lines between only if that section says something,
  `{{ unless NAME }}` … `{{ end }}` only if it says nothing,
* `{{ WORD }}` within a line is replaced by one of `WORDS`, escaped like all data.

There is nothing else: no expression, no attribute, no loop, no include. A template is read whole
before anything is written; what it says wrongly is refused with its line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from interlock.errors import UsageError

NAMES: Mapping[str, str] = {
    "about": "what the record is, what is missing, cut or left out; every template has it",
    "glance": "the incident in a few sentences",
    "facts": "severity, state, commander, from when to when",
    "numbers": "how long it took to find, decide, repair; how many runs, queries, refusals",
    "phases": "the stretches between declared and closed",
    "people": "who took part, in which role, and what they did",
    "findings": "what the runs found to be bad",
    "resolution": "what ended it",
    "view": "what happened, as a narrative view tells it",
    "milestones": "what people marked: detected, mitigated, resolved and so on",
    "pins": "the events that people pinned",
    "decisions": "what was decided, among which options, and why",
    "hypotheses": "what people thought was wrong, for and against, dead ends too",
    "questions": "what was asked, and what was answered",
    "timeline": "everything that happened, in order",
    "approvals": "each approval request with its votes, preview, result",
    "refused": "what was refused, by which line",
    "runs": "each run with its statements and answers",
    "other": "whatever backs entries that belong to no run and no approval",
    "followups": "what is owed, and what the record suggests",
    "audit": "each event with its indexes, times, policy digests and commitments",
}
"""Every section, and what it holds."""

WORDS = ("id", "title", "severity", "state", "commander", "declared", "closed", "lasted")
"""What a template may say within a line."""

MAX_CHARACTERS = 60_000
MAX_LINES = 2_000
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DIRECTIVE = re.compile(r"\s*\{\{\s*(section|when|unless|end)(?:\s+([a-z]+))?\s*\}\}\s*")
_WORD = re.compile(r"\{\{\s*([a-z]+)\s*\}\}")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKUP = re.compile(r"<[A-Za-z/!?]")
_AROUND = re.compile(r"""(?:^|[\s(“"'*|])\{\{[^{}]*\}\}(?=$|[\s).,;:!?”"'*|])""")
_UNSAFE_BESIDE = re.compile(r"[`<$\\]|\]\(|\]:|:\S+:")


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the template's own; the odd ones of `pieces` are words to be filled in."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A place where a section goes."""

    name: str


@dataclass(frozen=True, slots=True)
class Only:
    """Lines that stay only if a section says something, or, `unless`, nothing."""

    name: str
    unless: bool
    parts: tuple[Said | Section, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read and found right."""

    name: str
    parts: tuple[Said | Section | Only, ...]

    def sections(self) -> tuple[str, ...]:
        """Return the names of its sections, in order."""
        flat = (
            p for part in self.parts for p in (part.parts if isinstance(part, Only) else [part])
        )
        return tuple(part.name for part in flat if isinstance(part, Section))


SHIPPED = ("own", "sre", "pagerduty")
"""The templates that come with Interlock; the first one is used when none is named."""


def shipped(name: str) -> Template:
    """Return one of `SHIPPED`."""
    text = files("interlock.export").joinpath("templates", f"{name}.md").read_text("utf-8")
    return parse(text, name)


def is_name(name: str) -> bool:
    """Tell whether a template could be called so: it becomes part of a file's name."""
    return bool(_NAME.fullmatch(name))


def no_template(name: str, known: Iterator[str] | tuple[str, ...]) -> UsageError:
    """Return the refusal of a template that is not there."""
    return UsageError(
        f"There is no template {name!r}.",
        code="bad-request",
        help=f"Choose one of: {', '.join(known)}; a team's own is exports/NAME.md in the home.",
    )


def parse(text: str, name: str) -> Template:
    """Return the template that `text` is.

    Args:
        text: the whole file.
        name: what the file is called, without its suffix.

    Raises:
        UsageError: it is too long, or a line is wrong; the message names file and line.
    """
    file = f"exports/{name}.md"
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if len(text) > MAX_CHARACTERS or len(lines) > MAX_LINES:
        limit = f"{MAX_LINES:,} lines and {MAX_CHARACTERS:,} characters"
        raise UsageError(
            f"{file} is longer than {limit}.", code="template-invalid", help=_WRITE_LESS
        )
    reader = _Reader(file)
    for number, line in enumerate(lines, start=1):
        reader.take(number, line)
    return Template(name, reader.done(len(lines)))


_WRITE_LESS = "A template holds headings and short texts; write the postmortem in its own file."


@dataclass(slots=True)
class _Reader:
    """Takes a template line by line."""

    file: str
    parts: list[Said | Section | Only] = field(default_factory=list)
    inner: list[Said | Section] = field(default_factory=list)
    opened: tuple[int, str, bool] | None = None
    fence: str = ""
    used: dict[str, int] = field(default_factory=dict)

    def take(self, number: int, line: str) -> None:
        directive = _DIRECTIVE.fullmatch(line)
        if directive is None:
            self._said(number, line)
        elif self.fence:
            raise self.wrong(number, "Nothing is filled in within a code block.")
        else:
            self._directive(number, directive[1], directive[2] or "")

    def done(self, last: int) -> tuple[Said | Section | Only, ...]:
        if self.opened:
            raise self.wrong(self.opened[0], "This has no {{ end }}.")
        if self.fence:
            raise self.wrong(last, "A code block is not closed; it would swallow what follows.")
        if "about" not in self.used:
            said = "There is no {{ section about }}: it tells readers what is missing and cut."
            raise self.wrong(last, said)
        return tuple(self.parts)

    def wrong(self, number: int, what: str) -> UsageError:
        help_text = f"Change line {number} of {self.file}; docs/exports.md describes templates."
        return UsageError(
            f"{self.file}, line {number}: {what}", code="template-invalid", help=help_text
        )

    def _add(self, part: Said | Section) -> None:
        (self.inner if self.opened else self.parts).append(part)

    def _directive(self, number: int, word: str, name: str) -> None:
        if (word == "end") != (not name):
            raise self.wrong(number, f"It is {{{{ end }}}}, or {{{{ {word} NAME }}}}.")
        if word == "end":
            self._close(number)
            return
        if name not in NAMES:
            known = ", ".join(NAMES)
            raise self.wrong(number, f"There is no section {name!r}. Sections are {known}.")
        if word == "section":
            self._section(number, name)
        elif self.opened:
            raise self.wrong(number, f"Line {self.opened[0]} has no {{{{ end }}}} yet.")
        else:
            self.opened = (number, name, word == "unless")

    def _section(self, number: int, name: str) -> None:
        if name in self.used:
            raise self.wrong(number, f"Section {name} stands in line {self.used[name]} already.")
        if name == "about" and self.opened:
            raise self.wrong(
                number, "Section about stands outside of {{ when }} and {{ unless }}."
            )
        self.used[name] = number
        self._add(Section(name))

    def _close(self, number: int) -> None:
        if self.opened is None:
            raise self.wrong(number, "Nothing is open here.")
        _, name, unless = self.opened
        self.parts.append(Only(name, unless, tuple(self.inner)))
        self.opened, self.inner = None, []

    def _said(self, number: int, line: str) -> None:
        fence = _FENCE.match(line)
        if fence and not self.fence:
            self.fence = fence[1]
        elif fence and fence[1].startswith(self.fence) and not line[fence.end() :].strip():
            self.fence = ""
        if not self.fence and _MARKUP.search(line):
            raise self.wrong(number, "HTML is not used: half of the tools show it as text.")
        pieces = tuple(_WORD.split(line))
        self._check_words(number, line, pieces)
        self._add(Said(pieces))

    def _check_words(self, number: int, line: str, pieces: tuple[str, ...]) -> None:
        for word in pieces[1::2]:
            if word not in WORDS:
                raise self.wrong(
                    number, f"There is no word {word!r}. Words are {', '.join(WORDS)}."
                )
        own = "".join(pieces[::2])
        if "{{" in own or "}}" in own:
            raise self.wrong(number, "{{ and }} surround a word, or stand alone with a section.")
        if len(pieces) == 1:
            return
        if self.fence or line.startswith(("    ", "\t")):
            raise self.wrong(number, "Nothing is filled in within a code block.")
        # What is filled in is escaped for running text; beside these it would be something else.
        if _UNSAFE_BESIDE.search(own) or len(_AROUND.findall(line)) != len(pieces) // 2:
            said = "A word stands between spaces or punctuation, in a line without code or links."
            raise self.wrong(number, said)
