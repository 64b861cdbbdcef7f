"""Slack over signed HTTP: what it signed is taken once; everything else is 401 and an event."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from interlock.testing.slack import FakeSlack
from interlock.testing.slack.callbacks import signature
from interlock_gateway.service.chat.records import InboxRow
from support.chat import ChatAt, in_slack
from support.house import House, Someone, house


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    """A gateway."""
    async with house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack."""
    async with FakeSlack() as running:
        yield running


@pytest.fixture
async def chat(home: House, slack: FakeSlack) -> AsyncIterator[ChatAt]:
    """The gateway, which is posted to."""
    async with in_slack(home, slack, app_token="", signing_secret="secret") as connected:
        yield connected


@pytest.fixture
async def asked(home: House) -> str:
    """An approval request, waiting."""
    responder: Someone = await home.login("responder")
    run = await responder.runs(await responder.declares(), "small")
    await run.starts("terminate")
    return str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])


def click(chat: ChatAt, message: Any, at: str = "1.5") -> bytes:
    """Return the body with which anna's press of Approve is told."""
    element = message.blocks[-1]["elements"][0]
    payload = {
        "type": "block_actions",
        "team": {"id": "T0INTERLOCK"},
        "user": {"id": "U0ANNA", "team_id": "T0INTERLOCK"},
        "container": {"channel_id": message.channel, "message_ts": message.ts},
        "trigger_id": "1.x",
        "actions": [
            {
                "type": "button",
                "action_id": "approve",
                "action_ts": at,
                "value": element["value"],
            }
        ],
    }
    assert chat.slack.tokens.signing
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(chat: ChatAt, body: bytes, **later: float) -> dict[str, str]:
    """Return the headers that Slack sends with a body now, or so many seconds later."""
    at = str(int(chat.home.clock.now().timestamp() + later.get("seconds", 0)))
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature(chat.slack.tokens.signing, at, body),
    }


async def told(chat: ChatAt, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """Post it to the gateway as Slack does."""
    transport = httpx.ASGITransport(chat.home.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
        return await http.post("/slack/callback", content=body, headers=headers)


async def failures(chat: ChatAt) -> list[dict[str, Any]]:
    """Return what was recorded of requests that Slack did not sign."""
    events = await chat.home.timeline("")
    return [each["data"] for each in events if each["type"] == "authentication.failed"]


async def test_a_signed_click_is_durable_when_it_is_answered_and_counts(
    chat: ChatAt, asked: str
) -> None:
    body = click(chat, await chat.shows(asked))
    response = await told(chat, body, signed(chat, body))
    assert (response.status_code, response.content) == (200, b"")
    assert len(await chat.home.store.read(lambda tx: tx.rows(InboxRow))) == 1
    await chat.settles()
    assert await chat.state(asked) == "approved"
    assert await failures(chat) == []


async def test_the_same_request_again_is_a_copy_and_slacks_own_retry_is_none(
    chat: ChatAt, asked: str
) -> None:
    body = click(chat, await chat.shows(asked))
    headers = signed(chat, body)
    assert (await told(chat, body, headers)).status_code == 200
    again = await told(chat, body, headers)
    assert (again.status_code, again.json()["code"]) == (401, "bad-signature")
    assert "copy" in (await failures(chat))[0]["reason"]
    retry = await told(chat, body, signed(chat, body, seconds=2))
    assert retry.status_code == 200
    await chat.settles()
    votes = (await (await chat.home.login("approver")).prompt(asked))["votes"]
    assert len(votes) == 1


@pytest.mark.parametrize("missing", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
async def test_a_request_without_a_signature_is_an_event_and_nothing_else(
    chat: ChatAt, asked: str, missing: str
) -> None:
    body = click(chat, await chat.shows(asked))
    headers = signed(chat, body)
    del headers[missing]
    response = await told(chat, body, headers)
    assert response.status_code == 401
    assert (await failures(chat))[0]["credential"] == "signature"
    assert await chat.state(asked) == "pending"
    assert await chat.home.store.read(lambda tx: tx.count(InboxRow)) == 0


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_stale_request_is_refused(chat: ChatAt, asked: str, seconds: float) -> None:
    body = click(chat, await chat.shows(asked))
    assert (await told(chat, body, signed(chat, body, seconds=seconds))).status_code == 401
    assert len(await failures(chat)) == 1


async def test_a_changed_request_is_refused(chat: ChatAt, asked: str) -> None:
    body = click(chat, await chat.shows(asked))
    headers = signed(chat, body)
    response = await told(chat, body.replace(b"U0ANNA", b"U0CARL"), headers)
    assert response.status_code == 401


async def test_a_flood_of_forgeries_does_not_fill_the_journal(chat: ChatAt) -> None:
    for number in range(40):
        assert (await told(chat, b"payload=%d" % number, {})).status_code == 401
    assert len(await failures(chat)) == 20


async def test_what_is_signed_and_not_for_us_is_answered_and_forgotten(chat: ChatAt) -> None:
    body = urlencode({"payload": json.dumps({"type": "block_suggestion"})}).encode()
    assert (await told(chat, body, signed(chat, body))).status_code == 200
    assert await chat.home.store.read(lambda tx: tx.count(InboxRow)) == 0


async def test_a_body_without_end_is_refused(chat: ChatAt) -> None:
    body = b"payload=" + b"x" * 1_100_000
    assert (await told(chat, body, signed(chat, body))).status_code == 422


async def test_without_slack_or_with_socket_mode_nothing_is_taken(
    home: House, slack: FakeSlack
) -> None:
    transport = httpx.ASGITransport(home.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
        assert (await http.post("/slack/callback", content=b"x")).status_code == 422
        async with in_slack(home, slack, loops=False):
            assert (await http.post("/slack/callback", content=b"x")).status_code == 422


async def test_no_token_and_no_secret_is_in_what_is_kept_or_told(
    chat: ChatAt, asked: str, capfd: pytest.CaptureFixture[str]
) -> None:
    message = await chat.shows(asked)
    chat.slack.faults.revoke(chat.slack.tokens.bot)
    body = click(chat, message)
    await told(chat, body, signed(chat, body))
    home = chat.home
    exposition = home.gateway.meter.exposition()  # type: ignore[attr-defined]  # the real one
    events = json.dumps([await home.timeline(""), await home.timeline("INC-1")])
    said = "".join(capfd.readouterr())
    kept = (home.folder / "store.db").read_bytes()
    for token in (chat.slack.tokens.bot, chat.slack.tokens.app, chat.slack.tokens.signing):
        assert token.encode() not in kept
        assert token not in events + said + exposition.decode()
