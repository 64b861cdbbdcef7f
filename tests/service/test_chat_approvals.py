"""Approvals in Slack, over the real SDK and a Slack that breaks on order, on both stores."""

import json
from collections.abc import AsyncIterator

import pytest
from interlock.testing.slack import FakeSlack, RateLimited, Refusal, ResetAfter, ServerError
from interlock.testing.slack.faults import CallFault
from interlock_gateway.service.ports import NotReachedError, StoreUnwritableError
from interlock_gateway.service.records import OutboxRow
from support.chat import ChatAt, in_slack, until
from support.house import REQUEUE, House, RunAt, Someone


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack with anna, ben and carla in #incidents."""
    async with FakeSlack() as running:
        yield running


@pytest.fixture
async def chat(home: House, slack: FakeSlack) -> AsyncIterator[ChatAt]:
    """The gateway, connected to it by Socket Mode."""
    async with in_slack(home, slack) as connected:
        yield connected


async def test_the_channel_is_asked_with_everything_an_approver_must_know(
    chat: ChatAt, asked: str, home: House, incident: str
) -> None:
    message = await chat.shows(asked)
    assert message.actions == ["approve", "deny", "open"]
    assert len(message.shown.splitlines()) <= 14  # a blank one and the buttons are no lines of it
    for told in (
        *("A-1 · INC-1 sev2 · orders (production, postgres)", "Asked by responder: pg."),
        *("pg_terminate_backend(pid)", "1: pid = 4711 (integer)", "Undo: Cannot be undone."),
        *("it blocks others", "until 03:19:05 UTC", "one dba or one incident:commander"),
        *("approver, colleague may decide", "not responder"),
    ):
        assert told in message.shown
    assert message.pings == set()
    await chat.settles()
    shown = [e for e in await home.timeline(incident) if e["type"] == "approval.prompted"]
    told_to = {(event["data"]["channel"], event["authid"]) for event in shown}
    assert ("slack", "system") in told_to  # before or after the runner was told


async def test_one_click_approves_and_the_message_says_so(
    chat: ChatAt, asked: str, home: House, incident: str
) -> None:
    message = await chat.shows(asked)
    home.clock.pass_time(seconds=41)
    await chat.presses("anna", message, "approve")
    assert await chat.state(asked) == "approved"
    assert "Approved by approver · 03:04:46 UTC, 41 s." in message.shown
    assert message.actions == ["open"]
    assert chat.thread(message) == [
        "Approved by approver · 03:04:46 UTC, 41 s. May be used once, until 03:09:46 UTC."
    ]
    event = next(e for e in await home.timeline(incident) if e["type"] == "approval.voted")
    assert (event["data"]["channel"], event["authid"]) == ("slack", "person:approver")
    assert chat.whispers == []


async def test_the_second_look_before_an_approval_can_still_say_no(
    chat: ChatAt, asked: str, slack: FakeSlack
) -> None:
    from interlock.testing.slack.forms import NotThere  # noqa: PLC0415  one test's own

    message = await chat.shows(asked)
    with pytest.raises(NotThere):
        slack.person("anna").presses(message, "approve", confirming=False)
    assert await chat.state(asked) == "pending"


async def test_a_denial_asks_why_and_the_requester_reads_it(
    chat: ChatAt, asked: str, responder: Someone
) -> None:
    message = await chat.shows(asked)
    await chat.denies("anna", message, "that is the *backup*")
    assert await chat.state(asked) == "denied"
    assert "Denied by approver · 03:04:05 UTC, 0 s: that is the *backup*. Nothing ran." in (
        message.shown
    )
    assert message.actions == ["open"]
    assert (await responder.prompt(asked))["reason"] == "that is the *backup*"


@pytest.mark.parametrize(
    ("how", "said"),
    [("web", "Approved by approver"), ("withdrawn", "Withdrawn"), ("expired", "Expired")],
)
async def test_the_message_ends_whichever_way_it_was_decided(
    chat: ChatAt,
    asked: str,
    home: House,
    approver: Someone,
    responder: Someone,
    how: str,
    said: str,
) -> None:
    message = await chat.shows(asked)
    match how:
        case "web":
            assert (await approver.vote(asked)).status_code == 201
        case "withdrawn":
            await responder.post(f"/v1/approvals/{asked}/withdraw", {"reason": "solved"})
        case "expired":
            home.clock.pass_time(minutes=16)
            await home.gateway.approvals.expire()
    await chat.settles()
    assert said in message.shown
    assert message.actions == ["open"]


