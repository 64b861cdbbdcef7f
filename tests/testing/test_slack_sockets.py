"""Socket Mode, with the real client of the SDK."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from interlock.testing.slack import Delivery, FakeSlack, NotAnswered
from slack_app import INCIDENTS, App, connected, post, until, web
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient


@pytest.fixture
async def app(slack: FakeSlack) -> AsyncIterator[App]:
    async with connected(slack) as running:
        yield running


async def address(slack: FakeSlack) -> str:
    opened = await web(slack).apps_connections_open(app_token=slack.tokens.app)
    return str(opened["url"])


@asynccontextmanager
async def listening(slack: FakeSlack) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Yield a bare connection, without the SDK's client."""
    url = await address(slack)
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield socket


async def test_a_click_reaches_the_app_and_is_acknowledged(slack: FakeSlack, app: App) -> None:
    message = await post(slack)
    delivery = slack.person("anna").presses(message, "approve")
    await until(lambda: delivery.acked)
    [payload] = app.payloads
    assert payload["type"] == "block_actions"
    assert payload["user"]["id"] == "U0ANNA"
    assert payload["actions"][0] | {"action_ts": ""} == {
        "action_id": "approve",
        "block_id": "decide",
        "type": "button",
        "value": "A-1:9f3c",
        "style": "primary",
        "text": {"type": "plain_text", "text": "Approve"},
        "action_ts": "",
    }
    assert payload["container"]["message_ts"] == payload["message"]["ts"] == message.ts
    assert delivery.tries == ["socket 1"]


async def test_what_is_not_acknowledged_comes_again_with_the_same_name(
    slack: FakeSlack, app: App
) -> None:
    app.acknowledges = lambda request: bool(request.retry_attempt)
    delivery = slack.person("anna").presses(await post(slack), "approve")
    await until(lambda: delivery.acked)
    first, second = app.heard
    assert first.envelope_id == second.envelope_id
    assert (second.retry_attempt, second.retry_reason) == (1, "timeout")


async def test_in_the_end_it_is_lost_and_the_test_is_told(slack: FakeSlack, app: App) -> None:
    app.acknowledges = lambda _: False
    delivery = slack.person("anna").presses(await post(slack), "approve")
    await until(lambda: delivery.is_over)
    assert (delivery.state, len(delivery.tries)) == ("lost", 4)
    with pytest.raises(NotAnswered, match="socket 1, socket 1"):
        delivery.wait(0)


async def test_a_click_waits_for_an_app_that_comes_later(slack: FakeSlack) -> None:
    delivery = slack.person("anna").presses(await post(slack), "approve")
    async with connected(slack):
        await until(lambda: delivery.acked)


async def test_each_envelope_goes_to_one_of_several_connections(slack: FakeSlack) -> None:
    async with connected(slack) as one, connected(slack) as two:
        message = await post(slack)
        clicks = [slack.person("anna").presses(message, "approve") for _ in range(6)]
        await until(lambda: all(click.acked for click in clicks))
        assert (len(one.heard), len(two.heard)) == (3, 3)
        names = {request.envelope_id for request in one.heard + two.heard}
        assert len(names) == 6


async def test_an_address_works_once(slack: FakeSlack) -> None:
    url = await address(slack)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url.partition("?")[0])


async def test_the_bot_token_opens_no_connection(slack: FakeSlack) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await web(slack).apps_connections_open(app_token=slack.tokens.bot)


async def test_ten_connections_are_the_most(slack: FakeSlack) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await address(slack)) for _ in range(10)]
        await until(lambda: len(slack.sockets.connections) == 10)
        with pytest.raises(SlackApiError, match="too_many_websockets"):
            await address(slack)
        for socket in sockets:
            await socket.close()


@pytest.mark.usefixtures("app")
async def test_a_refresh_moves_the_app_to_a_new_connection(slack: FakeSlack) -> None:
    slack.refresh_sockets(wait=0.2)
    await until(lambda: [c.number for c in slack.sockets.connections] == [2])
    message = await post(slack)
    await until(lambda: slack.sockets.connections[0].is_ready)
    delivery = slack.person("anna").presses(message, "approve")
    await until(lambda: delivery.acked)
    assert delivery.tries == ["socket 2"]


