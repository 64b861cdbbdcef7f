"""Asks a Prometheus, or whatever speaks its HTTP API (v1), and reads its answers strictly.

Source: the Prometheus documentation, "HTTP API", 2.42. Only GET is sent, so that a proxy in
front of it can allow just that.
"""

import asyncio
import json
from datetime import datetime
from typing import Any

from interlock_gateway.adapters.targets.http import Answer, Asker, GuardedClient
from interlock_gateway.adapters.targets.http.client import excerpt
from interlock_gateway.adapters.targets.prometheus_answers import AnswerError, frame
from interlock_gateway.core.endpoint import Route
from interlock_gateway.core.model import Limits, Rows, Target
from interlock_gateway.core.telemetry import Evaluation
from interlock_gateway.service.targets import Secrets, TargetError

_AT_ONCE = Route(
    "GET",
    "/api/v1/query",
    params={"query": "text", "time": "text", "timeout": "text"},
    query=("query", "time", "timeout"),
)
_OVER_TIME = Route(
    "GET",
    "/api/v1/query_range",
    params=dict.fromkeys(("query", "start", "end", "step", "timeout"), "text"),
    query=("query", "start", "end", "step", "timeout"),
)
_ABOUT = Route("GET", "/api/v1/status/buildinfo")

_CODES = {"timeout": "target-timeout", "canceled": "target-timeout"}
_FINE = 200


class PrometheusReader:
    """Implements `service.targets.Metrics`."""

    def __init__(self, secrets: Secrets, client: GuardedClient | None = None) -> None:
        """Connect to nothing yet.

        Args:
            secrets: gives a credential each time one is sent.
            client: what sends; tests bring one that looks names up otherwise.
        """
        self._asker = Asker(secrets, client)

    async def evaluate(self, target: Target, asked: Evaluation, limits: Limits) -> Rows:
        """Return the series that a query gives; see `service.targets.Metrics`."""
        timeout = f"{round(limits.seconds * 1_000)}ms"
        values = {"query": asked.text, "timeout": timeout}
        if asked.step_s:
            route = _OVER_TIME
            step = f"{asked.step_s:.3f}"
            values |= {"start": _time(asked.start), "end": _time(asked.end), "step": step}
        else:
            route = _AT_ONCE
            values |= {"time": _time(asked.end)}
        answer = await self._asker.ask(target, route, values, limits)
        return await asyncio.to_thread(framed, target, answer, limits)

    async def about(self, target: Target, limits: Limits) -> str:
        """Return what answers, such as `Prometheus 2.42.0`."""
        answer = await self._asker.ask(target, _ABOUT, {}, limits)
        data = document(target, answer).get("data")
        version = data.get("version") if isinstance(data, dict) else None
        if not isinstance(version, str):
            raise TargetError("target-failed", f"{target.name} does not say what it is.")
        return f"Prometheus {excerpt(version.encode())}"

    async def aclose(self) -> None:
        """Close nothing: every call closes its own connection."""


def _time(moment: datetime) -> str:
    """Return seconds since 1970 with three places, as the API takes them."""
    return f"{moment.timestamp():.3f}"


def document(target: Target, answer: Answer, *, status: str | None = "success") -> dict[str, Any]:
    """Return what a good answer holds; a bad one is raised in the target's own words.

    Args:
        target: who answered.
        answer: what came back.
        status: what its `status` must be; None for an answer without one.
    """
    try:
        held = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise TargetError(
            "target-failed",
            f"{target.name} says JSON and sends something else: {excerpt(answer.body)}",
        ) from error
    if not isinstance(held, dict):
        raise TargetError("target-failed", f"{target.name} answered in an unknown form.")
    if held.get("status") != status or answer.status != _FINE:
        kind, said = (str(held.get(key) or "") for key in ("errorType", "error"))
        words = excerpt(f"{kind}: {said}".encode()) if said else f"status {answer.status}"
        code = _CODES.get(kind, "target-failed")
        raise TargetError(code, f"{target.name} answered: {words}")
    return held


def framed(target: Target, answer: Answer, limits: Limits) -> Rows:
    """Return the samples that a good answer holds, as rows."""
    held = document(target, answer)
    try:
        return frame(held, limits, target.reach.series, answer.elapsed_ms)
    except AnswerError as error:
        message = f"{target.name} answered in an unknown form: {error}."
        raise TargetError("target-failed", message) from error
