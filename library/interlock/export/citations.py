"""The sentences of a document against the record: which are cited, and does that still hold.

A citation is `[#12]`: event 12 of the incident. Whether a sentence says what its event says is
for a person to judge; what is checked is whether it cites anything, whether that event is there,
whether its content was destroyed, and whether something later says more about the same.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from interlock.export.fold import STEP_ENDS
from interlock.export.model import Entry
from interlock.export.reading import Reading
from interlock.export.regions import Region, regions
from interlock.export.text import shown

_CITATION = re.compile(r"\[#(\d{1,18})\]")
_DIGITS = 19
_MARK = re.compile(r"\s*<!-- interlock:(?:begin|end)\b[^>]*-->\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"[\s|:*_=+-]*")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_TO_WRITE = re.compile(r"✎ ")
# A sentence ends at a mark and a space; a citation right behind the mark still belongs to it.
_END = re.compile(
    r"(?<=[.!?])\s+(?!`?\[#)(?=[^\sa-z])|(?<=\d\]`)\s+(?=[A-Z])|(?<=\d\])\s+(?=[A-Z])"
)


class State(StrEnum):
    """How a sentence stands to the record, the worst first."""

    MISSING = "cites an event that is not there"
    REDACTED = "cites an event whose content was destroyed"
    STALE = "cites an event about which a later one says more"
    UNVERIFIED = "unverified"
    EXPORTED = "uncited, in a region that nobody edited by hand"
    CITED = "cited"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a document.

    Attributes:
        line: where it begins, from 1.
        cites: the events it cites.
        state: how it stands.
        about: the events that made it so: those missing, those redacted, or the later ones.
    """

    line: int
    text: str
    cites: tuple[str, ...]
    state: State
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A document after it was checked.

    Attributes:
        until: the last event that all regions of the document know; None without a region.
        newest: the last event of the record.
    """

    sentences: tuple[Sentence, ...]
    until: int | None
    newest: int

    def having(self, state: State) -> tuple[Sentence, ...]:
        """Return the sentences that stand so."""
        return tuple(sentence for sentence in self.sentences if sentence.state is state)


def check(document: str, entries: Sequence[Entry]) -> Checked:
    """Return how each sentence of a Markdown document stands to the record.

    Headings, code blocks and places that are still to be written are no sentences. A row of a
    table and an item of a list are one each. That a region is as it was exported is known by its
    digest, which anybody can compute: it shows an accident, and not who forged one.

    Args:
        document: the Markdown.
        entries: the whole timeline of the incident, in any order.

    Raises:
        UsageError: the marks of the document's regions are damaged; the message names the line.
    """
    record = _Record([Reading(entry, place) for place, entry in enumerate(entries)])
    found = regions(document, "the document")
    whole = {n for region in found if not region.edited for n in range(region.begin, region.end)}
    until = min(filter(None, map(_until, found)), default=None)
    # Without a region: whoever cites an event knew all before it.
    known = max(map(int, _CITATION.findall(document)), default=0) if until is None else until
    told = [
        _exported(record.judged(line, text, known), whole)
        for line, text in _sentences(document.split("\n"))
    ]
    return Checked(tuple(told), until, record.newest)


def _until(region: Region) -> int | None:
    said = region.facts.get("until", "")
    return int(said) if said.isdecimal() and said.isascii() and len(said) < _DIGITS else None


def _exported(sentence: Sentence, whole: Collection[int]) -> Sentence:
    uncited = sentence.state is State.UNVERIFIED and sentence.line in whole
    return replace(sentence, state=State.EXPORTED) if uncited else sentence


class _Record:
    """What a document is checked against."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        numbered = [reading for reading in readings if not reading.cite.startswith("?")]
        self._by_cite = {reading.cite: reading for reading in numbered}
        self._telling: dict[str, list[int]] = {}
        self._correcting: dict[str, list[int]] = {}
        for reading in numbered:
            for subject in _tells_of(reading):
                self._telling.setdefault(subject, []).append(int(reading.cite))
            for event in _corrects(reading):
                self._correcting.setdefault(event, []).append(int(reading.cite))
        self.newest = max((int(reading.cite) for reading in numbered), default=0)

    def judged(self, line: int, text: str, known: int) -> Sentence:
        """Return a sentence with how it stands; `known` is the last event its author knew."""
        cites = tuple(dict.fromkeys(str(int(cite)) for cite in _CITATION.findall(text)))
        state, about = self._state(cites, known)
        return Sentence(line, text, cites, state, about)

    def _state(self, cites: tuple[str, ...], known: int) -> tuple[State, tuple[str, ...]]:
        if not cites:
            return State.UNVERIFIED, ()
        missing = tuple(cite for cite in cites if cite not in self._by_cite)
        if missing:
            return State.MISSING, missing
        redacted = tuple(cite for cite in cites if _is_redacted(self._by_cite[cite]))
        if redacted:
            return State.REDACTED, redacted
        later = self._later(cites, known)
        return (State.STALE, later) if later else (State.CITED, ())

    def _later(self, cites: tuple[str, ...], known: int) -> tuple[str, ...]:
        """Return later events about the same, and whatever corrects what is cited.

        A correction counts however old it is: it says that the event itself is wrong.
        """
        found: set[int] = set()
        for cite in cites:
            own = self._by_cite[cite]
            for name in (cite, shown(own.event.get("id"))):
                found.update(self._correcting.get(name, ()))
            for subject in _is_about(own):
                found.update(n for n in self._telling.get(subject, ()) if n > known)
        return tuple(str(number) for number in sorted(found) if str(number) not in cites)


