"""Links over the API: one's own, and everybody's for the stewards."""

from collections.abc import AsyncIterator

import pytest
from interlock.testing.slack import FakeSlack
from interlock_gateway.core.model import Person
from interlock_gateway.service.chat.records import LinkRow
from interlock_gateway.service.identity import Principal
from support.chat import ChatAt, in_slack
from support.house import House, Someone


@pytest.fixture
async def chat(home: House) -> AsyncIterator[ChatAt]:
    """A connection in which ben is mapped by the settings, and two people linked by codes."""
    accounts = {"U0BEN": "responder"}
    async with FakeSlack() as slack, in_slack(home, slack, accounts=accounts) as connected:
        for person, account in (("approver", "U0ANNA"), ("colleague", "U0CARLA")):
            row = LinkRow("T0INTERLOCK", account, person, "code", home.clock.now())
            await home.store.commit(lambda tx, row=row: tx.add(row))  # type: ignore[misc]  # a default of a lambda
        yield connected


@pytest.fixture
async def steward(home: House) -> Someone:
    """An sre, who looks after this gateway."""
    return await home.login("you")


async def _mine(home: House, person: str) -> list[str]:
    links = home.app.state.gateway.chat.links
    return list(await links.of(person))


@pytest.mark.usefixtures("chat")
async def test_a_person_lists_and_ends_their_own_link_alone(
    home: House, approver: Someone
) -> None:
    found = await approver.get("/v1/links")
    own = {"person": "approver", "account": "U0ANNA", "how": "code"}
    assert found == {"links": [own], "everybodys": False}
    others = await approver.call("DELETE", "/v1/links/U0CARLA")
    assert (others.status_code, others.json()["code"]) == (403, "no-permission")
    assert others.json()["line"] == "steward_role = sre"
    ended = await approver.call("DELETE", "/v1/links/U0ANNA")
    assert (ended.status_code, ended.json()["unlinked"]) == (200, own)
    assert (await _mine(home, "approver"), await _mine(home, "colleague")) == ([], ["U0CARLA"])


@pytest.mark.usefixtures("chat")
async def test_a_steward_lists_and_ends_everybodys_and_it_is_an_event(
    home: House, steward: Someone
) -> None:
    found = await steward.get("/v1/links")
    assert found["everybodys"]
    assert [link["person"] for link in found["links"]] == ["approver", "colleague", "responder"]
    await steward.call("DELETE", "/v1/links/U0CARLA")
    assert await _mine(home, "colleague") == []
    last = (await home.timeline(""))[-1]
    assert (last["type"], last["authid"]) == ("identity.unlinked", "person:you")


@pytest.mark.usefixtures("chat")
async def test_what_the_settings_say_is_ended_in_the_settings(
    home: House, steward: Someone
) -> None:
    answer = await steward.call("DELETE", "/v1/links/U0BEN")
    assert answer.status_code == 422
    assert "slack.people" in answer.json()["detail"]
    assert await _mine(home, "responder") == ["U0BEN"]


@pytest.mark.usefixtures("chat")
async def test_an_account_that_is_nobodys_is_refused(steward: Someone) -> None:
    answer = await steward.call("DELETE", "/v1/links/U0NOBODY")
    assert answer.status_code == 422


@pytest.mark.usefixtures("chat")
async def test_a_run_neither_lists_nor_ends_links(steward: Someone) -> None:
    run = await steward.runs(await steward.declares())
    for method, path in (("GET", "/v1/links"), ("DELETE", "/v1/links/U0ANNA")):
        assert (await run.call(method, path)).json()["code"] == "not-a-person"


async def test_without_slack_there_are_no_links(steward: Someone) -> None:
    answer = await steward.call("GET", "/v1/links")
    assert "not connected to Slack" in answer.json()["detail"]


def test_a_run_of_a_stewards_is_no_steward(home: House) -> None:
    stewards = home.gateway.stewards
    assert stewards.has(Principal(Person("you", "You")))
    assert not stewards.has(Principal(Person("you", "You"), "R-1"))