async def test_a_dropped_connection_is_made_anew(slack: FakeSlack, app: App) -> None:
    slack.drop_sockets()
    await until(
        lambda: bool(slack.sockets.connections) and slack.sockets.connections[0].number > 1
    )
    delivery = slack.person("anna").presses(await post(slack), "approve")
    await until(lambda: delivery.acked)
    assert len(app.heard) == 1


async def test_an_envelope_can_come_twice(slack: FakeSlack, app: App) -> None:
    slack.faults.next_envelope("twice")
    slack.person("anna").presses(await post(slack), "approve")
    await until(lambda: len(app.heard) == 2)
    assert app.heard[0].envelope_id == app.heard[1].envelope_id
    await until(lambda: len(slack.sockets.acknowledged) == 2)


async def test_an_envelope_can_come_after_the_one_that_follows_it(
    slack: FakeSlack, app: App
) -> None:
    message = await post(slack)
    slack.faults.next_envelope("after the next")
    clicks = [slack.person(name).presses(message, "approve") for name in ("anna", "ben")]
    await until(lambda: all(click.acked for click in clicks))
    assert [payload["user"]["name"] for payload in app.payloads] == ["ben", "anna"]


@pytest.mark.usefixtures("app")
async def test_an_envelope_can_be_late_or_lost(slack: FakeSlack) -> None:
    message = await post(slack)
    slack.faults.late_seconds = 0.2
    slack.faults.next_envelope("late", "lost")
    late = slack.person("anna").presses(message, "approve")
    await until(lambda: late.acked)
    lost = slack.person("ben").presses(message, "approve")
    await until(lambda: lost.acked)
    assert (len(late.tries), len(lost.tries)) == (1, 2)


async def test_a_socket_can_break_in_the_middle_of_an_envelope() -> None:
    with FakeSlack(ack_seconds=2) as slack:
        async with connected(slack) as app:
            message = await post(slack)
            slack.faults.next_envelope("cut")
            delivery = slack.person("anna").presses(message, "approve")
            await until(lambda: delivery.acked)
            assert len(app.heard) == 1
            assert app.heard[0].retry_attempt
            assert delivery.tries[0] == "socket 1"
            assert delivery.tries[-1] == "socket 2"


async def test_nothing_is_sent_before_the_hello(slack: FakeSlack) -> None:
    slack.faults.hello_seconds = 0.3
    message = await post(slack)
    async with listening(slack) as socket:
        slack.person("anna").presses(message, "approve")
        heard = [json.loads((await socket.receive()).data)["type"] for _ in range(2)]
    assert heard == ["hello", "interactive"]


async def test_what_is_no_acknowledgement_is_passed_over(slack: FakeSlack) -> None:
    message = await post(slack)
    async with listening(slack) as socket:
        await socket.receive()
        for noise in ("no json", "[]", '{"envelope_id": "another"}'):
            await socket.send_str(noise)
        delivery = slack.person("anna").presses(message, "approve")
        envelope = json.loads((await socket.receive()).data)
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await until(lambda: delivery.acked)


async def test_events_come_for_what_people_write_and_how_they_react(
    slack: FakeSlack, app: App
) -> None:
    anna = slack.person("anna")
    message = anna.writes(INCIDENTS, "it began at 10:42")
    anna.edits(message, "it began at 10:41")
    slack.person("ben").reacts(message, "pushpin")
    anna.deletes(message)
    await until(lambda: len(app.heard) == 4)
    events = sorted((payload["event"] for payload in app.payloads), key=lambda e: e["event_ts"])
    assert [event.get("subtype", event["type"]) for event in events] == [
        "message",
        "message_changed",
        "reaction_added",
        "message_deleted",
    ]
    assert events[1]["message"]["text"] == "it began at 10:41"
    assert events[1]["previous_message"]["text"] == "it began at 10:42"
    assert events[2]["item"]["ts"] == message.ts
    assert all(request.type == "events_api" for request in app.heard)


