"""What the API takes of people's own entries; events are named by the numbers of the timeline."""

from typing import Annotated

from pydantic import Field

from interlock_gateway.core.ledger import When
from interlock_gateway.web.bodies import Body, Moment, Short, Text, Title
from interlock_gateway.web.said import SAID

Sequence = Annotated[int, Field(ge=1, lt=2**53)]
Sequences = Annotated[tuple[Sequence, ...], Field(max_length=50)]
Named = Annotated[int, Field(ge=0, lt=2**53)]
Accuracy = Annotated[int, Field(ge=1, le=86_400)]


class Dated(Body):
    """An entry that may be about an earlier moment: `time`, give or take `accuracy_s` seconds."""

    time: Moment | None = None
    accuracy_s: Accuracy = 1

    @property
    def when(self) -> When | None:
        """When it happened, or None for now."""
        return None if self.time is None else When(self.time, self.accuracy_s)


class Note(Dated):
    """A person's note; what it answers, corrects and points at, by number; 0 for nothing."""

    text: Text
    kind: Short = "observation"
    answers: Named = 0
    corrects: Named = 0
    evidence: Sequences = ()


class NewHypothesis(Dated):
    """What somebody thinks is wrong."""

    text: Text
    confidence: Short = "low"
    evidence: Sequences = ()


class HypothesisUpdate(Dated):
    """What was learnt about it: events for and against, words, another confidence."""

    text: Text = ""
    speaks_for: Annotated[tuple[Sequence, ...], Field(max_length=50, alias="for")] = ()
    against: Sequences = ()
    confidence: Short = ""


class HypothesisEnd(Body):
    """How it ends, why, and what takes its place."""

    outcome: Short
    reason: Text
    by: Short = ""
    evidence: Sequences = ()


class NewDecision(Dated):
    """A choice, the options it was made among, the reason, who decided."""

    choice: Text
    options: Annotated[tuple[Text, ...], Field(max_length=20), SAID] = ()
    reason: Text = ""
    by: Short = ""
    evidence: Sequences = ()


class NewFollowUp(Body):
    """What is to be done later, by whom, until which day."""

    text: Text
    owner: Short = ""
    due: Short = ""
    evidence: Sequences = ()


class NewMilestone(Dated):
    """A milestone on an event, or at a time."""

    milestone: Short
    event: Named = 0
    text: Text = ""


class NewPin(Body):
    """An event to pin, or to unpin, and why."""

    event: Sequence
    text: Text = ""


class ViewItem(Body):
    """An event, or a heading, and what the author says of it."""

    event: Named = 0
    heading: Title = ""
    text: Text = ""


class NewView(Body):
    """A whole view; `base` is the version that it was made from, 0 for a new one."""

    base: Annotated[int, Field(ge=0, lt=2**31)] = 0
    items: Annotated[list[ViewItem], Field(max_length=500)]
    hide: Annotated[tuple[Short, ...], Field(max_length=20)] = ()
