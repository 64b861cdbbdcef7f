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
from functools import partial
from typing import TypeVar

from interlock.errors import InterlockError

from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.core.card import Card, Setting, card, choice
from interlock_gateway.core.drill import is_drill
from interlock_gateway.core.drill_card import drill_card
from interlock_gateway.service.approvals import approval_of, opened
from interlock_gateway.service.ballots import eligible_on
from interlock_gateway.service.chat.protocol import (
    Chat,
    GoneError,
    Notice,
    RefusedError,
    Words,
)
from interlock_gateway.service.chat.standing import standing, tone
from interlock_gateway.service.incidents import row_of
from interlock_gateway.service.ports import (
    Meter,
    NotTakenError,
    PolicySource,
    Reading,
    Seal,
    Store,
    Transaction,
)
from interlock_gateway.service.prompting import prompted
from interlock_gateway.service.records import (
    ApprovalRow,
    OutboxRow,
    PostRow,
    PromptRow,
    VoteRow,
)

CHANNEL = "slack"
"""The channel that prompts and votes name."""

WHISPER = "chat.whisper"
"""The kind of an outbox entry that is for one person's eyes."""

T = TypeVar("T")

_ASKED = "approval.requested"
_LOOK_BACK_S = 60.0


class ChatBoard:
    """Implements `service.ports.Noticeboard` by a chat."""

    def __init__(
        self,
        store: Store,
        policy: PolicySource,
        seal: Seal,
        chat: Chat,
        meter: Meter,
        room: str,
        address: str,
    ) -> None:
        """Post in a room.

        Args:
            store: where what was posted is kept.
            policy: says who may vote.
            seal: opens what was proposed.
            meter: counts.
            chat: where to.
            room: the channel's identifier.
            address: of the gateway's pages, without a slash at its end.
        """
        self._store = store
        self._policy = policy
        self._seal = seal
        self._chat = chat
        self._meter = meter
        self._room = room
        self._address = address

    async def post(self, notice: OutboxRow) -> None:
        """Tell it in the chat."""
        try:
            if notice.kind == WHISPER:
                await self._whisper(notice)
            elif notice.kind.startswith(("approval.", "action.")):
                await self._tell(notice)
        except RefusedError as error:
            raise NotTakenError(str(error)) from error
        except InterlockError as error:  # its stored bytes were changed: nobody may vote on it
            raise NotTakenError(error.message) from error

    async def _whisper(self, notice: OutboxRow) -> None:
        told = json.loads(notice.payload)
        words = Words(notice.id, told["text"], button=told["button"])
        await self._chat.whisper(told["room"], notice.subject, words)

    async def _tell(self, notice: OutboxRow) -> None:
        """Bring the approval's message to what is so now, and say in its thread what happened."""
        asked = await self._store.read(lambda tx: self._notice(tx, notice.subject))
        if asked.choice is not None:
            await self._remember(notice.subject, asked.card)
        shown = await self._show(asked)
        if notice.kind != _ASKED:
            said = hashlib.sha256(asked.standing.encode()).hexdigest()[:12]
            words = Words(f"{asked.key}/{said}", asked.standing)
            with suppress(GoneError):  # its message was deleted, and the thread with it
                await self._once(words, shown.room, shown.ts)

    async def _remember(self, approval: str, asked: Card) -> None:
        """Record what is about to be shown: only then can a vote name it."""

        def unit(tx: Transaction) -> None:
            row = approval_of(tx, approval)
            prompted(tx, row, "system", CHANNEL, asked.text, asked.digest)

        known = await self._store.read(lambda tx: tx.get(PromptRow, approval, asked.digest))
        if known is None:
            await self._store.commit(unit)

    async def _show(self, notice: Notice) -> PostRow:
        post = await self._once(notice, self._room)
        if post.shown == notice.digest:
            return post
        try:
            await self._acceptable(notice, partial(self._chat.edit, post.room, post.ts))
        except GoneError:
            return await self._after_deletion(post, notice)
        return await self._said(post, shown=notice.digest)

    async def _after_deletion(self, post: PostRow, notice: Notice) -> PostRow:
        """Ask anew if people still have to decide; else leave it as whoever deleted it wanted."""
        if notice.choice is None:
            return await self._said(post, shown=notice.digest)
        ts = await self._posted(post, notice)
        return await self._said(post, ts=ts, shown=notice.digest)

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
        return await self._said(post, ts=await self._posted(post, content), shown=content.digest)

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
        return await self._chat.find(post.room, post.key, since, post.thread)

    async def _said(self, post: PostRow, **changes: str) -> PostRow:
        return await self._store.commit(lambda tx: tx.change(post, **changes))

    def _notice(self, tx: Reading, approval: str) -> Notice:
        row = approval_of(tx, approval)
        is_open = row.state == ApprovalState.PENDING.value
        setting = Setting(row_of(tx, row.incident).severity, is_open)
        proposal = opened(self._seal, row)
        asked = (drill_card if is_drill(proposal) else card)(proposal, approval, setting)
        votable = is_open and not asked.hindrance
        return Notice(
            key=approval,
            card=asked,
            choice=choice(approval, row.digest, asked.digest) if votable else None,
            standing=self._standing(tx, row),
            tone=tone(row),
            link=f"{self._address}/approvals/{approval}",
        )

    def _standing(self, tx: Reading, row: ApprovalRow) -> str:
        policy = self._policy.current
        rule = policy.rules.get(row.rule)
        votes = tx.rows(VoteRow, approval=row.id, order="at")
        eligible = sorted(eligible_on(tx, row, policy))
        return standing(row, votes, rule.needs if rule else row.rule, eligible)


def _begun(tx: Transaction, key: str, room: str, thread: str) -> PostRow:
    post = PostRow(key, room, thread, tx.now)
    tx.add(post)
    return post


def _plain(notice: Notice) -> Words:
    """Return a notice in words alone, without buttons."""
    return Words(notice.key, f"{notice.card.headline}. {notice.standing}", notice.link)
