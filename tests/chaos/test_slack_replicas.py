"""Two gateways on one PostgreSQL share one Slack app: each click acts once, each message ends."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import httpx
import pytest
from interlock.testing.slack import FakeSlack, RateLimited, ResetAfter
from support.chat import until
from support.counting import Counters, asks
from support.house import RunAt, Someone
from support.journal import assert_whole, journal
from support.processes import Gateway, Nursery, gateway_of
from support.slack_processes import ended, in_slack, message_of

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

_counters = count(300)
APPROVALS = 8


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack whose clicks go to whichever gateway is connected."""
    with FakeSlack() as running:
        yield running


@pytest.fixture
async def pair(
    births: Nursery, counters: Counters, postgres_dsn: str, tmp_path: Path, slack: FakeSlack
) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Both of them running, each with a socket of its own."""
    home = in_slack(counters.home(tmp_path / "home", store_url=postgres_dsn), slack)
    with gateway_of(home, births) as first, gateway_of(home.beside(), births) as second:
        await until(lambda: sum(each.is_ready for each in slack.sockets.connections) == 2)
        yield first, second
        assert_whole(journal(postgres_dsn))
        assert "Traceback" not in first.said() + second.said()


@pytest.fixture
async def run(pair: tuple[Gateway, Gateway]) -> AsyncIterator[RunAt]:
    """A run at the second gateway, which no test here kills."""
    async with AsyncExitStack() as stack:
        client = httpx.AsyncClient(base_url=pair[1].home.url, timeout=30)
        http = await stack.enter_async_context(client)
        responder = Someone(http, pair[1].token("responder"))
        yield await responder.runs(await responder.declares(), "counting")


async def _asked(run: RunAt, slack: FakeSlack, many: int = APPROVALS) -> list[str]:
    asked = [await asks(run, next(_counters)) for _ in range(many)]
    await until(lambda: all(message_of(slack, each) is not None for each in asked), 30)
    return asked


async def test_two_people_at_once_at_two_gateways_are_one_vote_that_counts_each(
    run: RunAt, slack: FakeSlack, postgres_dsn: str
) -> None:
    asked = await _asked(run, slack)
    for approval in asked:
        for person in ("anna", "carla"):
            slack.person(person).presses(message_of(slack, approval), "approve")
    await until(lambda: all(delivery.is_over for delivery in slack.deliveries))
    await until(lambda: all(ended(slack, each) for each in asked), 30)
    sockets = {delivery.tries[0] for delivery in slack.deliveries}
    assert len(sockets) == 2, "Both gateways were told of clicks."
    await _ended_well(run, slack, asked, postgres_dsn)


async def test_a_gateway_that_dies_with_the_clicks_it_took_is_stood_in_for(
    pair: tuple[Gateway, Gateway], run: RunAt, slack: FakeSlack, postgres_dsn: str
) -> None:
    asked = await _asked(run, slack)
    for number, approval in enumerate(asked):
        slack.person("anna").presses(message_of(slack, approval), "approve")
        if number == APPROVALS // 2:
            pair[0].kill()
    await until(lambda: all(delivery.is_over for delivery in slack.deliveries), 30)
    assert all(delivery.acked for delivery in slack.deliveries)
    await until(lambda: all(ended(slack, each) for each in asked), 90)
    await _ended_well(run, slack, asked, postgres_dsn)


async def test_lost_answers_and_limits_make_no_second_message(
    run: RunAt, slack: FakeSlack, postgres_dsn: str
) -> None:
    for method in ("chat.postMessage", "chat.update"):
        for fault in (ResetAfter(), RateLimited(1)):
            slack.faults.next(method, fault)
    asked = await _asked(run, slack, 3)
    for approval in asked:
        slack.person("anna").presses(message_of(slack, approval), "approve")
    await until(lambda: all(ended(slack, each) for each in asked), 60)
    await _ended_well(run, slack, asked, postgres_dsn)


async def _ended_well(run: RunAt, slack: FakeSlack, asked: list[str], store: str) -> None:
    messages = [each for each in slack.channel("incidents").messages if not each.thread]
    for approval in asked:
        mine = [each for each in messages if each.shown.startswith(f"{approval} ")]
        assert [each.deleted for each in mine] == [False], approval
        shown = await run.get(f"/v1/approvals/{approval}")
        assert shown["state"] == "approved"
        assert len(shown["votes"]) == 1
        assert f"Approved by {shown['votes'][0]['person']} " in mine[0].shown
    events = [line.body for line in journal(store)]
    for kind in ("approval.voted", "approval.approved"):
        subjects = [each["subject"] for each in events if each["type"] == kind]
        assert sorted(subjects) == sorted(asked), kind
