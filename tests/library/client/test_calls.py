"""Every use case, as the request that it becomes."""

import pytest
from interlock import client
from interlock.client import Call, NewRun, Place, entries

HERE = Place("R-1", "blockers", 1, 0)
RUN = NewRun("INC-1", "pg-lock-contention", {"db": "orders"}, {"db": "person"}, {"kind": "x"})

CALLS = [
    (client.login("c"), "POST /v1/login"),
    (client.whoami(), "GET /v1/whoami"),
    (client.health(), "GET /healthz"),
    (client.declare_incident("t", "sev1"), "POST /v1/incidents"),
    (client.incidents(), "GET /v1/incidents"),
    (client.incident("INC-1"), "GET /v1/incidents/INC-1"),
    (client.set_severity("INC-1", "sev1", "r"), "POST /v1/incidents/INC-1/severity"),
    (client.assign_role("INC-1", "you", "observer"), "POST /v1/incidents/INC-1/roles"),
    (client.take_incident("INC-1"), "POST /v1/incidents/INC-1/take"),
    (client.hand_over("INC-1", "you", "s"), "POST /v1/incidents/INC-1/hand-over"),
    (client.close_incident("INC-1", "r"), "POST /v1/incidents/INC-1/close"),
    (client.reopen_incident("INC-1", "r"), "POST /v1/incidents/INC-1/reopen"),
    (client.seal_incident("INC-1"), "POST /v1/incidents/INC-1/seal"),
    (client.add_note("INC-1", "x"), "POST /v1/incidents/INC-1/notes"),
    (entries.hypotheses("INC-1"), "GET /v1/incidents/INC-1/hypotheses"),
    (entries.open_hypothesis("INC-1", "x"), "POST /v1/incidents/INC-1/hypotheses"),
    (
        entries.update_hypothesis("INC-1", "H-1", {}),
        "POST /v1/incidents/INC-1/hypotheses/H-1/update",
    ),
    (
        entries.close_hypothesis("INC-1", "H-1", {}),
        "POST /v1/incidents/INC-1/hypotheses/H-1/close",
    ),
    (entries.decide("INC-1", {}), "POST /v1/incidents/INC-1/decisions"),
    (entries.mark("INC-1", "detected", 1), "POST /v1/incidents/INC-1/milestones"),
    (entries.pin("INC-1", 1), "POST /v1/incidents/INC-1/pins"),
    (entries.unpin("INC-1", 1), "POST /v1/incidents/INC-1/unpins"),
    (entries.sheet("INC-1"), "GET /v1/incidents/INC-1/sheet"),
    (entries.follow_ups("INC-1"), "GET /v1/incidents/INC-1/followups"),
    (entries.all_follow_ups(), "GET /v1/follow-ups"),
    (entries.open_follow_up("INC-1", "x"), "POST /v1/incidents/INC-1/followups"),
    (
        entries.close_follow_up("INC-1", "F-1", "x"),
        "POST /v1/incidents/INC-1/followups/F-1/close",
    ),
    (entries.views("INC-1"), "GET /v1/incidents/INC-1/views"),
    (entries.view("INC-1", "a/b"), "GET /v1/incidents/INC-1/views/a%2Fb"),
    (entries.save_view("INC-1", "story", {}), "POST /v1/incidents/INC-1/views/story"),
    (client.timeline("INC-1"), "GET /v1/incidents/INC-1/timeline"),
    (client.follow_timeline("INC-1"), "GET /v1/incidents/INC-1/timeline/stream"),
    (client.export("INC-1", "md"), "GET /v1/incidents/INC-1/export"),
    (client.runbooks(), "GET /v1/runbooks"),
    (client.runbook("a"), "GET /v1/runbooks/a"),
    (client.targets(), "GET /v1/targets"),
    (client.actions(), "GET /v1/actions"),
    (client.action("pg.x"), "GET /v1/actions/pg.x"),
    (client.start_run(RUN), "POST /v1/runs"),
    (client.run("R-1"), "GET /v1/runs/R-1"),
    (client.renew_token("R-1"), "POST /v1/runs/R-1/token"),
    (client.end_run("R-1", "completed", ""), "POST /v1/runs/R-1/end"),
    (client.start_step("R-1", "a", {}), "POST /v1/runs/R-1/steps/a/start"),
    (client.end_step("R-1", "a", 2, {}), "POST /v1/runs/R-1/steps/a/2/end"),
    (client.add_run_note("R-1", "a", 1, "x", "question"), "POST /v1/runs/R-1/notes"),
    (client.ask_query(HERE, "orders", "SELECT 1", {}), "POST /v1/queries"),
    (client.ask_metrics(HERE, "metrics", "up", {}, {}), "POST /v1/metric-queries"),
    (client.ask_logs(HERE, "logs", '{app="a"}', {}, {}), "POST /v1/log-queries"),
    (client.request_action(HERE, "pg.x", "orders", {}, "r"), "POST /v1/actions"),
    (client.request_execution(HERE, "orders", {"sql": "x"}), "POST /v1/executions"),
    (client.approvals(), "GET /v1/approvals"),
    (client.approval("A-1"), "GET /v1/approvals/A-1"),
    (client.vote("A-1", "deny", "p", "q", "r"), "POST /v1/approvals/A-1/votes"),
    (client.withdraw("A-1"), "POST /v1/approvals/A-1/withdraw"),
    (client.execute("A-1"), "POST /v1/approvals/A-1/execute"),
    (client.resolve("A-1", "failed", "r"), "POST /v1/approvals/A-1/resolve"),
]


@pytest.mark.parametrize(("call", "request_line"), CALLS, ids=[line for _, line in CALLS])
def test_a_use_case_is_one_request(call: Call, request_line: str) -> None:
    assert f"{call.method} {call.path}" == request_line


def test_every_read_may_be_asked_again() -> None:
    assert all(call.idempotent for call, _ in CALLS if call.method == "GET")


def test_a_vote_is_never_sent_twice_by_itself() -> None:
    assert not client.vote("A-1", "approve", "p", "q").idempotent


def test_a_query_says_where_it_was_asked() -> None:
    call = client.ask_query(HERE, "orders", "SELECT 1", {}, max_rows=5)
    assert call.body == {
        "run": "R-1",
        "step": "blockers",
        "attempt": 1,
        "ordinal": 0,
        "target": "orders",
        "sql": "SELECT 1",
        "params": {},
        "max_rows": 5,
    }


def test_a_run_leaves_out_what_was_not_said() -> None:
    assert "notebook" not in (client.start_run(RUN).body or {})


def test_waiting_for_an_approval_is_more_patient_than_the_gateway_waits() -> None:
    call = client.approval("A-1", wait_s=25, version=3)
    assert call.query == {"wait": 25, "version": 3}
    assert call.patience_s > 25


def test_an_export_names_its_form() -> None:
    assert client.export("INC-1", "html").query == {"as": "html"}
    told = client.export("INC-1", "html", view="postmortem@2").query
    assert told == {"as": "html", "view": "postmortem@2"}
