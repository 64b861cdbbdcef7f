"""Targets that are asked at their pace, and left alone while they do not answer."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

from interlock_gateway.core.health import REST_S, WELL, Health
from interlock_gateway.core.model import Limits, Rows, Statement, Target
from interlock_gateway.service.pacing import Pacing, Place, TooManyError
from interlock_gateway.service.ports import Clock, Meter
from interlock_gateway.service.targets import Logs, Metrics, Reader, TargetError

if TYPE_CHECKING:
    from interlock_gateway.core.statement import Catalogue
    from interlock_gateway.core.telemetry import Evaluation, Search

UNREACHABLE = "target-unreachable"


class Describing(Reader, Protocol):
    """A reader that also tells what the names in a target mean."""

    async def catalogue(self, target: Target) -> "Catalogue | None":
        """Return it now; None for an engine that needs none."""
        ...


class Consideration:
    """What all that asks targets has in common: their pace and their health."""

    def __init__(self, pacing: Pacing, clock: Clock, meter: Meter) -> None:
        self._pacing = pacing
        self._clock = clock
        self._meter = meter
        self._health: dict[tuple[str, str, str], Health] = {}
        self._trying: set[tuple[str, str, str]] = set()

    @asynccontextmanager
    async def asked(self, target: Target) -> AsyncIterator[None]:
        """Let one question to a target begin, and learn from how it ends.

        Raises:
            TargetError: `too-many-calls`, or `target-unreachable` while it is left alone.
        """
        key = (target.name, target.generation, target.read)  # another credential may get in
        tries = self._admit(target, key)
        try:
            async with self._pacing.turn(_place(target)):
                yield
        except TooManyError as error:
            raise TargetError("too-many-calls", f"{error} {error.help}") from None
        except TargetError as error:
            self._learn(key, error)
            raise
        else:
            self._health.pop(key, None)
        finally:
            if tries:
                self._trying.discard(key)

    def _admit(self, target: Target, key: tuple[str, str, str]) -> bool:
        """Refuse while the target is left alone; return whether this call tries it again."""
        known = self._health.get(key, WELL)
        rests = known.rests_s(self._clock.monotonic())
        if rests:
            raise _left_alone(target, known, f"It is asked again in {ceil(rests)} s.")
        if known.ill:  # and has rested
            if key in self._trying:
                raise _left_alone(target, known, "One call is finding out whether it is back.")
            self._trying.add(key)
            return True
        return False

    def _learn(self, key: tuple[str, str, str], error: TargetError) -> None:
        if error.code != UNREACHABLE or error.answered:
            self._health.pop(key, None)  # whatever it said, it was there to say it
            return
        known = self._health.get(key, WELL).failed(self._clock.monotonic(), str(error))
        self._health[key] = known
        if known.ill:
            self._meter.count("alarms", kind="target")


class ConsiderateReader:
    """Implements `service.targets.Reader` over another, and what tells of names beside it."""

    def __init__(self, reader: Describing, consideration: Consideration) -> None:
        self._reader = reader
        self._consideration = consideration

    async def read(
        self,
        target: Target,
        statement: Statement,
        values: Mapping[str, Mapping[str, Any]],
        limits: Limits,
    ) -> Rows:
        """Run a proven read; see the port."""
        async with self._consideration.asked(target):
            return await self._reader.read(target, statement, values, limits)

    async def catalogue(self, target: Target) -> "Catalogue | None":
        """Return what the names in a target mean now."""
        async with self._consideration.asked(target):
            return await self._reader.catalogue(target)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._reader.aclose()


class ConsiderateMetrics:
    """Implements `service.targets.Metrics` over another."""

    def __init__(self, metrics: Metrics, consideration: Consideration) -> None:
        self._metrics = metrics
        self._consideration = consideration

    async def evaluate(self, target: Target, asked: "Evaluation", limits: Limits) -> Rows:
        """Evaluate a query that was understood; see the port."""
        async with self._consideration.asked(target):
            return await self._metrics.evaluate(target, asked, limits)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._metrics.aclose()


class ConsiderateLogs(ConsiderateMetrics):
    """Implements `service.targets.Logs` over another."""

    def __init__(self, logs: Logs, consideration: Consideration) -> None:
        super().__init__(logs, consideration)
        self._logs = logs

    async def search(self, target: Target, asked: "Search", limits: Limits) -> Rows:
        """Search lines; see the port."""
        async with self._consideration.asked(target):
            return await self._logs.search(target, asked, limits)


def _place(target: Target) -> Place:
    return Place("target", target.name, target.pace, f"targets.toml: target.{target.name}.pace")


def _left_alone(target: Target, known: Health, when: str) -> TargetError:
    return TargetError(
        UNREACHABLE,
        f"{target.name} was not reached {known.failures} times in a row and is left alone for "
        f"{REST_S:g} s. {when} The last time: {known.words}",
    )
