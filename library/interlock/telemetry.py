"""What a notebook asks about metrics and logs. Standard library only."""

from datetime import timedelta
from typing import Any

from interlock.frame import Frame, Moment, span
from interlock.lines import Lines
from interlock.session import Json, current, typed


def query_metrics(
    target: str,
    promql: str,
    /,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    step: str | timedelta | None = None,
    **params: Any,
) -> Frame:
    """Ask a target that keeps metrics, for one moment or for many.

    Arguments:
        target: the name of a target, as `metrics`.
        promql: one query; values stand in it as `:name`, for a label's value, a number or a
            duration.
        start: from when on: a moment, or how long before the end, as "1h"; left out, the query
            is asked for one moment, `end`.
        end: until when: a moment, or how long before now; left out, now.
        step: from one point to the next, as "1m"; left out, about sixty points.
        params: a value for each `:name`.

    Raises:
        Denied: not understood, not in the manifest, not permitted, or beyond a limit.
        TargetFailed: the target refused or timed out.
        Unavailable: the target cannot be reached.
        UsageError: a value is missing or of another kind than its place takes.
    """
    request = {"target": target, "promql": promql, "params": typed(params)}
    times = _times(start, end, step)
    return Frame(current().ask("query_metrics", **request, span=times))


def query_logs(
    target: str,
    logql: str,
    /,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    step: str | timedelta | None = None,
    limit: int | None = None,
    direction: str | None = None,
    **params: Any,
) -> Lines | Frame:
    """Ask a target that keeps logs, for lines or for numbers made of them.

    Arguments:
        target: the name of a target, as `logs`.
        logql: one query; values stand in it as `:name`, for a text, a number or a duration.
        start: from when on: a moment, or how long before the end, as "1h". A query for lines
            needs it; one for numbers is asked for one moment, `end`, without it.
        end: until when: a moment, or how long before now; left out, now.
        step: of numbers, from one point to the next, as "1m"; left out, about sixty points.
        limit: of lines, how many at most; the gateway has a limit of its own.
        direction: of lines, which come first and are kept where there are too many: "backward"
            for the newest, as if left out, or "forward" for the oldest.
        params: a value for each `:name`.

    Returns:
        `Lines`, or for numbers a `Frame` as `query_metrics` gives it.

    Raises:
        Denied: not understood, not in the manifest, not permitted, or beyond a limit.
        TargetFailed: the target refused or timed out.
        Unavailable: the target cannot be reached.
        UsageError: a value is missing or of another kind than its place takes.
    """
    chosen = {"limit": limit, "direction": direction}
    request = {
        "target": target,
        "logql": logql,
        "params": typed(params),
        "span": _times(start, end, step),
        **{name: value for name, value in chosen.items() if value is not None},
    }
    answer = current().ask("query_logs", **request)
    return Lines(answer) if answer.get("gives") == "lines" else Frame(answer)


def _times(start: Moment | None, end: Moment | None, step: str | timedelta | None) -> Json:
    given = {"start": span(start), "end": span(end), "step": span(step)}
    return typed({name: value for name, value in given.items() if value is not None})
