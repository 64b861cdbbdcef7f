"""Drills beside everything else that came to approvals: rooms, the browser alone, broken glass."""

import pytest
from interlock.testing.slack import FakeSlack
from interlock_gateway.core.model import Person
from interlock_gateway.service.identity import Principal
from support.browser import browser, hidden
from support.chat import in_slack
from support.glass import WHY, allow_break_glass, confirm_in_web
from support.house import House, Someone


@pytest.fixture
async def steward(home: House) -> Someone:
    """An sre, who runs this gateway."""
    return await home.login("you")


async def test_a_drill_gets_no_channel_of_its_own(home: House, steward: Someone) -> None:
    async with FakeSlack() as slack, in_slack(home, slack, incident_channels=True) as chat:
        await steward.post("/v1/drills", {"rule": "one-dba"})
        await chat.settles()
        assert [message.shown[:5] for message in chat.messages] == ["DRILL"]
        assert slack.calls("conversations.create") == []


async def test_a_drill_of_a_rule_of_the_browser_is_answered_there(
    home: House, steward: Someone
) -> None:
    confirm_in_web(home)
    async with FakeSlack() as slack, in_slack(home, slack) as chat:
        drill = await steward.post("/v1/drills", {"rule": "one-dba"})
        asked = drill["rules"][0]["approval"]
        await chat.settles()
        (message,) = chat.messages
        assert message.actions == ["open"]
        assert "browser alone" in message.shown
        window = await browser(home, "approver")
        page = await window.page(f"/approvals/{asked}")
        answer = await window.sends(page, f"/approvals/{asked}/vote", reason="")
        assert answer.status_code == 303


async def test_the_glass_of_a_drill_is_not_broken(home: House, steward: Someone) -> None:
    allow_break_glass(home)
    drill = await steward.post("/v1/drills", {"rule": "one-approver-or-break-glass"})
    asked = drill["rules"][0]["approval"]
    window = await browser(home, "responder")
    page = await window.page(f"/approvals/{asked}")
    who = Principal(Person("responder", "Responder"))
    shown = await home.gateway.approvals.show(who, asked, "web")
    forged = {
        "csrf": hidden(page, "/logout")["csrf"],
        "proposal_digest": shown.row.digest,
        "prompt_digest": shown.prompt_digest,
        "target": "",
        "reason": WHY,
    }
    answer = await window.http.post(f"/approvals/{asked}/break", data=forged)
    assert "no-break-glass" in answer.text
    assert f"/approvals/{asked}/break" not in page
    assert (await steward.prompt(asked))["state"] == "pending"
