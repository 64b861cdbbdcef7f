"""How far another clock is from ours: an interval that it certainly lies in, from one question."""

from dataclasses import dataclass
from datetime import datetime, timedelta

TOLERATED_S = 0.5
"""Seconds by which clocks may differ without a word."""


@dataclass(frozen=True, slots=True)
class Skew:
    """Another clock minus ours, in seconds: certainly between `low_s` and `high_s`.

    Attributes:
        source: whose clock: `store`, `slack`, or a target.
    """

    source: str
    low_s: float
    high_s: float

    @property
    def offset_s(self) -> float:
        """The middle: the best guess."""
        return (self.low_s + self.high_s) / 2

    @property
    def uncertainty_s(self) -> float:
        """How far the truth may be from the guess."""
        return (self.high_s - self.low_s) / 2

    @property
    def is_off(self) -> bool:
        """Whether the clocks certainly differ by more than is tolerated."""
        return self.low_s > TOLERATED_S or self.high_s < -TOLERATED_S

    def agrees(self, other: "Skew") -> bool:
        """Tell whether both may be one and the same skew."""
        return self.low_s <= other.high_s and other.low_s <= self.high_s


def heard(
    source: str,
    theirs: datetime,
    began: datetime,
    ended: datetime,
    *,
    resolution: timedelta = timedelta(0),
) -> Skew:
    """Return what an answer tells of a clock.

    Args:
        source: whose clock it is.
        theirs: what it showed while the question was under way.
        began: our moment before the question was sent.
        ended: our moment after the answer was there.
        resolution: what `theirs` was cut to, such as a second in HTTP's Date.
    """
    low, high = theirs - ended, theirs + resolution - began
    return Skew(source, low.total_seconds(), high.total_seconds())
