"""Says whether a Prometheus or Loki answers, what it is, and whether its credential is safe.

There is no engine lock to prove: the queries that are sent cannot change anything, and nothing
but GET is sent. What can be proven is that the guarded client reaches what was meant.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from interlock_gateway.adapters.doctor.check import Check, Notes
from interlock_gateway.adapters.doctor.tls import told_by_tls
from interlock_gateway.adapters.targets.loki import LokiReader
from interlock_gateway.adapters.targets.prometheus import PrometheusReader
from interlock_gateway.core.model import Dialect, Limits, Target
from interlock_gateway.core.telemetry import Evaluation
from interlock_gateway.service.targets import Metrics, Secrets, TargetError

_SHORT = Limits(seconds=5.0)
_QUERY = "vector(1)"
_NO_CHECKS: tuple[Check, ...] = ()


class _Reader(Metrics, Protocol):
    async def about(self, target: Target, limits: Limits) -> str: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    open: Callable[[Secrets], _Reader]
    about: str


_KINDS = {
    Dialect.PROMETHEUS: _Kind(PrometheusReader, "/api/v1/status/buildinfo"),
    Dialect.LOKI: _Kind(LokiReader, "/loki/api/v1/status/buildinfo"),
}


async def reading(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether the target answers, what it is, and that it evaluates."""
    kind = _KINDS[target.dialect]
    reader = kind.open(secrets)
    base = target.endpoint.base if target.endpoint else "no url"
    said = await reader.about(target, _SHORT)
    yield notes.holds("answers", f"GET {base}{kind.about}", said)
    now = datetime.now(UTC)
    rows = await reader.evaluate(target, Evaluation(_QUERY, now, now), _SHORT)
    yield notes.holds("evaluates", _QUERY, f"{len(rows.rows)} row in {rows.elapsed_ms:.0f} ms")
    yield told_by_tls(target, notes)
    if target.read:
        yield await _without_credential(target, reader, notes)


async def acting(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:  # noqa: ARG001  the others' signature
    """Yield nothing: neither has an action login."""
    for check in _NO_CHECKS:
        yield check


async def _without_credential(target: Target, reader: _Reader, notes: Notes) -> Check:
    """Return whether the credential is asked for at all: one that is not guards nothing."""
    try:
        await reader.about(replace(target, read=""), _SHORT)
    except TargetError as error:
        return notes.holds("asks for the credential", "without it", error)
    then = "Everybody who reaches it may read it; let a proxy in front of it ask."
    return notes.noted("asks for the credential", "without it", "it answered all the same", then)
