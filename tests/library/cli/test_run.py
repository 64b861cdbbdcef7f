"""`interlock run`: what it asks, what it refuses beforehand, and how it ends."""

import json
from collections.abc import Iterable
from typing import Any

import notebooks
import pytest
from desk import Desk
from interlock.cli.choosing import Chooser, changed_targets
from interlock.cli.run import exit_code, parsed
from interlock.cli.world import real_world
from interlock.conclusion import Finding
from interlock.errors import UsageError
from interlock.runner.progress import RunIt, RunResult, Skip, StepEnded, StepError

Json = dict[str, Any]

LOOKING = notebooks.notebook(
    notebooks.cell(
        "look",
        "from interlock import act, finding, params, query\n"
        'rows = query(params.db, "SELECT 1")\n'
        'finding(rows, bad=len(rows) > 0, text="{pid} blocks", next="cancel")',
        {**notebooks.QUERY, "auto": True},
    ),
    notebooks.cell("cancel", notebooks.CANCEL, notebooks.ACTION),
    notebooks.cell("after", 'after = query(params.db, "SELECT 1")', notebooks.VERIFY),
)
INCIDENT = {"id": "INC-1", "title": "Slow", "severity": "sev2", "state": "open"}
PARAMS = {"db": {"type": "text", "value": "orders"}}
RUN = {"id": "R-1", "runbook": "queue-stuck", "version": "1.0.0", "mode": "curated"}
GRANTED = {
    "run": RUN,
    "token": "run-token",
    "params": PARAMS,
}
ANSWER: Json = {
    "call": "R-1/look/1/0",
    "event": "evt_1",
    "columns": [{"name": "pid", "type": "integer"}],
    "rows": [[17]],
    "truncated": "",
    "elapsed_ms": 5,
    "replayed": False,
    "effect": "read",
    "asked_at": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture
def responder(desk: Desk) -> Desk:
    """Somebody whose gateway grants a run of a small runbook and answers its reads."""
    desk.gateway.routes |= {
        "GET /v1/runbooks/queue-stuck": {"id": "queue-stuck", "notebook": LOOKING},
        "GET /v1/incidents/INC-1": INCIDENT,
        "POST /v1/runs": GRANTED,
        "POST /v1/queries": ANSWER,
        "POST /v1/runs/R-1/end": {},
    }
    for step in ("look", "cancel", "after"):
        desk.gateway.routes[f"POST /v1/runs/R-1/steps/{step}/start"] = {"attempt": 1}
        desk.gateway.routes[f"POST /v1/runs/R-1/steps/{step}/1/end"] = {}
    return desk


@pytest.mark.kernel
def test_without_a_terminal_the_action_is_left_out_and_the_flags_are_named(
    responder: Desk,
) -> None:
    result = responder.run("run queue-stuck -i INC-1")
    assert result.code == 3
    lines = result.out.splitlines()
    assert lines[0] == "INC-1  queue-stuck@1.0.0  sev2  run R-1"
    assert "✖ look" in result.out
    assert "17 blocks" in result.out
    assert "--act cancel" in result.out
    assert "--confirm orders" in result.out
    assert max(map(len, lines)) <= 80
    started = responder.gateway.last("POST /v1/runs")
    assert started["runner"]["confinement"]
    assert responder.gateway.last("POST /v1/runs/R-1/end")["outcome"] == "completed"


@pytest.mark.kernel
def test_a_script_requests_an_action_and_a_denial_is_exit_code_6(responder: Desk) -> None:
    approval = {
        "id": "A-1",
        "version": 1,
        "state": "denied",
        "reason": "wrong pid",
        "rule": {"name": "one", "needs": "one dba", "eligible": ["colleague"]},
        "expires_at": "2026-11-23T12:15:00+00:00",
    }
    responder.gateway.routes["POST /v1/actions"] = {"approval": approval}
    responder.gateway.routes["GET /v1/approvals/A-1"] = approval
    result = responder.run("run queue-stuck -i INC-1 --act cancel --confirm orders --json")
    assert result.code == 6
    told = json.loads(result.out)
    assert [step["state"] for step in told["steps"]][:2] == ["bad", "failed"]
    assert "look" in result.err


@pytest.mark.kernel
def test_on_a_terminal_a_key_and_the_targets_name_request_it(responder: Desk) -> None:
    refused = {"code": "no-approvers", "detail": "Nobody could approve this."}
    responder.gateway.refuses("POST /v1/actions", 403, **refused)
    result = responder.run("run queue-stuck -i INC-1", terminal=True, answers=["c", "orders"])
    assert "[c] request it  [s] leave it out:" in result.out
    assert "Type orders to request it:" in result.out
    assert responder.gateway.last("POST /v1/actions")["target"] == "orders"
    assert result.code == 5


@pytest.mark.kernel
def test_a_dry_run_asks_nobody_and_shows_what_each_action_would_do(responder: Desk) -> None:
    previewed = {
        "state": "previewed",
        "columns": [{"name": "pid", "type": "integer"}, {"name": "query", "type": "text"}],
        "rows": [[17, "UPDATE jobs\x1b[2J"]],
        "count": None,
        "statement": "SELECT pg_cancel_backend(:pid)\nWHERE true",
        "blast_radius": "One statement: it fails.",
        "undo": "Cannot be undone.",
        "needs": "one dba",
        "event": "evt_9",
    }
    run: Json = {**RUN, "dry_run": True}
    responder.gateway.routes["POST /v1/runs"] = GRANTED | {"run": run}
    responder.gateway.routes["POST /v1/actions"] = {"outcome": previewed}
    result = responder.run("run queue-stuck -i INC-1 --dry-run")
    assert responder.gateway.last("POST /v1/runs")["dry_run"] is True
    assert responder.gateway.last("POST /v1/actions")["target"] == "orders"
    lines = result.out.splitlines()
    assert lines[0].endswith("run R-1  DRY RUN: nothing is changed")
    for words in (
        "◌ cancel",
        "dry run: nothing was asked for or changed",
        "would send  SELECT pg_cancel_backend(:pid) WHERE true",
        "touches     One statement: it fails.",
        "undo        Cannot be undone.",
        "needs       one dba",
        "17  UPDATE jobs",
    ):
        assert words in result.out, result.out
    assert "\x1b[2J" not in result.out
    assert max(map(len, lines)) <= 80

    told = json.loads(responder.run("run queue-stuck -i INC-1 --dry-run --json").out)
    (would,) = told["previewed"]
    assert (would["id"], would["needs"]) == ("cancel", "one dba")
    assert would["rows"] == [["17", "UPDATE jobs\\x1b[2J"]]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run queue-stuck -i INC-1 orders", "is not name=value"),
        ("run queue-stuck -i INC-1 db=a db=b", "given twice"),
        ("run queue-stuck -i INC-1 bd=orders", "db"),
        ("run queue-stuck -i INC-1 --act cancel", "--confirm orders"),
        ("run queue-stuck -i INC-1 --act cancel --confirm billing", "--confirm orders"),
        ("run queue-stuck -i INC-1 --act cancle --confirm orders", "cancel"),
        ("run queue-stuck", "-i"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    responder: Desk, line: str, words: str
) -> None:
    result = responder.run(line)
    assert result.code == 2
    assert words in result.err
    assert "POST /v1/runs" not in dict(responder.gateway.asked)


def test_an_unknown_runbook_keeps_the_gateways_suggestion(desk: Desk) -> None:
    detail = "There is no runbook 'pg-lock'. Did you mean pg-lock-contention?"
    desk.gateway.refuses("GET /v1/runbooks/pg-lock", 404, code="runbook-not-found", detail=detail)
    result = desk.run("run pg-lock -i INC-1")
    assert result.code == 2
    assert "Did you mean pg-lock-contention?" in result.err


def test_a_closed_incident_is_exit_code_5(responder: Desk) -> None:
    responder.gateway.refuses("POST /v1/runs", 409, code="incident-closed", detail="Closed.")
    result = responder.run("run queue-stuck -i INC-1")
    assert result.code == 5
    assert "commander" in result.err


def test_parameters_are_name_and_value_and_a_value_may_hold_an_equals_sign() -> None:
    assert parsed(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(UsageError):
        parsed(["=1"])


BOOK = notebooks.acting()


def ended(step: str, state: str = "ok", code: str = "") -> StepEnded:
    error = StepError("E", "m", code=code) if code else None
    return StepEnded(step, step, 1, state, 1.0, finding=Finding(state, ""), error=error)


ENDS = [
    ([ended("look")], "completed", 0),
    ([ended("look", "bad")], "completed", 3),
    ([ended("look", "bad"), ended("after", "ok")], "completed", 0),
    ([ended("look", "bad"), ended("after", "warn")], "completed", 3),
    ([ended("look", "warn")], "completed", 0),
    ([ended("look", "failed")], "failed", 1),
    ([ended("look")], "kernel_died", 1),
    ([ended("look", "failed", "not-in-manifest")], "failed", 5),
    ([ended("cancel", "failed", "approval-expired")], "failed", 6),
    (
        [ended("look", "failed", "no-permission"), ended("cancel", "failed", "outcome-unknown")],
        "failed",
        7,
    ),
    ([ended("look", "failed", "target-unreachable")], "failed", 1),
]


@pytest.mark.parametrize(("steps", "outcome", "code"), ENDS)
def test_the_exit_code_is_the_worst_that_happened(
    steps: Iterable[StepEnded], outcome: str, code: int
) -> None:
    assert exit_code(RunResult("R-1", outcome, "", tuple(steps)), BOOK) == code


async def test_what_only_looks_runs_by_itself_and_an_unsuggested_action_does_not() -> None:
    chooser = Chooser(real_world(), BOOK, changed_targets(BOOK, PARAMS), act=("cancel",))
    found = {"look": Finding("bad", "x", "cancel")}
    assert await chooser(BOOK.step("look"), {}) == RunIt()
    assert await chooser(BOOK.step("cancel"), {}) == Skip("no finding suggests it")
    assert await chooser(BOOK.step("cancel"), found) == RunIt()


def test_the_targets_of_an_action_are_named_by_their_parameters_values() -> None:
    assert changed_targets(BOOK, PARAMS) == {"cancel": ("orders",)}
