"""Questions about metrics: PromQL, for one moment or for many."""

from collections.abc import Mapping
from typing import Any

from interlock.manifest import Manifest
from interlock.manifest.model import Params

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.telemetry import Span, beyond, promql, resolved
from interlock_gateway.service.targets import Metrics
from interlock_gateway.service.telemetry import Bounds, Prepared, TelemetryQuestion, window


class MetricsLanguage:
    """Implements `service.telemetry.Language` for PromQL."""

    operation = "query_metrics"
    key = "promql"
    dialect = Dialect.PROMETHEUS
    keeps = "metrics"

    def __init__(self, metrics: Metrics) -> None:
        """Ask nothing yet.

        Args:
            metrics: evaluates queries.
        """
        self._metrics = metrics

    def listed(
        self, manifest: Manifest, question: TelemetryQuestion, names: list[str], params: Params
    ) -> bool:
        """Tell whether the step that asks lists this question."""
        step, target = question.site.step, question.target
        return manifest.allows_metrics(
            step, target=target, promql=question.text, names=names, params=params
        )

    def prepared(
        self, question: TelemetryQuestion, values: Mapping[str, Any], span: Span, bounds: Bounds
    ) -> Prepared:
        """Return how a question is asked; see `service.telemetry.Language`."""
        target, limits = bounds.target, bounds.limits
        query = promql.understood(question.text, values)
        asked = resolved(query.text, span, bounds.now, target.reach)
        refused = beyond(query.demand, asked, target, limits, bounds.now)
        if refused is not None:
            raise refused
        times = window(asked)
        return Prepared(
            sent=asked.text,
            data={
                "kind": "range" if asked.step_s else "instant",
                "metrics": list(query.demand.metrics),
                **times,
            },
            answers={"window": times},
            ask=lambda: self._metrics.evaluate(target, asked, limits),
        )
