"""Messages of a chat that become notes in a timeline, and what becomes of them afterwards.

A note says who added it, which is known, and who wrote it, which the chat says. What a message
says is data: nothing in it is read as anything else. An edit is an event of its own, and a
deletion too; what was noted stays.

The message is looked at once more after it was noted: from then on its edits are kept, and one
that came in between is not lost.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.prompt import flat
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.chat.following import (
    Change,
    digest_of,
    follow,
    latest_of,
    lose,
    moment_of,
)
from interlock_gateway.service.chat.links import Links
from interlock_gateway.service.chat.protocol import (
    Chat,
    GoneError,
    Heard,
    Message,
    Question,
)
from interlock_gateway.service.chat.records import NoteRow, PostRow, RoomRow
from interlock_gateway.service.chat.whispers import LINK, whisper
from interlock_gateway.service.entering import must_take_notes
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import NotReachedError, Reading, Store, Transaction
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.redaction import Redaction

MOST_NOTES = 30
"""Notes that one person may add from a chat within an hour."""
MOST_HEARD = 120
"""What is heard at all of one account that wants to add notes, within an hour."""

NOTE = "note"
NOTE_DEEDS = ("react", "shortcut", "edit", "delete")

_INCIDENT = re.compile(r"INC-[1-9][0-9]{0,8}\Z")
_MOST_HANDLE = 80

Ending = Callable[[Transaction, str], None]
"""Ends the entry in the inbox, with a word for what became of it."""


@dataclass(frozen=True, slots=True)
class Adding:
    """A message that somebody adds to an incident's timeline; `author` is known or "slack:…"."""

    heard: Heard
    who: Principal
    incident: str
    message: Message
    author: str
    end: Ending


class Notes:
    """Adds messages to timelines, and follows them."""

    def __init__(self, store: Store, chat: Chat, links: Links, redaction: Redaction) -> None:
        self._redaction = redaction
        self._store = store
        self._chat = chat
        self._links = links

    async def do(self, heard: Heard, trigger: str, end: Ending) -> None:
        """Do what somebody wants of a timeline, and end its entry.

        Raises:
            NotReachedError: the chat is needed and does not answer; it is tried again.
            ConflictError: it was done before.
        """
        if heard.home != self._chat.team or await self._is_ours(heard):
            await self._over(end, "not for us")
            return
        try:
            match heard.deed:
                case "edit":
                    await self._edited(heard, end)
                case "delete":
                    await self._deleted(heard, end)
                case "answer":
                    await self._named(heard, end)
                case _:
                    await self._add(heard, trigger, end)
        except InterlockError as error:
            await self._refuse(heard, error, end)

    async def _is_ours(self, heard: Heard) -> bool:
        """Tell whether a program did it, the app itself above all; nobody is told of that."""
        return heard.deed == "react" and await self._links.is_program(heard.account)

    async def _over(self, end: Ending, outcome: str) -> None:
        await self._store.commit(lambda tx: end(tx, outcome))

    # --- adding -----------------------------------------------------------------------------

    async def _add(self, heard: Heard, trigger: str, end: Ending) -> None:
        """Add a message to the timeline of the incident whose place it stands in."""
        if heard.deed == "react" and not await self._store.read(lambda tx: _known(tx, heard.room)):
            await self._over(end, "no incident")
            return
        message = await self._look(heard)
        if message is None:
            await self._over(end, "gone")
            return
        incident = await self._store.read(lambda tx: incident_at(tx, message.room, message.thread))
        if not incident and heard.deed == "react":
            await self._over(end, "no incident")  # an emoji like any other there
        elif not incident:
            await self._links.person(heard)
            await self._ask(heard, trigger, end)
        else:
            await self._note(heard, message, incident, end)

    async def _named(self, heard: Heard, end: Ending) -> None:
        """Add the message that a form was about to the incident that was typed into it."""
        room, ts = json.loads(heard.value)
        of = replace(heard, room=str(room), ts=str(ts))
        incident = heard.text.strip().upper()
        if not _INCIDENT.match(incident):
            raise refusal("incident-not-found", "An incident is called INC- and its number.")
        message = await self._look(of)
        if message is None:
            await self._over(end, "gone")
            return
        place = await self._store.read(lambda tx: incident_at(tx, message.room, message.thread))
        if place not in {"", incident}:
            raise refusal("not-on-incident", f"This message stands in a place of {place}.")
        await self._note(of, message, incident, end)

    async def _look(self, heard: Heard) -> Message | None:
        """Return a message as it is now, None if it is gone; where we cannot look, refuse."""
        try:
            found = await self._chat.message(heard.room, heard.ts)
            kept = await self._redaction.masked(found.text)
            return replace(found, text=kept.value)
        except GoneError:
            return None
        except NotReachedError as error:
            if not error.barred:
                raise
            message = "The app is not in this channel and cannot read the message."
            raise refusal("chat-message-unseen", message) from None

    async def _note(self, heard: Heard, message: Message, incident: str, end: Ending) -> None:
        if message.ours:
            raise refusal("bad-request", "What the app itself says is in the timeline already.")
        who = await self._links.person(heard)
        author = await self._links.owner(message.account)
        adding = Adding(
            heard, who, incident, message, author or f"slack:{message.account or '?'}", end
        )
        if await self._store.commit(lambda tx: _noted(tx, adding)):
            latest = await self._look(heard)
            await self._store.commit(lambda tx: _looked_at_again(tx, adding, latest))

    async def _ask(self, heard: Heard, trigger: str, end: Ending) -> None:
        question = Question(
            about=NOTE,
            title="Add to the timeline",
            label="Which incident?",
            hint="Its name, such as INC-12. You have to have a part in it.",
            submit="Add",
            value=json.dumps([heard.room, heard.ts]),
            room=heard.room,
            most=20,
        )
        asked = bool(trigger) and await self._chat.ask(trigger, question)

        def unit(tx: Transaction) -> None:
            end(tx, "asked" if asked else "too late")
            if not asked:
                whisper(tx, heard, "That came too late to open a form. Choose it once more.")

        await self._store.commit(unit)

    async def _refuse(self, heard: Heard, error: InterlockError, end: Ending) -> None:
        """Say to whoever wanted it why something was not noted."""
        linkless = error.code == "chat-not-linked"
        text = f"Not noted: {error.message}" + (f" {error.help}" if linkless else "")

        def unit(tx: Transaction) -> None:
            end(tx, error.code)
            whisper(tx, heard, text, button=LINK if linkless else "")

        await self._store.commit(unit)

    # --- following --------------------------------------------------------------------------

    async def _edited(self, heard: Heard, end: Ending) -> None:
        text = (await self._redaction.masked(await self._chat.plain(heard.text))).value

        def unit(tx: Transaction) -> None:
            for row in tx.rows(NoteRow, room=heard.room, ts=heard.ts, order="incident"):
                follow(tx, row, Change(text, heard.about, heard.value, heard.account))
            end(tx, "followed")

        await self._store.commit(unit)

    async def _deleted(self, heard: Heard, end: Ending) -> None:
        def unit(tx: Transaction) -> None:
            for row in tx.rows(NoteRow, room=heard.room, ts=heard.ts, order="incident"):
                lose(tx, row, heard.value)
            end(tx, "followed")

        await self._store.commit(unit)


