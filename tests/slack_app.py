"""A small app over the real Slack SDK, and the messages it posts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from interlock.testing.slack import FakeSlack
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["BUTTONS", "INCIDENTS", "REASON", "App", "connected", "post", "until", "web"]

INCIDENTS = "incidents"
BUTTONS: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*A-1* ends session 28073"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "style": "primary",
                "value": "A-1:9f3c",
                "text": {"type": "plain_text", "text": "Approve"},
            },
            {
                "type": "button",
                "action_id": "deny",
                "style": "danger",
                "value": "A-1:9f3c",
                "text": {"type": "plain_text", "text": "Deny"},
            },
        ],
    },
]
REASON: dict[str, Any] = {
    "type": "modal",
    "callback_id": "deny",
    "private_metadata": "A-1:9f3c",
    "title": {"type": "plain_text", "text": "Deny A-1"},
    "submit": {"type": "plain_text", "text": "Deny"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {
                "type": "plain_text_input",
                "action_id": "why",
                "min_length": 3,
                "max_length": 200,
            },
        }
    ],
}


async def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for a condition without blocking the loop; fail when it does not come true."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not true():
        assert loop.time() < deadline, "it did not come true"
        await asyncio.sleep(0.01)


def web(
    slack: FakeSlack, *handlers: AsyncRetryHandler, token: str = "", timeout: int = 5
) -> AsyncWebClient:
    """Return the SDK's client of the Web API, with these retry handlers and no others."""
    return AsyncWebClient(
        token or slack.tokens.bot,
        base_url=slack.api_url,
        timeout=timeout,
        retry_handlers=[*handlers],
    )


async def post(slack: FakeSlack, **what: Any) -> Any:
    """Post what an app would, a text and two buttons unless said otherwise."""
    said = {"channel": f"#{INCIDENTS}", "text": "A-1 waits", "blocks": BUTTONS, **what}
    await web(slack).chat_postMessage(**said)
    return slack.channel(str(said["channel"])).messages[-1]


class App:
    """An app in Socket Mode that notes what it hears and acknowledges what it is told to.

    Attributes:
        heard: every request that came, in order.
        answers: what it acknowledges with, by type of the payload.
        acknowledges: whether it does so at all.
    """

    def __init__(self, client: SocketModeClient) -> None:
        self.heard: list[SocketModeRequest] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.acknowledges: Callable[[SocketModeRequest], bool] = lambda _: True
        self.client = client
        client.socket_mode_request_listeners.append(self._listen)  # type: ignore[arg-type]  # typed for another client

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """What it was told."""
        return [request.payload for request in self.heard]

    async def _listen(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        self.heard.append(request)
        if self.acknowledges(request):
            answer = self.answers.get(str(request.payload.get("type", request.type)))
            response = SocketModeResponse(envelope_id=request.envelope_id, payload=answer)
            await client.send_socket_mode_response(response)


@asynccontextmanager
async def connected(slack: FakeSlack) -> AsyncIterator[App]:
    """Yield an app that is connected, with the SDK's own client of Socket Mode."""
    already = len(slack.sockets.connections)
    client = SocketModeClient(
        app_token=slack.tokens.app,
        web_client=web(slack),
        ping_interval=2,
        auto_reconnect_enabled=True,
    )
    app = App(client)
    await client.connect()  # type: ignore[no-untyped-call]  # the SDK gives it no types
    try:
        await until(lambda: sum(c.is_ready for c in slack.sockets.connections) > already)
        yield app
    finally:
        await client.disconnect()  # type: ignore[no-untyped-call]  # likewise
        await client.close()  # type: ignore[no-untyped-call]  # likewise