async def test_what_came_of_it_is_told_in_the_message_and_its_thread(
    chat: ChatAt, asked: str, run: RunAt, home: House
) -> None:
    message = await chat.shows(asked)
    await chat.presses("anna", message, "approve")
    assert (await run.post(f"/v1/approvals/{asked}/execute"))["state"] == "succeeded"
    await chat.settles()
    assert "Done 03:04:05 UTC" in message.shown
    assert len(home.target.deeds) == 1
    assert ["May be used once" in said for said in chat.thread(message)] == [True, False]


async def test_a_first_of_two_votes_is_shown_and_the_buttons_stay(
    chat: ChatAt, run: RunAt, home: House, incident: str
) -> None:
    asked = await _of_two(home, incident, run)
    message = await chat.shows(asked)
    await chat.presses("anna", message, "approve")
    assert "Approved so far by approver (03:04:05 UTC)." in message.shown
    assert message.actions == ["approve", "deny", "open"]
    await chat.presses("carla", message, "approve")
    assert await chat.state(asked) == "approved"
    assert "Approved by approver, colleague" in message.shown


async def _of_two(home: House, incident: str, run: RunAt) -> str:
    """Ask for what a dba and the commander have to approve; the colleague commands."""
    folder = home.folder / "policies"
    lines = (folder / "permissions.csv").read_text()
    (folder / "permissions.csv").write_text(lines.replace("one-approver", "dba-and-commander"))
    assert home.policies.reload() == ()
    await run.starts("terminate")
    asked = str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])
    await (await home.login("colleague")).post(f"/v1/incidents/{incident}/take")
    return asked


async def test_the_requester_is_told_why_their_click_does_not_count(
    chat: ChatAt, asked: str
) -> None:
    message = await chat.shows(asked)
    await chat.presses("ben", message, "approve")
    assert await chat.state(asked) == "pending"
    (whisper,) = chat.whispers
    assert whisper.only_for == "U0BEN"
    assert "Your vote on A-1 did not count. You asked for this" in whisper.shown


async def test_whoever_may_not_vote_is_told_who_may_and_why_not_they(
    home: House, asked: str, slack: FakeSlack
) -> None:
    async with in_slack(home, slack, accounts={"U0ANNA": "observer"}) as chat:
        message = await chat.shows(asked)
        await chat.presses("anna", message, "approve")
        await chat.presses("anna", message, "deny")
        assert slack.views() == []
        for whisper in chat.whispers:
            assert "A-1 did not count. The approval rule gives you no vote here." in whisper.shown
            assert "It needs one dba or one incident:commander: approver" in whisper.shown
            assert "You have developer." in whisper.shown
        assert len(chat.whispers) == 2
    assert await chat.state(asked) == "pending"


async def test_a_phone_that_has_not_caught_up_is_told_that_it_is_decided(
    chat: ChatAt, asked: str
) -> None:
    message = await chat.shows(asked)
    await chat.presses("anna", message, "approve")
    await chat.presses("carla", message, "approve", as_of=0)
    assert "This approval is approved already." in chat.whispers[-1].shown
    await chat.presses("carla", message, "deny", as_of=0)
    assert "This approval is approved already." in chat.whispers[-1].shown


async def test_two_approvers_at_once_are_one_approval_and_one_end(
    chat: ChatAt, asked: str, slack: FakeSlack, home: House, incident: str
) -> None:
    message = await chat.shows(asked)
    for person in ("anna", "carla"):
        slack.person(person).presses(message, "approve")
    await chat.settles()
    assert (await home.kinds(incident)).count("approval.approved") == 1
    assert len(chat.messages) == 1
    assert message.actions == ["open"]


