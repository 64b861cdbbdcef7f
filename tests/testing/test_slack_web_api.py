"""The Web API of the fake Slack, called by the real SDK."""

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest
from interlock.testing.slack import FakeSlack, Person, signature
from slack_app import BUTTONS, INCIDENTS, post, web
from slack_sdk.errors import SlackApiError


async def refused(call: Any) -> str:
    """Return the word that a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_an_app_says_who_it_is(slack: FakeSlack) -> None:
    answer = await web(slack).auth_test()
    assert answer["ok"]
    assert answer["user_id"] == "U0BOT"
    assert (await web(slack).team_info())["team"]["id"] == answer["team_id"]


@pytest.mark.parametrize(
    ("token", "error"),
    [("xoxb-other", "invalid_auth"), ("xapp-made-up-app-token", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_refused(slack: FakeSlack, token: str, error: str) -> None:
    assert await refused(web(slack, token=token).users_info(user="U0ANNA")) == error


def test_no_token_and_no_such_method_are_refused(slack: FakeSlack) -> None:
    with urlopen(Request(slack.api_url + "auth.test", data=b"")) as answer:  # noqa: S310  our own loopback
        assert b"not_authed" in answer.read()
    head = {"Authorization": f"Bearer {slack.tokens.bot}"}
    with urlopen(Request(slack.api_url + "no.such", b"", head)) as answer:  # noqa: S310  our own loopback
        assert b"unknown_method" in answer.read()


async def test_a_revoked_token_stays_revoked(slack: FakeSlack) -> None:
    slack.faults.revoke(slack.tokens.bot)
    assert await refused(web(slack).auth_test()) == "token_revoked"
    assert await refused(web(slack).users_info(user="U0ANNA")) == "token_revoked"


async def test_a_message_is_posted_changed_and_looked_at(slack: FakeSlack) -> None:
    message = await post(slack)
    assert message.actions == ["approve", "deny"]
    assert message.shown == "*A-1* ends session 28073\n[Approve] [Deny]"
    done = [BUTTONS[0]]
    await web(slack).chat_update(
        channel=message.channel, ts=message.ts, text="Approved", blocks=done
    )
    assert message.is_edited
    assert message.actions == []
    assert [version.text for version in message.versions] == ["A-1 waits", "Approved"]


async def test_blocks_go_where_an_update_has_none(slack: FakeSlack) -> None:
    message = await post(slack)
    await web(slack).chat_update(channel=message.channel, ts=message.ts, text="Over")
    assert (message.text, message.blocks) == ("Over", [])


async def test_an_edit_is_marked_where_it_changes_the_text_alone(slack: FakeSlack) -> None:
    message = await post(slack)
    at: dict[str, Any] = {"channel": message.channel, "ts": message.ts}
    answer = await web(slack).chat_update(**at, text="Approved", blocks=BUTTONS[:1])
    assert "edited" not in answer["message"]
    with pytest.warns(UserWarning, match="text"):
        await web(slack).chat_update(**at, blocks=BUTTONS)
    assert (message.text, message.actions) == ("Approved", ["approve", "deny"])
    answer = await web(slack).chat_update(**at, text="Over")
    assert answer["message"]["edited"]["user"] == "U0BOT"


async def test_an_edit_takes_an_identifier_and_less_text_than_a_new_message(
    slack: FakeSlack,
) -> None:
    message = await post(slack, text="x" * 4001)
    named = web(slack).chat_update(channel=f"#{INCIDENTS}", ts=message.ts, text="x")
    assert await refused(named) == "channel_not_found"
    long = web(slack).chat_update(channel=message.channel, ts=message.ts, text="x" * 4001)
    assert await refused(long) == "msg_too_long"


async def test_every_message_has_a_ts_of_its_own(slack: FakeSlack) -> None:
    for _ in range(20):
        await post(slack)
    stamps = [message.ts for message in slack.channel(INCIDENTS).messages]
    assert stamps == sorted(set(stamps))


async def test_a_thread_holds_its_replies(slack: FakeSlack) -> None:
    root = await post(slack)
    await post(slack, thread_ts=root.ts, text="working", blocks=None)
    replies = await web(slack).conversations_replies(channel=root.channel, ts=root.ts)
    assert [each["text"] for each in replies["messages"]] == ["A-1 waits", "working"]
    history = await web(slack).conversations_history(channel=root.channel)
    assert [each["text"] for each in history["messages"]] == ["A-1 waits"]
    assert await refused(post(slack, thread_ts="1.000001")) == "thread_not_found"


async def test_history_comes_in_pages_newest_first(slack: FakeSlack) -> None:
    for number in range(5):
        await post(slack, text=str(number))
    channel = slack.channel(INCIDENTS).id
    seen: list[str] = []
    async for page in await web(slack).conversations_history(channel=channel, limit=2):
        seen += [each["text"] for each in page["messages"]]
    assert seen == ["4", "3", "2", "1", "0"]


async def test_an_ephemeral_message_is_seen_by_one_and_in_no_history(slack: FakeSlack) -> None:
    channel = slack.channel(INCIDENTS).id
    await web(slack).chat_postEphemeral(channel=channel, user="U0ANNA", text="You may not vote.")
    assert [each.text for each in slack.person("anna").sees(channel)] == ["You may not vote."]
    assert slack.person("ben").sees(channel) == []
    history = await web(slack).conversations_history(channel=channel)
    assert history["messages"] == []
    whisper = slack.channel(channel).ephemerals[0]
    changed = web(slack).chat_update(channel=channel, ts=whisper.ts, text="x")
    assert await refused(changed) == "message_not_found"


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ({"channel": "C000"}, "channel_not_found"),
        ({"text": "", "blocks": None}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": "{}"}, "invalid_blocks_format"),
        ({"blocks": "["}, "invalid_blocks_format"),
        ({"blocks": [{"type": "video"}]}, "invalid_blocks"),
    ],
)
async def test_what_slack_does_not_take_is_refused_in_its_words(
    slack: FakeSlack, what: dict[str, Any], error: str
) -> None:
    with pytest.warns(UserWarning, match="text") if what.get("text") == "" else _nothing():
        assert await refused(post(slack, **what)) == error
    assert slack.channel(INCIDENTS).messages == []


class _nothing:  # noqa: N801  stands where pytest.warns stands
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


async def test_channels_the_app_is_not_in_are_closed_to_it(slack: FakeSlack) -> None:
    slack.add_channel("general", "anna")
    slack.add_channel("secret", "anna", private=True)
    assert await refused(post(slack, channel="#general")) == "not_in_channel"
    assert await refused(post(slack, channel="#secret")) == "channel_not_found"
    slack.channel(INCIDENTS).is_archived = True
    assert await refused(post(slack)) == "is_archived"


async def test_an_app_changes_its_own_messages_alone(slack: FakeSlack) -> None:
    message = slack.person("anna").writes(INCIDENTS, "mine")
    changed = web(slack).chat_update(channel=message.channel, ts=message.ts, text="yours")
    assert await refused(changed) == "cant_update_message"
    missing = web(slack).chat_update(channel=message.channel, ts="1.000001", text="x")
    assert await refused(missing) == "message_not_found"


async def test_a_channel_for_an_incident(slack: FakeSlack) -> None:
    client = web(slack)
    made = (await client.conversations_create(name="inc-231"))["channel"]["id"]
    await client.conversations_invite(channel=made, users=["U0ANNA", "U0BEN"])
    await client.conversations_setTopic(channel=made, topic="pg lock contention")
    info = (await client.conversations_info(channel=made))["channel"]
    assert info["topic"]["value"] == "pg lock contention"
    assert info["num_members"] == 3
    assert await refused(client.conversations_create(name="inc-231")) == "name_taken"
    assert await refused(client.conversations_create(name="INC")) == "invalid_name_specials"
    again = client.conversations_invite(channel=made, users="U0ANNA")
    assert await refused(again) == "already_in_channel"


async def test_channels_are_listed_in_pages_with_who_made_them(slack: FakeSlack) -> None:
    client = web(slack)
    await client.conversations_create(name="inc-1")
    slack.add_channel("secret", "anna", private=True)
    slack.add_channel("old", "anna").is_archived = True
    both, cursor = "public_channel,private_channel", ""
    found: list[dict[str, str]] = []
    while not found or cursor:
        page = await client.conversations_list(
            types=both, limit=1, cursor=cursor, exclude_archived=True
        )
        found += page["channels"]
        cursor = page["response_metadata"]["next_cursor"]
    assert [(each["name"], each["creator"]) for each in found] == [
        (INCIDENTS, ""), ("inc-1", "U0BOT")
    ]  # fmt: skip
    assert await refused(client.conversations_list(types="rooms")) == "invalid_types"


async def test_a_reply_for_the_channel_too_is_one_message_in_two_places(slack: FakeSlack) -> None:
    anna, client = slack.person("anna"), web(slack)
    first = anna.writes(INCIDENTS, "any idea?")
    reply = anna.writes(INCIDENTS, "the index", thread=first.ts, broadcast=True)
    history = await client.conversations_history(channel=reply.channel)
    thread = await client.conversations_replies(channel=reply.channel, ts=first.ts)
    assert [each["ts"] for each in history["messages"]] == [reply.ts, first.ts]
    assert [each["ts"] for each in thread["messages"]] == [first.ts, reply.ts]
    assert history["messages"][0]["subtype"] == "thread_broadcast"


async def test_an_app_joins_a_public_channel(slack: FakeSlack) -> None:
    general = slack.add_channel("general", "anna")
    await web(slack).conversations_join(channel=general.id)
    assert (await post(slack, channel=general.id)).channel == general.id


async def test_people_are_what_they_are(slack: FakeSlack) -> None:
    async def user(name: str) -> dict[str, Any]:
        found = await web(slack).users_info(user=name)
        return dict(found["user"])

    assert (await user("U0GUEST"))["is_restricted"]
    assert (await user("U0LEFT"))["deleted"]
    assert (await user("U0OTHER"))["team_id"] != (await user("U0ANNA"))["team_id"]
    assert (await user("U0BOT"))["is_bot"]
    assert await refused(web(slack).users_info(user="U404")) == "user_not_found"


async def test_an_e_mail_finds_active_people_of_this_team_alone(slack: FakeSlack) -> None:
    client = web(slack)
    found = await client.users_lookupByEmail(email="Anna@interlock.test")
    assert found["user"]["id"] == "U0ANNA"
    for email in ("left@interlock.test", "other@elsewhere.test", "", "nobody@interlock.test"):
        assert await refused(client.users_lookupByEmail(email=email)) == "users_not_found"


async def test_somebody_can_be_added_and_leave(slack: FakeSlack) -> None:
    dora = Person("U0DORA", "dora", "Dora", "dora@interlock.test")
    slack.add_person(dora, INCIDENTS).writes(INCIDENTS, "hello")
    slack.add_person(Person("U0DORA", "dora", "Dora", dora.email, active=False))
    wanted = web(slack).users_lookupByEmail(email=dora.email)
    assert await refused(wanted) == "users_not_found"


async def test_a_permalink_and_reactions(slack: FakeSlack) -> None:
    message = await post(slack)
    client = web(slack)
    link = await client.chat_getPermalink(channel=message.channel, message_ts=message.ts)
    assert message.ts.replace(".", "") in link["permalink"]
    for name in ("eyes", "memo"):
        await client.reactions_add(channel=message.channel, timestamp=message.ts, name=name)
    again = client.reactions_add(channel=message.channel, timestamp=message.ts, name="eyes")
    assert await refused(again) == "already_reacted"
    got = await client.reactions_get(channel=message.channel, timestamp=message.ts)
    assert [each["name"] for each in got["message"]["reactions"]] == ["eyes", "memo"]


async def test_forms_and_json_mean_the_same(slack: FakeSlack) -> None:
    client, channel = web(slack), slack.channel(INCIDENTS).id
    said = {"channel": channel, "text": "x", "blocks": BUTTONS}
    await client.api_call("chat.postMessage", json=said)
    form = {**said, "blocks": json.dumps(BUTTONS)}
    await client.api_call("chat.postMessage", data=form)
    first, second = slack.channel(INCIDENTS).messages
    assert first.shown == second.shown
    assert [call.arguments["text"] for call in slack.calls("chat.postMessage")] == ["x", "x"]


async def test_no_call_that_is_looked_at_holds_a_token(slack: FakeSlack) -> None:
    await web(slack).api_call("auth.test", params={"token": slack.tokens.bot})
    assert slack.tokens.bot not in repr(slack.calls())


def test_a_signature_is_the_one_of_slacks_own_example() -> None:
    """The example of https://docs.slack.dev/authentication/verifying-requests-from-slack."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    found = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert found == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_a_clock_that_stands_still_gives_no_ts_twice() -> None:
    with FakeSlack(clock=lambda: 1_700_000_000.0) as slack:
        for _ in range(3):
            await post(slack)
        stamps = [message.ts for message in slack.channel(INCIDENTS).messages]
    assert len(set(stamps)) == 3
    assert stamps == sorted(stamps)
