"""Socket Mode: what people do comes over a socket that the gateway opened itself.

An envelope is acknowledged once what it tells is durable, and not before: Slack tells it again
to whichever gateway is connected then.
"""

import asyncio
from collections.abc import Callable

import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from interlock_gateway.adapters.slack.api import QUIET, TIMEOUT_S
from interlock_gateway.adapters.slack.at import SLACK
from interlock_gateway.adapters.slack.payloads import heard
from interlock_gateway.service.chat.hearing import Hearing
from interlock_gateway.service.ports import Meter

_PING_S = 5.0
_LOOK_S = 1.0
_ENDS_WITHIN_S = 2.0


class SlackSocket:
    """Keeps a Socket Mode connection and passes on what comes over it."""

    def __init__(
        self,
        app_token: Callable[[], str],
        hearing: Hearing,
        meter: Meter,
        base_url: str = SLACK,
        ping_s: float = _PING_S,
        reaction: str = "memo",
    ) -> None:
        """Prepare to connect.

        Args:
            app_token: gives the app-level token at the moment of use.
            hearing: takes what is heard.
            meter: counts.
            base_url: of the Web API.
            ping_s: seconds between pings; a socket without answers is replaced after four.
            reaction: the emoji by which people add a message to a timeline.
        """
        self._app_token = app_token
        self._hearing = hearing
        self._meter = meter
        self._base_url = base_url
        self._ping_s = ping_s
        self._reaction = reaction
        self._log = structlog.get_logger("interlock.slack")

    async def run(self) -> None:
        """Be connected for as long as this runs; the SDK connects anew whenever it has to."""
        web = AsyncWebClient(
            base_url=self._base_url, timeout=TIMEOUT_S, retry_handlers=[], logger=QUIET
        )
        client = SocketModeClient(
            app_token=self._app_token(), web_client=web, ping_interval=self._ping_s, logger=QUIET
        )
        client.socket_mode_request_listeners.append(self._listen)  # type: ignore[arg-type]  # typed for another client
        connecting = asyncio.ensure_future(client.connect())  # type: ignore[no-untyped-call]  # the SDK gives it no types
        try:
            await self._watch(client)
        finally:
            connecting.cancel()
            await asyncio.wait({connecting}, timeout=_ENDS_WITHIN_S)
            await client.close()  # type: ignore[no-untyped-call]  # likewise

    async def _watch(self, client: SocketModeClient) -> None:
        """Say once when Slack is lost, and once when it is back."""
        connected = True
        while True:
            await asyncio.sleep(_LOOK_S)
            now = await client.is_connected()
            if connected and not now:
                self._meter.count("alarms", kind="slack_socket")
                self._log.warning("slack is not reached: decide in the browser or the terminal")
            elif now and not connected:
                self._log.warning("slack is reached again")
            connected = now

    async def _listen(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        """Keep what was heard, then acknowledge it; what cannot be kept comes again."""
        if request.type in {"interactive", "events_api"}:
            found = heard(request.payload, self._reaction)
            if found is not None:
                try:
                    await self._hearing.receive(found)
                except Exception:  # noqa: BLE001  not acknowledged: Slack, or the person, tries again
                    self._meter.count("alarms", kind="inbox")
                    return
        response = SocketModeResponse(envelope_id=request.envelope_id)
        await client.send_socket_mode_response(response)
