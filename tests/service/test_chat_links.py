"""Whose account it is: said by an operator or proven by its person; else nobody's."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from interlock.testing.slack import FakeSlack, Person
from interlock_gateway.core.model import Person as Known
from interlock_gateway.service.chat.records import LinkRow
from interlock_gateway.service.identity import Principal
from support.chat import ChatAt, in_slack, until
from support.house import House


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack with anna, ben and carla in #incidents."""
    async with FakeSlack() as running:
        yield running


@pytest.fixture
async def chat(home: House, slack: FakeSlack) -> AsyncIterator[ChatAt]:
    """A connection in which nobody is known yet."""
    async with in_slack(home, slack, accounts={}) as connected:
        yield connected


APPROVER = Principal(Known("approver", "Approver"))


async def code(chat: ChatAt, who: Principal = APPROVER) -> str:
    """Return a code that somebody who is logged in gets."""
    return await chat.connection.uses.links.offer(who)


async def types(chat: ChatAt, person: str, text: str) -> None:
    """Let somebody press a vote, then the button that links them, and type a code."""
    actor = chat.slack.person(person)
    if not any(whisper.only_for == actor.person.id for whisper in chat.whispers):
        await chat.presses(person, chat.messages[-1], "approve")
    offer = next(w for w in chat.whispers if w.only_for == actor.person.id and "link" in w.actions)
    actor.presses(offer, "link")
    await until(lambda: actor.modal is not None)
    view = actor.modal
    assert view is not None
    actor.submits(view, {"answer": text})
    await chat.settles()


async def events(home: House, kind: str) -> list[dict[str, Any]]:
    """Return the data of the deployment's own events of a type."""
    return [event["data"] for event in await home.timeline("") if event["type"] == kind]


async def test_a_click_of_an_unknown_account_does_not_count_and_says_how_it_would(
    chat: ChatAt, asked: str
) -> None:
    await chat.presses("anna", await chat.shows(asked), "approve")
    assert await chat.state(asked) == "pending"
    (whisper,) = chat.whispers
    assert "belongs to nobody who is known here" in whisper.shown
    assert whisper.actions == ["link"]


async def test_a_code_from_the_page_links_an_account_for_good(
    chat: ChatAt, asked: str, home: House
) -> None:
    message = await chat.shows(asked)
    await types(chat, "anna", await code(chat))
    assert "linked to approver" in chat.whispers[-1].shown
    await chat.presses("anna", message, "approve")
    assert await chat.state(asked) == "approved"
    assert await events(home, "identity.linked") == [
        {"person": "approver", "team": "T0INTERLOCK", "account": "U0ANNA", "how": "code"}
    ]


@pytest.mark.parametrize("how", ["wrong", "used", "expired"])
async def test_a_code_that_is_not_good_links_nobody(
    chat: ChatAt, asked: str, home: House, how: str
) -> None:
    await chat.shows(asked)
    given = "ABCD-EFGH" if how == "wrong" else await code(chat)
    if how == "used":
        await types(chat, "carla", given)
    if how == "expired":
        home.clock.pass_time(minutes=5)
    await types(chat, "anna", given)
    assert "wrong, used or expired" in chat.whispers[-1].shown
    linked = await home.store.read(lambda tx: tx.rows(LinkRow, account="U0ANNA"))
    assert list(linked) == []
    assert (await events(home, "authentication.failed"))[-1]["account"] == "U0ANNA"


async def test_guessing_ends_after_five_wrong_codes_in_an_hour(chat: ChatAt, asked: str) -> None:
    await chat.shows(asked)
    for number in range(5):
        await types(chat, "anna", f"WRONG-{number}")
    await types(chat, "anna", await code(chat))
    assert "Too many codes" in chat.whispers[-1].shown
    assert await chat.connection.uses.links.listed() == []


async def test_a_person_has_one_account_and_an_account_one_person(
    chat: ChatAt, asked: str
) -> None:
    await chat.shows(asked)
    await types(chat, "anna", await code(chat))
    await types(chat, "carla", await code(chat))
    assert "linked already" in chat.whispers[-1].shown
    await types(chat, "anna", await code(chat, Principal(Known("colleague", "Colleague"))))
    assert "linked already" in chat.whispers[-1].shown
    assert await chat.connection.uses.links.listed() == [("approver", "U0ANNA", "code")]


