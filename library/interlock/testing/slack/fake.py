"""The fake Slack itself: everything put together, and what a test says to it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal, Self

from interlock.testing.slack.actor import Actor, Stage
from interlock.testing.slack.answers import Answers
from interlock.testing.slack.callbacks import Callbacks
from interlock.testing.slack.calls import Call, Calls, Tokens
from interlock.testing.slack.delivery import Delivery, Kind
from interlock.testing.slack.faults import Faults
from interlock.testing.slack.modals import Modals
from interlock.testing.slack.server import Server
from interlock.testing.slack.sockets import Sockets
from interlock.testing.slack.web import Site
from interlock.testing.slack.workspace import BOT, Channel, Person, View, Workspace

__all__ = ["FakeSlack"]

_PAUSE = 0.05  # seconds before a delivery is tried again

PEOPLE = (
    Person(BOT, "interlock", "Interlock", "", bot=True),
    Person("U0ANNA", "anna", "Anna", "anna@interlock.test"),
    Person("U0BEN", "ben", "Ben", "ben@interlock.test"),
    Person("U0CARLA", "carla", "Carla", "carla@interlock.test"),
    Person("U0GUEST", "guest", "Guest", "guest@interlock.test", guest="multi"),
    Person("U0LEFT", "left", "Left", "left@interlock.test", active=False),
    Person("U0OTHER", "other", "Other", "other@elsewhere.test", team="T0ELSEWHERE"),
)
"""Who is there at first: the bot, three members, a guest, a deactivated one, another team's."""


def _wall_clock() -> float:
    return time.time_ns() / 1_000_000_000


