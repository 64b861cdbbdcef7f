"""What people kept account of, gathered from all the events that tell of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from interlock.export.entries import (
    Asked,
    Decided,
    Hypothesis,
    Ledger,
    Marked,
    Move,
    Pinned,
)
from interlock.export.links import TITLES, cited_by
from interlock.export.reading import Absent, Reading

Cites = Mapping[str, str]


def ledger_of(readings: Sequence[Reading]) -> Ledger:
    """Return hypotheses, decisions, questions, milestones and pins, each as they began."""
    cites = {str(r.event.get("id")): r.cite for r in readings if r.event.get("id")}
    return Ledger(
        hypotheses=_hypotheses(readings, cites),
        decisions=tuple(_decided(r, cites) for r in readings if r.type == "note.decision"),
        questions=_questions(readings, cites),
        milestones=_milestones(readings, cites),
        pins=_pins(readings, cites),
    )


def open_questions(ledger: Ledger) -> list[Asked]:
    """Return the questions that nobody has answered."""
    return [asked for asked in ledger.questions if not asked.answers]


# --- hypotheses --------------------------------------------------------------------------------

_MOVES = {
    "note.hypothesis_opened": "opened",
    "note.hypothesis_updated": "updated",
    "note.hypothesis_closed": "closed",
}


def _hypotheses(readings: Sequence[Reading], cites: Cites) -> tuple[Hypothesis, ...]:
    by_name: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.type in _MOVES:
            by_name[reading.word("hypothesis") or f"#{reading.cite}"].append(reading)
    return tuple(_hypothesis(name, found, cites) for name, found in by_name.items())


def _hypothesis(name: str, readings: list[Reading], cites: Cites) -> Hypothesis:
    ends = [r for r in readings if r.type == "note.hypothesis_closed"]
    said = [r.word("confidence") for r in readings if r.word("confidence")]
    opened = [r.said("text") for r in readings if r.type == "note.hypothesis_opened"]
    return Hypothesis(
        id=name,
        text=opened[0] if opened else "",
        state=(ends[0].word("outcome") or "closed") if ends else "open",
        confidence=said[-1] if said else "",
        superseded_by=ends[0].word("superseded_by") if ends else "",
        moves=tuple(_move(r, cites) for r in readings),
        events=tuple(r.cite for r in readings),
    )


def _move(reading: Reading, cites: Cites) -> Move:
    kind = _MOVES[reading.type]
    speaks_for = "for" if kind == "updated" else "evidence"
    return Move(
        what=(reading.word("outcome") or kind) if kind == "closed" else kind,
        who=_who(reading),
        time=reading.time,
        text=reading.said("reason" if kind == "closed" else "text"),
        confidence=reading.word("confidence"),
        speaks_for=cited_by(reading, speaks_for, cites),
        against=cited_by(reading, "against", cites),
        event=reading.cite,
    )


# --- decisions and questions -------------------------------------------------------------------


def _decided(reading: Reading, cites: Cites) -> Decided:
    return Decided(
        choice=reading.said("text"),
        options=_options(reading),
        reason=reading.said("reason"),
        by=reading.word("decided_by") or _who(reading),
        time=reading.time,
        evidence=cited_by(reading, "evidence", cites),
        events=(reading.cite,),
    )


def _options(reading: Reading) -> tuple[str, ...]:
    value = reading.value("options")
    return (str(value),) if isinstance(value, Absent) else reading.words("options")


def _questions(readings: Sequence[Reading], cites: Cites) -> tuple[Asked, ...]:
    answers: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if reading.type == "note.answer":
            for cite in cited_by(reading, "answers", cites):
                answers[cite].append(reading)
    asked = (reading for reading in readings if reading.type == "note.question")
    return tuple(_asked(reading, answers[reading.cite]) for reading in asked)


def _asked(reading: Reading, answers: list[Reading]) -> Asked:
    return Asked(
        text=reading.said("text"),
        who=_who(reading),
        answers=tuple((one.said("text"), _who(one), one.cite) for one in answers),
        events=(reading.cite, *(one.cite for one in answers)),
    )


# --- milestones and pins -----------------------------------------------------------------------


def _milestones(readings: Sequence[Reading], cites: Cites) -> tuple[Marked, ...]:
    found = [r for r in readings if r.type.startswith("milestone.")]
    last = {r.type: r.cite for r in found}
    return tuple(_marked(r, cites, last) for r in found)


def _marked(reading: Reading, cites: Cites, last: Mapping[str, str]) -> Marked:
    kind = reading.type.partition(".")[2]
    return Marked(
        kind=kind,
        title=TITLES.get(kind, kind),
        time=reading.time,
        who=_who(reading),
        text=reading.said("text"),
        marks=cites.get(reading.word("marks"), ""),
        counts=kind == "key_moment" or last[reading.type] == reading.cite,
        events=(reading.cite,),
    )


def _pins(readings: Sequence[Reading], cites: Cites) -> tuple[Pinned, ...]:
    pinned: dict[str, Pinned] = {}
    for reading in readings:
        event = cites.get(reading.word("pins"), "")
        if reading.type == "pin.added" and event:
            pinned[event] = Pinned(event, _who(reading), reading.said("text"), (reading.cite,))
        elif reading.type == "pin.removed":
            pinned.pop(event, None)
    return tuple(pinned.values())


def _who(reading: Reading) -> str:
    authid = reading.event.get("authid")
    return authid.rpartition(":")[2] if isinstance(authid, str) else "?"
