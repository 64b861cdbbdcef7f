"""A responder who looks at metrics: a notebook, a kernel, a gateway, a real Prometheus."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from notebooks import ABOUT, cell, notebook, prose
from own_prometheus import OwnPrometheus, own_prometheus
from support.desk import Desk, logged_in
from support.processes import Command, Gateway, Logins, gateway_of, settled

__all__ = ["own_prometheus"]

pytestmark = [pytest.mark.kernel, pytest.mark.heavy]

_RATES = """\
from interlock import finding, params, query_metrics
rows = query_metrics(
    "metrics",
    "sum by (handler) (rate(prometheus_http_requests_total{job=:job}[:wide])) > 0",
    start="2m", step="10s", job=params.job, wide=params.wide,
)
print(rows)
now = rows.latest()
finding(now, bad=now.any("value", ">", 1000), ok=f"{len(now)} handlers are asked")
"""
_WILD = """\
from interlock import query_metrics
query_metrics("metrics", "max_over_time(up[40d])")
"""
_ABOUT = {
    **ABOUT,
    "id": "metrics-check",
    "domain": "postgres",
    "actions": [],
    "params": {
        "job": {"type": "string", "default": "prometheus", "help": "Which job."},
        "wide": {"type": "duration", "default": "30s", "help": "How wide a window."},
    },
    "targets": [{"target": "metrics", "dialect": "prometheus"}],
}


@pytest.fixture
def gateway(tmp_path: Path, own_prometheus: OwnPrometheus) -> Iterator[Gateway]:
    """A gateway with a Prometheus behind it and a runbook that asks it."""
    cells = [prose("about"), cell("rates", _RATES), prose("more"), cell("wild", _WILD)]
    text = notebook(*cells, **_ABOUT)
    targets = {"metrics": Logins(own_prometheus.url, dialect="prometheus")}
    home = settled(tmp_path / "home", targets, runbooks={"metrics-check": text})
    with gateway_of(home, Command()) as started:
        yield started


@pytest.fixture
def responder(tmp_path: Path, gateway: Gateway) -> Desk:
    """A responder with an incident."""
    desk = logged_in(tmp_path / "desks", gateway, "responder")
    desk.done("incident", "open", "Errors rise", "--severity", "sev2")
    return desk


def test_metrics_are_asked_shown_and_kept(responder: Desk) -> None:
    said = responder.does("run", "metrics-check", "-i", "INC-1")
    assert "handlers are asked" in said.out, said.out + said.err
    assert "metrics.limits.range (1d)" in said.out + said.err

    document = json.loads(responder.done("export", "INC-1", "--as", "json"))
    events = json.dumps(document, ensure_ascii=False)
    assert 'prometheus_http_requests_total{job=\\"prometheus\\"}[30000ms]' in events
    assert "outside-limits" in events
    assert "over time" in events

    page = responder.done("export", "INC-1", "--as", "md")
    assert "sum by (handler) (rate(prometheus_http_requests_total{job=:job}[:wide])) > 0" in page
    assert "/metrics" in page
