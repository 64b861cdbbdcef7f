"""How many calls may be under way at once, and how many may begin within a minute.

The rate is that of the generic cell rate algorithm: what remains of a minute's calls may come in
one burst, and one more is earned each time its share of the minute has passed. One number is all
that has to be remembered.
Source: ITU-T I.371 (virtual scheduling); https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from dataclasses import dataclass

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What one target, person or run may be asked, or ask.

    Attributes:
        at_once: calls under way at the same time.
        per_minute: calls that begin within any minute.
    """

    at_once: int
    per_minute: int

    def wait_s(self, due: float, now: float) -> float:
        """Return the seconds until another call may begin; 0 if it may now.

        Args:
            due: what `after` returned for the call before; anything up to `now` for the first.
            now: seconds of a clock that only grows.
        """
        return max(0.0, due - (_MINUTE_S - self._share_s) - now)

    def after(self, due: float, now: float) -> float:
        """Return what to remember when a call begins now."""
        return max(due, now) + self._share_s

    @property
    def _share_s(self) -> float:
        return _MINUTE_S / self.per_minute


OF_TARGET = Pace(at_once=4, per_minute=3_000)
"""What a target is asked where targets.toml says nothing else."""

OF_PERSON = Pace(at_once=8, per_minute=3_000)
"""What one person may ask in all their runs together."""

OF_RUN = Pace(at_once=4, per_minute=1_200)
"""What one run may ask."""


@dataclass(frozen=True, slots=True)
class Callers:
    """The paces of whoever asks, the same for all of them."""

    person: Pace = OF_PERSON
    run: Pace = OF_RUN
