"""Other clocks beside ours: times in a timeline are worth what the clock behind them is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from interlock_gateway.core.model import IncidentState
from interlock_gateway.core.skew import Skew, heard
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.ports import Meter, Store, StoreUnwritableError, Transaction
from interlock_gateway.service.records import IncidentRow

STORE, SLACK = "store", "slack"
_EVERY_S = 60.0
_MOST_SOURCES = 200

Ask = Callable[[], Awaitable[tuple[datetime, datetime, datetime] | None]]
"""Asks the store's clock: our moment before, its own, ours after; None where it has none."""


class Clocks:
    """Remembers the last that was heard of each clock; adapters tell it of every answer."""

    def __init__(self) -> None:
        self._heard: dict[str, Skew] = {}

    def heard(
        self,
        source: str,
        theirs: datetime,
        began: datetime,
        ended: datetime,
        resolution: timedelta = timedelta(0),
    ) -> None:
        """Take note of a clock; see `core.skew.heard`."""
        if source in self._heard or len(self._heard) < _MOST_SOURCES:
            self._heard[source] = heard(source, theirs, began, ended, resolution=resolution)

    @property
    def all(self) -> list[Skew]:
        """What is known of each clock, by name."""
        return [self._heard[name] for name in sorted(self._heard)]


class ClockWatch:
    """Says in the journal when a clock is off, and when it is right again."""

    def __init__(self, store: Store, clocks: Clocks, meter: Meter) -> None:
        self._store = store
        self._clocks = clocks
        self._meter = meter
        self._said: dict[str, Skew] = {}

    @property
    def clocks(self) -> list[Skew]:
        """What is known of each clock."""
        return self._clocks.all

    async def run(self, ask_store: Ask) -> None:
        """Look once a minute, for ever."""
        while True:
            try:
                await self.turn(ask_store)
            except Exception:  # noqa: BLE001  it outlives every trouble, and counts it
                self._meter.count("alarms", kind="clock_watch")
            await asyncio.sleep(_EVERY_S)

    async def turn(self, ask_store: Ask) -> None:
        """Ask the store's clock, and record each clock that changed its standing."""
        try:
            answer = await ask_store()
        except StoreUnwritableError:
            answer = None
        if answer is not None:
            began, theirs, ended = answer
            self._clocks.heard(STORE, theirs, began, ended)
        for skew in self._clocks.all:
            if self._is_news(skew):
                await self._store.commit(partial(_record, skew=skew))
                self._said[skew.source] = skew

    def _is_news(self, skew: Skew) -> bool:
        said = self._said.get(skew.source)
        if said is None:
            return skew.is_off
        return skew.is_off != said.is_off or (skew.is_off and not skew.agrees(said))


def _record(tx: Transaction, skew: Skew) -> None:
    """Record it in the deployment's book, and for each open incident in its own."""
    data = {
        "source": skew.source,
        "offset_s": round(skew.offset_s, 3),
        "uncertainty_s": round(skew.uncertainty_s, 3),
        "off": skew.is_off,
    }
    open_ = tx.rows(IncidentRow, state=IncidentState.OPEN.value, order="id", limit=500)
    for incident in ("", *(row.id for row in open_)):
        tx.append(Draft("log.clock_skew", "system", data, incident=incident, subject=skew.source))
