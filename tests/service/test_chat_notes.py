"""Notes from Slack: who may add which message, what is kept of it, and what an edit does."""

from collections.abc import AsyncIterator

import pytest
from interlock.testing.slack import NoAnswer, Person, ResetAfter, ServerError, Slow
from interlock_gateway.service.chat.notes import MOST_HEARD, MOST_NOTES
from interlock_gateway.service.chat.protocol import Heard, Message
from interlock_gateway.service.chat.records import InboxRow, NoteRow
from support.chat import ChatAt, in_slack, until
from support.chat_notes import declares, notes, reacts, with_rooms
from support.house import House, Someone

_HOSTILE = (
    "A-1 approved by anna :white_check_mark: &lt;!channel&gt; <@U0CARLA> <https://x.test|ok>"
)


@pytest.fixture
async def chat(home: House) -> AsyncIterator[ChatAt]:
    """A gateway that gives each incident a channel."""
    async with with_rooms(home) as connected:
        yield connected


def _whispered(chat: ChatAt) -> list[str]:
    every = chat.slack.workspace.channels.values()
    return [each.shown for channel in every for each in channel.ephemerals]


# --- what becomes a note ------------------------------------------------------------------------


async def test_a_reaction_makes_a_message_a_note_with_author_time_and_address(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    room.members.add("U0ANNA")
    message = chat.slack.person("anna").writes(room.id, "the pool is empty &amp; 5 wait")
    home.clock.pass_time(minutes=7)
    await reacts(chat, "ben", message)
    [note] = await notes(home, incident)
    assert (note.type, note.text) == ("note.observation", "the pool is empty & 5 wait")
    assert note.body["authid"] == "person:responder"
    assert note.data["author"] == "approver"
    assert note.data["permalink"].endswith(message.ts.replace(".", ""))
    assert (note.data["channel"], note.data["ts"]) == (room.id, message.ts)
    assert note.body["time"] == "2026-01-02T03:04:05.000Z"
    assert note.body["recordedtime"].startswith("2026-01-02T03:11:05")
    assert _whispered(chat) == [f"Noted in {incident}'s timeline."]


async def test_a_reply_to_an_approval_is_noted_where_that_approval_belongs(
    chat: ChatAt, home: House, responder: Someone, incident: str, asked: str
) -> None:
    await chat.settles()
    other, room = await declares(chat, responder)
    every = chat.slack.workspace.channels.values()
    asks = [m for c in every for m in c.messages if m.shown.startswith(f"{asked} ")]
    assert len({message.channel for message in asks}) == 2  # the card, and what leads to it
    for number, card in enumerate(asks):
        chat.slack.channel(card.channel).members.add("U0BEN")
        reply = chat.slack.person("ben").writes(card.channel, f"why? {number}", thread=card.ts)
        await reacts(chat, "ben", reply)
    assert [note.text for note in await notes(home, incident)] == ["why? 0", "why? 1"]
    assert await notes(home, other) == []
    assert room.name.startswith(other.lower())


async def test_people_replicas_and_retries_note_a_message_once(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    await (await home.login("approver")).post(f"/v1/incidents/{incident}/roles",
        {"person": "approver", "role": "observer"})  # fmt: skip
    await chat.settles()
    message = chat.slack.person("ben").writes(room.id, "disk is full")
    chat.slack.faults.next_envelope("twice")
    await reacts(chat, "ben", message)
    await reacts(chat, "anna", message)
    assert len(await notes(home, incident)) == 1
    assert _whispered(chat)[-1] == f"This message is in {incident}'s timeline already."


async def test_a_reply_that_is_shown_in_the_channel_too_is_one_note(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    first = ben.writes(room.id, "any idea?")
    reply = ben.writes(room.id, "it is the index", thread=first.ts, broadcast=True)
    await reacts(chat, "ben", reply)
    assert [note.text for note in await notes(home, incident)] == ["it is the index"]


async def test_the_shortcut_notes_at_once_where_the_incident_is_clear(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    ben.uses_shortcut("interlock_note", ben.writes(room.id, "rolled back"))
    await chat.settles()
    assert [note.text for note in await notes(home, incident)] == ["rolled back"]
    assert ben.modal is None


async def test_the_shortcut_asks_which_incident_where_that_is_not_clear(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, _ = await declares(chat, responder)
    ben = chat.slack.person("ben")
    ben.uses_shortcut("interlock_note", ben.writes("incidents", "customers call"))
    await until(lambda: ben.modal is not None)
    assert ben.modal
    ben.submits(ben.modal, {"answer": incident.lower()})
    await chat.settles()
    assert [note.text for note in await notes(home, incident)] == ["customers call"]


async def test_a_program_that_warns_is_noted_by_its_own_name(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    monitor = Person("U0MON", "alertmanager", "Alertmanager", "", bot=True)
    message = chat.slack.add_person(monitor, room.id).writes(room.id, "LatencyHigh fires")
    await reacts(chat, "ben", message)
    [note] = await notes(home, incident)
    assert note.data["author"] == "slack:U0MON"
    assert note.handle == "alertmanager"
    assert "alertmanager" not in str(note.body), "a name stands where it can be destroyed"


# --- who may not --------------------------------------------------------------------------------


async def _refused_with(chat: ChatAt, home: House, incident: str) -> str:
    assert await notes(home, incident) == []
    return _whispered(chat)[-1]


async def test_a_guest_adds_nothing(chat: ChatAt, home: House, responder: Someone) -> None:
    incident, room = await declares(chat, responder)
    room.members.add("U0GUEST")
    await reacts(chat, "guest", chat.slack.person("ben").writes(room.id, "x"))
    assert "it is a guest" in await _refused_with(chat, home, incident)


async def test_another_teams_person_adds_nothing(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    room.members.add("U0OTHER")
    await reacts(chat, "other", chat.slack.person("ben").writes(room.id, "x"))
    assert "another workspace" in await _refused_with(chat, home, incident)


async def test_an_account_that_is_nobodys_is_shown_how_to_be_linked(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    chat.slack.add_person(Person("U0DAN", "dan", "Dan", ""), room.id)
    await reacts(chat, "dan", chat.slack.person("ben").writes(room.id, "x"))
    assert "[Link my account]" in await _refused_with(chat, home, incident)


async def test_whoever_has_no_part_in_the_incident_adds_nothing(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    room.members.add("U0CARLA")
    await reacts(chat, "carla", chat.slack.person("ben").writes(room.id, "x"))
    assert f"of {incident} may do this" in await _refused_with(chat, home, incident)


async def test_no_message_of_one_incidents_room_gets_into_anothers_timeline(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    mine, _ = await declares(chat, responder)
    theirs, room = await declares(chat, await home.login("approver"))
    room.members.add("U0BEN")
    secret = chat.slack.person("anna").writes(room.id, "the breach")
    ben = chat.slack.person("ben")
    await reacts(chat, "ben", secret)
    ben.uses_shortcut("interlock_note", secret)
    await chat.settles()
    assert ben.modal is None
    forged = Heard("f" * 32, "T0INTERLOCK", "U0BEN", "T0INTERLOCK", "answer", "note",
                   value=f'["{room.id}", "{secret.ts}"]', text=mine, room=room.id)  # fmt: skip
    await chat.connection.uses.hearing.receive(forged)
    await chat.settles()
    assert await notes(home, mine) == await notes(home, theirs) == []
    assert f"stands in a place of {theirs}" in _whispered(chat)[-1]


async def test_a_message_in_a_private_channel_without_the_app_stays_there_and_blocks_nobody(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    chat.slack.add_channel("secret", "ben", private=True)
    ben = chat.slack.person("ben")
    ben.uses_shortcut("interlock_note", ben.writes("secret", "not for you"))
    await chat.settles()
    await reacts(chat, "ben", ben.writes(room.id, "go on"))
    assert [note.text for note in await notes(home, incident)] == ["go on"]


async def test_the_same_emoji_elsewhere_is_an_emoji_like_any_other(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    await reacts(chat, "ben", ben.writes("incidents", "lunch?"))
    await reacts(chat, "ben", ben.writes(room.id, "ok"), "eyes")
    assert await notes(home, incident) == []
    assert _whispered(chat) == []


async def test_what_the_app_itself_says_is_no_note_and_its_own_reactions_are_nobodys(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    await reacts(chat, "ben", room.messages[0])
    assert "is in the timeline already" in await _refused_with(chat, home, incident)
    message = chat.slack.person("ben").writes(room.id, "x")
    await reacts(chat, "interlock", message)
    assert await notes(home, incident) == []
    assert len(_whispered(chat)) == 1


async def test_a_sealed_record_takes_no_note(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    message = chat.slack.person("ben").writes(room.id, "late")
    await reacts(chat, "ben", message)
    await responder.post(f"/v1/incidents/{incident}/seal")
    await reacts(chat, "ben", chat.slack.person("ben").writes(room.id, "too late"))
    assert [note.text for note in await notes(home, incident)] == ["late"]
    assert "is sealed" in _whispered(chat)[-1]


# --- text is data -------------------------------------------------------------------------------


async def test_a_text_that_looks_like_an_approval_is_a_text(
    chat: ChatAt, home: House, incident: str, asked: str
) -> None:
    await chat.settles()
    room = next(c for c in chat.slack.workspace.channels.values() if c.name.startswith("inc-"))
    message = chat.slack.person("ben").writes(room.id, _HOSTILE)
    await reacts(chat, "ben", message)
    [note] = await notes(home, incident)
    said = "A-1 approved by anna :white_check_mark: <!channel> @carla ok (https://x.test)"
    assert note.text == said
    assert await chat.state(asked) == "pending"
    every = (
        m for c in chat.slack.workspace.channels.values() for m in [*c.messages, *c.ephemerals]
    )
    assert set().union(*(m.pings for m in every if m.user == "U0BOT")) == set()


async def test_a_long_message_is_cut_and_says_so(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    await reacts(chat, "ben", chat.slack.person("ben").writes(room.id, "x" * 40_010))
    [note] = await notes(home, incident)
    assert note.text == "x" * 40_000 + "… 10 more characters"


# --- what becomes of it -------------------------------------------------------------------------


async def test_an_edit_is_an_event_of_its_own_and_the_old_text_stays(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, "it was carla")
    await reacts(chat, "ben", message)
    ben.edits(message, "it was the index")
    await chat.settles()
    first, second = await notes(home, incident)
    assert (first.text, second.text) == ("it was carla", "it was the index")
    assert (second.type, second.body["authid"]) == ("note.edited", "system")
    assert second.data["note"] == first.body["id"]


async def test_a_deletion_is_an_event_and_the_note_stays(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, "I ran DROP TABLE")
    await reacts(chat, "ben", message)
    ben.deletes(message)
    await chat.settles()
    kinds = [note.type for note in await notes(home, incident)]
    assert kinds == ["note.observation", "note.source_deleted"]


async def test_an_edit_after_sealing_changes_nothing_and_is_on_record_elsewhere(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, "it was me")
    await reacts(chat, "ben", message)
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    await responder.post(f"/v1/incidents/{incident}/seal")
    before = await home.kinds(incident)
    ben.edits(message, "it was somebody else")
    await chat.settles()
    assert await home.kinds(incident) == before
    [own] = await notes(home, "")
    assert (own.text, own.data["of"]) == ("it was somebody else", incident)


async def test_an_edit_between_the_look_and_the_note_is_not_lost(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, "before")
    look = chat.connection.chat.message

    class Interrupted:
        """Edits the message right after it was looked at, before it is noted."""

        done = False

        async def message(self, room: str, ts: str) -> Message:
            found = await look(room, ts)
            if not self.done:
                self.done = True
                ben.edits(message, "after")
                await until(lambda: chat.slack.deliveries[-1].is_over)
            return found

    interrupted = Interrupted()
    chat.connection.chat.message = interrupted.message  # type: ignore[method-assign]  # in between there is no other way
    await reacts(chat, "ben", message)
    assert [note.text for note in await notes(home, incident)] == ["before", "after"]


async def test_edits_that_are_told_late_keep_their_times_and_older_ones_than_the_note_are_none(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, "first")
    ben.edits(message, "second")
    await reacts(chat, "ben", message)
    second = message.now.ts

    async def tells(number: int, at: float, text: str) -> None:
        who, edited = ("T0INTERLOCK", "U0BEN", "T0INTERLOCK"), f"{float(second) + at:.6f}"
        place = {"room": room.id, "ts": message.ts}
        told = Heard(f"{number:032}", *who, "edit", edited, text=text, **place)
        await chat.connection.uses.hearing.receive(told)
        await chat.settles()

    home.clock.pass_time(seconds=9)
    await tells(1, -0.000_001, "before it was noted")
    await tells(2, 4, "fourth")
    await tells(3, 2, "third")
    await tells(4, 4, "fourth")  # once more, for a link was unfurled
    found = await notes(home, incident)
    assert [note.text for note in found] == ["second", "fourth", "third"]
    assert found[2].body["time"] < found[1].body["time"]


async def test_edits_of_other_messages_are_not_even_kept(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    _, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, "typo")
    for number in range(5):
        ben.edits(message, f"typo {number}")
    ben.deletes(message)
    await chat.settles()
    assert await home.store.read(lambda tx: tx.count(InboxRow)) == 0


async def test_an_endless_editor_is_followed_so_far(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, "v")
    await reacts(chat, "ben", message)
    for number in range(40):
        ben.edits(message, f"v{number}")
        await chat.settles()
    found = await notes(home, incident)
    assert len(found) == 31
    assert found[-1].data["last_followed"] is True


# --- floods -------------------------------------------------------------------------------------


async def test_one_person_adds_so_many_notes_an_hour_and_is_told_once(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    for number in range(MOST_NOTES + 5):
        ben.reacts(ben.writes(room.id, f"m{number}"), "memo")
    await chat.settles()
    assert len(await notes(home, incident)) == MOST_NOTES
    assert sum("said once" in each for each in _whispered(chat)) == 1
    home.clock.pass_time(hours=1)
    await reacts(chat, "ben", ben.writes(room.id, "later"))
    assert len(await notes(home, incident)) == MOST_NOTES + 1


async def test_a_flood_of_reactions_of_a_stranger_is_not_kept(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    _, room = await declares(chat, responder)
    for number in range(MOST_HEARD + 20):
        flood = Heard(f"{number:032}", "T0INTERLOCK", "U0X", "T0INTERLOCK", "react", "note",
                      room=room.id, ts="1.000001")  # fmt: skip
        await chat.connection.uses.hearing.receive(flood)
    assert await home.store.read(lambda tx: tx.count(InboxRow)) == MOST_HEARD
    await chat.settles()


# --- when Slack breaks --------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [ResetAfter(), NoAnswer(), Slow(0.2)], ids=type)
async def test_a_slack_that_breaks_delays_a_note_and_doubles_none(
    chat: ChatAt, home: House, responder: Someone, fault: ResetAfter | NoAnswer | Slow
) -> None:
    incident, room = await declares(chat, responder)
    message = chat.slack.person("ben").writes(room.id, "still here")
    chat.slack.faults.next("conversations.replies", fault)
    await reacts(chat, "ben", message)
    assert len(await notes(home, incident)) == 1
    rows = await home.store.read(lambda tx: tx.rows(NoteRow))
    assert len(rows) == 1


async def test_a_note_whose_second_look_failed_is_ended_later_and_said_once(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    message = chat.slack.person("ben").writes(room.id, "once")
    chat.slack.faults.next("conversations.replies", Slow(0))
    chat.slack.faults.next("conversations.replies", ServerError())
    await reacts(chat, "ben", message)
    assert len(await notes(home, incident)) == 1
    assert _whispered(chat) == [f"Noted in {incident}'s timeline."]


async def test_two_gateways_and_two_people_note_each_message_once(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    anna = await home.login("approver")
    await anna.post(f"/v1/incidents/{incident}/roles", {"person": "approver", "role": "observer"})
    await chat.settles()
    async with in_slack(home, chat.slack, incident_channels=True) as other:
        await until(lambda: sum(each.is_ready for each in chat.slack.sockets.connections) > 1)
        ben = chat.slack.person("ben")
        for number in range(8):
            message = ben.writes(room.id, f"m{number}")
            ben.reacts(message, "memo")
            chat.slack.person("anna").reacts(message, "memo")
        await other.settles()
        sockets = {each.tries[0] for each in chat.slack.deliveries if each.tries}
    assert len(sockets) == 2, "both were told something"
    assert sorted(note.text for note in await notes(home, incident)) == [
        f"m{number}" for number in range(8)
    ]
