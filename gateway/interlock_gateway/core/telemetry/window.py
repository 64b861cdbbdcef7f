"""From when to when, and in which steps: what a question says, and what it comes to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from interlock_gateway.core.model import Reach
from interlock_gateway.core.telemetry.errors import TelemetryError

Moment = datetime | timedelta
"""A moment, or how long before another one."""

_STEPS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800),
    *(3_600, 7_200, 21_600, 43_200, 86_400),
)
_WANTED = 60  # points of a series, where nobody says how many
_HELP = 'Write `start="1h"` for the last hour, or two moments with a zone.'


@dataclass(frozen=True, slots=True)
class Span:
    """What a question says of time.

    Attributes:
        start: a moment, or how long before the end; None for one moment only.
        end: a moment, or how long before now; None for now.
        step: from one point to the next; None for one that gives about sixty points.
    """

    start: Moment | None = None
    end: Moment | None = None
    step: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A query, and the moments at which it is evaluated.

    Attributes:
        text: the query as it is sent.
        start, end: the first moment, and the last one at most; the same for one moment.
        step_s: seconds from one to the next; 0 for one moment.
    """

    text: str
    start: datetime
    end: datetime
    step_s: float = 0.0

    @property
    def steps(self) -> int:
        """How many moments there are."""
        if not self.step_s:
            return 1
        return int((self.end - self.start).total_seconds() / self.step_s + 1e-9) + 1


@dataclass(frozen=True, slots=True)
class Search:
    """A query for lines, and where among them it looks.

    Attributes:
        text: the query as it is sent.
        start, end: the first moment, and the one before which it ends.
        newest: whether the newest lines come first, and are kept where there are too many.
    """

    text: str
    start: datetime
    end: datetime
    newest: bool = True


def resolved(text: str, span: Span, now: datetime, reach: Reach) -> Evaluation:
    """Return `text` with the moments that `span` means at `now`.

    Raises:
        TelemetryError: `bad-arguments`: a step without a start, a start that is not before the
            end, or a moment outside the calendar.
    """
    if span.start is None:
        if span.step is not None:
            raise _wrong("A step needs a start.")
        end = _moment(span.end, now)
        return Evaluation(text, end, end)
    end = _moment(span.end, now)
    start = _moment(span.start, end)
    seconds = (end - start).total_seconds()
    if seconds <= 0:
        raise _wrong("The start must lie before the end.")
    step_s = _usual_step(seconds, reach) if span.step is None else span.step.total_seconds()
    if step_s <= 0:
        raise _wrong("The step must be above 0.")
    return Evaluation(text, start, end, step_s)


def _moment(said: Moment | None, otherwise: datetime) -> datetime:
    if isinstance(said, datetime):
        return said
    if said is not None and said < timedelta(0):
        raise _wrong("How long before is not negative.")
    try:
        return otherwise - (said or timedelta(0))
    except OverflowError:
        raise _wrong("That moment lies outside the calendar.") from None


def _usual_step(seconds: float, reach: Reach) -> float:
    wanted = max(seconds / _WANTED, reach.step_s)
    return next((float(step) for step in _STEPS_S if step >= wanted), float(ceil(wanted)))


def _wrong(message: str) -> TelemetryError:
    return TelemetryError("bad-arguments", message, help=_HELP)
