"""Tells people outside what waits for them: from the outbox, in order, until it is delivered."""

import asyncio
import json
from contextlib import suppress

from interlock_gateway.service.ports import Clock, ConflictError, Meter, Noticeboard, Store
from interlock_gateway.service.records import OutboxRow

_LONGEST_PAUSE_S = 30.0


class Telling:
    """Delivers what units of work put into the outbox; each entry at least once."""

    def __init__(self, store: Store, board: Noticeboard, clock: Clock, meter: Meter) -> None:
        self._store = store
        self._board = board
        self._clock = clock
        self._meter = meter

    async def deliver(self) -> int:
        """Deliver what waits, oldest first, and return how many entries there were.

        The first entry that cannot be delivered stops the round, so that order is kept.
        """
        waiting = await self._store.read(
            lambda tx: tx.rows(OutboxRow, delivered_at=None, order="id", limit=100)
        )
        for row in waiting:
            try:
                await self._board.post(row.kind, row.subject, json.loads(row.payload))
            except Exception:
                self._meter.count("notices", outcome="failed")
                await self._mark(row, attempts=row.attempts + 1)
                raise
            await self._mark(row, delivered_at=self._clock.now(), attempts=row.attempts + 1)
            self._meter.count("notices", outcome="delivered")
        return len(waiting)

    async def run(self, every_s: float = 0.5) -> None:
        """Deliver for ever, more slowly while the board refuses."""
        pause = every_s
        while True:
            try:
                await self.deliver()
                pause = every_s
            except Exception:  # noqa: BLE001  the loop outlives every trouble
                pause = min(_LONGEST_PAUSE_S, pause * 2)
            await asyncio.sleep(pause)

    async def _mark(self, row: OutboxRow, **changes: object) -> None:
        with suppress(ConflictError):  # another gateway told it at the same time
            await self._store.commit(lambda tx: tx.change(row, **changes))
