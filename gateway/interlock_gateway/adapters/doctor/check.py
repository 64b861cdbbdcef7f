"""What doctor found out about one thing, as a value."""

from dataclasses import dataclass
from enum import StrEnum

NO_RIGHTS_LOST = "Use a login of its own: `interlock doctor --sql` prints the statements."
"""What to do where a login must not lose its rights, because somebody else works with it."""

_LONGEST = 400


class Outcome(StrEnum):
    """Whether a lock was proven."""

    HOLDS = "holds"
    FAILS = "fails"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried at a target.

    Attributes:
        target: its name.
        check: what is proven, in a few words.
        outcome: whether it is.
        tried: the statement or the question, as it was sent.
        said: what the engine said; never a credential.
        next: what to do, "" where nothing is.
    """

    target: str
    check: str
    outcome: Outcome
    tried: str
    said: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """Writes checks of one target."""

    target: str

    def holds(self, check: str, tried: str, said: object) -> Check:
        """Return that a lock was proven."""
        return Check(self.target, check, Outcome.HOLDS, tried, words(said))

    def fails(self, check: str, tried: str, said: object, then: str) -> Check:
        """Return that a lock was not proven, and what to do."""
        return Check(self.target, check, Outcome.FAILS, tried, words(said), then)

    def noted(self, check: str, tried: str, said: object, then: str = "") -> Check:
        """Return what somebody should know, and what proves nothing."""
        return Check(self.target, check, Outcome.NOTED, tried, words(said), then)


def words(said: object) -> str:
    """Return what an engine said as one line of bounded length."""
    return " ".join(str(said).split())[:_LONGEST]


def some(names: "list[str]", most: int = 3) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
