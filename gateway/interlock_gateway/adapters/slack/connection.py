"""A gateway's connection to Slack, from where Slack is to what runs beside the requests."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock_gateway.adapters.slack.api import SlackChat
from interlock_gateway.adapters.slack.at import SlackAt
from interlock_gateway.adapters.slack.door import SlackDoor
from interlock_gateway.adapters.slack.rooms import SlackRooms
from interlock_gateway.adapters.slack.socket import SlackSocket
from interlock_gateway.service.chat.board import ChatBoard, Where
from interlock_gateway.service.chat.deeds import Deeds
from interlock_gateway.service.chat.hearing import Hearing
from interlock_gateway.service.chat.links import Links
from interlock_gateway.service.chat.rooms import IncidentRooms
from interlock_gateway.service.chat.votes import ChatVotes
from interlock_gateway.service.gateway import ChatUses, Gateway
from interlock_gateway.service.ports import Seal, Store


@dataclass(frozen=True, slots=True)
class Slack:
    """A connection: what is told by it, what people use of it, what goes on in it."""

    chat: SlackChat
    board: ChatBoard
    uses: ChatUses
    socket: SlackSocket | None
    rooms: IncidentRooms | None
    holder: str

    def works(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what goes on beside the requests."""
        yield self.uses.hearing.run()
        if self.socket is not None:
            yield self.socket.run()
        if self.rooms is not None:
            yield _retry(self.rooms, self.holder)


async def _retry(rooms: IncidentRooms, holder: str, every_s: float = 30.0) -> None:
    """Try to open the rooms again that could not be opened."""
    while True:
        await asyncio.sleep(every_s)
        with suppress(Exception):  # the next round is soon; what is wrong was counted
            await rooms.retry(holder)


def connect(
    at: SlackAt, gateway: Gateway, store: Store, seal: Seal, resolve: Callable[[str], str]
) -> Slack:
    """Return the connection of a gateway to Slack; nothing is sent before its works run.

    Args:
        at: where Slack is.
        gateway: whose approvals are asked for there.
        store: the gateway's own.
        seal: the gateway's own.
        resolve: returns the credential behind a reference, at the moment of use.
    """
    clock, meter, policy = gateway.clock, gateway.meter, gateway.policy
    chat = SlackChat(partial(resolve, at.bot_token), at.team, at.base_url, gateway.proof.clocks)
    links = Links(store, clock, gateway.randomness, chat, at.accounts, at.emails, at.address)
    votes = ChatVotes(policy, gateway.approvals, gateway.plans, clock)
    deeds = Deeds(store, chat, links, votes, gateway.redaction)
    hearing = Hearing(store, seal, clock, meter, gateway.bell, deeds, gateway.redaction)
    secret = partial(resolve, at.signing_secret) if at.signing_secret else None
    door = SlackDoor(secret, clock, at.note_reaction) if secret else None
    token = partial(resolve, at.app_token) if at.app_token else None
    rooms = (
        IncidentRooms(store, SlackRooms(chat.call), links, clock, meter, at.channel, at.address)
        if at.incident_channels
        else None
    )
    where = Where(at.channel, at.address, rooms, at.note_reaction)
    return Slack(
        chat=chat,
        board=ChatBoard(store, policy, seal, chat, meter, where, gateway.redaction),
        uses=ChatUses(hearing, links, door),
        socket=(
            SlackSocket(token, hearing, meter, at.base_url, reaction=at.note_reaction)
            if token
            else None
        ),
        rooms=rooms,
        holder=gateway.randomness.identifier("gw_"),
    )