async def test_events_of_channels_the_app_is_not_in_are_not_told(
    slack: FakeSlack, app: App
) -> None:
    slack.add_channel("general", "anna")
    slack.person("anna").writes("general", "psst")
    slack.person("anna").writes(INCIDENTS, "loud")
    await until(lambda: len(app.heard) == 1)
    assert app.payloads[0]["event"]["text"] == "loud"


async def test_a_slash_command_is_answered_for_one_or_for_all(slack: FakeSlack, app: App) -> None:
    def acknowledges(request: SocketModeRequest) -> bool:
        kind = "in_channel" if request.payload["text"] == "loud" else "ephemeral"
        app.answers["slash_commands"] = {"text": "3 wait", "response_type": kind}
        return True

    app.acknowledges = acknowledges
    for words in ("quiet", "loud"):
        delivery = slack.person("anna").commands("/interlock", words, INCIDENTS)
        await until(lambda over=delivery: over.is_over)  # type: ignore[misc]  # a loop's own delivery
    assert [m.text for m in slack.channel(INCIDENTS).messages] == ["3 wait"]
    assert [m.text for m in slack.channel(INCIDENTS).ephemerals] == ["3 wait"]


async def test_a_whole_slack_runs_in_the_loop_of_the_caller() -> None:
    async with FakeSlack(ack_seconds=2) as slack, connected(slack) as app:
        delivery = slack.person("anna").presses(await post(slack), "approve")
        await until(lambda: delivery.acked)
        assert len(app.heard) == 1
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", int(slack.url.split(":")[2].strip("/")))


async def test_two_slacks_know_nothing_of_each_other(slack: FakeSlack) -> None:
    with FakeSlack() as other:
        await post(other)
        client = AsyncWebClient(slack.tokens.bot, base_url=slack.api_url)
        channel = slack.channel(INCIDENTS).id
        assert (await client.conversations_history(channel=channel))["messages"] == []


async def test_a_warning_closes_nothing(slack: FakeSlack) -> None:
    message = await post(slack)
    async with listening(slack) as socket:
        await socket.receive()
        slack.refresh_sockets("warning", wait=0)
        warned = await socket.receive_json()
        assert (warned["type"], warned["reason"]) == ("disconnect", "warning")
        slack.person("anna").presses(message, "approve")
        assert (await socket.receive_json())["type"] == "interactive"


async def test_an_acknowledgement_that_comes_too_late_changes_nothing() -> None:
    with FakeSlack(ack_seconds=0.2, retries=0) as slack:
        message = await post(slack)
        async with listening(slack) as socket:
            await socket.receive()
            delivery = slack.person("anna").presses(message, "approve")
            envelope = await socket.receive_json()
            await until(lambda: delivery.is_over)
            await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"x": 1}})
            await until(lambda: bool(slack.sockets.acknowledged))
            assert (delivery.state, delivery.answer) == ("lost", {})


async def test_only_what_is_to_come_again_does() -> None:
    with FakeSlack(ack_seconds=0.1, retries=2, redelivers=("events_api",)) as slack:
        message, anna = await post(slack), slack.person("anna")
        clicks = [anna.presses(message, "approve"), anna.reacts(message, "eyes")]
        await until(lambda: all(each is not None and each.is_over for each in clicks))
        assert [len(each.tries) for each in clicks if each] == [1, 3]


def test_outside_its_block_nothing_is_told() -> None:
    slack = FakeSlack()
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        slack.person("anna").commands("/interlock", "list", INCIDENTS)
    with slack:
        pass


async def test_many_people_press_from_many_threads_at_once(slack: FakeSlack, app: App) -> None:
    message = await post(slack)

    def press(_: int) -> Delivery:
        return slack.person("anna").presses(message, "approve")

    clicks = await asyncio.gather(*(asyncio.to_thread(press, number) for number in range(40)))
    await until(lambda: all(click.acked for click in clicks))
    assert len({click.envelope_id for click in clicks}) == 40
    assert {each.envelope_id for each in app.heard} == {each.envelope_id for each in clicks}