_SUBJECTS = ("approval", "plan", "followup", "hypothesis")
_ONE_STATE: Mapping[str, str] = {
    "incident.declared": "severity",
    "incident.severity_changed": "severity",
    "incident.closed": "end",
    "incident.reopened": "end",
    "incident.handover": "lead",
}
"""Kinds of which the last one holds: a sentence about an earlier one may have become wrong."""
_MOST_ATTEMPTS = 100


def _is_about(reading: Reading) -> Iterator[str]:
    """Yield what a sentence about this event is about."""
    yield from (f"{key}:{word}" for key in _SUBJECTS if (word := reading.word(key)))
    about = reading.subject
    if about.step:
        yield f"step:{about.run}:{about.step}:{about.attempt}"
    if reading.type in _ONE_STATE:
        yield f"state:{_ONE_STATE[reading.type]}"


def _tells_of(reading: Reading) -> Iterator[str]:
    """Yield what this event says more about: a later attempt of all those before it."""
    about = reading.subject
    if reading.type in STEP_ENDS and about.attempt.isdecimal():
        for attempt in range(1, min(int(about.attempt[:9]), _MOST_ATTEMPTS)):
            yield f"step:{about.run}:{about.step}:{attempt}"
    yield from (subject for subject in _is_about(reading) if not subject.startswith("step:"))


def _corrects(reading: Reading) -> Iterator[str]:
    """Yield the event that this one says is wrong or was changed at its source."""
    if reading.type in _CORRECTIONS or reading.word("corrects"):
        yield from filter(None, (reading.word(key) for key in ("corrects", "event", "note")))


_CORRECTIONS = frozenset({"note.correction", "note.edited", "note.source_deleted"})


def _is_redacted(reading: Reading) -> bool:
    return any(absence.redacted for absence in reading.absences())


# --- sentences ---------------------------------------------------------------------------------


def _sentences(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    for first, block in _blocks(lines):
        at, text = 0, " ".join(line.strip() for line in block)
        starts = _starts(block)
        for sentence in _split(text):
            place = text.index(sentence, at)
            at = place + len(sentence)
            number = first + bisect_right(starts, place) - 1
            if _says_something(sentence):
                yield number, sentence


def _split(text: str) -> list[str]:
    return [sentence for sentence in _END.split(text) if sentence.strip()]


def _starts(block: Sequence[str]) -> list[int]:
    """Return where each line begins in the text that the block is joined to."""
    starts, at = [], 0
    for line in block:
        starts.append(at)
        at += len(line.strip()) + 1
    return starts


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each paragraph, item, row and quotation with the number of its first line."""
    fence, first = "", 0
    block: list[str] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r")
        mark = _FENCE.match(line)
        if fence or mark:
            fence = _fence_after(fence, mark, line)
            line = ""
        if _DIVIDER.fullmatch(line):
            block = []  # what stands above is the head of a table
            continue
        alone = _is_alone(line)
        if (alone or not line.strip()) and block:
            yield first, block
            block = []
        if not line.strip() or _HEADING.match(line) or _MARK.fullmatch(line):
            continue
        if not block:
            first = number
        block.append(line)
    if block:
        yield first, block


def _fence_after(fence: str, mark: "re.Match[str] | None", line: str) -> str:
    if not fence:
        return mark[1] if mark else ""
    closes = mark is not None and mark[1].startswith(fence) and not line[mark.end() :].strip()
    return "" if closes else fence


_DIVIDER = re.compile(r"\s*\|(?:\s*:?-+:?\s*\|)+\s*")
_ITEM = re.compile(r"\s*(?:>\s*)*(?:[-*+]|\d+[.)])\s")


def _is_alone(line: str) -> bool:
    """Tell whether a line begins a sentence of its own, whatever stands above it."""
    row = line.lstrip().startswith("|")
    return bool(row or _ITEM.match(line) or _HEADING.match(line) or _MARK.fullmatch(line))


def _says_something(text: str) -> bool:
    return not _RULE.fullmatch(text) and not _TO_WRITE.search(text)


def as_json(checked: Checked) -> dict[str, Any]:
    """Return the outcome as plain values, for `--json`."""
    return {
        "until": checked.until,
        "newest": checked.newest,
        "sentences": [
            {
                "line": one.line,
                "text": one.text,
                "cites": list(one.cites),
                "state": one.state.value,
                "about": list(one.about),
            }
            for one in checked.sentences
        ],
    }
