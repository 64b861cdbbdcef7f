"""What can go wrong at Slack goes wrong on order, and the SDK sees it as it would see Slack."""

import asyncio

import pytest
from aiohttp import ClientError
from interlock.testing.slack import (
    FakeSlack,
    NoAnswer,
    RateLimited,
    Refusal,
    ResetAfter,
    ResetBefore,
    ServerError,
    Slow,
)
from slack_app import INCIDENTS, connected, until, web
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

POST = "chat.postMessage"


async def say(client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=f"#{INCIDENTS}", text="x")


def posted(slack: FakeSlack) -> int:
    return len(slack.channel(INCIDENTS).messages)


async def test_a_rate_limit_says_when_to_come_back(slack: FakeSlack) -> None:
    slack.faults.next(POST, RateLimited(retry_after=7))
    with pytest.raises(SlackApiError) as caught:
        await say(web(slack))
    answer = caught.value.response
    assert (answer.status_code, answer["error"]) == (429, "ratelimited")
    assert answer.headers["Retry-After"] == "7"
    await say(web(slack))
    assert posted(slack) == 1


async def test_the_sdks_handler_waits_and_tries_again(slack: FakeSlack) -> None:
    slack.faults.next(POST, RateLimited(retry_after=0), times=2)
    await say(web(slack, AsyncRateLimitErrorRetryHandler(max_retry_count=2)))
    assert posted(slack) == 1


@pytest.mark.parametrize(("after", "count"), [(False, 1), (True, 2)])
async def test_a_server_error_may_have_had_its_effect(
    slack: FakeSlack,
    *,
    after: bool,
    count: int,
) -> None:
    slack.faults.next(POST, ServerError(503, after=after))
    await say(web(slack, AsyncServerErrorRetryHandler(max_retry_count=1)))
    assert posted(slack) == count


async def test_a_server_error_without_a_handler_is_an_error(slack: FakeSlack) -> None:
    slack.faults.next(POST, ServerError(500))
    with pytest.raises(SlackApiError) as caught:
        await say(web(slack))
    assert caught.value.response.status_code == 500


@pytest.mark.parametrize(("fault", "count"), [(ResetBefore(), 0), (ResetAfter(), 1)])
async def test_a_reset_comes_before_or_after_the_effect(
    slack: FakeSlack, fault: ResetBefore | ResetAfter, count: int
) -> None:
    slack.faults.next(POST, fault)
    with pytest.raises((ClientError, ConnectionError)):
        await say(web(slack))
    assert posted(slack) == count


async def test_an_answer_lost_and_tried_again_is_posted_twice(slack: FakeSlack) -> None:
    """What an outbox has to know: trying again after a reset may say it twice."""
    slack.faults.next(POST, ResetAfter())
    await say(web(slack, AsyncConnectionErrorRetryHandler(max_retry_count=1)))
    assert posted(slack) == 2


@pytest.mark.parametrize(("after", "count"), [(False, 0), (True, 1)])
async def test_silence_lasts_until_the_client_gives_up(
    slack: FakeSlack,
    *,
    after: bool,
    count: int,
) -> None:
    slack.faults.next(POST, NoAnswer(after=after))
    with pytest.raises((asyncio.TimeoutError, ClientError)):
        await say(web(slack, timeout=1))
    assert posted(slack) == count


async def test_a_refusal_can_be_ordered(slack: FakeSlack) -> None:
    slack.faults.next(POST, Refusal("invalid_blocks", ("unsupported type: x",)))
    with pytest.raises(SlackApiError) as caught:
        await say(web(slack))
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] unsupported type: x"
    ]
    assert posted(slack) == 0


async def test_a_slow_answer_is_right_in_the_end(slack: FakeSlack) -> None:
    slack.faults.next(POST, Slow(0.05))
    await say(web(slack))
    assert posted(slack) == 1


async def test_faults_of_one_method_leave_the_others_alone(slack: FakeSlack) -> None:
    slack.faults.next("chat.update", ServerError())
    await say(web(slack))
    slack.faults.next("*", Refusal("fatal_error"))
    with pytest.raises(SlackApiError, match="fatal_error"):
        await web(slack).auth_test()
    await web(slack).auth_test()


async def test_an_outage_ends_every_call_until_it_is_over(slack: FakeSlack) -> None:
    with slack.faults.outage():
        for _ in range(3):
            with pytest.raises((ClientError, ConnectionError)):
                await say(web(slack))
    await say(web(slack))
    slack.faults.goes_down(ServerError(502))
    with pytest.raises(SlackApiError):
        await say(web(slack))
    slack.faults.comes_back()
    assert posted(slack) == 1


async def test_a_click_of_an_outage_arrives_when_it_is_over() -> None:
    with FakeSlack(ack_seconds=2, retries=9) as slack:
        async with connected(slack) as app:
            await say(web(slack))
            with slack.faults.outage():
                slack.drop_sockets()
                await until(lambda: not slack.sockets.connections)
            slack.person("anna").reacts(slack.channel(INCIDENTS).messages[0], "eyes")
            await until(lambda: len(app.heard) == 1, 25)
