"""Events that Slack posts: signed or refused, of our team or nothing, and each counted once."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from interlock.testing.slack import FakeSlack
from interlock.testing.slack.callbacks import signature
from interlock_gateway.adapters.slack.payloads import heard
from interlock_gateway.service.chat.records import InboxRow
from support.chat import ChatAt, in_slack
from support.chat_notes import notes, slack_of
from support.house import House, Someone

_SECRET = "made-up-signing-secret"
_CHALLENGE = {"type": "url_verification", "challenge": "3eZbrw1aB", "token": "deprecated"}


@pytest.fixture
async def slack(home: House) -> AsyncIterator[FakeSlack]:
    """A Slack whose time is the gateway's."""
    async with slack_of(home) as running:
        yield running


@pytest.fixture
async def chat(home: House, slack: FakeSlack) -> AsyncIterator[ChatAt]:
    """A gateway that is posted to, and gives each incident a channel."""
    more: dict[str, Any] = {"app_token": "", "signing_secret": "secret"}
    more["incident_channels"] = True
    async with in_slack(home, slack, **more) as connected:
        yield connected


async def _posts(
    home: House, payload: Mapping[str, Any], *, secret: str = _SECRET, ago_s: int = 0
) -> httpx.Response:
    """Post a payload as Slack does, or as somebody does who knows another secret."""
    body = json.dumps(payload).encode()
    at = str(int(home.clock.now().timestamp()) - ago_s)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature(secret, at, body),
    }
    transport = httpx.ASGITransport(home.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
        return await http.post("/slack/callback", content=body, headers=headers)


async def _reaction(chat: ChatAt, responder: Someone, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return an incident, and the event of a reaction to a message in its channel."""
    incident = await responder.declares()
    await chat.settles()
    room = list(chat.slack.workspace.channels.values())[-1]
    message = chat.slack.person("ben").writes(room.id, "posted")
    item = {"type": "message", "channel": room.id, "ts": message.ts}
    event = {"type": "reaction_added", "user": "U0BEN", "reaction": "memo", "item": item}
    base = {"type": "event_callback", "team_id": "T0INTERLOCK", "event_id": "Ev1", "event": event}
    chat.slack.deliveries.clear()  # nobody listens by Socket Mode here
    return incident, {**base, **more}


async def test_the_challenge_is_repeated_to_whoever_signed_it(chat: ChatAt, home: House) -> None:
    answer = await _posts(home, _CHALLENGE)
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aB")
    assert answer.headers["content-type"].startswith("text/plain")
    assert not chat.slack.deliveries


async def test_nobody_else_gets_an_answer_to_a_challenge(chat: ChatAt, home: House) -> None:
    forged = await _posts(home, _CHALLENGE, secret="guessed")
    old = await _posts(home, _CHALLENGE, ago_s=301)
    assert (forged.status_code, old.status_code) == (401, 401)
    assert "3eZbrw1aB" not in forged.text + old.text
    assert not chat.slack.deliveries


async def test_a_signed_event_is_kept_before_it_is_answered_and_noted_once_however_often_it_comes(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, told = await _reaction(chat, responder)
    assert (await _posts(home, told)).status_code == 200
    assert await home.store.read(lambda tx: tx.count(InboxRow)) == 1
    home.clock.pass_time(seconds=1)  # a retry is signed anew
    assert (await _posts(home, told)).status_code == 200
    await chat.settles()
    assert [note.text for note in await notes(home, incident)] == ["posted"]
    told_of = home.gateway.meter.exposition().decode()  # type: ignore[attr-defined]  # the real meter has it
    assert 'interlock_heard_total{outcome="new"} 1.0' in told_of
    assert 'interlock_heard_total{outcome="again"} 1.0' in told_of


async def test_a_forged_event_is_refused_and_on_record(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, told = await _reaction(chat, responder)
    assert (await _posts(home, told, secret="guessed")).status_code == 401
    assert await home.store.read(lambda tx: tx.count(InboxRow)) == 0
    assert "authentication.failed" in await home.kinds("")
    assert await notes(home, incident) == []


@pytest.mark.parametrize("team", ["T0ELSEWHERE", "", None])
async def test_an_event_of_another_team_is_nothing(
    chat: ChatAt, home: House, responder: Someone, team: str | None
) -> None:
    incident, told = await _reaction(chat, responder, team_id=team)
    assert (await _posts(home, told)).status_code == 200
    await chat.settles()
    assert await notes(home, incident) == []
    assert [m for c in chat.slack.workspace.channels.values() for m in c.ephemerals] == []


async def test_an_edit_from_another_team_changes_nothing(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, told = await _reaction(chat, responder)
    await _posts(home, told)
    await chat.settles()
    item = told["event"]["item"]
    message = {"ts": item["ts"], "text": "forged", "edited": {"user": "U0BEN", "ts": "9.1"}}
    edit = {"type": "message", "subtype": "message_changed", "channel": item["channel"]}
    event = {**edit, "message": message, "ts": "9.1"}
    forged = {**told, "team_id": "T0ELSEWHERE", "event_id": "Ev2", "event": event}
    await _posts(home, forged)
    await chat.settles()
    assert [note.text for note in await notes(home, incident)] == ["posted"]


_EVENT = {"type": "event_callback", "team_id": "T0", "event_id": "Ev1"}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "reaction_added"},
        {"type": "reaction_added", "user": "U", "reaction": "memo", "item": {"type": "file"}},
        {"type": "reaction_added", "user": "U", "reaction": "memo", "item": None},
        {"type": "reaction_removed", "user": "U", "reaction": "memo", "item": {"type": "message"}},
        {"type": "message", "text": "hello", "channel": "C", "ts": "1.1"},
        {"type": "message", "subtype": "message_changed", "channel": "C", "message": None},
        {"type": "message", "subtype": "message_deleted", "channel": "C"},
        {"type": "app_mention", "text": "memo"},
        "memo",
        None,
    ],
)
def test_whatever_is_no_wish_of_a_person_is_nothing(event: Any) -> None:
    assert heard({**_EVENT, "event": event}) is None


def test_only_the_configured_emoji_adds_a_note_in_whatever_tone_of_skin() -> None:
    item = {"type": "message", "channel": "C0", "ts": "1.1"}

    def reacted(emoji: str) -> bool:
        event = {"type": "reaction_added", "user": "U0", "reaction": emoji, "item": item}
        return heard({**_EVENT, "event": event}, "writing_hand") is not None

    assert reacted("writing_hand")
    assert reacted("writing_hand::skin-tone-3")
    assert not reacted("memo")


def test_a_shortcut_of_another_name_is_not_ours() -> None:
    payload = {"type": "message_action", "callback_id": "delete_everything"}
    assert heard(payload) is None


def test_a_deleted_message_that_leaves_a_tombstone_is_a_deletion() -> None:
    tombstone = {"subtype": "tombstone", "ts": "1.1", "text": "This message was deleted."}
    event = {"type": "message", "subtype": "message_changed", "channel": "C0", "ts": "2.2"}
    found = heard({**_EVENT, "event": {**event, "message": tombstone}})
    assert found is not None
    assert (found.deed, found.ts) == ("delete", "1.1")
