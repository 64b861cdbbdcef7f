"""Whether a target is worth asking: one that does not answer is left alone for a while.

A responder learns at once what they would otherwise learn after a time-out, for each step anew,
and a target that comes up again is not met by everything that waited for it.
"""

from dataclasses import dataclass

FAILURES = 3
"""Times in a row that a target is not reached before it is left alone."""

REST_S = 15.0
"""Seconds for which it is left alone, before one call tries again."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one target.

    Attributes:
        failures: times in a row that it was not reached.
        at: when the last of them was, in seconds of a clock that only grows.
        words: what was said then.
    """

    failures: int = 0
    at: float = 0.0
    words: str = ""

    @property
    def ill(self) -> bool:
        """Whether it failed often enough to be left alone."""
        return self.failures >= FAILURES

    def rests_s(self, now: float) -> float:
        """Return for how many seconds it is still left alone; 0 when it may be asked."""
        return max(0.0, self.at + REST_S - now) if self.ill else 0.0

    def failed(self, now: float, words: str) -> "Health":
        """Return what is known after it was not reached."""
        return Health(self.failures + 1, now, words)


WELL = Health()