def is_about_notes(heard: Heard) -> bool:
    """Tell whether something that was heard is about notes."""
    return heard.deed in NOTE_DEEDS or (heard.deed == "answer" and heard.about == NOTE)


def is_bearable(tx: Transaction, heard: Heard) -> bool:
    """Count what one account wants to add, and tell whether it is still kept."""
    if heard.deed not in {"react", "shortcut"}:
        return True
    account = f"{heard.team}/{heard.account}"
    return tx.number(f"notes wanted by {account} in hour {_hour(tx)}") <= MOST_HEARD


def incident_at(tx: Reading, room: str, thread: str) -> str:
    """Return the incident whose place this is: its approval's thread, or its own room; or ""."""
    for post in tx.rows(PostRow, room=room, ts=thread) if thread else ():
        approval = tx.get(ApprovalRow, post.key.partition("/")[0])  # its card, or what leads there
        if approval is not None:
            return approval.incident
    rooms = tx.rows(RoomRow, room=room, limit=1)
    return rooms[0].incident if rooms else ""


def _known(tx: Reading, room: str) -> bool:
    """Tell whether a room may hold a place of an incident at all."""
    return bool(tx.rows(RoomRow, room=room, limit=1) or tx.rows(PostRow, room=room, limit=1))


def _noted(tx: Transaction, adding: Adding) -> bool:
    """Note a message once; tell whether it is to be looked at again before its entry ends."""
    heard, message = adding.heard, adding.message
    must_take_notes(tx, adding.who, adding.incident)
    row = tx.get(NoteRow, adding.incident, message.room, message.ts)
    if row is not None:
        follow(tx, row, latest_of(message))
        _tell_where(tx, adding, row)
        return False
    number = tx.number(f"notes of {adding.who.person.id} in hour {_hour(tx)}")
    if number > MOST_NOTES:
        adding.end(tx, "too many")
        if number == MOST_NOTES + 1:
            whisper(tx, heard, _TOO_MANY)
        return False
    event = tx.append(_draft(tx, adding))
    digest = digest_of(message.text)
    place = (adding.incident, message.room, message.ts)
    edits = (message.edited, message.edited)
    tx.add(NoteRow(*place, event, heard.id, digest, *edits, tx.now))
    return True


_TOO_MANY = (
    f"Not noted: {MOST_NOTES} notes from Slack are the most for one person within an hour. "
    "This is said once; write what matters with `interlock note`."
)


def _draft(tx: Transaction, adding: Adding) -> Draft:
    message = adding.message
    data = {
        "source": "slack",
        "author": adding.author,
        "account": message.account,
        "channel": message.room,
        "ts": message.ts,
        "permalink": message.link,
    }
    parts = {"text": text_part(message.text)}
    if message.handle:  # a name: it can be destroyed, as the text can
        parts["handle"] = text_part(flat(message.handle)[:_MOST_HANDLE])
    return Draft(
        "note.observation",
        adding.who.authid,
        data,
        parts,
        incident=adding.incident,
        subject=f"{message.room}/{message.ts}",
        time=moment_of(tx, message.ts),
    )


def _looked_at_again(tx: Transaction, adding: Adding, latest: Message | None) -> None:
    """Add what became of the message while it was noted, and end the entry."""
    row = tx.get(NoteRow, adding.incident, adding.message.room, adding.message.ts)
    if row is None:
        return  # not so: it was noted before
    if latest is None:
        lose(tx, row, "")
    else:
        follow(tx, row, latest_of(latest))
    _tell_where(tx, adding, row)


def _tell_where(tx: Transaction, adding: Adding, row: NoteRow) -> None:
    new = row.entry == adding.heard.id
    adding.end(tx, "noted" if new else "noted before")
    where = f"{row.incident}'s timeline"
    text = f"Noted in {where}." if new else f"This message is in {where} already."
    whisper(tx, adding.heard, text)


def _hour(tx: Transaction) -> int:
    return int(tx.now.timestamp()) // 3600
