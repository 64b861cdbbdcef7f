"""What the names in a statement mean at the target decides, each time it is asked and used."""

import pytest
from interlock_gateway.core.model import Column, Rows
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Relation, Routine
from support.house import House, RunAt, Someone

PATH = ("pg_catalog", "public", "pg_temp")
EVIL = {"evil": (Routine(("public", "evil")),)}
JOBS = Relation("table", {"id": ("", ""), "state": ("", "")})
TRAP = Relation("view", {}, "SELECT public.evil(1)")


def knowing(version: str, **relations: Relation) -> Catalogue:
    named = {("public", name): relation for name, relation in relations.items()}
    return Catalogue(version, PATH, named, routines=EVIL)


async def test_a_view_that_acts_is_refused_and_nothing_runs(
    home: House, look: RunAt, incident: str
) -> None:
    home.target.names = knowing("trap", jobs=JOBS, trap=TRAP)
    assert await look.refused("/v1/queries", look.asks("SELECT * FROM trap")) == "not-understood"
    assert home.target.reads == []
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["effect"]) == ("query.denied", "unknown")


async def test_a_plain_table_is_read(home: House, look: RunAt) -> None:
    home.target.names = knowing("plain", jobs=JOBS)
    answer = await look.post("/v1/queries", look.asks("SELECT id FROM jobs"))
    assert answer["effect"] == "read"


async def test_a_function_that_somebody_reviewed_may_be_called(home: House, look: RunAt) -> None:
    trusted = {"total": (Routine(("public", "total"), trusted=True),)}
    home.target.names = Catalogue("trusting", PATH, {("public", "jobs"): JOBS}, routines=trusted)
    answer = await look.post("/v1/queries", look.asks("SELECT total(id) FROM jobs"))
    assert answer["effect"] == "read"


async def test_a_name_that_is_not_known_is_looked_for_once_more(home: House, look: RunAt) -> None:
    home.target.names = knowing("old")
    body = look.asks("SELECT * FROM jobs")
    assert await look.refused("/v1/queries", body) == "not-understood"
    assert home.target.asked_for_names == 2


async def test_who_may_not_ask_makes_nobody_ask_the_target(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    body = look.asks("SELECT * FROM jobs")
    assert await look.refused("/v1/queries", body) == "incident-closed"
    assert home.target.asked_for_names == 0


async def test_a_write_makes_nobody_ask_the_target(home: House, look: RunAt) -> None:
    body = look.asks("DELETE FROM jobs")
    assert await look.refused("/v1/queries", body) == "not-read-only"
    assert home.target.asked_for_names == 0


async def test_a_target_that_does_not_tell_is_asked_nothing_else(
    home: House, look: RunAt, incident: str
) -> None:
    home.target.silent = "orders is down."
    body = look.asks("SELECT * FROM jobs")
    assert await look.refused("/v1/queries", body) == "target-unreachable"
    assert home.target.reads == []
    assert (await home.kinds(incident))[-1] == "query.denied"


async def test_statements_of_other_sessions_are_kept_without_their_values(
    home: House, look: RunAt, incident: str
) -> None:
    home.target.names = Catalogue("own", PATH, own=frozenset({"pg_stat_activity"}))
    column = Column("query", "text", "pg_catalog.pg_stat_activity.query")
    secret = "ALTER ROLE ada PASSWORD 'hunter2'"
    home.target.answer = lambda _: Rows((column,), ((secret,),))
    answer = await look.post("/v1/queries", look.asks("SELECT query FROM pg_stat_activity"))
    assert answer["rows"] == [["ALTER ROLE ada PASSWORD '?'"]]
    events = await home.store.read(lambda tx: tx.events(incident))
    kept = [part[1] for event in events for part in event.parts.values() if part]
    assert any(b"PASSWORD" in content for content in kept)
    assert not any(b"hunter2" in content for content in kept)


@pytest.fixture
async def requeue(run: RunAt) -> RunAt:
    """A run whose step `requeue` is running."""
    await run.starts("requeue")
    return run


async def test_a_mutation_of_what_acts_is_no_question_to_anybody(
    home: House, requeue: RunAt
) -> None:
    home.target.names = knowing("jobs is a trap", jobs=TRAP)
    refused = await requeue.refused("/v1/executions", requeue.mutates())
    assert refused == "preview-failed"
    assert (home.target.reads, home.target.deeds) == ([], [])


async def test_a_name_that_came_to_act_voids_the_grant(
    home: House, requeue: RunAt, approver: Someone
) -> None:
    home.target.names = knowing("before", jobs=JOBS)
    asked = await requeue.post("/v1/executions", requeue.mutates())
    approval = asked["approval"]["id"]
    await approver.vote(approval)
    home.target.names = knowing("after", jobs=TRAP)
    refused = await requeue.refused(f"/v1/approvals/{approval}/execute")
    assert refused == "approval-invalidated"
    assert home.target.deeds == []
