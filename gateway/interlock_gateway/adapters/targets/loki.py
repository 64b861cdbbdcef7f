"""Asks a Loki, or whatever speaks its HTTP API (v1), and reads its answers strictly.

Source: the Loki documentation, "Loki HTTP API", version 3. Only GET is sent, so that a proxy in
front of it can allow just that. Numbers come in the form of Prometheus; a refusal comes as text.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from interlock_gateway.adapters.targets.http import Answer, Asker, GuardedClient
from interlock_gateway.adapters.targets.http.client import excerpt
from interlock_gateway.adapters.targets.loki_answers import lines
from interlock_gateway.adapters.targets.prometheus import document, framed
from interlock_gateway.adapters.targets.prometheus_answers import AnswerError
from interlock_gateway.core.endpoint import Route
from interlock_gateway.core.model import Limits, Rows, Target
from interlock_gateway.core.telemetry import Evaluation, Search
from interlock_gateway.service.targets import Secrets, TargetError

_AT_ONCE = Route(
    "GET",
    "/loki/api/v1/query",
    params=dict.fromkeys(("query", "time"), "text"),
    query=("query", "time"),
)
_OVER_TIME = Route(
    "GET",
    "/loki/api/v1/query_range",
    params=dict.fromkeys(("query", "start", "end", "step"), "text"),
    query=("query", "start", "end", "step"),
)
_LINES = Route(
    "GET",
    "/loki/api/v1/query_range",
    params=dict.fromkeys(("query", "start", "end", "limit", "direction"), "text"),
    query=("query", "start", "end", "limit", "direction"),
)
_ABOUT = Route("GET", "/loki/api/v1/status/buildinfo")

_TYPES = ("application/json", "text/plain")
_FINE, _TOO_LATE = 200, 504
_LATE_WORDS = ("deadline exceeded", "context canceled", "timeout")
_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)


class LokiReader:
    """Implements `service.targets.Logs`."""

    def __init__(self, secrets: Secrets, client: GuardedClient | None = None) -> None:
        """Connect to nothing yet.

        Args:
            secrets: gives a credential each time one is sent.
            client: what sends; tests bring one that looks names up otherwise.
        """
        self._asker = Asker(secrets, client, _TYPES)

    async def search(self, target: Target, asked: Search, limits: Limits) -> Rows:
        """Return the lines that a query finds; see `service.targets.Logs`."""
        values = {
            "query": asked.text,
            "start": _nanoseconds(asked.start),
            "end": _nanoseconds(asked.end),
            "limit": str(limits.rows + 1),  # one more tells whether there were more
            "direction": "backward" if asked.newest else "forward",
        }
        answer = await self._asker.ask(target, _LINES, values, limits)
        return await asyncio.to_thread(_listed, target, answer, asked, limits)

    async def evaluate(self, target: Target, asked: Evaluation, limits: Limits) -> Rows:
        """Return the series that a query gives; see `service.targets.Metrics`."""
        values = {"query": asked.text}
        if asked.step_s:
            route = _OVER_TIME
            start, end = _nanoseconds(asked.start), _nanoseconds(asked.end)
            values |= {"start": start, "end": end, "step": f"{asked.step_s:.3f}"}
        else:
            route = _AT_ONCE
            values |= {"time": _nanoseconds(asked.end)}
        answer = await self._asker.ask(target, route, values, limits)
        return await asyncio.to_thread(_framed, target, answer, limits)

    async def about(self, target: Target, limits: Limits) -> str:
        """Return what answers, such as `Loki 3.1.0`."""
        answer = await self._asker.ask(target, _ABOUT, {}, limits)
        _must_be_fine(target, answer)
        version = document(target, answer, status=None).get("version")
        if not isinstance(version, str):
            raise TargetError("target-failed", f"{target.name} does not say what it is.")
        return f"Loki {excerpt(version.encode())}"

    async def aclose(self) -> None:
        """Close nothing: every call closes its own connection."""


def _nanoseconds(moment: datetime) -> str:
    """Return whole nanoseconds since 1970, as the API takes them."""
    return str((moment - _BEGAN) // timedelta(microseconds=1) * 1_000)


def _must_be_fine(target: Target, answer: Answer) -> None:
    """Raise what is no answer in the target's own words."""
    if answer.status == _FINE and answer.type == "application/json":
        return
    said = excerpt(answer.body)
    late = answer.status == _TOO_LATE or any(words in said for words in _LATE_WORDS)
    code = "target-timeout" if late else "target-failed"
    raise TargetError(code, f"{target.name} answered {answer.status}: {said}")


def _framed(target: Target, answer: Answer, limits: Limits) -> Rows:
    _must_be_fine(target, answer)
    return framed(target, answer, limits)


def _listed(target: Target, answer: Answer, asked: Search, limits: Limits) -> Rows:
    _must_be_fine(target, answer)
    held = document(target, answer)
    try:
        return lines(
            held, limits, target.reach.line, newest=asked.newest, took_ms=answer.elapsed_ms
        )
    except AnswerError as error:
        message = f"{target.name} answered in an unknown form: {error}."
        raise TargetError("target-failed", message) from error
