"""Free SQL that changes something: previewed by a read, approved, and bounded by its row count."""

import pytest
from interlock_gateway.core.model import Column, Rows, Statement
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
