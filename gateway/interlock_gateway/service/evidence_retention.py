"""How long evidence is kept, and holds that keep it longer.

What targets and cells gave expires; what people wrote, asked and decided stays, so that the story
of an incident can always be read. Time counts from the close of the incident: an open one keeps
everything, and so does one that somebody holds.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from interlock.errors import refusal

from interlock_gateway.core.approval import UNSETTLED
from interlock_gateway.core.model import IncidentState
from interlock_gateway.core.piece import Piece, pieces
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.evidence import Held, held
from interlock_gateway.service.evidence_copies import is_given
from interlock_gateway.service.evidence_records import RetentionRow, TombstoneRow
from interlock_gateway.service.evidence_redaction import (
    EXPIRED,
    Burial,
    bury,
    check_reason,
    must_lead,
)
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import book_of, row_of
from interlock_gateway.service.ports import Clock, ConflictError, Reading, Store, Transaction
from interlock_gateway.service.records import ApprovalRow, IncidentRow
from interlock_gateway.service.stewards import Stewards

AT_ONCE = 20
"""Events that one unit of work looks at: whoever wants to record waits no longer than that."""

_ENDED = (IncidentState.CLOSED.value, IncidentState.SEALED.value)
_SYSTEM = "system"


class Retention:
    """Holds evidence, lets go of it, and lets it expire."""

    def __init__(self, store: Store, stewards: Stewards, clock: Clock, keep_days: int) -> None:
        """Take the ports, and after how many days from its close an incident's evidence expires.

        0 days mean never.
        """
        self._store = store
        self._stewards = stewards
        self._clock = clock
        self._keep_days = keep_days

    async def hold(self, who: Principal, incident: str, reason: str) -> Held:
        """Keep an incident's evidence until somebody releases it; a later reason replaces one."""
        check_reason(reason)

        def unit(tx: Transaction) -> Held:
            row_of(tx, incident)
            must_lead(tx, self._stewards, who, incident, "hold evidence")
            row = _row(tx, incident)
            tx.change(row, held_by=who.person.id, reason=reason, held_at=tx.now)
            _tell(tx, who, incident, "held", reason)
            return held(tx, incident)

        return await self._store.commit(unit)

    async def release(self, who: Principal, incident: str, reason: str) -> Held:
        """Let an incident's evidence expire in its time again."""
        check_reason(reason)

        def unit(tx: Transaction) -> Held:
            row_of(tx, incident)
            must_lead(tx, self._stewards, who, incident, "release evidence")
            row = _row(tx, incident)
            if not row.held_by:
                raise refusal("incident-state", f"Nobody holds the evidence of {incident}.")
            tx.change(row, held_by="", reason="", held_at=None)
            _tell(tx, who, incident, "released", reason)
            return held(tx, incident)

        return await self._store.commit(unit)

    async def sweep(self) -> int:
        """Let what is due expire, one small unit after another; return how many pieces did."""
        due = await self._store.read(self._due) if self._keep_days else []
        count = 0
        for incident in due:
            count += await self._expire(incident)
        if count or self._store.untidy:
            await self._store.tidy(wholly=not count)
        return count

    async def _expire(self, incident: str) -> int:
        count = 0
        while True:
            try:
                found = await self._store.commit(lambda tx: self._unit(tx, incident))
            except ConflictError:
                return count  # somebody worked with it meanwhile; the next sweep looks again
            if found is None:
                return count
            count += found

    def _due(self, tx: Reading) -> list[str]:
        rows = tx.rows(IncidentRow, state=_ENDED, order="closed_at")
        return [row.id for row in rows if self._is_due(tx, row)]

    def _is_due(self, tx: Reading, row: IncidentRow) -> bool:
        """Tell whether an incident's evidence is to go now: closed, old, held by nobody."""
        if row.state not in _ENDED or row.closed_at is None:
            return False
        if self._clock.now() - row.closed_at < timedelta(days=self._keep_days):
            return False
        kept = tx.get(RetentionRow, row.id)
        if kept is not None and kept.held_by:
            return False
        if kept is not None and kept.done_at is not None and kept.done_at >= row.closed_at:
            return False
        return not tx.count(ApprovalRow, incident=row.id, state=tuple(UNSETTLED))

    def _unit(self, tx: Transaction, incident: str) -> int | None:
        """Let the next events' evidence expire; None once there is none left, or a hold came."""
        if not self._is_due(tx, row_of(tx, incident)):
            return None
        row = _row(tx, incident)
        page = tx.events(incident, after=row.expired_to, limit=AT_ONCE)
        if not page:
            tx.change(row, done_at=tx.now)
            return None
        found = [piece for event in page for piece in _given(tx, json.loads(event.body))]
        words = f"expired after {self._keep_days} days"
        if found:
            copies = bury(tx, found, Burial(EXPIRED, _SYSTEM, words))
            tx.append(_expired(tx, incident, found, copies, self._keep_days))
        tx.change(row, expired_to=page[-1].sequence)
        return len(found)


def _given(tx: Reading, body: Mapping[str, object]) -> list[Piece]:
    found = [piece for piece in pieces(body) if is_given(piece.part)]
    return [piece for piece in found if tx.get(TombstoneRow, piece.id) is None]


def _row(tx: Transaction, incident: str) -> RetentionRow:
    row = tx.get(RetentionRow, incident)
    if row is None:
        row = RetentionRow(incident)
        tx.add(row)
    return row


def _tell(tx: Transaction, who: Principal, incident: str, word: str, reason: str) -> None:
    tx.append(
        Draft(
            f"artifact.{word}",
            who.authid,
            {"of": incident, "by": who.person.id},
            {"reason": text_part(reason)},
            incident=book_of(tx, incident),
            subject=incident,
        )
    )


def _expired(
    tx: Reading, incident: str, found: Sequence[Piece], copies: Sequence[str], days: int
) -> Draft:
    data = {
        "of": incident,
        "after_days": days,
        "destroyed": [name for piece in found for name in piece.ids],
        "copies": list(copies),
    }
    return Draft(
        "artifact.expired", _SYSTEM, data, incident=book_of(tx, incident), subject=incident
    )
