"""A gateway connected to the Slack of tests: approvals are asked for there, and voted on.

async with in_slack(home, slack) as chat:
    asked = await chat.shows("A-1")
    slack.person("anna").presses(asked, "approve")
    await chat.settles()
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.testing.slack import FakeSlack
from interlock_gateway.adapters.randomness import SystemRandomness
from interlock_gateway.adapters.seal import KeySeal
from interlock_gateway.adapters.slack.at import SlackAt
from interlock_gateway.adapters.slack.connection import Slack, connect
from interlock_gateway.service.chat.records import InboxRow
from interlock_gateway.service.records import ApprovalRow, OutboxRow
from interlock_gateway.service.telling import Telling

from support.house import KEY, House

ACCOUNTS = {"U0ANNA": "approver", "U0BEN": "responder", "U0CARLA": "colleague"}
"""Who is who: anna is the approver, ben asked, carla a colleague, dba and sre."""

ADDRESS = "https://interlock.test"


@dataclass(slots=True)
class ChatAt:
    """A connection to Slack under test, with its loops running unless told otherwise."""

    home: House
    slack: FakeSlack
    connection: Slack
    telling: Telling
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def messages(self) -> list[Any]:
        """What stands in the channel, replies and the records' checkpoints left out."""
        every = self.slack.channel("incidents").messages
        return [each for each in every if not each.thread and not is_record(each)]

    @property
    def records(self) -> list[Any]:
        """The messages in whose threads checkpoints stand."""
        return [each for each in self.slack.channel("incidents").messages if is_record(each)]

    def thread(self, message: Any) -> list[str]:
        """What was said in a message's thread."""
        every = self.slack.channel("incidents").messages
        return [each.shown for each in every if each.thread == message.ts]

    @property
    def whispers(self) -> list[Any]:
        """What was said to one person alone."""
        return list(self.slack.channel("incidents").ephemerals)

    async def shows(self, approval: str) -> Any:
        """Return the message of an approval, once it is there."""

        def found() -> list[Any]:
            return [each for each in self.messages if each.shown.startswith(f"{approval} ")]

        await until(lambda: bool(found()))
        return found()[-1]

    async def settles(self) -> None:
        """Wait until everything that was heard is handled and everything is told."""
        deadline = asyncio.get_running_loop().time() + 20
        while await self._waiting():
            assert asyncio.get_running_loop().time() < deadline, "it does not come to rest"
            await asyncio.sleep(0.02)

    async def _waiting(self) -> bool:
        if any(not delivery.is_over for delivery in self.slack.deliveries):
            return True
        heard = await self.home.store.read(lambda tx: tx.count(InboxRow, handled_at=None))
        told = await self.home.store.read(
            lambda tx: tx.count(OutboxRow, delivered_at=None, set_aside_at=None)
        )
        return bool(heard or told)

    async def presses(self, person: str, message: Any, button: str, **how: Any) -> None:
        """Let somebody press a button, and wait until everything came of it that will."""
        self.slack.person(person).presses(message, button, **how)
        await self.settles()

    async def denies(self, person: str, message: Any, why: str) -> None:
        """Let somebody deny with a reason."""
        actor = self.slack.person(person)
        actor.presses(message, "deny")
        await until(lambda: actor.modal is not None)
        view = actor.modal
        assert view is not None
        actor.submits(view, {"answer": why})
        await self.settles()

    async def state(self, approval: str) -> str:
        """Return where an approval stands."""
        row = await self.home.store.read(lambda tx: tx.get(ApprovalRow, approval))
        assert row is not None
        return row.state

    async def stops(self) -> None:
        """Stop every loop, as a gateway that is stopped does."""
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with suppress(asyncio.CancelledError):
                await task
        self.tasks.clear()
        await self.connection.chat.aclose()


def is_record(message: Any) -> bool:
    """Tell whether a message begins the thread of an incident's checkpoints."""
    return not message.thread and str(message.shown).startswith("The record of ")


async def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for a condition without blocking the loop; fail when it does not come true."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not true():
        assert loop.time() < deadline, "it did not come true"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def in_slack(
    home: House, slack: FakeSlack, *, loops: bool = True, **more: Any
) -> AsyncIterator[ChatAt]:
    """Connect a gateway to a Slack for as long as a `with` block lasts.

    Args:
        home: the gateway.
        slack: which runs already.
        loops: whether it tells and hears by itself.
        more: fields of `SlackAt`.
    """
    given = {
        "bot_token": "bot",
        "app_token": "app",
        "signing_secret": "",
        "team": "T0INTERLOCK",
        "channel": slack.channel("incidents").id,
        "address": ADDRESS,
        "accounts": ACCOUNTS,
        "base_url": slack.api_url,
        **more,
    }
    tokens = {"bot": slack.tokens.bot, "app": slack.tokens.app, "secret": slack.tokens.signing}
    gateway = home.gateway
    connection = connect(SlackAt(**given), gateway, home.store, KeySeal(KEY), tokens.__getitem__)
    home.app.state.gateway = replace(gateway, chat=connection.uses)
    telling = Telling(
        home.store,
        connection.board,
        home.clock,
        gateway.meter,
        gateway.bell,
        SystemRandomness(),
    )
    chat = ChatAt(home, slack, connection, telling)
    if loops:
        works: list[Coroutine[Any, Any, None]] = [telling.run(0.05), *connection.works()]
        chat.tasks = [asyncio.create_task(work) for work in works]
        if connection.socket is not None:
            await until(lambda: any(each.is_ready for each in slack.sockets.connections))
    try:
        yield chat
    finally:
        await chat.stops()
