"""A room for each incident: opened once, kept at who takes part and how things stand.

The name is written down before the room is opened; where the answer was lost, the room is found
again by it. A room that somebody else opened under that name, to be taken for ours, is not: the
chat says who opened it and when. Where no room can be opened, cards go where they always went.
"""

import json
import re
import unicodedata
from datetime import timedelta

from interlock_gateway.core.model import IncidentState
from interlock_gateway.core.prompt import flat
from interlock_gateway.service.chat.links import Links
from interlock_gateway.service.chat.protocol import RefusedError, Rooms, Words
from interlock_gateway.service.chat.records import RoomRow
from interlock_gateway.service.claims import take
from interlock_gateway.service.incidents import incident_of
from interlock_gateway.service.ports import (
    Clock,
    Meter,
    NotReachedError,
    Reading,
    Store,
    Transaction,
)
from interlock_gateway.service.records import IncidentRow, MemberRow, OutboxRow

AGAIN = timedelta(minutes=5)
"""How long it takes until a room that could not be opened is tried again."""

MOST_NAME = 80
_MOST_TITLE = 300
_NAMES = 20
_CLAIM = "rooms"
_CLAIM_S = 120.0


class IncidentRooms:
    """Opens the rooms of incidents, and furnishes them."""

    def __init__(
        self,
        store: Store,
        rooms: Rooms,
        links: Links,
        clock: Clock,
        meter: Meter,
        like: str,
        address: str,
    ) -> None:
        """Open rooms that are as private as the room `like`; `address` is of the pages."""
        self._store = store
        self._rooms = rooms
        self._links = links
        self._clock = clock
        self._meter = meter
        self._like = like
        self._address = address

    async def bring(self, incident: str) -> RoomRow | None:
        """Return the incident's room as it should be now, or None where there is none.

        Raises:
            NotReachedError: the chat does not answer at all.
        """
        row = await self._open(incident)
        if row is None:
            return None
        try:
            return await self._furnished(row)
        except NotReachedError as error:
            if not error.barred:
                raise
            self._meter.count("alarms", kind="incident_room")
            return row

    async def lose(self, incident: str) -> None:
        """Note that an incident's room cannot be used any more: archived, or the app left it."""
        row = await self._store.read(lambda tx: tx.get(RoomRow, incident))
        if row is not None and row.lost_at is None:
            self._meter.count("alarms", kind="incident_room")
            await self._store.commit(lambda tx: tx.change(row, lost_at=tx.now))

    async def retry(self, holder: str) -> None:
        """Try again what could not be opened; one gateway does it at a time."""
        if not await self._store.read(lambda tx: tx.rows(RoomRow, room="", limit=1)):
            return
        if await self._store.commit(lambda tx: take(tx, _CLAIM, holder, _CLAIM_S)):
            waiting = await self._store.read(lambda tx: tx.rows(RoomRow, room=""))
            for row in waiting:
                await self.bring(row.incident)

    # --- opening ----------------------------------------------------------------------------

    async def _open(self, incident: str) -> RoomRow | None:
        row = await self._store.read(lambda tx: tx.get(RoomRow, incident))
        row = row or await self._store.commit(lambda tx: _begun(tx, incident))
        if row is None or row.lost_at is not None:
            return None
        if row.room:
            return row
        if row.again_at is not None and self._clock.now() < row.again_at:
            return None
        if not await self._store.read(lambda tx: _is_open(tx, incident)):
            return None
        try:
            return await self._opened(row)
        except (NotReachedError, RefusedError) as error:
            if not getattr(error, "barred", True):
                raise
            self._meter.count("alarms", kind="incident_room")
            await self._store.commit(lambda tx: tx.change(row, again_at=tx.now + AGAIN))
            return None

    async def _opened(self, row: RoomRow) -> RoomRow | None:
        """Open it under its name, or under the next one where somebody else has that."""
        for number in range(2, _NAMES + 2):
            room = await self._rooms.open_room(row.name, like=self._like)
            room = room or await self._rooms.own_room(row.name, row.begun_at.timestamp())
            if room:
                return await self._changed(row, room=room)
            row = await self._changed(row, name=_next(row.name, number))
        raise NotReachedError("Every name for the room is taken.", barred=True)

    # --- furnishing -------------------------------------------------------------------------

    async def _furnished(self, row: RoomRow) -> RoomRow:
        topic, people = await self._store.read(lambda tx: self._wanted(tx, row.incident))
        if topic != row.topic:
            await self._rooms.topic(row.room, topic)
            row = await self._changed(row, topic=topic)
        for account in await self._links.accounts_of(people):
            if account not in json.loads(row.invited) and await self._links.is_fit(account):
                row = await self._invited(row, account)
        return row

    async def _invited(self, row: RoomRow, account: str) -> RoomRow:
        """Invite somebody, once: whoever leaves, or cannot be invited, is left alone."""
        try:
            await self._rooms.invite(row.room, account)
        except NotReachedError as error:
            if not error.barred:
                raise
            self._meter.count("alarms", kind="incident_room")
        return await self._changed(row, invited=json.dumps([*json.loads(row.invited), account]))

    def _wanted(self, tx: Reading, incident: str) -> tuple[str, list[str]]:
        """Return what the room says at its top, and who has a part in the incident."""
        found = incident_of(tx, incident)
        people = [member.person for member in tx.rows(MemberRow, incident=incident)]
        if found is None:
            return incident, people
        led = f"led by {flat(found.commander)}" if found.commander else "led by nobody"
        state = f"{found.severity.value} · {led} · {found.state.value}"
        return f"{incident} · {state} · {self._address}/incidents/{incident}", people

    async def _changed(self, row: RoomRow, **changes: str) -> RoomRow:
        return await self._store.commit(lambda tx: tx.change(row, **changes))


