"""What is asked of metrics and logs: queries that are understood whole, and how far they reach.

query = promql.understood("rate(http_requests_total{job=:job}[5m])", {"job": "api"})
query.text                      # what is sent, each value in its place
window = resolved(query.text, span, now, reach)
refusal = beyond(query.demand, window, ...)
"""

from interlock_gateway.core.telemetry import logql, promql
from interlock_gateway.core.telemetry.errors import TelemetryError
from interlock_gateway.core.telemetry.reach import beyond
from interlock_gateway.core.telemetry.reading import Query
from interlock_gateway.core.telemetry.window import Evaluation, Search, Span, resolved

__all__ = [
    "Evaluation",
    "Query",
    "Search",
    "Span",
    "TelemetryError",
    "beyond",
    "logql",
    "promql",
    "resolved",
]
