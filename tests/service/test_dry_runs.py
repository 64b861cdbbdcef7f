"""A dry run shows what approvers would see, changes nothing and asks nobody."""

from typing import Any

import pytest
from interlock_gateway.core.model import Column, Rows
from support.house import House, RunAt, Someone


@pytest.fixture
async def dry(responder: Someone, incident: str) -> RunAt:
    """A dry run whose step `terminate` is running."""
    run = await responder.runs(incident, "small", dry_run=True)
    await run.starts("terminate")
    return run


async def previewed(run: RunAt, **more: Any) -> dict[str, Any]:
    return dict((await run.post("/v1/actions", run.wishes(**more)))["outcome"])


async def test_it_shows_what_would_happen_and_who_would_have_to_agree(
    home: House, dry: RunAt
) -> None:
    outcome = await previewed(dry)
    assert outcome["state"] == "previewed"
    assert outcome["needs"]
    assert outcome["blast_radius"].startswith("One session")
    assert outcome["undo"].startswith("Cannot be undone")
    assert outcome["rows"]
    assert home.target.deeds == []


async def test_it_makes_no_approval_and_the_timeline_says_that_it_was_a_dry_run(
    home: House, dry: RunAt, incident: str, responder: Someone
) -> None:
    outcome = await previewed(dry)
    assert (await responder.get("/v1/approvals"))["approvals"] == []
    events = await home.timeline(incident)
    assert [event["type"] for event in events[-2:]] == ["action.requested", "action.previewed"]
    assert events[-1]["id"] == outcome["event"]
    (started,) = (event for event in events if event["type"] == "run.started")
    assert started["data"]["dry_run"] is True
    assert (await responder.get(f"/v1/runs/{dry.id}"))["dry_run"] is True


async def test_a_retry_gets_the_same_answer_and_reads_nothing_again(
    home: House, dry: RunAt
) -> None:
    first = await previewed(dry)
    reads = len(home.target.reads)
    assert await previewed(dry) == {**first, "replayed": True}
    assert len(home.target.reads) == reads


async def test_free_sql_is_counted_and_not_run(home: House, dry: RunAt) -> None:
    home.target.answer = lambda _: Rows((Column("count", "integer"),), ((3,),))
    await dry.starts("requeue")
    outcome = (await dry.post("/v1/executions", dry.mutates()))["outcome"]
    assert outcome["count"] == 3
    assert outcome["statement"].startswith("UPDATE jobs")
    assert home.target.deeds == []


async def test_it_is_refused_what_a_real_run_would_be_refused(home: House, dry: RunAt) -> None:
    home.target.answer = lambda _: Rows((Column("pid", "integer"),), ())
    refused = await dry.refused("/v1/actions", dry.wishes())
    assert refused == "precondition-failed"
    other = dry.wishes(ordinal=1, action="pg.cancel_backend")
    assert await dry.refused("/v1/actions", other) in {"not-in-manifest", "bad-arguments"}


async def test_a_key_that_started_a_real_run_starts_no_dry_one(
    responder: Someone, incident: str
) -> None:
    await responder.runs(incident, "small", key="one")
    body = {"incident": incident, "runbook": "small", "key": "one", "dry_run": True}
    assert await responder.refused("/v1/runs", body) == "idempotency-conflict"
