"""Catalogued actions that change rows: counted before, and as many rows changed or none."""

from typing import Any

import pytest
from interlock_gateway.core.model import Column, Rows, Statement
from interlock_gateway.service.targets import Expect
from support.house import House, RunAt, Someone

JOBS = [{"id": 7, "started_at": "2026-01-01T10:00:00+00:00"}]


@pytest.fixture
async def stuck(home: House, run: RunAt) -> RunAt:
    """A run whose step `stuck` is running, at a target with three stuck jobs."""
    home.target.answer = counted
    await run.starts("stuck")
    return run


def counted(statement: Statement) -> Rows:
    """Answer with a count of three where one is asked for; nothing is stuck after that."""
    if statement.text.lstrip().startswith("SELECT count(*)"):
        return Rows((Column("count", "integer"),), ((3,),))
    none = statement.text.lstrip().startswith("SELECT j.id FROM")
    return Rows((Column("id", "integer"),), () if none else ((7,),))


def asks(run: RunAt, jobs: Any = JOBS) -> dict[str, Any]:
    """Return the body of a request to put jobs back."""
    args = {"jobs": {"type": "json", "value": jobs}}
    return run.wishes("stuck", action="queue.requeue_stuck", args=args)


async def test_the_count_that_was_shown_is_what_must_change(
    home: House, stuck: RunAt, approver: Someone
) -> None:
    asked = (await stuck.post("/v1/actions", asks(stuck)))["approval"]
    prompt = (await approver.prompt(asked["id"]))["prompt_text"]
    assert "3 rows would change" in prompt
    assert "it is undone at once unless exactly 3 rows change" in prompt

    await approver.vote(asked["id"])
    await stuck.post(f"/v1/approvals/{asked['id']}/execute")
    (deed,) = home.target.deeds
    assert (deed.expect, deed.rows, deed.max_rows) == (Expect.ROW_COUNT, 3, 100)
    assert deed.values == {"jobs": {"type": "json", "value": JOBS}}


async def test_the_rows_of_a_counted_action_are_read_right_before_it(
    home: House, stuck: RunAt, approver: Someone
) -> None:
    asked = (await stuck.post("/v1/actions", asks(stuck)))["approval"]
    await approver.vote(asked["id"])
    await stuck.post(f"/v1/approvals/{asked['id']}/execute")
    (deed,) = home.target.deeds
    assert deed.image is not None
    assert deed.image.text.startswith("SELECT j.* FROM jobs AS j")
    assert deed.image.names == ("jobs",)


async def test_of_a_plain_change_the_rows_need_no_read_of_its_file(
    home: House, stuck: RunAt, approver: Someone
) -> None:
    file = home.folder / "policies/actions/queue.requeue_stuck.toml"
    head, rest = file.read_text().split("[image]")
    _, rest = rest.split("[execute]")
    rest = rest[rest.index('expect = "row count"') :]
    plain = (
        "UPDATE jobs SET state = 'queued' WHERE id IN (SELECT id FROM jobs WHERE :jobs <> '[]')"
    )
    precheck = '[precheck]\nsql = "SELECT 1 AS one WHERE :jobs <> \'[]\'"\nexpect = "one row"\n'
    file.write_text(f'{head}{precheck}\n[execute]\nsql = "{plain}"\n{rest}')
    assert home.policies.reload() == ()
    asked = (await stuck.post("/v1/actions", asks(stuck)))["approval"]
    await approver.vote(asked["id"])
    await stuck.post(f"/v1/approvals/{asked['id']}/execute")
    (deed,) = home.target.deeds
    assert deed.image is not None
    assert deed.image.text.startswith("SELECT * FROM jobs WHERE (id IN (SELECT id FROM jobs")


async def test_more_rows_than_the_action_ever_changes_are_not_asked_for(
    home: House, stuck: RunAt
) -> None:
    home.target.answer = lambda _: Rows((Column("count", "integer"),), ((101,),))
    problem = (await stuck.call("POST", "/v1/actions", asks(stuck))).json()

    assert problem["code"] == "outside-limits"
    assert problem["detail"] == "101 rows would change; 1 to 100 may."
    assert problem["line"] == "actions/queue.requeue_stuck.toml: max_rows (100)"


@pytest.mark.parametrize("jobs", [[], [{"id": 7}], [{"id": "7", "started_at": "now"}], "all"])
async def test_a_list_that_is_not_as_declared_is_refused(stuck: RunAt, jobs: Any) -> None:
    assert await stuck.refused("/v1/actions", asks(stuck, jobs)) == "bad-arguments"


async def test_a_responder_reads_what_a_list_is_made_of(responder: Someone) -> None:
    shown = await responder.get("/v1/actions/queue.requeue_stuck")

    assert shown["arguments"]["jobs"] == {
        "type": "list",
        "about": "The jobs, from the table jobs: id and started_at, to the microsecond.",
        "max_items": 100,
        "fields": {"id": "integer", "started_at": "timestamptz"},
    }
    assert (shown["max_rows"], shown["circuit_breaker"]) == (100, {"uses": 10, "within_s": 3600})
