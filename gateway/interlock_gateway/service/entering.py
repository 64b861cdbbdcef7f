"""What entries of people have in common: who may add one, when it is about, what it became."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from interlock.errors import refusal

from interlock_gateway.core.ledger import When, why_not
from interlock_gateway.core.model import IncidentRole, IncidentState
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import must_be, row_of
from interlock_gateway.service.ports import Reading, Store, Transaction


class Timed(TypedDict, total=False):
    """The fields of a draft that say when something happened, if that is not now."""

    time: datetime
    timeaccuracy: str
    timesource: str


@dataclass(frozen=True, slots=True)
class Written:
    """What an entry became: its event and its number; `name` where it has one, such as `H-1`."""

    event: str
    sequence: int = 0
    name: str = ""


def must_take_notes(tx: Reading, who: Principal, incident: str) -> None:
    """Refuse whoever has no part in an incident, and everybody once its record is sealed."""
    must_be_writable(tx, incident)
    must_be(tx, who, incident, *IncidentRole)


def must_steer(tx: Reading, who: Principal, incident: str) -> None:
    """Refuse whoever only looks on, and everybody once the record is sealed."""
    must_be_writable(tx, incident)
    must_be(tx, who, incident, IncidentRole.COMMANDER, IncidentRole.RESPONDER)


def must_be_writable(tx: Reading, incident: str) -> None:
    """Refuse to add to a sealed record."""
    if row_of(tx, incident).state == IncidentState.SEALED.value:
        raise refusal("incident-state", f"{incident} is sealed; nothing can be added.")


def timed(tx: Transaction, incident: str, when: When | None) -> Timed:
    """Return what a draft says of when something happened; nothing where that is now.

    Raises:
        InterlockError: it is still to come, or so long ago that it was mistyped.
    """
    if when is None:
        return {}
    wrong = why_not(when, now=tx.now, declared=row_of(tx, incident).declared_at)
    if wrong:
        raise refusal("bad-request", wrong, help="Say when it happened, or leave the time out.")
    return {"time": when.at, "timeaccuracy": when.accuracy}


async def written(store: Store, event: str, name: str = "") -> Written:
    """Return what an entry that was committed became."""
    found = await store.read(lambda tx: tx.cited([event]))
    return Written(event, found[0].sequence if found else 0, name)