async def test_an_account_that_is_unlinked_counts_no_more_and_can_be_linked_again(
    chat: ChatAt, asked: str, home: House
) -> None:
    message = await chat.shows(asked)
    await types(chat, "anna", await code(chat))
    await chat.connection.uses.links.unlink(APPROVER, "U0ANNA")
    await chat.presses("anna", message, "approve")
    assert await chat.state(asked) == "pending"
    assert len(await events(home, "identity.unlinked")) == 1
    await types(chat, "anna", await code(chat))
    await chat.presses("anna", message, "approve")
    assert await chat.state(asked) == "approved"


async def test_nobody_unlinks_another_persons_account(chat: ChatAt, asked: str) -> None:
    await chat.shows(asked)
    await types(chat, "anna", await code(chat))
    links = chat.connection.uses.links
    for who in (Principal(Known("observer", "Observer")), Principal(APPROVER.person, "R-1")):
        with pytest.raises(Exception, match="Only their person"):
            await links.unlink(who, "U0ANNA")
    assert await links.of("approver") == ["U0ANNA"]


@pytest.mark.parametrize("person", ["guest", "other"])
async def test_guests_and_other_workspaces_do_not_count_even_where_an_operator_maps_them(
    home: House, slack: FakeSlack, asked: str, person: str
) -> None:
    account = slack.person(person).person.id
    async with in_slack(home, slack, accounts={account: "approver"}) as chat:
        await chat.presses(person, await chat.shows(asked), "approve")
        assert await chat.state(asked) == "pending"
        said = chat.whispers[-1].shown
        assert "guest" in said or "another Slack workspace" in said
        assert chat.whispers[-1].actions == []


async def test_whoever_became_a_guest_counts_no_more(
    home: House, slack: FakeSlack, asked: str
) -> None:
    async with in_slack(home, slack, accounts={"U0ANNA": "approver"}) as chat:
        message = await chat.shows(asked)
        slack.add_person(Person("U0ANNA", "anna", "Anna", "anna@interlock.test", guest="multi"))
        await chat.presses("anna", message, "approve")
        assert await chat.state(asked) == "pending"


async def test_what_is_done_in_another_workspace_does_not_count(
    home: House, slack: FakeSlack, asked: str
) -> None:
    async with in_slack(home, slack, team="T0ANOTHER") as chat:
        await chat.presses("anna", await chat.shows(asked), "approve")
        assert await chat.state(asked) == "pending"
        assert "another Slack workspace" in chat.whispers[-1].shown


async def test_a_verified_address_links_where_the_settings_have_it(
    home: House, slack: FakeSlack, asked: str
) -> None:
    emails = {"Anna@Interlock.test": "approver"}
    async with in_slack(home, slack, accounts={}, emails=emails) as chat:
        await chat.presses("anna", await chat.shows(asked), "approve")
        assert await chat.state(asked) == "approved"
        assert await chat.connection.uses.links.listed() == [("approver", "U0ANNA", "email")]


async def test_an_address_does_not_bring_back_a_link_that_was_ended(
    home: House, slack: FakeSlack, asked: str
) -> None:
    emails = {"anna@interlock.test": "approver"}
    async with in_slack(home, slack, accounts={}, emails=emails) as chat:
        message = await chat.shows(asked)
        await chat.presses("carla", message, "approve")
        assert "belongs to nobody" in chat.whispers[-1].shown
        await chat.presses("anna", message, "deny")
        await chat.connection.uses.links.unlink(APPROVER, "U0ANNA")
        await chat.presses("anna", message, "approve")
        assert await chat.state(asked) == "pending"


async def test_a_second_account_with_the_same_address_is_not_linked(
    home: House, slack: FakeSlack, asked: str
) -> None:
    twin = Person("U0TWIN", "twin", "Twin", "anna@interlock.test")
    slack.add_person(twin, "incidents")
    emails = {"anna@interlock.test": "approver"}
    async with in_slack(home, slack, accounts={}, emails=emails) as chat:
        message = await chat.shows(asked)
        await chat.presses("anna", message, "deny")
        await chat.presses("twin", message, "approve")
        assert await chat.state(asked) == "pending"
        assert "belongs to nobody" in chat.whispers[-1].shown


async def test_one_person_with_two_accounts_never_fills_two_seats(
    home: House, slack: FakeSlack, asked: str
) -> None:
    accounts = {"U0ANNA": "approver", "U0CARLA": "approver"}
    async with in_slack(home, slack, accounts=accounts) as chat:
        message = await chat.shows(asked)
        await chat.presses("anna", message, "approve")
        await chat.presses("carla", message, "approve", as_of=0)
        votes = (await (await home.login("approver")).prompt(asked))["votes"]
        assert [vote["person"] for vote in votes] == ["approver"]
