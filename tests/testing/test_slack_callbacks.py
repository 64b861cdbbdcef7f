"""Signed HTTP: what is posted verifies with the SDK's own verifier, and comes again if need be."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from interlock.testing.slack import FakeSlack, NotAnswered
from slack_app import INCIDENTS, REASON, post, web
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient


@dataclass(slots=True)
class Receiver:
    """An app's HTTP end: what came, and how it answers, one after the other."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, bytes, float]] = field(default_factory=list)

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes, float]:
        self.came.append((headers, body))
        return self.answers.pop(0) if self.answers else (200, b"", 0.0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer, seconds = found.take(dict(self.headers), body)
            time.sleep(seconds)  # an app that is slow, which is what is tested
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/slack"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def slack(receiver: Receiver) -> Iterator[FakeSlack]:
    with FakeSlack(request_url=receiver.url, ack_seconds=0.4) as running:
        yield running


async def test_a_click_is_posted_and_its_signature_holds(
    slack: FakeSlack, receiver: Receiver
) -> None:
    slack.person("anna").presses(await post(slack), "approve").wait()
    headers, body = receiver.came[0]
    verifier = SignatureVerifier(slack.tokens.signing)
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + b"x", headers)
    assert not SignatureVerifier("another").is_valid_request(body, headers)
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    assert payload["actions"][0]["value"] == "A-1:9f3c"
    assert "X-Slack-Retry-Num" not in headers


@pytest.mark.parametrize(
    ("answer", "reason"), [((200, b"", 0.9), "http_timeout"), ((500, b"", 0.0), "http_error")]
)
async def test_what_is_not_answered_well_in_time_is_posted_again(
    slack: FakeSlack, receiver: Receiver, answer: tuple[int, bytes, float], reason: str
) -> None:
    receiver.answers = [answer]
    slack.person("anna").presses(await post(slack), "approve").wait()
    headers, _ = receiver.came[1]
    assert headers["X-Slack-Retry-Num"] == "1"
    assert headers["X-Slack-Retry-Reason"] == reason
    assert receiver.came[0][1] == receiver.came[1][1]


async def test_an_app_that_is_not_there_loses_it_in_the_end(slack: FakeSlack) -> None:
    slack.request_url = "http://127.0.0.1:9/"
    delivery = slack.person("anna").presses(await post(slack), "approve")
    with pytest.raises(NotAnswered, match="http, failed"):
        delivery.wait(5)


async def test_commands_are_forms_and_events_are_json(
    slack: FakeSlack, receiver: Receiver
) -> None:
    slack.person("anna").commands("/interlock", "list", INCIDENTS).wait()
    form = parse_qs(receiver.came[0][1].decode())
    assert (form["command"], form["text"]) == (["/interlock"], ["list"])
    delivery = slack.person("anna").reacts(await post(slack), "eyes")
    assert delivery
    delivery.wait()
    assert json.loads(receiver.came[1][1])["event"]["reaction"] == "eyes"


async def test_a_submission_is_answered_in_the_body(slack: FakeSlack, receiver: Receiver) -> None:
    anna = slack.person("anna")
    anna.presses(await post(slack), "deny").wait()
    trigger = json.loads(parse_qs(receiver.came[0][1].decode())["payload"][0])["trigger_id"]
    await web(slack).views_open(trigger_id=trigger, view=REASON)
    view = anna.modal
    assert view
    errors = {"response_action": "errors", "errors": {"reason": "Say more."}}
    receiver.answers = [(200, json.dumps(errors).encode(), 0.0)]
    anna.submits(view, {"why": "no backup"}).wait()
    assert anna.modal is view
    assert view.errors == {"reason": "Say more."}
    anna.submits(view, {"why": "no backup since Tuesday"}).wait()
    assert anna.modal is None


async def test_a_response_url_works_five_times(slack: FakeSlack, receiver: Receiver) -> None:
    message = await post(slack)
    slack.person("anna").presses(message, "approve").wait()
    payload = json.loads(parse_qs(receiver.came[0][1].decode())["payload"][0])
    answer = WebhookClient(payload["response_url"])
    assert answer.send(text="Only for you").status_code == 200
    assert slack.channel(INCIDENTS).ephemerals[0].only_for == "U0ANNA"
    assert answer.send(text="Approved", replace_original=True).status_code == 200
    assert (message.text, message.blocks) == ("Approved", [])
    for _ in range(3):
        assert answer.send(text="x").status_code == 200
    assert answer.send(text="x").status_code == 404
    assert WebhookClient(f"{slack.url}response/none").send(text="x").status_code == 404


async def test_a_trigger_works_once_and_for_three_seconds(receiver: Receiver) -> None:
    now = [1_700_000_000.0]
    with FakeSlack(request_url=receiver.url, clock=lambda: now[0]) as slack:
        message, anna, client = await post(slack), slack.person("anna"), web(slack)
        for _ in range(2):
            anna.presses(message, "deny").wait()
        used, late = (
            json.loads(parse_qs(body.decode())["payload"][0])["trigger_id"]
            for _, body in receiver.came
        )
        await client.views_open(trigger_id=used, view=REASON)
        now[0] += 3.1
        for trigger, error in (
            (used, "exchanged_trigger_id"),
            (late, "expired_trigger_id"),
            ("1.2", "invalid_trigger_id"),
        ):
            with pytest.raises(SlackApiError, match=error):
                await client.views_open(trigger_id=trigger, view=REASON)