def _begun(tx: Transaction, incident: str) -> RoomRow | None:
    """Return what is known of a room, and begin it where the incident has none and is open.

    A drill has none: what it tries is whether people look where they are asked.
    """
    known, row = tx.get(RoomRow, incident), tx.get(IncidentRow, incident)
    if known is not None or row is None or row.drill or not _is_open(tx, incident):
        return known
    begun = RoomRow(incident, room_name(incident, row.title), tx.now)
    tx.add(begun)
    return begun


def _is_open(tx: Reading, incident: str) -> bool:
    found = incident_of(tx, incident)
    return found is not None and found.state is IncidentState.OPEN


def room_name(incident: str, title: str) -> str:
    """Return the name of an incident's room: lower case, at most 80 characters.

    Examples:
        >>> room_name("INC-12", "Checkout stalls: 30% — Zürich!")
        'inc-12-checkout-stalls-30-zurich'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return f"{incident.lower()}-{slug}"[:MOST_NAME].strip("-")


def _next(name: str, number: int) -> str:
    """Return the name to try after this one: with a number at its end."""
    before = re.sub(rf"-{number - 1}\Z", "", name) if number > 2 else name  # noqa: PLR2004  the first one has no number
    return f"{before[: MOST_NAME - 4].rstrip('-')}-{number}"


def opening(row: IncidentRow, emoji: str) -> Words:
    """Return what a new room is told first."""
    title = flat(row.title)[:_MOST_TITLE]
    text = (
        f"{row.id}, {row.severity}: {title}. Declared by {row.declared_by}. "
        f"React with :{emoji}: to a message and it becomes a note in the timeline."
    )
    return Words(f"{row.id}/opened", text)


def news(notice: OutboxRow) -> Words | None:
    """Return what a room is told of a change to its incident, or None where it is nothing."""
    told: dict[str, str] = json.loads(notice.payload)
    by = flat(told.get("by", "?"))
    match notice.kind.partition(".")[2]:
        case "severity_changed":
            text = f"{by} changed the severity from {told['from']} to {told['to']}."
        case "handover" if told["to"] == told["by"]:
            text = f"{by} took command" + (f" from {told['from']}." if told["from"] else ".")
        case "handover":
            text = f"{told['from']} handed command over to {told['to']}."
        case "closed":
            text = f"{by} closed {notice.subject}. This channel stays; notes are still taken."
        case "reopened":
            text = f"{by} reopened {notice.subject}."
        case "sealed":
            text = f"{by} sealed {notice.subject}: nothing can be added to its record any more."
        case _:
            return None
    return Words(f"{notice.subject}/{notice.id}", text)
