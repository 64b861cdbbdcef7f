"""Runs and steps: only the curated text runs as curated, and every end is recorded as it was."""

import pytest
from support.house import House, RunAt, Someone


async def test_a_run_starts_with_bound_parameters_and_their_origin(
    home: House, responder: Someone, incident: str
) -> None:
    body = {"incident": incident, "runbook": "small", "params": {"n": "3"}}
    answer = await responder.post("/v1/runs", body)
    assert answer["params"]["n"] == {"type": "integer", "value": 3}
    assert answer["params"]["db"]["value"] == "orders"
    event = (await home.timeline(incident))[-1]
    assert event["type"] == "run.started"
    assert event["data"]["confinement"] == "unconfined"
    assert event["data"]["manifest_digest"].startswith("sha256:")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"runbook": "smal"}, "runbook-not-found"),
        ({"params": {"n": 10}}, "bad-parameter"),
        ({"params": {"nn": 1}}, "bad-parameter"),
        ({"digest": "sha256:0"}, "runbook-changed"),
        ({"incident": "INC-9"}, "incident-not-found"),
    ],
)
async def test_what_cannot_start_says_why(
    responder: Someone, incident: str, more: dict[str, object], code: str
) -> None:
    body = {"incident": incident, "runbook": "small", **more}
    assert await responder.refused("/v1/runs", body) == code


async def test_the_same_key_starts_one_run(responder: Someone, incident: str) -> None:
    body = {"incident": incident, "runbook": "small", "key": "k"}
    first = await responder.post("/v1/runs", body)
    assert (await responder.post("/v1/runs", body))["run"]["id"] == first["run"]["id"]


async def test_an_edited_cell_does_not_run_as_curated(run: RunAt) -> None:
    path = f"/v1/runs/{run.id}/steps/activity/start"
    assert await run.refused(path, {"source": "print(1)"}) == "not-in-manifest"
    other = f"/v1/runs/{run.id}/steps/added/start"
    assert await run.refused(other, {"source": "print(1)"}) == "not-in-manifest"


async def test_a_step_that_starts_again_is_a_new_attempt(run: RunAt) -> None:
    assert await run.starts("activity") == 2
    shown = await run.get(f"/v1/runs/{run.id}")
    assert [(step["attempt"], step["state"]) for step in shown["steps"]] == [
        *((1, "unknown"), (2, "running")),
    ]


async def test_an_end_is_recorded_once_and_as_it_was(
    home: House, run: RunAt, incident: str
) -> None:
    path = f"/v1/runs/{run.id}/steps/activity/1/end"
    end = {
        "state": "bad",
        "elapsed_ms": 8.5,
        "finding": {"status": "bad", "text": "5 waiting", "next": "blockers"},
        "outputs": [{"kind": "stream", "name": "stdout", "text": "hi"}],
    }
    first = await run.post(path, end)
    assert (await run.post(path, end)) == first
    assert await run.refused(path, {"state": "ok"}) == "no-step-running"
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["state"]) == ("step.completed", "bad")
    assert {"finding", "outputs"} <= set(event["data"])


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("failed", "step.failed"),
        ("timed_out", "step.timed_out"),
        ("cancelled", "step.cancelled"),
        ("skipped", "step.skipped"),
    ],
)
async def test_each_end_has_its_own_event(
    home: House, run: RunAt, incident: str, state: str, kind: str
) -> None:
    await run.post(f"/v1/runs/{run.id}/steps/activity/1/end", {"state": state})
    assert (await home.kinds(incident))[-1] == kind


async def test_an_unheard_of_end_is_refused(run: RunAt) -> None:
    path = f"/v1/runs/{run.id}/steps/activity/1/end"
    assert await run.refused(path, {"state": "great"}) == "bad-request"
    assert await run.refused(path, {"state": "ok", "finding": {"status": "x"}}) == "bad-request"


async def test_a_token_is_renewed_for_whoever_started_the_run(
    home: House, responder: Someone, approver: Someone, run: RunAt
) -> None:
    path = f"/v1/runs/{run.id}/token"
    assert await approver.refused(path) == "run-token-mismatch"
    home.clock.pass_time(hours=1)
    fresh = await responder.post(path)
    home.clock.pass_time(hours=1, minutes=30)
    assert (await run.call("GET", f"/v1/runs/{run.id}")).status_code == 401
    run.token = fresh["token"]
    assert (await run.get(f"/v1/runs/{run.id}"))["id"] == run.id


async def test_a_run_ends_once(home: House, run: RunAt, incident: str) -> None:
    for _ in range(2):
        await run.post(f"/v1/runs/{run.id}/end", {"outcome": "completed"})
    assert (await home.kinds(incident)).count("run.ended") == 1
    path = f"/v1/runs/{run.id}/steps/activity/start"
    assert await run.refused(path, {"source": "x"}) == "run-ended"


async def test_nobody_ends_the_run_of_another(approver: Someone, run: RunAt) -> None:
    path = f"/v1/runs/{run.id}/end"
    assert await approver.refused(path, {"outcome": "completed"}) == "run-token-mismatch"