@pytest.mark.parametrize("how", ["twice", "late", "after the next", "cut", "lost"])
async def test_a_click_counts_once_however_it_is_delivered(
    chat: ChatAt, asked: str, slack: FakeSlack, home: House, incident: str, how: str
) -> None:
    message = await chat.shows(asked)
    slack.faults.next_envelope(how)  # type: ignore[arg-type]  # one of the literals
    slack.person("anna").presses(message, "approve")
    slack.person("ben").presses(message, "approve")
    await chat.settles()
    kinds = await home.kinds(incident)
    assert kinds.count("approval.voted") == 1
    assert kinds.count("approval.vote_refused") == 1
    assert await chat.state(asked) == "approved"


async def test_a_click_that_cannot_be_kept_is_not_acknowledged(
    chat: ChatAt, asked: str, slack: FakeSlack, home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await chat.shows(asked)
    await chat.settles()
    commit, refusals = home.store.commit, 2

    async def full(unit: object) -> object:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise StoreUnwritableError("no space left")
        return await commit(unit)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(home.store, "commit", full)
    delivery = slack.person("anna").presses(message, "approve")
    await until(lambda: delivery.is_over)
    await chat.settles()
    assert delivery.acked
    assert len(delivery.tries) == 3
    assert await chat.state(asked) == "approved"


@pytest.mark.parametrize(
    "fault", [ResetAfter(), ServerError(502, after=True), ServerError(503), RateLimited(1)]
)
async def test_a_lost_answer_makes_no_second_message(
    home: House, slack: FakeSlack, asked: str, fault: CallFault
) -> None:
    slack.faults.next("chat.postMessage", fault)
    async with in_slack(home, slack) as chat:
        message = await chat.shows(asked)
        await chat.presses("anna", message, "approve")
        assert len(chat.messages) == 1
        assert "Approved by approver" in message.shown
        assert len(chat.thread(message)) == 1


async def test_an_edit_whose_answer_was_lost_is_made_again(
    chat: ChatAt, asked: str, slack: FakeSlack
) -> None:
    message = await chat.shows(asked)
    slack.faults.next("chat.update", ResetAfter(), times=2)
    await chat.presses("anna", message, "approve")
    assert message.actions == ["open"]


async def test_a_deleted_question_is_asked_anew_and_a_deleted_answer_is_left(
    chat: ChatAt, run: RunAt, home: House, responder: Someone, incident: str, slack: FakeSlack
) -> None:
    asked = await _of_two(home, incident, run)
    first = await chat.shows(asked)
    slack.workspace.delete(first)
    await (await home.login("approver")).vote(asked)
    await chat.settles()
    second = chat.messages[-1]
    assert [each.deleted for each in chat.messages] == [True, False]
    slack.workspace.delete(second)
    await responder.post(f"/v1/approvals/{asked}/withdraw", {"reason": "solved"})
    await chat.settles()
    assert [each.deleted for each in chat.messages] == [True, True]


async def test_what_slack_refuses_to_show_is_said_in_plain_words(
    home: House, slack: FakeSlack, asked: str
) -> None:
    slack.faults.next("chat.postMessage", Refusal("invalid_blocks"))
    async with in_slack(home, slack) as chat:
        message = await chat.shows(asked)
        assert message.actions == ["open"]
        assert "Waits until" in message.shown


async def test_a_poisoned_entry_is_set_aside_with_an_alarm_and_others_are_told(
    home: House, slack: FakeSlack, asked: str, run: RunAt
) -> None:
    slack.faults.next("chat.postMessage", Refusal("invalid_blocks"), times=2)
    async with in_slack(home, slack) as chat:
        await chat.settles()
        await run.starts("requeue")
        other = str((await run.post("/v1/executions", run.mutates()))["approval"]["id"])
        message = await chat.shows(other)
        assert REQUEUE.split("WHERE", maxsplit=1)[0] in message.shown
    rows = await home.store.read(lambda tx: tx.rows(OutboxRow, subject=asked))
    assert [(row.delivered_at, row.set_aside_at is not None) for row in rows] == [(None, True)]
    assert "invalid_blocks" in rows[0].trouble
    exposition = home.gateway.meter.exposition().decode()  # type: ignore[attr-defined]  # the real one
    assert 'interlock_alarms_total{kind="notice_set_aside"} 1.0' in exposition


async def test_bytes_that_were_changed_in_the_store_are_shown_to_nobody(
    home: House, slack: FakeSlack, asked: str
) -> None:
    async with in_slack(home, slack, loops=False) as chat:
        chat.connection.board._notices._seal = _Broken()  # noqa: SLF001  what a changed row is like
        await chat.telling.deliver()
        assert chat.messages == []
    rows = await home.store.read(lambda tx: tx.rows(OutboxRow, subject=asked))
    assert rows[0].set_aside_at is not None


class _Broken:
    def close(self, content: bytes, _label: str) -> bytes:
        return content

    def open(self, _sealed: bytes, _label: str) -> bytes:
        raise ValueError("changed")


async def test_ten_minutes_without_slack_end_with_the_right_message(
    home: House, slack: FakeSlack, asked: str, approver: Someone, run: RunAt
) -> None:
    with slack.faults.outage():
        async with in_slack(home, slack, loops=False) as chat:
            with pytest.raises(NotReachedError):
                await chat.telling.deliver()
            told = await approver.prompt(asked)
            assert "Slack does not answer chat.postMessage" in told["untold"]["trouble"]
            home.clock.pass_time(minutes=10)
            await approver.vote(asked)
            assert (await run.post(f"/v1/approvals/{asked}/execute"))["state"] == "succeeded"
            assert slack.channel("incidents").messages == []
    async with in_slack(home, slack) as chat:
        message = await chat.shows(asked)
        await chat.settles()
        assert [each.deleted for each in chat.messages] == [False]
        assert message.actions == ["open"]
        assert "Done 03:14:05 UTC" in message.shown
        assert (await approver.prompt(asked))["untold"] is None


async def test_a_click_during_an_outage_of_the_web_api_counts_when_it_is_over(
    chat: ChatAt, asked: str, slack: FakeSlack
) -> None:
    message = await chat.shows(asked)
    with slack.faults.outage():
        delivery = slack.person("anna").presses(message, "approve")
        await until(lambda: delivery.is_over)
        assert delivery.acked
        assert await chat.state(asked) == "pending"
    await chat.settles()
    assert await chat.state(asked) == "approved"


async def test_a_run_of_buttons_that_were_made_up_changes_nothing(
    chat: ChatAt, asked: str, slack: FakeSlack
) -> None:
    message = await chat.shows(asked)
    forged = json.loads(json.dumps(message.blocks))
    for value in ("", "A-1", "A-1 0000000000000000 0000000000000000", "A-9 a b", "x" * 2_000):
        forged[-1]["elements"][0]["value"] = value or "none"
        slack.workspace.edit(message, type(message.now)("x", forged, ""))
        await chat.presses("anna", message, "approve")
    assert await chat.state(asked) == "pending"
    assert len(chat.whispers) == 5


async def test_sockets_that_are_refreshed_or_dropped_lose_no_click(
    chat: ChatAt, asked: str, slack: FakeSlack, home: House, incident: str
) -> None:
    message = await chat.shows(asked)
    slack.refresh_sockets()
    slack.person("ben").presses(message, "approve")
    await chat.settles()
    slack.drop_sockets()
    slack.person("anna").presses(message, "approve")
    await chat.settles()
    assert await chat.state(asked) == "approved"
    assert (await home.kinds(incident)).count("approval.voted") == 1


async def test_a_store_that_fails_in_the_middle_of_a_vote_loses_no_acknowledged_click(
    chat: ChatAt, asked: str, slack: FakeSlack, home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The click is kept, then the unit of its vote fails: it counts once the store takes it."""
    message = await chat.shows(asked)
    await chat.settles()
    commit, left = home.store.commit, {"good": 1, "bad": 1}

    async def failing(unit: object) -> object:
        if left["good"]:
            left["good"] -= 1
        elif left["bad"]:
            left["bad"] -= 1
            raise StoreUnwritableError("no space left")
        return await commit(unit)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(home.store, "commit", failing)
    delivery = slack.person("anna").presses(message, "approve")
    await until(lambda: delivery.is_over)
    assert delivery.acked
    await chat.settles()
    assert await chat.state(asked) == "approved"
    assert left == {"good": 0, "bad": 0}
