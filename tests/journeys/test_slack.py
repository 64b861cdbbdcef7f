"""An approver on a phone: asked in Slack by a gateway that an operator set up, decides there."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from interlock.testing.slack import FakeSlack
from support.chat import until
from support.counting import Counters, asks
from support.house import RunAt, Someone
from support.processes import Command, Gateway, gateway_of
from support.slack_processes import connected, ended, in_slack, message_of

pytestmark = pytest.mark.postgres


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """The workspace."""
    with FakeSlack() as running:
        yield running


@pytest.fixture
def gateway(counters: Counters, slack: FakeSlack, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway process that reads its tokens from its environment."""
    home = in_slack(counters.home(tmp_path / "home"), slack)
    with gateway_of(home, Command()) as started:
        yield started
        said = started.said()
        assert "Traceback" not in said
        assert not any(
            token in said + str(home.config.read_text())
            for token in (slack.tokens.bot, slack.tokens.app)
        )


@pytest.fixture
async def responder(gateway: Gateway) -> AsyncIterator[Someone]:
    """The responder at the API."""
    async with httpx.AsyncClient(base_url=gateway.home.url, timeout=30) as http:
        yield Someone(http, gateway.token("responder"))


@pytest.fixture
async def run(responder: Someone) -> RunAt:
    """A run that is about to ask for something."""
    return await responder.runs(await responder.declares("Numbers stand still"), "counting")


async def test_is_asked_approves_and_reads_what_came_of_it(
    run: RunAt, slack: FakeSlack, counters: Counters
) -> None:
    await until(lambda: connected(slack))
    approval = await asks(run, 21)
    await until(lambda: message_of(slack, approval) is not None)
    message = message_of(slack, approval)
    for told in ("UPDATE counters SET n = n + 1", "1 row would change", "it counts"):
        assert told in message.shown
    slack.person("anna").presses(message, "approve")
    await until(lambda: ended(slack, approval))
    assert counters.n(21) == 0  # a yes is not yet a deed
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"
    await until(lambda: "1 row changed" in message.shown)
    assert counters.n(21) == 1


async def test_says_no_and_why_and_the_requester_reads_it(
    run: RunAt, slack: FakeSlack, counters: Counters
) -> None:
    await until(lambda: connected(slack))
    approval = await asks(run, 22)
    await until(lambda: message_of(slack, approval) is not None)
    anna = slack.person("anna")
    anna.presses(message_of(slack, approval), "deny")
    await until(lambda: anna.modal is not None)
    view = anna.modal
    assert view is not None
    assert "Deny A-" in view.shown
    anna.submits(view, {"answer": "the wrong counter"})
    await until(lambda: ended(slack, approval))
    assert await run.refused(f"/v1/approvals/{approval}/execute") == "approval-denied"
    assert (await run.get(f"/v1/approvals/{approval}"))["reason"] == "the wrong counter"
    assert counters.n(22) == 0


async def test_decides_in_the_browser_while_slack_is_down_and_the_channel_catches_up(
    run: RunAt, slack: FakeSlack, gateway: Gateway, responder: Someone
) -> None:
    await until(lambda: connected(slack))
    approval = await asks(run, 23)
    await until(lambda: message_of(slack, approval) is not None)
    with slack.faults.outage():
        slack.drop_sockets()
        approver = Someone(responder.http, gateway.token("approver"))
        assert (await approver.vote(approval)).status_code == 201
        assert message_of(slack, approval).actions == ["approve", "deny", "open"]
    await until(lambda: ended(slack, approval), 40)
    assert "Approved by approver" in message_of(slack, approval).shown
