"""What is asked of metrics: PromQL that is understood whole, and how far it reaches.

query = promql.understood("rate(http_requests_total{job=:job}[5m])", {"job": "api"})
query.text                      # what is sent, each value in its place
window = resolved(span, now, reach)
refusal = beyond(query.demand, window, ...)
"""

from interlock_gateway.core.telemetry.errors import TelemetryError
from interlock_gateway.core.telemetry.promql import Query, understood
from interlock_gateway.core.telemetry.reach import beyond
from interlock_gateway.core.telemetry.window import Evaluation, Span, resolved

__all__ = [
    "Evaluation",
    "Query",
    "Span",
    "TelemetryError",
    "beyond",
    "resolved",
    "understood",
]
