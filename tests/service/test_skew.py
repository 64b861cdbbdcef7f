"""A clock that is off is said in the journal, once, and again when it is right."""

from datetime import UTC, datetime, timedelta

import pytest
from hostile_http import says, serving
from interlock.testing.slack import FakeSlack
from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.targets.http import Caps, GuardedClient
from interlock_gateway.core.endpoint import Request
from interlock_gateway.service.skew import Clocks
from support.chat import in_slack
from support.house import House, Someone

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def nothing() -> None:
    """Ask a store that has no clock of its own."""


async def _said(home: House, incident: str) -> list[dict[str, object]]:
    events = await home.timeline(incident)
    return [event["data"] for event in events if event["type"] == "log.clock_skew"]


def _tell(home: House, source: str, offset: float, rtt: float = 0.1) -> None:
    theirs = _NOW + timedelta(seconds=offset)
    home.gateway.proof.clocks.heard(source, theirs, _NOW, _NOW + timedelta(seconds=rtt))


async def test_a_clock_that_is_off_is_said_in_each_open_incident_once(
    home: House, responder: Someone, incident: str
) -> None:
    watch = home.gateway.proof.watch
    _tell(home, "orders", 0.3)
    await watch.turn(nothing)
    assert await _said(home, incident) == []
    for _ in range(2):
        _tell(home, "orders", 4.2)
        await watch.turn(nothing)
    [data] = await _said(home, incident)
    assert data == {"source": "orders", "offset_s": 4.15, "uncertainty_s": 0.05, "off": True}
    [clock] = (await responder.get("/v1/log"))["clocks"]
    assert clock == data

    _tell(home, "orders", 9.0)
    await watch.turn(nothing)
    _tell(home, "orders", 0.0)
    await watch.turn(nothing)
    assert [one["off"] for one in await _said(home, incident)] == [True, True, False]


async def test_the_stores_own_clock_is_asked(home: House, incident: str) -> None:
    async def ahead() -> tuple[datetime, datetime, datetime]:
        return _NOW, _NOW + timedelta(seconds=2), _NOW + timedelta(seconds=0.01)

    await home.gateway.proof.watch.turn(ahead)
    [data] = await _said(home, incident)
    assert (data["source"], data["off"]) == ("store", True)


async def test_a_server_database_tells_its_time_and_a_file_does_not(home: House) -> None:
    answer = await home.store.clock()
    if answer is None:
        return  # the embedded store: it has our clock
    began, theirs, ended = answer
    assert began - timedelta(seconds=1) < theirs < ended + timedelta(seconds=1)


async def test_slack_tells_its_time_with_each_message(home: House, asked: str) -> None:
    async with FakeSlack() as slack, in_slack(home, slack) as chat:
        await chat.shows(asked)
        await chat.settles()  # it is shown before its poster has heard so
    [skew] = [one for one in home.gateway.proof.clocks.all if one.source == "slack"]
    assert abs(skew.offset_s) < 60
    assert skew.uncertainty_s < 60


async def test_an_http_target_tells_its_time_to_the_second() -> None:
    clocks = Clocks()
    client = GuardedClient(clocks=clocks)
    async with serving(says(b"{}", "Date: Fri, 02 Jan 2026 03:04:05 GMT")) as server:
        began = SystemClock().now()
        await client.send(server.door(), Request("GET", "/"), Caps())
        ended = SystemClock().now()
    [skew] = clocks.all
    truth = _NOW - began
    assert skew.source == "metrics"
    assert skew.low_s <= truth.total_seconds() + 1 <= skew.high_s + 1
    assert 0.5 <= skew.uncertainty_s <= 0.5 + (ended - began).total_seconds()


@pytest.mark.parametrize("field", ["Date: yesterday", "Date: ", "X: y"])
async def test_an_answer_without_a_usable_date_tells_nothing(field: str) -> None:
    clocks = Clocks()
    client = GuardedClient(clocks=clocks)
    async with serving(says(b"{}", field)) as server:
        await client.send(server.door(), Request("GET", "/"), Caps())
    assert clocks.all == []
