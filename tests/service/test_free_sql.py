"""Free SQL that changes something: previewed by a read, approved, and bounded by its row count."""

from dataclasses import replace
from typing import Any

import pytest
from interlock_gateway.core.model import Before, Column, Rows, Statement, Stored
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Relation
from interlock_gateway.service.targets import Deed, Expect, TargetError
from support.house import House, RunAt, Someone


def _three_jobs(statement: Statement) -> Rows:
    if statement.text.startswith("SELECT count(*)"):
        return Rows((Column("count", "integer"),), ((3,),))
    columns = (Column("id", "integer"), Column("state", "text"))
    return Rows(columns, tuple((number, "stuck") for number in range(3)))


@pytest.fixture
async def requeue(home: House, run: RunAt) -> RunAt:
    """A run whose step `requeue` is running, over three stuck jobs."""
    home.target.answer = _three_jobs
    home.target.deed = lambda deed: Rows((), (), affected=deed.rows)
    await run.starts("requeue")
    return run


async def _asked(run: RunAt, **more: object) -> str:
    return str((await run.post("/v1/executions", run.mutates(**more)))["approval"]["id"])


async def test_the_preview_is_a_read_and_nothing_mutating_runs(
    home: House, requeue: RunAt, approver: Someone
) -> None:
    approval = await _asked(requeue)
    assert home.target.deeds == []
    assert all(sql.startswith("SELECT") for sql in home.target.reads)
    shown = await approver.prompt(approval)
    assert shown["proposal"]["preview"]["count"] == 3
    assert len(shown["proposal"]["preview"]["rows"]) == 3
    assert "3 rows would change" in shown["prompt_text"]
    assert "it is undone at once unless exactly 3 rows change" in shown["prompt_text"]


async def test_it_is_executed_with_the_previewed_row_count_as_its_bound(
    home: House, requeue: RunAt, approver: Someone
) -> None:
    approval = await _asked(requeue)
    await approver.vote(approval)
    answer = await requeue.post(f"/v1/approvals/{approval}/execute")
    assert answer["affected"] == 3
    (deed,) = home.target.deeds
    assert (deed.expect, deed.rows, deed.max_rows) == (Expect.ROW_COUNT, 3, 5)
    assert deed.statement.text == "UPDATE jobs SET state = 'queued' WHERE state = $1"


async def test_more_rows_than_approved_is_a_proven_failure(
    home: House, requeue: RunAt, approver: Someone, incident: str
) -> None:
    def too_many(_deed: Deed) -> Rows:
        raise TargetError("exceeded-approved-effect", "4 rows instead of 3; rolled back.")

    home.target.deed = too_many
    approval = await _asked(requeue)
    await approver.vote(approval)
    code = await requeue.refused(f"/v1/approvals/{approval}/execute")
    assert code == "exceeded-approved-effect"
    assert (await home.kinds(incident))[-1] == "action.failed"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"max_rows": 2}, "outside-limits"),
        ({"max_rows": 6}, "not-in-manifest"),
        ({"sql": "UPDATE jobs SET state = 'queued'", "params": {}}, "not-in-manifest"),
        ({"sql": "SELECT 1", "params": {}}, "bad-request"),
        ({"sql": "UPDATE jobs SET state = pg_sleep(9)", "params": {}}, "not-understood"),
        ({"sql": "DROP TABLE jobs", "params": {}}, "not-in-manifest"),
        ({"params": {}}, "bad-sql-parameters"),
        ({"target": "archive"}, "no-permission"),
    ],
)
async def test_what_is_not_exactly_what_the_notebook_says_is_refused(
    home: House, requeue: RunAt, more: dict[str, object], code: str
) -> None:
    assert await requeue.refused("/v1/executions", requeue.mutates(**more)) == code
    assert home.target.deeds == []


