"""What a notebook says to Interlock. Standard library only.

    from interlock import finding, params, query

    rows = query("orders", "SELECT … WHERE waiting_s >= :min LIMIT 20", min=params.min_block_s)
    finding(rows, bad=rows.any("victims", ">=", 5), ok="nobody is blocked", text="{root_pid} …")

Nothing here needs a credential: a kernel has one socket to its runner, which stamps every call
with its run and step; the gateway decides. Outside a run, calls say how to start one.
"""

from interlock.conclusion import Finding
from interlock.errors import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalRefused,
    ApprovalWithdrawn,
    Denied,
    Diverged,
    InterlockError,
    NotLoggedIn,
    OutcomeUnknown,
    TargetFailed,
    Unavailable,
    UsageError,
)
from interlock.frame import Frame, Series
from interlock.lines import Lines
from interlock.planning import Plan, plan
from interlock.session import (
    Incident,
    Outcome,
    Params,
    act,
    execute,
    finding,
    note,
    now,
    poll,
    query,
)
from interlock.table import Row, Table
from interlock.telemetry import query_logs, query_metrics

params = Params()
"""The run's parameters, frozen: `params.min_block_s`."""

incident = Incident()
"""The incident this run belongs to: `incident.id`, `incident.severity`."""

__all__ = [
    "ApprovalDenied",
    "ApprovalExpired",
    "ApprovalRefused",
    "ApprovalWithdrawn",
    "Denied",
    "Diverged",
    "Finding",
    "Frame",
    "InterlockError",
    "Lines",
    "NotLoggedIn",
    "Outcome",
    "OutcomeUnknown",
    "Plan",
    "Row",
    "Series",
    "Table",
    "TargetFailed",
    "Unavailable",
    "UsageError",
    "act",
    "execute",
    "finding",
    "incident",
    "note",
    "now",
    "params",
    "plan",
    "poll",
    "query",
    "query_logs",
    "query_metrics",
]
