"""What the journal tells of a request suffices to decide it again, exactly."""

from datetime import timedelta
from typing import Any

import pytest
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.simulation import Recorded, Simulation, simulate
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.recorded import TYPES
from support.house import House, RunAt, Someone

DENY = "p, *, *, *, *, {}, *, deny, -, -\n"


async def requests(who: Someone, **query: Any) -> list[Recorded]:
    """Return everything that was asked, page by page."""
    found, after = [], 0
    while True:
        page = await who.get("/v1/requests", after=after, **query)
        found += [Recorded.of_json(item) for item in page["requests"]]
        after = page["next"]
        if not after:
            return found


def changed(home: House, line: str) -> Policy:
    """Return the house's policy with a line before all others."""
    path = home.folder / "policies" / "permissions.csv"
    path.write_text(line + path.read_text())
    assert home.policies.reload() == ()
    return home.policies.current


@pytest.fixture
async def busy(home: House, run: RunAt, responder: Someone, incident: str) -> House:
    """A house in which one of everything was asked."""
    await run.post(
        "/v1/queries", {**run.place("activity"), "target": "orders", "sql": "SELECT 1 AS one"}
    )
    adhoc = await responder.runs(incident)
    await adhoc.starts("look")
    write = adhoc.asks("DELETE FROM jobs", ordinal=1)
    assert await adhoc.refused("/v1/queries", write) == "not-read-only"
    lost = adhoc.asks("SELECT 1", ordinal=2, target="nowhere")
    assert await adhoc.refused("/v1/queries", lost) == "unknown-target"
    leak = adhoc.asks("SELECT lo_export(1, '/tmp/x')", ordinal=3)
    assert await adhoc.refused("/v1/queries", leak)
    await run.starts("terminate")
    await run.post("/v1/actions", run.wishes())
    await run.starts("requeue")
    await run.post("/v1/executions", run.mutates())
    return home


def again(policy: Policy, recorded: list[Recorded]) -> Simulation:
    return simulate(policy, recorded)


async def test_under_the_policy_in_force_nothing_would_be_different(
    busy: House, responder: Someone
) -> None:
    found = again(busy.policies.current, await requests(responder))

    assert found.differences == ()
    assert (found.undecided, found.other_line) == ({}, 0)
    assert (found.requests, found.not_policy) == (6, 2)


@pytest.mark.parametrize(
    ("operation", "was"),
    [("read", "freely"), ("pg.terminate_backend", "one-approver"), ("write", "one-dba")],
)
async def test_a_deny_changes_exactly_what_it_is_about(
    busy: House, responder: Someone, operation: str, was: str
) -> None:
    policy = changed(busy, DENY.format(operation))

    (one,) = again(policy, await requests(responder)).differences

    assert (one.request.operation, one.was.decision) == (operation, was)
    assert (one.now.decision, one.now.line) == ("deny", "permissions.csv:1")
    assert one.was.text.startswith("p, incident:responder, ")


async def test_what_is_decided_again_is_what_the_gateway_then_decides(
    busy: House, responder: Someone, incident: str
) -> None:
    """The simulation says no to the read; the gateway, with that policy in force, does so too."""
    policy = changed(busy, DENY.format("read"))
    (one,) = again(policy, await requests(responder)).differences

    adhoc = await responder.runs(incident)
    await adhoc.starts("look")
    assert await adhoc.refused("/v1/queries", adhoc.asks("SELECT 1")) == one.now.code
    latest = (await requests(responder))[-1]
    assert (latest.decision, latest.code, latest.line, latest.text) == (
        *(one.now.decision, one.now.code, one.now.line, one.now.text),
    )


@pytest.mark.usefixtures("busy")
async def test_the_situation_is_that_of_the_moment_at_which_it_was_asked(
    responder: Someone, incident: str
) -> None:
    body = {"severity": "sev4", "reason": "it calms down"}
    await responder.post(f"/v1/incidents/{incident}/severity", body)

    (first, *_) = await requests(responder)

    assert (first.person, first.part, first.mode, first.severity) == (
        *("responder", "commander"),
        *("curated", "sev2"),
    )


async def test_a_request_that_came_before_all_this_is_said_to_be_old(
    home: House, responder: Someone, incident: str
) -> None:
    data = {"target": "orders", "tier": "production", "line": "permissions.csv:3", "policy": "x"}

    def unit(tx: Transaction) -> None:
        draft = Draft("query.started", "run:R-1", data, incident=incident, subject="R-1/a/1/0")
        tx.append(draft)

    await home.store.commit(unit)

    found = again(home.policies.current, await requests(responder))
    assert sum(found.undecided.values()) == found.requests == 1


async def test_pages_are_read_in_order_and_only_as_far_back_as_asked(
    busy: House, responder: Someone
) -> None:
    whole = await requests(responder)

    assert await requests(responder, limit=1) == whole
    busy.clock.at += timedelta(hours=2)
    assert await requests(responder, within_s=3_600) == []
    assert await requests(responder, within_s=3 * 3_600) == whole
    assert {each.kind for each in whole} == {"query", "execute", "action"}


async def test_nobody_without_a_standing_role_reads_what_others_asked(
    busy: House, run: RunAt
) -> None:
    nobody = await busy.login("passer-by")

    answers = [await who.call("GET", "/v1/requests") for who in (nobody, run)]

    assert [answer.json()["code"] for answer in answers] == ["no-permission", "not-a-person"]


def test_every_event_that_records_a_decision_is_looked_at() -> None:
    assert set(TYPES) == {"query.started", "query.denied", "action.requested", "action.denied"}