async def test_a_preview_that_fails_is_no_approval(
    home: House, requeue: RunAt, incident: str
) -> None:
    def fail(_statement: Statement) -> Rows:
        raise TargetError("target-failed", 'relation "jobs" does not exist')

    home.target.answer = fail
    assert await requeue.refused("/v1/executions", requeue.mutates()) == "preview-failed"
    kinds = await home.kinds(incident)
    assert kinds[-2:] == ["action.requested", "action.denied"]
    assert "approval.requested" not in kinds


async def test_nothing_to_change_needs_no_approval(home: House, requeue: RunAt) -> None:
    home.target.answer = lambda _: Rows((Column("count", "integer"),), ((0,),))
    assert await requeue.refused("/v1/executions", requeue.mutates()) == "outside-limits"


def _the_rows_before(deed: Deed) -> Before:
    assert deed.image is not None
    assert deed.image.text == "SELECT * FROM jobs WHERE (state = $1\n)"
    columns = (Column("id", "integer"), Column("state", "text"))
    before = Rows(columns, tuple((number, "stuck") for number in range(3)))
    stored = (Stored("id", key=True), Stored("state"))
    return Before(before, stored)


async def _parts(who: Someone, incident: str, kind: str) -> dict[str, Any]:
    """Return the parts of the one event of a type."""
    entries = (await who.get(f"/v1/incidents/{incident}/timeline"))["entries"]
    (done,) = [one for one in entries if one["event"]["type"] == kind]
    named = {
        name: done["parts"][value["$part"]]
        for name, value in done["event"]["data"].items()
        if isinstance(value, dict)
    }
    return {name: part.get("json", part.get("text")) for name, part in named.items()}


async def test_what_the_rows_were_is_kept_and_what_brings_them_back_is_offered(
    home: House, requeue: RunAt, approver: Someone, incident: str
) -> None:
    home.target.before = _the_rows_before
    approval = await _asked(requeue)
    assert (
        "rows are read right before they change"
        in (await approver.prompt(approval))["prompt_text"]
    )
    await approver.vote(approval)
    answer = await requeue.post(f"/v1/approvals/{approval}/execute")

    first = """UPDATE "jobs" SET "state" = 'stuck' WHERE "id" = 0;"""
    assert answer["undo_sql"].splitlines()[0] == first
    kept = await _parts(approver, incident, "action.prepared")
    assert kept["before"]["rows"] == [[0, "stuck"], [1, "stuck"], [2, "stuck"]]
    done = await _parts(approver, incident, "action.succeeded")
    assert done["undo_sql"] == answer["undo_sql"]


async def test_masked_values_are_neither_kept_nor_written_back(
    home: House, requeue: RunAt, approver: Someone, incident: str
) -> None:
    home.target.before = _the_rows_before
    targets = home.folder / "policies" / "targets.toml"
    act = 'act = "env:ORDERS_ACT"'
    masked = targets.read_text().replace(act, f'{act}\nmasked = {{ pii = ["public.jobs.state"] }}')
    targets.write_text(masked)
    assert home.policies.reload() == ()
    jobs = Relation("table", {"id": ("", ""), "state": ("", "")})
    home.target.names = Catalogue("shop", ("public",), {("public", "jobs"): jobs})
    approval = await _asked(requeue)
    await approver.vote(approval)
    answer = await requeue.post(f"/v1/approvals/{approval}/execute")

    assert "undo_sql" not in answer
    kept = await _parts(approver, incident, "action.prepared")
    assert kept["before"]["rows"] == [[0, "[pii]"], [1, "[pii]"], [2, "[pii]"]]
    assert "undo_sql" not in await _parts(approver, incident, "action.succeeded")


async def test_no_undo_is_offered_where_more_changed_than_was_read(
    home: House, requeue: RunAt, approver: Someone
) -> None:
    def one_came_in_between(deed: Deed) -> Before:
        before = _the_rows_before(deed)
        return replace(before, rows=replace(before.rows, rows=before.rows.rows[:2]))

    home.target.before = one_came_in_between
    approval = await _asked(requeue)
    await approver.vote(approval)

    assert "undo_sql" not in await requeue.post(f"/v1/approvals/{approval}/execute")
