"""What people's own entries in a timeline may say: kinds of notes, hypotheses, milestones.

Source for the milestones: the phases of an incident in NIST SP 800-61r3 and the usual measures
(time to detect, acknowledge, mitigate, resolve), each of which lies between two of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

NOTES = (
    *("observation", "decision", "hypothesis", "question"),
    *("answer", "surprise", "correction"),
)
"""The kinds of note a person can add."""

NOTES_OF_RUNS = ("observation", "hypothesis", "question", "surprise")
"""Those that a step of a run can write: it decides nothing, and corrects and answers nobody."""

EARLIEST = timedelta(days=366)
"""How long before its declaration an incident may have begun; beyond, a year was mistyped."""

LEAST_ACCURACY_S, MOST_ACCURACY_S = 1, 86_400


class Confidence(StrEnum):
    """How sure somebody is of a hypothesis."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Belief(StrEnum):
    """What became of a hypothesis; everything but open is its end."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    SUPERSEDED = "superseded"
    ABANDONED = "abandoned"


class Milestone(StrEnum):
    """A turn of an incident that a person marks; of each but key moments, the last one counts."""

    IMPACT_STARTED = "impact_started"
    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    DIAGNOSED = "diagnosed"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    KEY_MOMENT = "key_moment"


@dataclass(frozen=True, slots=True)
class When:
    """When something happened, as a person says, give or take `accuracy_s` seconds."""

    at: datetime
    accuracy_s: int = LEAST_ACCURACY_S

    @property
    def accuracy(self) -> str:
        """The accuracy as an ISO 8601 duration."""
        return f"PT{self.accuracy_s}S"


def why_not(when: When, *, now: datetime, declared: datetime) -> str:
    """Return why nothing can have happened then in this incident, in a sentence; "" if it can.

    Args:
        when: what a person claims.
        now: the moment at which it is recorded.
        declared: when the incident was declared.
    """
    if when.at > now:
        return f"{_told(when.at)} is still to come: nothing is noted about the future."
    if when.at < declared - EARLIEST:
        return f"{_told(when.at)} is more than a year before the incident was declared."
    if not LEAST_ACCURACY_S <= when.accuracy_s <= MOST_ACCURACY_S:
        return f"A time is good to between 1 s and a day, not to {when.accuracy_s} s."
    return ""


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
