"""What a person writes into a timeline: notes, decisions, pins, milestones."""
# ruff: noqa: D417  the options that verbs share are described once, in Access, Points and Form

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from interlock.cli.home import USUAL, Access
from interlock.cli.moments import said
from interlock.cli.page import Json
from interlock.cli.plain import flat
from interlock.cli.world import here
from interlock.client import Call, entries
from interlock.errors import UsageError

Kind = Literal[
    "observation", "decision", "hypothesis", "question", "answer", "surprise", "correction"
]
Milestone = Literal[
    "impact-started",
    "detected",
    "acknowledged",
    "diagnosed",
    "mitigated",
    "resolved",
    "key-moment",
]
_NUMBERS = re.compile(r"\s*#?[1-9]\d{0,14}(?:[\s,]+#?[1-9]\d{0,14})*\s*\Z")


@Parameter(name="*", group="What it is about")
@dataclass(frozen=True, slots=True)
class Points:
    """What an entry has to do with other events, by the numbers that the timeline shows.

    Attributes:
        answers: the question that it answers, such as 12
        corrects: the event that it corrects; that one stays, and is marked
        evidence: events that it points at, such as 12,14
    """

    answers: str = ""
    corrects: str = ""
    evidence: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The fields of a request that say it."""
        one = {"answers": self.answers, "corrects": self.corrects}
        found: dict[str, Any] = {name: number(text) for name, text in one.items() if text}
        return found | ({"evidence": numbers(self.evidence)} if self.evidence else {})


@Parameter(name="*", group="To do later")
@dataclass(frozen=True, slots=True)
class Later:
    """What makes a note a follow-up.

    Attributes:
        todo: it is something to do after the incident
        owner: whom it falls to; you, if nobody is named
        due: until which day, such as 2026-12-01
    """

    todo: Annotated[bool, Parameter(negative="")] = False
    owner: str = ""
    due: str = ""


@Parameter(name="*", group="Why, and by whom")
@dataclass(frozen=True, slots=True)
class Ground:
    """What a decision rests on.

    Attributes:
        because: why this one
        by: who decided, if not you
        evidence: events that it rests on, such as 12,14
    """

    because: str = ""
    by: str = ""
    evidence: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The fields of a request that say it."""
        cited = {"evidence": numbers(self.evidence)} if self.evidence else {}
        return {"reason": self.because, "by": self.by, **cited}


GIVEN = Ground()
ABOUT_NOTHING = Points()
NEVER = Later()


def note(
    incident_id: str,
    text: str,
    /,
    *,
    kind: Kind = "observation",
    at: str = "",
    points: Points = ABOUT_NOTHING,
    later: Later = NEVER,
    access: Access = USUAL,
) -> None:
    """Write a note on an incident's timeline.

    Args:
        text: what you saw, think or decided
        kind: what sort of note it is
        at: when it happened, if not now: 10:42, ~10:40, "yesterday 23:10", 2026-11-23T10:42Z
    """
    if later.todo:
        _to_do(access, incident_id, text, points, later)
        return
    if later.owner or later.due:
        raise UsageError("Only what is to be done has an owner and a day.", help="Add --todo.")
    call = entries.add_note(incident_id, text, kind, moment(at), points.body)
    done = _send(access, call)
    told = "answer" if points.answers else "correction" if points.corrects else kind
    name = f" {done['name']}" if done.get("name") else ""
    here().say(f"✔ Noted on {flat(incident_id)} as {told}{name}{place(done)}.", "good")


def _to_do(access: Access, incident_id: str, text: str, points: Points, later: Later) -> None:
    if points.answers or points.corrects:
        raise UsageError("A follow-up answers and corrects nothing.", help="Leave --todo out.")
    evidence = numbers(points.evidence) if points.evidence else []
    call = entries.open_follow_up(incident_id, text, later.owner, later.due, evidence)
    done = _send(access, call)
    owner = f", owner {flat(later.owner)}" if later.owner else ""
    due = f", due {flat(later.due)}" if later.due else ""
    here().say(f"✔ {flat(done['name'])} is to be done{owner}{due}{place(done)}.", "good")


def decide(
    incident_id: str,
    choice: str,
    /,
    *,
    option: Annotated[list[str] | None, Parameter(negative="")] = None,
    ground: Ground = GIVEN,
    at: str = "",
    access: Access = USUAL,
) -> None:
    """Write down what was decided, among which options, and why.

    Args:
        choice: what is done
        option: what else was considered; say it again for each
        at: when, if not now: 10:42, ~10:40, "yesterday 23:10", 2026-11-23T10:42Z
    """
    decision = {"choice": choice, "options": option or [], **ground.body}
    done = _send(access, entries.decide(incident_id, decision, moment(at)))
    here().say(f"✔ Decided on {flat(incident_id)}{place(done)}.", "good")


def pin(incident_id: str, event: str, why: str = "", /, *, access: Access = USUAL) -> None:
    """Pin an event: what everybody should see first.

    Args:
        event: its number in the timeline, such as 12
        why: what makes it matter
    """
    _send(access, entries.pin(incident_id, number(event), why))
    here().say(f"✔ #{number(event)} is pinned.", "good")


def unpin(incident_id: str, event: str, why: str = "", /, *, access: Access = USUAL) -> None:
    """Take a pin down; the timeline keeps that it was there.

    Args:
        event: its number in the timeline, such as 12
        why: why it matters no more
    """
    _send(access, entries.unpin(incident_id, number(event), why))
    here().say(f"✔ #{number(event)} is not pinned any more.", "good")


def mark(
    incident_id: str,
    milestone: Milestone,
    event: str = "",
    /,
    *,
    because: str = "",
    at: str = "",
    access: Access = USUAL,
) -> None:
    """Mark a milestone on an event, or at a time; the last one of a kind counts.

    Args:
        milestone: which turn of the incident it is; mitigated is the repair
        event: the event's number in the timeline, such as 12
        because: what shows that it was then
        at: a time instead of an event: 10:42, ~10:40, "yesterday 23:10", 2026-11-23T10:42Z
    """
    which = number(event) if event else 0
    done = _send(access, entries.mark(incident_id, milestone, which, because, moment(at)))
    where = f"on #{which}" if which else f"at {flat(at)}"
    here().say(f"✔ Marked {milestone} {where}{place(done)}.", "good")


def numbers(text: str) -> list[int]:
    """Return the events that a person names, such as 12,14.

    Raises:
        UsageError: these are no numbers of events.
    """
    if not _NUMBERS.match(text):
        raise UsageError(
            f"{flat(text)!r} names no event.", help="Write its number: 12, or 12,14 for several."
        )
    return [int(word.lstrip("#")) for word in re.split(r"[\s,]+", text.strip())]


def number(text: str) -> int:
    """Return the one event that a person names.

    Raises:
        UsageError: it is none, or several.
    """
    found = numbers(text)
    if len(found) > 1:
        raise UsageError("This is about one event.", help=f"Write its number: {found[0]}.")
    return found[0]


def moment(text: str) -> entries.Said:
    """Return when something happened, or that it is now."""
    return said(text, here().now()) if text else entries.NOW


def place(done: Json) -> str:
    """Return where in the timeline an entry stands, to say behind what was done."""
    return f", #{done['sequence']}" if done.get("sequence") else ""


def _send(access: Access, call: Call) -> Json:
    with access.connect() as gateway:
        return gateway.send(call)
