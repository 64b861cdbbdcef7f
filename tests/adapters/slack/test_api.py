"""Slack's answers in three kinds: try again, never, gone; none of them tells a token."""

from collections.abc import AsyncIterator

import pytest
from core.test_approval import PROPOSAL
from interlock.testing.slack import (
    FakeSlack,
    NoAnswer,
    RateLimited,
    Refusal,
    ResetAfter,
    ResetBefore,
    ServerError,
)
from interlock.testing.slack.faults import CallFault
from interlock_gateway.adapters.slack import api
from interlock_gateway.adapters.slack.api import SlackChat
from interlock_gateway.core.card import Setting, card, choice
from interlock_gateway.service.chat.protocol import (
    GoneError,
    Notice,
    Question,
    RefusedError,
    Words,
)
from interlock_gateway.service.ports import NotReachedError
from interlock_gateway.service.targets import TargetError

CARD = card(PROPOSAL, "A-1", Setting("sev2"))
NOTICE = Notice(
    "A-1", CARD, choice("A-1", "sha256:ab", CARD.digest), "Waits.", "waiting", "https://i.test/"
)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack."""
    async with FakeSlack() as running:
        yield running


@pytest.fixture
async def chat(slack: FakeSlack) -> AsyncIterator[SlackChat]:
    """Slack's Web API behind the port."""
    found = SlackChat(lambda: slack.tokens.bot, "T0INTERLOCK", slack.api_url)
    yield found
    await found.aclose()


@pytest.fixture
def room(slack: FakeSlack) -> str:
    """The channel."""
    return slack.channel("incidents").id


async def test_a_message_is_posted_found_edited_and_answered_in_its_thread(
    slack: FakeSlack, chat: SlackChat, room: str
) -> None:
    ts = await chat.post(room, NOTICE)
    assert await chat.find(room, "A-1", 0.0) == ts
    assert await chat.find(room, "A-2", 0.0) == ""
    reply = await chat.post(room, Words("A-1/x", "It goes on."), ts)
    assert await chat.find(room, "A-1/x", 0.0, ts) == reply
    assert await chat.find(room, "A-1/x", 0.0) == ""
    await chat.edit(room, ts, Words("A-1", "Done."))
    assert slack.channel("incidents").messages[0].shown == "Done."


async def test_a_message_is_found_behind_many_others(
    slack: FakeSlack, chat: SlackChat, room: str
) -> None:
    ts = await chat.post(room, NOTICE)
    for number in range(450):
        slack.person("anna").writes("incidents", f"what is going on {number}")
    assert await chat.find(room, "A-1", 0.0) == ts


async def test_nobody_else_can_lay_a_message_under_our_key(
    slack: FakeSlack, chat: SlackChat, room: str
) -> None:
    slack.person("anna").writes("incidents", "interlock A-1")
    assert await chat.find(room, "A-1", 0.0) == ""


@pytest.mark.parametrize(
    "fault",
    [
        ResetBefore(),
        ResetAfter(),
        ServerError(500),
        ServerError(503),
        NoAnswer(),
        Refusal("internal_error"),
        Refusal("fatal_error"),
        Refusal("invalid_auth"),
        Refusal("token_revoked"),
        Refusal("not_in_channel"),
        Refusal("channel_not_found"),
        Refusal("a_word_that_does_not_exist_yet"),
    ],
)
async def test_trouble_that_may_pass_is_tried_again(
    slack: FakeSlack,
    chat: SlackChat,
    room: str,
    fault: CallFault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "TIMEOUT_S", 1)
    slack.faults.next("chat.postMessage", fault)
    with pytest.raises(NotReachedError) as raised:
        await chat.post(room, NOTICE)
    assert slack.tokens.bot not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.alone == (
        fault in (Refusal("not_in_channel"), Refusal("channel_not_found"))
    )


@pytest.mark.parametrize("seconds", [1, 30, 120])
async def test_a_limit_says_when_to_come_again(
    slack: FakeSlack, chat: SlackChat, room: str, seconds: int
) -> None:
    slack.faults.next("chat.postMessage", RateLimited(seconds))
    with pytest.raises(NotReachedError) as raised:
        await chat.post(room, NOTICE)
    assert raised.value.after_s == seconds


@pytest.mark.parametrize(
    "word", ["invalid_blocks", "msg_too_long", "msg_blocks_too_long", "invalid_arguments"]
)
async def test_what_slack_will_never_take_is_refused_for_good(
    slack: FakeSlack, chat: SlackChat, room: str, word: str
) -> None:
    slack.faults.next(
        "chat.postMessage", Refusal(word, ("must be less [json-pointer:/blocks/0]",))
    )
    with pytest.raises(RefusedError, match=f"{word}.*must be less"):
        await chat.post(room, NOTICE)


async def test_a_deleted_message_is_gone(chat: SlackChat, room: str) -> None:
    with pytest.raises(GoneError):
        await chat.edit(room, "1.000000", NOTICE)
    with pytest.raises(GoneError):
        await chat.post(room, Words("A-1/x", "It goes on."), "1.000000")


async def test_a_form_that_comes_too_late_is_not_opened(chat: SlackChat) -> None:
    question = Question("deny", "Deny A-1", "Why?", "Because.", "Deny", "A-1 a b", "C1")
    assert await chat.ask("1.none", question) is False


@pytest.mark.parametrize(
    ("account", "unfit"),
    [
        ("U0ANNA", ""),
        ("U0GUEST", "a guest"),
        ("U0LEFT", "deactivated"),
        ("U0OTHER", "of another workspace"),
        ("U0BOT", "a bot"),
        ("U0NOBODY", "unknown"),
    ],
)
async def test_who_may_act_is_said_of_each_account(
    chat: SlackChat, account: str, unfit: str
) -> None:
    member = await chat.member(account)
    assert (member.account, member.unfit) == (account, unfit)


async def test_a_credential_that_cannot_be_had_is_trouble_that_may_pass(slack: FakeSlack) -> None:
    def gone() -> str:
        raise TargetError("target-unreachable", "The environment variable X is not set.")

    chat = SlackChat(gone, "T0INTERLOCK", slack.api_url)
    with pytest.raises(NotReachedError, match="variable X"):
        await chat.whoami()
    await chat.aclose()
