"""How far a question may reach: each limit of a target, and the sentence that refuses."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil

from interlock_gateway.core.model import Limits, Target
from interlock_gateway.core.telemetry.errors import TelemetryError
from interlock_gateway.core.telemetry.reading import Demand
from interlock_gateway.core.telemetry.window import Evaluation

_SKEW = timedelta(minutes=5)


def beyond(
    demand: Demand, asked: Evaluation, target: Target, limits: Limits, now: datetime
) -> TelemetryError | None:
    """Return the refusal of a question that reaches too far, None for one that does not.

    Args:
        demand: what one evaluation reads.
        asked: when it is evaluated.
        target: whose limits count.
        limits: what the call may cost, as narrow as runbook and target make it.
        now: the present moment.
    """
    return next(_refusals(demand, asked, target, limits, now), None)


def _refusals(
    demand: Demand, asked: Evaluation, target: Target, limits: Limits, now: datetime
) -> Iterator[TelemetryError]:
    reach, name = target.reach, target.name
    span_s = (asked.end - asked.start).total_seconds()
    back_s = (now - asked.start).total_seconds() + demand.back_s
    finest = min(filter(None, (asked.step_s, demand.step_s)), default=reach.step_s)
    points = asked.steps * demand.evaluations
    if asked.end > now + _SKEW:
        yield _outside("The end lies in the future.", "", "End it now, or earlier.")
    for what, seconds in (("start to end", span_s), ("one window", demand.window_s)):
        if seconds > reach.range_s:
            message = f"It reaches {span(seconds)} from {what}."
            line = f"{name}.limits.range ({span(reach.range_s)})"
            yield _outside(message, line, "Look at less time.")
    if back_s > reach.back_s:
        line = f"{name}.limits.back ({span(reach.back_s)})"
        yield _outside(f"It looks {span(back_s)} back.", line, "Look at a later time.")
    if finest < reach.step_s:
        line = f"{name}.limits.step ({span(reach.step_s)})"
        yield _outside(f"Its step is {span(finest)}.", line, "Take a coarser step.")
    if points > reach.points:
        line = f"{name}.limits.points ({reach.points:,})"
        yield _outside(f"It is evaluated {points:,} times.", line, _coarser(asked, reach.points))
    if asked.steps > limits.rows:
        message = f"One series alone would have {asked.steps:,} points."
        line = f"{name}.limits.rows ({limits.rows:,})"
        yield _outside(message, line, _coarser(asked, limits.rows))


def _coarser(asked: Evaluation, most: int) -> str:
    if not asked.step_s:
        return "Take a coarser step in the subquery."
    seconds = ceil((asked.end - asked.start).total_seconds() / max(most - 1, 1))
    return f'Take a coarser step, from step="{span(seconds)}" on, or less time.'


def _outside(message: str, line: str, then: str) -> TelemetryError:
    return TelemetryError("outside-limits", message, line=line, help=then)


def span(seconds: float) -> str:
    """Return a duration as PromQL writes it: `90s` is `1m30s`."""
    left = round(seconds * 1_000)
    parts = []
    for unit, size in (
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