class FakeSlack:
    """A Slack of one team with one app, on a loopback port, for as long as a `with` block lasts.

    `with` runs it in a thread of its own, `async with` in the event loop of the caller.

    Attributes:
        tokens: the app's made-up credentials.
        faults: orders what is to go wrong.
        sockets: the app's Socket Mode connections.
        deliveries: everything the app was told, in order.
        request_url: where payloads are posted; "" sends them over Socket Mode.

    Examples:
        >>> with FakeSlack() as slack:  # doctest: +SKIP
        ...     web = AsyncWebClient(slack.tokens.bot, base_url=slack.api_url)
        ...     await web.chat_postMessage(channel="#incidents", text="Hello", blocks=[…])
        ...     slack.person("anna").presses(slack.channel("incidents").messages[-1], "approve")
    """

    def __init__(  # noqa: PLR0913  whatever a test may want otherwise
        self,
        *,
        port: int = 0,
        request_url: str = "",
        ack_seconds: float = 3.0,
        retries: int = 3,
        redelivers: tuple[Kind, ...] = ("interactive", "events_api", "slash_commands"),
        events: tuple[str, ...] = ("message", "reaction_added"),
        people: tuple[Person, ...] = PEOPLE,
        clock: Callable[[], float] = _wall_clock,
    ) -> None:
        """Prepare a Slack with some people and the channel `#incidents`.

        Args:
            port: of the loopback; 0 for a free one.
            request_url: posts payloads there, signed, instead of over Socket Mode.
            ack_seconds: how long the app has for an acknowledgement; Slack gives three seconds.
            retries: how often a delivery that was not acknowledged is sent again.
            redelivers: what is sent again. Slack promises it for events; it is the default for
                all here, since an app that takes a click twice should not act twice.
            events: the events that the app subscribed to.
            people: who is there at first; the bot has to be.
            clock: seconds since 1970.
        """
        self.tokens, self.faults = Tokens(), Faults()
        self.deliveries: list[Delivery] = []
        self.request_url = request_url
        self.workspace = Workspace(clock)
        self._patience = (ack_seconds, retries, redelivers)
        self._modals, self._answers = Modals(self.workspace), Answers(self.workspace)
        self._calls = Calls(self.workspace, self._modals, self.tokens, self.faults)
        self._stage = Stage(
            self.workspace, self._modals, self._answers, self._tell, self._base, frozenset(events)
        )
        site = Site(self.workspace, self._calls, self._answers, self.faults, self.person)
        self._server = Server(site.application, port)
        self.sockets = Sockets(self.faults, self._server.reset)
        site.attach(self._server, self.sockets, lambda: bool(self.request_url))
        self._calls.serve_sockets(self.sockets, self._base)
        self._callbacks = Callbacks(self.tokens.signing)
        self._tasks: set[asyncio.Task[None]] = set()
        self._come(people)

    @property
    def url(self) -> str:
        """The page that looks like Slack."""
        return f"{self._base()}/"

    @property
    def api_url(self) -> str:
        """The `base_url` of a Web API client."""
        return f"{self._base()}/api/"

    def person(self, name: str) -> Actor:
        """Return somebody who acts, by handle or identifier.

        Raises:
            KeyError: nobody is called so.
        """
        return Actor(self._stage, self.workspace.named(name))

    def channel(self, name: str) -> Channel:
        """Return a channel by name or identifier.

        Raises:
            Refused: there is none.
        """
        return self.workspace.channel(name)

    def add_person(self, person: Person, *channels: str) -> Actor:
        """Add somebody, as a member of some channels, or change somebody."""
        self.workspace.add(person)
        for name in channels:
            self.channel(name).members.add(person.id)
        return Actor(self._stage, person)

    def add_channel(self, name: str, *members: str, private: bool = False) -> Channel:
        """Add a channel with some people in it, and the bot if it is named."""
        who = {self.workspace.named(each).id for each in members}
        return self.workspace.open_channel(name, who, private=private)

    @property
    def scopes(self) -> set[str]:
        """What the bot token may do, as `x-oauth-scopes` says it; a test takes some away."""
        return self._calls.scopes

    def calls(self, method: str = "") -> list[Call]:
        """Return the Web API calls made so far, those of one method if one is named."""
        return [call for call in self._calls.made if method in {"", call.method}]

    def views(self) -> list[View]:
        """Return every modal that was ever opened, oldest first."""
        return list(self.workspace.views.values())

    def refresh_sockets(
        self,
        reason: Literal["refresh_requested", "warning"] = "refresh_requested",
        wait: float = 1.0,
    ) -> None:
        """Tell the app to connect anew, as Slack does every few hours."""
        self._soon(self.sockets.refresh(reason, wait))

    def drop_sockets(self) -> None:
        """Reset every socket without a word."""
        if self._server.loop:
            self._server.loop.call_soon_threadsafe(self.sockets.drop)

    # --- running ----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    async def __aenter__(self) -> Self:
        await self._server.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._server.end()

    def _base(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def _come(self, people: tuple[Person, ...]) -> None:
        for person in people:
            self.workspace.add(person)
        members = {person.id for person in people if person.active}
        self.workspace.open_channel("incidents", members)

    # --- telling the app --------------------------------------------------------------------

    def _tell(
        self, kind: Kind, payload: Mapping[str, Any], then: Callable[[Delivery], None]
    ) -> Delivery:
        name = f"envelope-{self.workspace.number()}"
        delivery = Delivery(name, kind, payload, then)
        self.deliveries.append(delivery)
        self._soon(self._deliver(delivery))
        return delivery

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the server's loop, from whichever thread."""
        if self._server.loop is None:
            work.close()
            raise RuntimeError("The fake Slack runs only inside its `with` block.")
        self._server.loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        seconds, retries, redelivers = self._patience
        for _ in range(1 + (retries if delivery.kind in redelivers else 0)):
            if self.request_url:
                now = self.workspace.clock()
                await self._callbacks.tell(self.request_url, delivery, seconds, now)
            else:
                await self.sockets.tell(delivery, seconds)
            if delivery.is_over:
                return
            await asyncio.sleep(_PAUSE)
        delivery.ended("lost", {})
        self.workspace.changed()
