"""Calls to the gateway that survive its restart.

Every call here may be sent again: the gateway knows a kernel's call by its place in the run and
answers a repeated one from the journal. Executing an approved action is the one exception, and
`approvals` looks before it asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from interlock.client import Call
from interlock.errors import Denied, NotLoggedIn, Unavailable
from interlock.runner.clock import time_of_day
from interlock.runner.progress import GatewayBack, GatewayUnreachable, Tell

Json = dict[str, Any]

FOR_EVER = float("inf")
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_UNNOTICED_S = 0.4
_UNDER_WAY = frozenset({"call-in-progress", "idempotency-conflict"})


class Gateway(Protocol):
    """Sends one call; `interlock.client.AsyncClient` is one."""

    async def send(self, call: Call) -> Json:
        """Send `call` and return its answer, or raise an `InterlockError`."""
        ...


Renew = Callable[[], Awaitable[Gateway]]
"""Returns a gateway with a fresh run token."""


class PatientGateway:
    """Asks again while the gateway cannot be reached.

    Arguments:
        gateway: what sends.
        tell: is told once when the gateway has gone, and once when it is back.
        renew: called when the run's token has expired; without it that is an error.
    """

    def __init__(self, gateway: Gateway, tell: Tell, renew: Renew | None = None) -> None:
        self._gateway = gateway
        self._tell = tell
        self._renew = renew

    async def once(self, call: Call) -> Json:
        """Send `call` once; an expired token is renewed, since a refused call did nothing."""
        try:
            return await self._gateway.send(call)
        except NotLoggedIn:
            if self._renew is None:
                raise
        self._gateway = await self._renew()
        return await self._gateway.send(call)

    async def send(
        self,
        call: Call,
        *,
        patience_s: float = FOR_EVER,
        tell: Tell | None = None,
        done: str = "",
    ) -> Json:
        """Send `call` until it is answered or `patience_s` seconds have passed.

        Arguments:
            call: what to ask; asking twice must do what asking once does.
            patience_s: seconds to go on while the gateway cannot be reached.
            tell: is told of the wait besides the run's own listener.
            done: the code by which the gateway says, when asked again, that the first try whose
                answer was lost took effect.

        Raises:
            Unavailable: still unreachable, or what the gateway itself cannot reach.
            InterlockError: what the gateway answered.
        """
        outage = _Outage(patience_s, [self._tell, *([tell] if tell else [])])
        while True:
            try:
                answer = await self.once(call)
            except (Unavailable, Denied) as error:
                if outage.lasts(error):
                    await asyncio.sleep(outage.pause())
                    continue
                outage.end()
                if outage.happened and error.code == done:
                    return {}
                raise
            else:
                outage.end()
                return answer


class _Outage:
    """How long the gateway has been gone, if it is."""

    def __init__(self, patience_s: float, listeners: list[Tell]) -> None:
        self._loop = asyncio.get_running_loop()
        self._listeners = listeners
        self._patience_s = patience_s
        self._began: float | None = None
        self._since = time_of_day()
        self._pause = _FIRST_PAUSE_S
        self._told = False

    def lasts(self, error: Unavailable | Denied) -> bool:
        """Say whether `error` only means that the same call must be sent again later."""
        lost = isinstance(error, Unavailable) and error.code == "unavailable"
        # After a lost answer the first try may still be under way at the gateway.
        under_way = self.happened and error.code in _UNDER_WAY
        if not (lost or under_way):
            return False
        now = self._loop.time()
        if self._began is None:
            self._began, self._since = now, time_of_day()
        if now - self._began >= _UNNOTICED_S and not self._told:
            self._told = True
            self._say(GatewayUnreachable(self._since, error.message))
        return now - self._began < self._patience_s

    @property
    def happened(self) -> bool:
        """Whether the gateway could not be reached at least once."""
        return self._began is not None

    def pause(self) -> float:
        """Return the seconds to wait before the next try."""
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE_S)
        return pause

    def end(self) -> None:
        """Note that the gateway answered."""
        if self._told and self._began is not None:
            self._say(GatewayBack(self._loop.time() - self._began))
        self._told = False

    def _say(self, what: GatewayUnreachable | GatewayBack) -> None:
        for listener in self._listeners:
            listener(what)
