"""What people do in a chat: kept before it is acknowledged, and done once.

The chat is told that a click arrived only after the click is durable. A vote and the end of the
click that cast it are one unit of work, so however often it is delivered, and wherever a gateway
is killed, it counts once. What a person is told goes through the outbox, in the same unit.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from interlock.errors import refusal

from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.bell import Bell
from interlock_gateway.service.chat.deeds import Deeds
from interlock_gateway.service.chat.following import is_followed
from interlock_gateway.service.chat.notes import is_bearable
from interlock_gateway.service.chat.protocol import Heard, read_heard
from interlock_gateway.service.chat.records import InboxRow
from interlock_gateway.service.identity import FailureGate
from interlock_gateway.service.ports import (
    Clock,
    ConflictError,
    Meter,
    NotReachedError,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.redaction import Redaction

INBOX = "inbox"
"""The bell that rings when something was heard."""

_OTHERS_AFTER = timedelta(seconds=5)
_GIVE_UP_AFTER = timedelta(minutes=30)
_FAULTY_AFTER = timedelta(minutes=5)
_AT_ONCE = 50
_LOOK_S = 1.0


class Hearing:
    """Takes what the chat tells, and has it done."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        clock: Clock,
        meter: Meter,
        bell: Bell,
        deeds: Deeds,
        redaction: Redaction,
    ) -> None:
        self._redaction = redaction
        self._store = store
        self._seal = seal
        self._clock = clock
        self._meter = meter
        self._bell = bell
        self._deeds = deeds
        self._gate = FailureGate()
        self._triggers: dict[str, str] = {}
        self._failing: dict[str, datetime] = {}

    async def receive(self, heard: Heard, proof: str = "") -> bool:
        """Keep what was heard; when this returns, it is durable. Tell whether it is new.

        What nobody follows is not kept, and of a flood of wishes only the beginning.

        Args:
            heard: what was done.
            proof: names the signed request that told it, or "".

        Raises:
            InterlockError: `bad-signature`; the very same request came before. The chat signs
                each of its own tries anew.
            StoreUnwritableError: it is not kept; the chat must not be told that it arrived.
        """
        if not await self._store.glance(lambda tx: is_followed(tx, heard)):
            self._meter.count("heard", outcome="left")
            return False
        content = self._seal.close(heard.stored(), heard.id)

        def unit(tx: Transaction) -> str:
            known = tx.get(InboxRow, heard.id)
            if known is not None and proof and known.proof == proof:
                raise refusal("bad-signature", "This very request came before: it is a copy.")
            if known is not None:
                return "again"
            if not is_bearable(tx, heard):
                return "left"
            tx.add(InboxRow(heard.id, content, proof, tx.now))
            return "new"

        outcome = await self._store.commit(unit)
        self._meter.count("heard", outcome=outcome)
        if outcome == "new":
            self._triggers[heard.id] = heard.trigger
            self._bell.ring(INBOX)
        return outcome == "new"

    async def refused(self, why: str) -> None:
        """Record that somebody who is not the chat asked; a flood cannot fill the journal."""
        now = self._clock.now()
        self._meter.count("heard", outcome="refused")
        if self._gate.closed(now):
            return
        self._gate.note(now)
        data = {"credential": "signature", "reason": why}
        await self._store.commit(
            lambda tx: tx.append(Draft("authentication.failed", "system", data))
        )

    async def run(self) -> None:
        """Handle what is heard, for ever."""
        while True:
            with self._bell.listen(INBOX) as rung:
                try:
                    busy = await self.handle()
                except Exception:  # noqa: BLE001  the loop outlives every trouble, and says so
                    self._meter.count("alarms", kind="inbox")
                    busy = False
                if not busy:
                    await rung(_LOOK_S)

    async def handle(self) -> bool:
        """Handle what waits, and what another gateway took and left; tell whether all was."""
        rows = await self._store.read(
            lambda tx: tx.rows(InboxRow, handled_at=None, order="received_at", limit=_AT_ONCE)
        )
        late = self._clock.now() - _OTHERS_AFTER
        mine = [row for row in rows if row.id in self._triggers or row.received_at <= late]
        done = await asyncio.gather(*map(self._one, mine))
        return bool(done) and all(done)

    async def _one(self, row: InboxRow) -> bool:
        """Handle one; tell whether that is over. What cannot be done now waits in the inbox."""
        trigger = self._triggers.get(row.id, "")
        try:
            heard = read_heard(self._seal.open(row.content, row.id))
            if (heard.deed, heard.about) == ("answer", "deny"):  # its reason; a code stays one
                heard = replace(heard, text=(await self._redaction.masked(heard.text)).value)
            await self._deeds.do(heard, trigger, partial(ended, row=row))
        except NotReachedError:
            return await self._later(row)
        except ConflictError:
            pass  # another gateway did it
        except Exception:  # noqa: BLE001  one bad entry keeps nobody else's waiting
            self._meter.count("alarms", kind="inbox")
            if not self._fails_for_good(row):  # a store that does not answer now may do so soon
                return False
            await self._end(row, "malfunction")
        self._triggers.pop(row.id, None)
        self._failing.pop(row.id, None)
        return True

    def _fails_for_good(self, row: InboxRow) -> bool:
        """Tell whether an entry has failed for so long that it is its own fault."""
        now = self._clock.now()
        return now - self._failing.setdefault(row.id, now) >= _FAULTY_AFTER

    async def _later(self, row: InboxRow) -> bool:
        if self._clock.now() - row.received_at < _GIVE_UP_AFTER:
            return False
        self._meter.count("alarms", kind="inbox_given_up")
        await self._end(row, "given up")
        return True

    async def _end(self, row: InboxRow, outcome: str) -> None:
        await self._store.commit(lambda tx: ended(tx, outcome, row))


def ended(tx: Transaction, outcome: str, row: InboxRow) -> None:
    """Note what became of something that was heard, and forget what it said.

    Raises:
        ConflictError: it is over already; whatever else this unit does must not happen.
    """
    tx.change(row, outcome=outcome, handled_at=tx.now, content=b"")
