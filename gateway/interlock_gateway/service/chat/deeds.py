"""What people do in a chat, carried out: votes, the reason of a denial, whose account it is.

Each deed ends in one unit of work that also ends its entry in the inbox; whoever handles the same
entry a second time changes nothing.
"""

from collections.abc import Callable

from interlock.errors import InterlockError

from interlock_gateway.core.approval import Refusal
from interlock_gateway.service.chat.links import Links
from interlock_gateway.service.chat.notes import Notes, is_about_notes
from interlock_gateway.service.chat.protocol import Chat, Heard, Question
from interlock_gateway.service.chat.records import InboxRow
from interlock_gateway.service.chat.votes import ChatVotes, named_by
from interlock_gateway.service.chat.whispers import LINK, whisper
from interlock_gateway.service.ports import Store, Transaction
from interlock_gateway.service.redaction import Redaction
from interlock_gateway.service.voting import APPROVE, DENY

LINK_PATH = "/slack"
"""The page on which a person gets a code for their account."""

Ending = Callable[[Transaction, str], None]
"""Ends the entry in the inbox, with a word for what became of it."""


class Deeds:
    """Does what people do in a chat."""

    def __init__(
        self,
        store: Store,
        chat: Chat,
        links: Links,
        votes: ChatVotes,
        redaction: Redaction,
    ) -> None:
        self._store = store
        self._chat = chat
        self._links = links
        self._votes = votes
        self._notes = Notes(store, chat, links, redaction)

    async def do(self, heard: Heard, trigger: str, end: Ending) -> None:
        """Do it, tell whoever did it what they need to know, and end it.

        Raises:
            NotReachedError: the chat is needed and does not answer; nothing happened.
            ConflictError: it was done before.
        """
        if is_about_notes(heard):
            await self._notes.do(heard, trigger, end)
            return
        try:
            match heard.deed, heard.about:
                case ("press", "approve"):
                    await self._vote(heard, APPROVE, end)
                case ("answer", "deny"):
                    await self._vote(heard, DENY, end)
                case ("press", "deny"):
                    await self._ask_why(heard, trigger, end)
                case ("press", "link"):
                    await self._ask_code(heard, trigger, end)
                case ("answer", "link"):
                    await self._claim(heard, end)
                case _:
                    await self._store.commit(lambda tx: end(tx, "nothing to do"))
        except InterlockError as error:
            await self._refuse(heard, error, end)

    async def _vote(self, heard: Heard, answer: str, end: Ending) -> None:
        who = await self._links.person(heard)
        named = await self._store.read(lambda tx: named_by(tx, heard))
        reason = heard.text if answer == DENY else ""

        def along(tx: Transaction, refused: Refusal | None) -> None:
            end(tx, refused.code if refused else answer)
            if refused is not None:
                whisper(tx, heard, self._votes.why_not(tx, who, named, refused))

        try:
            await self._votes.cast(who, named, answer, reason, along)
        except InterlockError as error:
            if not await self._is_over(heard):
                raise error from None

    async def _is_over(self, heard: Heard) -> bool:
        """Tell whether the unit of the vote, refused or not, ended the entry."""
        row = await self._store.read(lambda tx: tx.get(InboxRow, heard.id))
        return row is not None and row.handled_at is not None

    async def _ask_why(self, heard: Heard, trigger: str, end: Ending) -> None:
        """Ask why somebody denies, if they may; what they answer is the vote."""
        who = await self._links.person(heard)
        named = await self._store.read(lambda tx: named_by(tx, heard))
        refused = await self._store.read(lambda tx: self._votes.refusal(tx, who, named))
        if refused is not None:
            why = await self._store.read(lambda tx: self._votes.why_not(tx, who, named, refused))
            await self._store.commit(lambda tx: _said(tx, heard, why, end, refused.code))
            return
        question = Question(
            about=DENY,
            title=f"Deny {named.row.id}",
            label="Why not?",
            hint=f"{named.row.requester} reads this and goes on from it.",
            submit="Deny",
            value=heard.value,
            room=heard.room,
        )
        await self._ask(heard, trigger, question, end)

    async def _ask_code(self, heard: Heard, trigger: str, end: Ending) -> None:
        question = Question(
            about=LINK,
            title="Link your account",
            label="Code",
            hint=f"Log in at {self._links.address}{LINK_PATH} to get one, good for 5 minutes.",
            submit="Link",
            value="",
            room=heard.room,
            most=40,
        )
        await self._ask(heard, trigger, question, end)

    async def _ask(self, heard: Heard, trigger: str, question: Question, end: Ending) -> None:
        """Open a form; where the moment for it has passed, say to press again."""
        if not trigger or not await self._chat.ask(trigger, question):
            late = "That came too late to open a form. Press it once more."
            await self._store.commit(lambda tx: _said(tx, heard, late, end, "too late"))
        else:
            await self._store.commit(lambda tx: end(tx, "asked"))

    async def _claim(self, heard: Heard, end: Ending) -> None:
        def along(tx: Transaction, person: str) -> None:
            end(tx, "linked")
            whisper(tx, heard, f"This account is linked to {person} now. Press the button again.")

        await self._links.claim(heard, along)

    async def _refuse(self, heard: Heard, error: InterlockError, end: Ending) -> None:
        """Say why something did not count; who is not linked is shown how to be."""
        unknown = error.code == "chat-not-linked"
        next_ = (
            f"Log in at {self._links.address}{LINK_PATH}, get a code there, and type it here."
            if unknown
            else error.help
        )
        text = f"This did not count: {error.message} {next_}".rstrip()

        def unit(tx: Transaction) -> None:
            end(tx, error.code)
            whisper(tx, heard, text, button=LINK if unknown else "")

        await self._store.commit(unit)


def _said(tx: Transaction, heard: Heard, text: str, end: Ending, outcome: str) -> None:
    end(tx, outcome)
    whisper(tx, heard, text)
