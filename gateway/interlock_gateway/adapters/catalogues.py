"""Snapshots of targets' catalogues, kept for a minute."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from interlock_gateway.core.model import Target
from interlock_gateway.core.statement import Catalogue, with_masks

KEPT_S = 60.0
"""Seconds after which a snapshot is taken anew: so long a change of a view may go unseen."""

AGAIN_S = 2.0
"""Seconds between two snapshots of a target, however many unknown names are asked for."""

_Key = tuple[str, str, str, tuple[str, ...], frozenset[tuple[str, str]]]


class Source(Protocol):
    """Takes a snapshot now."""

    async def catalogue(self, target: Target) -> Catalogue | None:
        """Return it; None for an engine that needs none."""
        ...


@dataclass(frozen=True, slots=True)
class _Taken:
    catalogue: Catalogue | None
    at: float


class Snapshots:
    """Implements `service.targets.Catalogues` over a source, one question at a time for each."""

    def __init__(self, source: Source, now: Callable[[], float] = time.monotonic) -> None:
        """Take no snapshot yet; `now` tells seconds that never go back."""
        self._source = source
        self._now = now
        self._taken: dict[_Key, _Taken] = {}
        self._locks: dict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def catalogue(self, target: Target, *, fresh: bool = False) -> Catalogue | None:
        """Return a snapshot that is young enough, or take one."""
        masked = frozenset(target.masked.items())
        key = (target.name, target.generation, target.read, target.reads.functions, masked)
        async with self._locks[key]:
            known = self._taken.get(key)
            started = self._now()
            if known is not None and started - known.at < (AGAIN_S if fresh else KEPT_S):
                return known.catalogue
            found = await self._source.catalogue(target)
            found = found and with_masks(found, target.masked)
            if known is not None and known.catalogue == found:
                found = known.catalogue  # the same one, so that what was proven stays known
            self._taken[key] = _Taken(found, started)
            return found
