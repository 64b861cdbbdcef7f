"""Checkpoints stand in a thread of the incident's record, to be copied and compared."""

import json
from collections.abc import AsyncIterator

import pytest
from interlock.proof import read_checkpoint, read_key, signers
from interlock.proof.bundle_checks import bundle_findings, notes_in
from interlock.testing.slack import FakeSlack
from support.bundles import taken, unpacked
from support.chat import in_slack
from support.house import House, Someone


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack with anna, ben and carla in #incidents."""
    async with FakeSlack() as running:
        yield running


async def test_an_approval_is_anchored_where_it_was_given(
    home: House, slack: FakeSlack, asked: str, approver: Someone, responder: Someone, incident: str
) -> None:
    async with in_slack(home, slack) as chat:
        await approver.vote(asked)
        await chat.settles()
        [record] = chat.records
        [said] = chat.thread(record)
        [note] = notes_in(said)
        status = await responder.get("/v1/log")
        assert signers(note, [read_key(status["keys"][0]["key"])]) != []
        [anchor] = [one for one in status["anchors"] if one["anchor"] == "slack"]
        assert anchor["size"] == read_checkpoint(note).size
        own = await responder.get(f"/v1/incidents/{incident}/anchored")
        assert own["anchor"] == f"slack:{incident}"
        assert own["receipt"].endswith(chat.slack.channel("incidents").messages[-1].ts)

        files = unpacked(await taken(responder, incident))
        found = list(bundle_findings(files, outside=said))
        assert [one.about for one in found if not one.holds] == []
        assert f"anchor of {anchor['size']} events" in [one.about for one in found]


async def test_whose_thread_it_is_and_where_is_told_to_that_incidents_people_alone(
    home: House, slack: FakeSlack, asked: str, approver: Someone, responder: Someone, incident: str
) -> None:
    """A bundle goes to strangers, and the log's state is shown to everybody who logs in."""
    async with in_slack(home, slack) as chat:
        await approver.vote(asked)
        await chat.settles()
        stranger = await home.login("stranger")
        another = await responder.declares()
        block = json.loads(unpacked(await taken(responder, another))["log.json"])
        assert block["anchors"] == block["growth"] == []
        status = await stranger.get("/v1/log")
        assert [(one["anchor"], one["receipt"]) for one in status["anchors"]] == [("slack", "")]
        assert f"slack:{incident}" not in json.dumps([block, status])
        own = json.loads(unpacked(await taken(responder, incident))["log.json"])
        assert {one["anchor"] for one in own["anchors"]} == {f"slack:{incident}"}


def test_a_note_that_was_copied_with_what_stands_around_it_is_found() -> None:
    note = "log\n3\n" + "A" * 43 + "=\n\n— log AAAA\n"
    for text in (f"INC-1 up to its event 3:\n\n{note}", f"```\n{note}```", note.rstrip("\n")):
        assert notes_in(text) == [note]
    assert notes_in("nothing\n\nof the kind") == []
