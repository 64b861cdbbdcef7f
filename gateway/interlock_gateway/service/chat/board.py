"""What a chat shows: one message for each approval, kept at where the approval stands.

Nothing is told twice and nothing is left saying what is not so any more. A message is written
down before it is posted; when the answer to posting it was lost, it is looked for in the room
before it is posted again. It is edited to what is true now, not to what was true when the outbox
entry was written, so an outage ends with one edit.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from interlock.errors import InterlockError
from interlock.proof import read_checkpoint

from interlock_gateway.service.anchoring import NOTICE, SLACK
from interlock_gateway.service.chat.anchors import checkpoint_of, record_of
from interlock_gateway.service.chat.notices import Notices, asked_as
from interlock_gateway.service.chat.protocol import (
    Chat,
    GoneError,
    Notice,
    RefusedError,
    Words,
)
from interlock_gateway.service.chat.records import PostRow
from interlock_gateway.service.chat.rooms import IncidentRooms, news, opening
from interlock_gateway.service.chat.whispers import WHISPER
from interlock_gateway.service.incidents import row_of
from interlock_gateway.service.log_records import AnchoringRow
from interlock_gateway.service.ports import (
    Meter,
    NotReachedError,
    NotTakenError,
    PolicySource,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.prompting import prompted
from interlock_gateway.service.records import OutboxRow, PromptRow
from interlock_gateway.service.redaction import Redaction

CHANNEL = "slack"
"""The channel that prompts and votes name."""

T = TypeVar("T")

_ASKED = "approval.requested"
_BROKEN = "approval.glass_broken"
_LOOK_BACK_S = 60.0


@dataclass(frozen=True, slots=True)
class Where:
    """Where a chat shows things.

    Attributes:
        room: the identifier of the room for all.
        address: of the gateway's pages, without a slash at its end.
        rooms: gives each incident a room of its own; None where they have none.
        emoji: the reaction by which a message becomes a note.
    """

    room: str
    address: str
    rooms: IncidentRooms | None = None
    emoji: str = "memo"


class ChatBoard:
    """Implements `service.ports.Noticeboard` by a chat."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        seal: Seal,
        chat: Chat,
        meter: Meter,
        where: Where,
        redaction: Redaction,
    ) -> None:
        """Post in a room.

        Args:
            store: where what was posted is kept.
            policy: says who may vote.
            seal: opens what was proposed.
            meter: counts.
            chat: where to.
            where: which rooms there are.
            redaction: masks secrets in what is recorded of a prompt.
        """
        self._redaction = redaction
        self._store = store
        self._notices = Notices(policy, seal, where.address)
        self._chat = chat
        self._meter = meter
        self._room = where.room
        self._rooms = where.rooms
        self._emoji = where.emoji

    async def post(self, notice: OutboxRow) -> None:
        """Tell it in the chat."""
        try:
            if notice.kind == WHISPER:
                await self._whisper(notice)
            elif notice.kind.startswith(("approval.", "action.")):
                await self._tell(notice)
            elif notice.kind == NOTICE:
                await self._anchor(notice)
            elif notice.kind.startswith("incident.") and self._rooms is not None:
                await self._news(notice, self._rooms)
        except RefusedError as error:
            raise NotTakenError(str(error)) from error
        except InterlockError as error:  # its stored bytes were changed: nobody may vote on it
            raise NotTakenError(error.message) from error

    async def _whisper(self, notice: OutboxRow) -> None:
        told = json.loads(notice.payload)
        words = Words(notice.id, told["text"], button=told["button"])
        try:
            await self._chat.whisper(told["room"], notice.subject, words)
        except NotReachedError as error:
            if error.barred:  # said where the app is not: nobody else's news wait for that
                raise NotTakenError(str(error)) from error
            raise

    async def _anchor(self, notice: OutboxRow) -> None:
        """Lay a checkpoint down in the thread of its incident's record, and note where it is."""
        told, incident = json.loads(notice.payload), notice.subject
        if (await self._store.read(lambda tx: row_of(tx, incident))).drill:
            return  # nothing rests on it
        size = read_checkpoint(told["note"]).size
        said = checkpoint_of(incident, size, told["length"], told["note"])
        room = await self._rooms.bring(incident) if self._rooms else None
        try:
            post = await self._in_thread(incident, said, room.room if room else self._room)
        except NotReachedError as error:
            if not error.barred or room is None or self._rooms is None:
                raise
            await self._rooms.lose(incident)
            post = await self._in_thread(incident, said, self._room)
        except GoneError:
            return  # the thread was deleted: this anchor ends there, and nothing says otherwise
        await self._store.commit(partial(_laid, incident=incident, size=size, post=post))

    async def _in_thread(self, incident: str, said: Words, room: str) -> PostRow:
        head = await self._once(record_of(incident, room), room)
        return await self._once(replace(said, key=f"{said.key}/{room}"), head.room, head.ts)

    async def _news(self, notice: OutboxRow, rooms: IncidentRooms) -> None:
        """Tell an incident's own room what is new; nobody is told where it has none."""
        incident = await self._store.read(lambda tx: row_of(tx, notice.subject))
        room = await rooms.bring(incident.id)
        said = [opening(incident, self._emoji), news(notice)]
        try:
            for words in (each for each in said if each is not None and room is not None):
                await self._once(words, room.room if room else "")
        except (GoneError, NotReachedError) as error:
            if not getattr(error, "barred", True):
                raise
            await rooms.lose(incident.id)

    async def _tell(self, notice: OutboxRow) -> None:
        """Bring the approval's message to what is so now, and say in its thread what happened."""
        about = str(json.loads(notice.payload).get("plan") or notice.subject)
        asked = await self._store.read(lambda tx: self._notices.of(tx, about))
        if asked.choice is not None:
            await self._remember(asked)
        shown = await self._show(asked, await self._room_of(about))
        if notice.kind == _ASKED:
            await self._point(asked, shown)
        elif notice.kind == _BROKEN:  # for everybody in the room, not for whoever reads the thread
            aloud = f"{asked.card.headline}. {asked.standing}"
            await self._once(Words(f"{asked.key}/glass", aloud, asked.link), self._room)
        else:
            await self._go_on(asked, shown)

    async def _go_on(self, asked: Notice, shown: PostRow) -> None:
        """Say in the thread where it stands now, once."""
        said = hashlib.sha256(asked.standing.encode()).hexdigest()[:12]
        words = Words(f"{asked.key}/{said}", asked.standing)
        try:
            with suppress(GoneError):  # its message was deleted, and the thread with it
                await self._once(words, shown.room, shown.ts)
        except NotReachedError as error:
            if not error.barred or shown.room == self._room:
                raise  # a lost room says no more; the card in it was the last word

    async def _room_of(self, name: str) -> str:
        """Return where the card of an approval or a plan is posted, if it is not posted yet."""
        if self._rooms is None:
            return self._room
        row = await self._store.read(lambda tx: asked_as(tx, name))
        room = await self._rooms.bring(row.incident)
        return room.room if room else self._room

    async def _point(self, asked: Notice, shown: PostRow) -> None:
        """Say where people look anyway that a card stands in an incident's own room."""
        if shown.room != self._room:
            text = f"{asked.card.headline}: asked in the incident's own channel."
            await self._once(Words(f"{asked.key}/elsewhere", text, asked.link), self._room)

    async def _remember(self, asked: Notice) -> None:
        """Record what is about to be shown: only then can a vote name it."""
        text, digest = asked.card.text, asked.card.digest

        def unit(tx: Transaction) -> None:
            prompted(tx, asked_as(tx, asked.key), "system", CHANNEL, text, digest)

        known = await self._store.read(lambda tx: tx.get(PromptRow, asked.key, digest))
        if known is None:
            with await self._redaction.noticing(text):
                await self._store.commit(unit)

    async def _show(self, notice: Notice, room: str) -> PostRow:
        post = await self._once(notice, room)
        if post.shown == notice.digest:
            return post
        try:
            await self._acceptable(notice, partial(self._chat.edit, post.room, post.ts))
        except GoneError:
            return await self._after_deletion(post, notice)
        except NotReachedError as error:
            if not error.barred or post.room == self._room:
                raise
            return await self._after_deletion(post, notice)
        return await self._said(post, shown=notice.digest)

    async def _after_deletion(self, post: PostRow, notice: Notice) -> PostRow:
        """Ask anew if people still have to decide; else leave it as whoever deleted it wanted."""
        if notice.choice is None:
            return await self._said(post, shown=notice.digest)
        return await self._put(post, notice)

    async def _once(self, content: Notice | Words, room: str, thread: str = "") -> PostRow:
        """Return the message with this key, posting it if it is not there yet."""
        known = await self._store.read(lambda tx: tx.get(PostRow, content.key))
        if known is None:
            post = await self._store.commit(lambda tx: _begun(tx, content.key, room, thread))
        elif known.ts:
            return known
        elif ts := await self._found(known):  # it was posted, and the answer was lost
            return await self._said(known, ts=ts)
        else:
            post = known
        return await self._put(post, content)

    async def _put(self, post: PostRow, content: Notice | Words) -> PostRow:
        """Post it where it belongs; a card, where that room is lost, in the room for all."""
        try:
            ts = await self._posted(post, content)
        except NotReachedError as error:
            if not error.barred or post.room == self._room or isinstance(content, Words):
                raise
            post = await self._moved(post, content)
            ts = await self._posted(post, content)
        return await self._said(post, ts=ts, shown=content.digest)

    async def _moved(self, post: PostRow, card_of: Notice) -> PostRow:
        row = await self._store.read(lambda tx: asked_as(tx, card_of.key))
        if self._rooms is not None:
            await self._rooms.lose(row.incident)
        return await self._said(post, room=self._room)

    async def _posted(self, post: PostRow, content: Notice | Words) -> str:
        def send(acceptable: Notice | Words) -> Awaitable[str]:
            return self._chat.post(post.room, acceptable, post.thread)

        return await self._acceptable(content, send)

    async def _acceptable(
        self, content: Notice | Words, send: Callable[[Notice | Words], Awaitable[T]]
    ) -> T:
        """Send it; where the chat refuses how it looks, say in plain words where to find it."""
        try:
            return await send(content)
        except RefusedError:
            if isinstance(content, Words):
                raise
            self._meter.count("alarms", kind="card_refused")
            return await send(_plain(content))

    async def _found(self, post: PostRow) -> str:
        """Look for a message whose posting may have succeeded."""
        since = post.begun_at.timestamp() - _LOOK_BACK_S
        try:
            return await self._chat.find(post.room, post.key, since, post.thread)
        except NotReachedError as error:
            if not error.barred or post.room == self._room:
                raise
            return ""  # a room that is lost: it has to be posted elsewhere

    async def _said(self, post: PostRow, **changes: str) -> PostRow:
        return await self._store.commit(lambda tx: tx.change(post, **changes))


def _begun(tx: Transaction, key: str, room: str, thread: str) -> PostRow:
    post = PostRow(key, room, thread, tx.now)
    tx.add(post)
    return post


def _laid(tx: Transaction, incident: str, size: int, post: PostRow) -> None:
    name = f"{SLACK}{incident}"
    if tx.get(AnchoringRow, name, size) is None:
        tx.add(AnchoringRow(name, size, tx.now, f"{post.room}/{post.ts}"))


def _plain(notice: Notice) -> Words:
    """Return a notice in words alone, without buttons."""
    return Words(notice.key, f"{notice.card.headline}. {notice.standing}", notice.link)
