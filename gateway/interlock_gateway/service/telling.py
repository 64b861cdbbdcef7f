"""Tells people outside what waits for them: from the outbox, in order, until it is delivered."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock_gateway.service.bell import OUTBOX, Bell
from interlock_gateway.service.claims import take
from interlock_gateway.service.ports import (
    Clock,
    ConflictError,
    Meter,
    Noticeboard,
    NotReachedError,
    NotTakenError,
    Randomness,
    Reading,
    Store,
    StoreUnwritableError,
)
from interlock_gateway.service.records import OutboxRow

_LONGEST_PAUSE_S = 30.0
_SHORTEST_PAUSE_S = 0.5
_CLAIM = "telling"
_CLAIM_S = 30.0
_AT_ONCE = 500
_MOST_TRIES = 5
_LONGEST_TROUBLE = 500


@dataclass(frozen=True, slots=True)
class Untold:
    """What could not be told yet: since when it waits, how often it was tried, and why not."""

    since: datetime
    attempts: int
    trouble: str
    set_aside: bool


class Telling:
    """Delivers what units of work put into the outbox; each entry at least once.

    One gateway at a time does it, so that nothing is told twice or out of order. What is about
    one subject is told in order; a subject that cannot be told now keeps no other waiting.
    """

    def __init__(
        self,
        store: Store,
        board: Noticeboard,
        clock: Clock,
        meter: Meter,
        bell: Bell,
        randomness: Randomness,
        *,
        only_one: bool = False,
    ) -> None:
        """Tell what stands in a store.

        Args:
            store: whose outbox it is.
            board: what is told.
            clock: the gateway's.
            meter: counts.
            bell: rings when there is something to tell.
            randomness: names this gateway.
            only_one: whether no other gateway can have this store; then none is waited for.
        """
        self._store = store
        self._board = board
        self._clock = clock
        self._meter = meter
        self._bell = bell
        self._holder = randomness.identifier("gw_")
        self._only_one = only_one
        self._renew_at: datetime | None = None
        self._waits: dict[str, tuple[float, float]] = {}

    async def deliver(self) -> int:
        """Deliver what waits, oldest first, and return how many entries that settled.

        Raises:
            NotReachedError: nobody can be told now; order is kept.
        """
        waiting = await self._store.read(
            lambda tx: tx.rows(
                OutboxRow, delivered_at=None, set_aside_at=None, order="id", limit=_AT_ONCE
            )
        )
        told, later = 0, self._left_alone()
        for row in waiting:
            if row.subject in later:
                continue
            if not await self._ours():
                break
            if await self._deliver(row):
                told += 1
            else:
                later.add(row.subject)
        return told

    def _left_alone(self) -> set[str]:
        now = self._clock.monotonic()
        return {subject for subject, (until, _) in self._waits.items() if now < until}

    async def run(self, every_s: float = 0.5) -> None:
        """Deliver for ever, at once when the bell rings, more slowly while the board refuses."""
        try:
            await self._run(every_s)
        finally:
            await self._leave()

    async def _leave(self) -> None:
        """Let another gateway go on at once."""
        if self._renew_at is not None:
            with suppress(StoreUnwritableError):
                await self._store.commit(lambda tx: take(tx, _CLAIM, self._holder, 0.0))

    async def _run(self, every_s: float) -> None:
        pause = every_s
        while True:
            with self._bell.listen(OUTBOX) as rung:
                try:
                    await self.deliver()
                    pause = every_s
                except NotReachedError as error:
                    pause = error.after_s or min(_LONGEST_PAUSE_S, pause * 2)
                except Exception:  # noqa: BLE001  the loop outlives every trouble
                    pause = min(_LONGEST_PAUSE_S, pause * 2)
                if pause > every_s:
                    await asyncio.sleep(pause)
                else:
                    await rung(pause)

    async def _deliver(self, row: OutboxRow) -> bool:
        """Deliver one entry; False where it has to wait, and others need not."""
        try:
            async with asyncio.timeout(_CLAIM_S / 2):
                await self._board.post(row)
        except NotTakenError as error:
            await self._set_aside(row, error)
        except NotReachedError as error:
            await self._failed(row, error)
            if not error.alone:
                raise
            self._wait(row.subject)
            return False
        except (ConflictError, StoreUnwritableError, TimeoutError) as error:
            await self._failed(row, error)
            raise
        except Exception as error:  # noqa: BLE001  whatever is wrong with one entry, others are told
            if row.attempts + 1 >= _MOST_TRIES:
                await self._set_aside(row, error)
                return True
            await self._failed(row, error)
            self._wait(row.subject)
            return False
        else:
            await self._mark(row, delivered_at=self._clock.now(), attempts=row.attempts + 1)
            self._waits.pop(row.subject, None)
            self._meter.count("notices", outcome="delivered")
        return True

    async def _failed(self, row: OutboxRow, error: Exception) -> None:
        self._meter.count("notices", outcome="failed")
        await self._mark(row, attempts=row.attempts + 1, trouble=_told(error))

    async def _set_aside(self, row: OutboxRow, error: Exception) -> None:
        self._meter.count("notices", outcome="set aside")
        self._meter.count("alarms", kind="notice_set_aside")
        await self._mark(row, set_aside_at=self._clock.now(), trouble=_told(error))

    def _wait(self, subject: str) -> None:
        """Leave a subject alone for a while, longer each time."""
        _, before = self._waits.get(subject, (0.0, 0.0))
        pause = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, before * 2))
        self._waits[subject] = (self._clock.monotonic() + pause, pause)

    async def _ours(self) -> bool:
        """Tell whether this gateway is the one that tells, for as long as one delivery takes."""
        if self._only_one:
            return True
        now = self._clock.now()
        if self._renew_at is None or now >= self._renew_at:
            held = await self._store.commit(lambda tx: take(tx, _CLAIM, self._holder, _CLAIM_S))
            self._renew_at = now + timedelta(seconds=_CLAIM_S / 2) if held else None
        return self._renew_at is not None

    async def _mark(self, row: OutboxRow, **changes: object) -> None:
        with suppress(ConflictError):  # another gateway told it at the same time
            await self._store.commit(lambda tx: tx.change(row, **changes))


def untold(tx: Reading, subject: str) -> Untold | None:
    """Return what of a subject could not be told outside yet, the oldest first; None if all is."""
    waiting = tx.rows(OutboxRow, subject=subject, delivered_at=None, order="id", limit=20)
    row = next((row for row in waiting if row.trouble), None)
    if row is None:
        return None
    return Untold(row.created_at, row.attempts, row.trouble, row.set_aside_at is not None)


def _told(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_LONGEST_TROUBLE]
