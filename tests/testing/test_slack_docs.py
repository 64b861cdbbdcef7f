"""docs/testing-with-slack.md tells the truth: its example runs, and what it names is there."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from interlock.testing import slack as package
from interlock.testing.slack import FakeSlack
from slack_app import BUTTONS, INCIDENTS
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

_PAGE = (Path(__file__).parents[2] / "docs/testing-with-slack.md").read_text("utf-8")


def test_the_example_runs_with_the_sdks_other_client() -> None:
    [example] = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)
    with ExitStack() as apps:

        def start_the_app(url: str, bot: str, app: str) -> None:
            apps.enter_context(_SyncApp(url, bot, app))

        exec(example, {"start_the_app": start_the_app})  # noqa: S102  our own page


class _SyncApp:
    """An app over the SDK's synchronous clients: posts, and takes its buttons away."""

    def __init__(self, url: str, bot: str, app: str) -> None:
        self._web = WebClient(bot, base_url=url)
        client = SocketModeClient(app_token=app, web_client=self._web)
        client.socket_mode_request_listeners.append(self._listen)
        self._client = client

    def __enter__(self) -> None:
        self._client.connect()
        self._web.chat_postMessage(
            channel=f"#{INCIDENTS}",
            text="A-1",
            blocks=[
                {"type": "header", "text": {"type": "plain_text", "text": "A-1 on orders"}},
                *BUTTONS,
            ],
        )

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _listen(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        where = request.payload["container"]
        self._web.chat_update(
            channel=where["channel_id"], ts=where["message_ts"], text="Approved", blocks=[]
        )
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id))


def test_everything_it_names_is_there() -> None:
    with FakeSlack() as slack:
        person = slack.person("anna")
        slack.person("ben").writes(INCIDENTS, "x")
        message = slack.channel(INCIDENTS).messages[0]
        spans = re.findall(r"`([^`\n]+)`", _PAGE)
        for span in spans:
            for name in re.findall(r"\bslack\.(faults\.\w+|[a-z_]+)", span):
                assert _has(slack, name), name
        for name in re.findall(r"`\.(\w+)", _PAGE):
            owners: list[Any] = [message, person, slack.channel(INCIDENTS), package.Delivery]
            assert any(hasattr(owner, name) for owner in owners), name
        for name in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", _PAGE):
            assert name in package.__all__, name


def _has(slack: FakeSlack, name: str) -> bool:
    found: Any = slack
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is not None
