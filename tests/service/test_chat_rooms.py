"""A channel for each incident: opened once, kept right, and never a way to lose a card."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from interlock.testing.slack import NoAnswer, Refusal, ResetAfter
from interlock_gateway.adapters.slack.rooms import MOST_TOPIC
from interlock_gateway.service.chat.records import RoomRow
from interlock_gateway.service.chat.rooms import MOST_NAME, room_name
from support.chat import ChatAt, in_slack
from support.chat_notes import declares, notes, reacts, room_of, slack_of, with_rooms
from support.house import House, Someone


@pytest.fixture
async def chat(home: House) -> AsyncIterator[ChatAt]:
    """A gateway that gives each incident a channel."""
    async with with_rooms(home) as connected:
        yield connected


def _said(room: Any) -> list[str]:
    return [message.shown for message in room.messages if not message.thread]


def _cards(approval: str, room: Any) -> list[Any]:
    return [each for each in room.messages if "approve" in each.actions or "open" in each.actions
            if each.shown.startswith(f"{approval} ")]  # fmt: skip


async def test_an_incident_gets_a_channel_with_its_people_and_what_it_is_about(
    chat: ChatAt, responder: Someone
) -> None:
    incident, room = await declares(chat, responder, title="Checkout stalls — at 30%!")
    assert room.name == "inc-1-checkout-stalls-at-30"
    assert room.members == {"U0BOT", "U0BEN"}
    assert room.topic == (
        f"{incident} · sev2 · led by responder · open · https://interlock.test/incidents/{incident}"
    )
    [first] = _said(room)
    assert first.startswith(f"{incident}, sev2: Checkout stalls — at 30%!")


async def test_whoever_joins_later_is_invited_and_whoever_leaves_is_left_alone(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    room.members.discard("U0BEN")
    anna = await home.login("approver")
    await anna.post(f"/v1/incidents/{incident}/roles", {"person": "approver", "role": "observer"})
    await chat.settles()
    assert room.members == {"U0BOT", "U0ANNA"}


async def test_a_guests_account_is_not_let_in_by_an_invitation(
    home: House, responder: Someone
) -> None:
    async with with_rooms(home, accounts={"U0GUEST": "responder"}) as chat:
        _, room = await declares(chat, responder)
        assert room.members == {"U0BOT"}


async def test_severity_command_and_the_end_are_told_and_nothing_is_archived(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    path = f"/v1/incidents/{incident}"
    await responder.post(f"{path}/severity", {"severity": "sev1", "reason": "secret reason"})
    body = {"to": "approver", "summary": "secret summary"}
    await responder.post(f"{path}/hand-over", body)
    await (await home.login("approver")).post(f"{path}/close", {"reason": "secret"})
    await chat.settles()
    assert _said(room)[1:] == [
        "responder changed the severity from sev2 to sev1.",
        "responder handed command over to approver.",
        f"approver closed {incident}. This channel stays; notes are still taken.",
    ]
    assert "sev1 · led by approver · closed" in room.topic
    assert not room.is_archived


async def test_cards_are_posted_in_it_and_the_channel_for_all_says_where(
    chat: ChatAt, incident: str, asked: str
) -> None:
    await chat.settles()
    room = room_of(chat, incident)
    [card] = _cards(asked, room)
    assert card.actions == ["approve", "deny", "open"]
    [pointer] = chat.messages
    assert pointer.actions == ["open"]
    room.members.add("U0ANNA")
    await chat.presses("anna", card, "approve")
    assert await chat.state(asked) == "approved"


async def test_a_card_that_was_begun_elsewhere_stays_there(
    home: House, incident: str, asked: str, responder: Someone
) -> None:
    async with slack_of(home) as slack:
        async with in_slack(home, slack) as before:
            card = await before.shows(asked)
            await before.settles()
        async with in_slack(home, slack, incident_channels=True) as chat:
            await responder.post(
                f"/v1/incidents/{incident}/severity", {"severity": "sev1", "reason": "worse"}
            )
            await chat.settles()
            await chat.presses("anna", card, "approve")
            assert _cards(asked, room_of(chat, incident)) == []
            assert card.actions == ["open"]


@pytest.mark.parametrize("fault", [ResetAfter(), NoAnswer(after=True)], ids=type)
async def test_a_lost_answer_opens_no_second_channel(
    home: House, responder: Someone, fault: ResetAfter | NoAnswer
) -> None:
    async with slack_of(home) as slack:
        slack.faults.next("conversations.create", fault)
        async with in_slack(home, slack, incident_channels=True) as chat:
            incident, room = await declares(chat, responder)
            names = [each.name for each in slack.workspace.channels.values()]
    assert names == ["incidents", room.name]
    row = await home.store.read(lambda tx: tx.get(RoomRow, incident))
    assert row is not None
    assert row.room == room.id


async def test_a_channel_that_somebody_opened_under_its_name_is_not_taken_for_ours(
    home: House, responder: Someone
) -> None:
    async with slack_of(home) as slack:
        trap = slack.workspace.open_channel(
            "inc-1-checkout-stalls", {"U0CARLA", "U0BOT"}, creator="U0CARLA"
        )
        async with in_slack(home, slack, incident_channels=True) as chat:
            incident = await responder.declares()
            await chat.settles()
            row = await home.store.read(lambda tx: tx.get(RoomRow, incident))
            assert row is not None
            assert row.name == "inc-1-checkout-stalls-2"
            assert row.room != trap.id
            assert trap.messages == []
            message = slack.person("carla").writes(trap.id, "not ours")
            await reacts(chat, "carla", message)
            assert await notes(home, incident) == []


async def test_an_older_channel_of_the_app_under_that_name_is_left_alone(
    home: House, responder: Someone
) -> None:
    async with slack_of(home) as slack:
        old = slack.workspace.open_channel("inc-1-checkout-stalls", {"U0BOT"}, creator="U0BOT")
        home.clock.pass_time(hours=1)
        async with in_slack(home, slack, incident_channels=True) as chat:
            await responder.declares()
            await chat.settles()
        assert old.messages == []


@pytest.mark.parametrize("word", ["missing_scope", "restricted_action"])
async def test_where_no_channel_may_be_opened_cards_go_to_the_one_for_all_and_it_is_tried_again(
    home: House, responder: Someone, incident: str, asked: str, word: str
) -> None:
    async with slack_of(home) as slack:
        slack.faults.next("conversations.create", Refusal(word))
        async with in_slack(home, slack, incident_channels=True) as chat:
            card = await chat.shows(asked)
            await chat.settles()
            assert card.actions == ["approve", "deny", "open"]
            assert [each.name for each in slack.workspace.channels.values()] == ["incidents"]
            assert b'alarms_total{kind="incident_room"} 1.0' in home.gateway.meter.exposition()  # type: ignore[attr-defined]  # the real meter has it
            await chat.connection.rooms.retry("gw_1")  # type: ignore[union-attr]  # it is there
            assert len(slack.workspace.channels) == 1, "too early"
            home.clock.pass_time(minutes=6)
            await chat.connection.rooms.retry("gw_1")  # type: ignore[union-attr]  # likewise
            assert room_of(chat, incident).members == {"U0BOT", "U0BEN"}
            path = f"/v1/incidents/{incident}/severity"
            await responder.post(path, {"severity": "sev1", "reason": "worse"})
            await chat.settles()
            assert len(_said(room_of(chat, incident))) == 2


async def test_archiving_the_channel_hides_no_card(
    chat: ChatAt, incident: str, asked: str
) -> None:
    await chat.settles()
    room = room_of(chat, incident)
    room.is_archived = True
    before = len(chat.messages)
    await (await chat.home.login("approver")).vote(asked, "approve")
    await chat.settles()
    assert await chat.state(asked) == "approved"
    assert len(chat.messages) == before
    row = await chat.home.store.read(lambda tx: tx.get(RoomRow, incident))
    assert row is not None


async def test_a_card_whose_channel_was_archived_before_it_came_is_posted_in_the_one_for_all(
    chat: ChatAt, responder: Someone, incident: str
) -> None:
    await chat.settles()
    room_of(chat, incident).is_archived = True
    run = await responder.runs(incident, "small")
    await run.starts("terminate")
    answer = await run.post("/v1/actions", run.wishes())
    card = await chat.shows(str(answer["approval"]["id"]))
    await chat.settles()
    assert card.actions == ["approve", "deny", "open"]
    row = await chat.home.store.read(lambda tx: tx.get(RoomRow, incident))
    assert row is not None
    assert row.lost_at is not None


async def test_a_channel_is_as_private_as_the_one_for_all(home: House, responder: Someone) -> None:
    async with slack_of(home) as slack:
        slack.channel("incidents").is_private = True
        async with in_slack(home, slack, incident_channels=True) as chat:
            _, room = await declares(chat, responder)
            assert room.is_private


async def test_no_channel_is_opened_for_an_incident_that_is_over(
    home: House, responder: Someone
) -> None:
    incident = await responder.declares()
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "a false alarm"})
    async with with_rooms(home) as chat:
        await chat.settles()
        assert [each.name for each in chat.slack.workspace.channels.values()] == ["incidents"]


async def test_without_the_setting_no_channel_is_opened(home: House, responder: Someone) -> None:
    async with slack_of(home) as slack, in_slack(home, slack) as chat:
        await responder.declares()
        await chat.settles()
        assert [each.name for each in slack.workspace.channels.values()] == ["incidents"]


async def test_a_hostile_title_pings_nobody_and_stays_within_limits(
    chat: ChatAt, responder: Someone
) -> None:
    title = "<!channel> <@U0CARLA> &amp; " + "ß" * 300
    _, room = await declares(chat, responder, title=title)
    assert all(message.pings == set() for message in room.messages)
    assert len(room.topic) <= MOST_TOPIC
    assert len(room.name) <= MOST_NAME


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Zürich: Ünïcode", "inc-7-zurich-unicode"),
        ("数据库", "inc-7"),
        ("---", "inc-7"),
        ("A" * 200, "inc-7-" + "a" * 74),
        ("../../etc #general", "inc-7-etc-general"),
    ],
)
def test_a_name_is_one_that_slack_takes(title: str, name: str) -> None:
    assert room_name("INC-7", title) == name
