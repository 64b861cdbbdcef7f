"""Redaction after the fact: a piece of evidence and every copy of it are destroyed, for a reason.

The event stays, and with it the commitment: the log verifies as before. What goes is the salt and
the bytes, in one unit of work with the tombstone that says who destroyed them, when and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlock.errors import refusal

from interlock_gateway.core.limits import MAX_TEXT
from interlock_gateway.core.model import IncidentRole
from interlock_gateway.core.piece import Piece, pieces
from interlock_gateway.core.timeline import text_part
from interlock_gateway.service.evidence import (
    held,
    must_be_there,
    piece_of,
    told,
)
from interlock_gateway.service.evidence_copies import Copy, copies_of
from interlock_gateway.service.evidence_records import TombstoneRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import incident_of
from interlock_gateway.service.ports import Reading, Store, Transaction
from interlock_gateway.service.stewards import Stewards

REDACTED, EXPIRED = "redacted", "expired"
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Redacted:
    """What a redaction did.

    Attributes:
        event: that tells it.
        destroyed: the ids of what is gone.
        copies: the columns in which copies stood, such as `calls.answer`.
        erased: whether the bytes have left the store's files already.
    """

    event: str
    destroyed: tuple[str, ...]
    copies: tuple[str, ...]
    erased: bool


@dataclass(frozen=True, slots=True)
class Burial:
    """Why something is destroyed: `kind` is redacted or expired."""

    kind: str
    by: str
    reason: str


class EvidenceRedaction:
    """Destroys evidence for whoever may."""

    def __init__(self, store: Store, stewards: Stewards) -> None:
        self._store = store
        self._stewards = stewards

    async def redact(self, who: Principal, name: str, reason: str) -> Redacted:
        """Destroy a piece of evidence, its preview, what was drawn from it, and every copy.

        A hold does not stop it, and neither does a seal; the event says so.

        Args:
            who: the incident's commander, or a steward.
            name: the id of a part or artifact.
            reason: why; it is shown wherever the content would be.

        Raises:
            InterlockError: `not-a-person`, `no-permission`, `bad-request`, `evidence-not-found`,
                `evidence-redacted`, or `incident-state` where it is still worked with.
        """
        check_reason(reason)
        done = await self._store.commit(lambda tx: self._redacted(tx, who, name, reason))
        return replace(done, erased=await self._store.tidy(wholly=True))

    def _redacted(self, tx: Transaction, who: Principal, name: str, reason: str) -> Redacted:
        piece = piece_of(tx, name)
        must_lead(tx, self._stewards, who, piece.incident, "redact evidence")
        must_be_there(tx, piece)
        together = _together(tx, piece)
        copies = bury(tx, together, Burial(REDACTED, who.person.id, reason))
        destroyed = tuple(one for each in together for one in each.ids)
        holding = held(tx, piece.incident).by if piece.incident else ""
        data = {
            "by": who.person.id,
            "destroyed": list(destroyed),
            "copies": list(copies),
            **({"held_by": holding} if holding else {}),
        }
        draft = told(REDACTED, who.authid, tx, piece, data)
        event = tx.append(replace(draft, parts={"reason": text_part(reason)}))
        return Redacted(event, destroyed, copies, erased=False)


def check_reason(reason: str) -> None:
    """Refuse a reason that says nothing, or too much."""
    if len(reason.strip()) < _SHORTEST or len(reason) > MAX_TEXT:
        raise refusal("bad-request", f"Say why, in {_SHORTEST} characters or more.")


def must_lead(tx: Reading, stewards: Stewards, who: Principal, incident: str, deed: str) -> None:
    """Refuse whoever neither leads the incident nor is a steward.

    Raises:
        InterlockError: `not-a-person`, `no-permission`.
    """
    if who.run:
        raise refusal("not-a-person", f"A run cannot {deed}; only a person can.")
    found = incident_of(tx, incident) if incident else None
    leads = found is not None and found.roles.get(who.person.id) is IncidentRole.COMMANDER
    if not leads and not stewards.has(who):
        message = f"Only the commander of {incident or 'its incident'} or a steward may {deed}."
        raise refusal("no-permission", message, line="steward_role")


def bury(tx: Transaction, together: Sequence[Piece], burial: Burial) -> tuple[str, ...]:
    """Destroy pieces with their copies, each under its tombstone; return the copies' columns.

    The tombstones come first: the database lets nothing go without.
    """
    columns: dict[str, None] = {}
    for piece in together:
        copies = copies_of(tx, piece.body, piece.part)
        _write(tx, piece, burial, copies)
        for copy in copies:
            copy.erase(tx)
            columns |= dict.fromkeys(copy.columns)
        for name in piece.ids:
            tx.destroy(name)
    return tuple(columns)


def _write(tx: Transaction, piece: Piece, burial: Burial, copies: Sequence[Copy]) -> None:
    names = [f"|{copy.name}" for copy in copies]
    covers = "".join(names) + "|" if names else ""
    about = (piece.event, piece.incident, burial.kind, burial.by)
    for name in piece.ids:
        if tx.get(TombstoneRow, name) is None:
            tx.add(TombstoneRow(name, *about, tx.now, burial.reason, covers))


def _together(tx: Reading, piece: Piece) -> list[Piece]:
    """Return a piece, and for a chart its picture and its specification: they show the same."""
    stem = piece.part.removesuffix("_spec")
    if not stem.startswith("chart_"):
        return [piece]
    of = [one for one in pieces(piece.body) if one.part in {stem, f"{stem}_spec"}]
    return [one for one in of if tx.get(TombstoneRow, one.id) is None]
