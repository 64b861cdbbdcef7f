"""Questions about logs: LogQL, for lines between two moments or for numbers made of them."""

from collections.abc import Mapping
from typing import Any

from interlock.manifest import Manifest
from interlock.manifest.model import Params

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.telemetry import (
    Evaluation,
    Search,
    Span,
    TelemetryError,
    beyond,
    logql,
    resolved,
)
from interlock_gateway.service.targets import Logs
from interlock_gateway.service.telemetry import Bounds, Prepared, TelemetryQuestion, window

_FROM = 'Write `start="1h"` for the last hour, or two moments with a zone.'
_OF_LINES = ("limit", "direction")


class LogsLanguage:
    """Implements `service.telemetry.Language` for LogQL."""

    operation = "query_logs"
    key = "logql"
    dialect = Dialect.LOKI
    keeps = "logs"

    def __init__(self, logs: Logs) -> None:
        """Ask nothing yet.

        Args:
            logs: searches lines, and evaluates queries that make numbers of them.
        """
        self._logs = logs

    def listed(
        self, manifest: Manifest, question: TelemetryQuestion, names: list[str], params: Params
    ) -> bool:
        """Tell whether the step that asks lists this question."""
        step, target = question.site.step, question.target
        return manifest.allows_logs(
            step, target=target, logql=question.text, names=names, params=params
        )

    def prepared(
        self, question: TelemetryQuestion, values: Mapping[str, Any], span: Span, bounds: Bounds
    ) -> Prepared:
        """Return how a question is asked; see `service.telemetry.Language`."""
        query = logql.understood(question.text, values)
        _fitting(query, question.choices, span)
        target = bounds.target
        asked = resolved(query.text, span, bounds.now, target.reach)
        if query.lines:
            asked = Evaluation(asked.text, asked.start, asked.end)
        refused = beyond(query.demand, asked, target, bounds.limits, bounds.now)
        if refused is not None:
            raise refused
        if query.lines:
            return self._search(query, asked, question.choices, bounds)
        return self._evaluation(query, asked, bounds)

    def _search(
        self,
        query: logql.LogQuery,
        asked: Evaluation,
        choices: Mapping[str, Any],
        bounds: Bounds,
    ) -> Prepared:
        newest = choices.get("direction") != "forward"
        search = Search(asked.text, asked.start, asked.end, newest)
        times = {**window(asked), "newest": newest}
        return Prepared(
            sent=asked.text,
            data={"kind": "lines", "labels": list(query.demand.metrics), **times},
            answers={"gives": "lines", "window": times},
            ask=lambda: self._logs.search(bounds.target, search, bounds.limits),
        )

    def _evaluation(self, query: logql.LogQuery, asked: Evaluation, bounds: Bounds) -> Prepared:
        times = window(asked)
        kind = "range" if asked.step_s else "instant"
        return Prepared(
            sent=asked.text,
            data={"kind": kind, "labels": list(query.demand.metrics), **times},
            answers={"gives": "samples", "window": times},
            ask=lambda: self._logs.evaluate(bounds.target, asked, bounds.limits),
        )


def _fitting(query: logql.LogQuery, choices: Mapping[str, Any], span: Span) -> None:
    """Refuse what belongs to the other kind of query."""
    if query.lines and span.start is None:
        raise _wrong("A query for lines needs a start.", _FROM)
    if query.lines and span.step is not None:
        raise _wrong("`step` belongs to numbers, and this query gives lines.", "Leave it out.")
    given = [name for name in _OF_LINES if name in choices]
    if given and not query.lines:
        message = f"`{given[0]}` belongs to lines, and this query gives numbers."
        raise _wrong(message, "Leave it out; `topk(10, …)` keeps the largest.")


def _wrong(message: str, then: str) -> TelemetryError:
    return TelemetryError("bad-arguments", message, help=then)
