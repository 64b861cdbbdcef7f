"""Runbooks, targets and actions: what there is to use."""

import json

import notebooks
from desk import Desk

LISTED = {
    "id": "queue-stuck",
    "version": "1.0.0",
    "domain": "queues",
    "status": "curated",
    "title": "The queue is stuck",
    "summary": "Finds out what the queue waits for. " * 5,
}


def test_runbooks_are_listed_with_what_they_do(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/runbooks"] = {"runbooks": [LISTED]}
    lines = desk.run("runbooks", terminal=True).out.splitlines()
    assert lines[1].startswith("queue-stuck  1.0.0    queues  curated  Finds out")
    assert max(map(len, lines)) <= 80


def test_runbooks_are_found_by_words(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/runbooks"] = {"runbooks": []}
    result = desk.run("runbooks find waiting on locks", terminal=True)
    assert "Try fewer or other words" in result.out


def test_an_empty_catalogue_says_how_to_fill_it(desk: Desk) -> None:
    desk.gateway.routes |= {
        "GET /v1/runbooks": {"runbooks": []},
        "GET /v1/targets": {"targets": []},
        "GET /v1/actions": {"actions": []},
    }
    assert "runbooks/" in desk.run("runbooks").err
    assert "targets.toml" in desk.run("targets").err
    assert "policies/actions/" in desk.run("actions").err


def test_a_runbook_is_shown_with_parameters_steps_and_how_to_run_it(desk: Desk) -> None:
    text = notebooks.notebook(
        notebooks.cell("look", notebooks.LOOK),
        notebooks.cell("cancel", notebooks.CANCEL, notebooks.ACTION),
        notebooks.cell("after", notebooks.LOOK, notebooks.VERIFY),
    )
    desk.gateway.routes["GET /v1/runbooks/queue-stuck"] = {"notebook": text, "digest": "sha256:x"}
    out = desk.run("runbooks show queue-stuck", terminal=True).out
    assert "owner       queue-oncall" in out
    assert "db · target, default orders · The database." in out
    assert "cancel · action · Cancel it · needs an approval" in out
    assert "interlock run queue-stuck -i INC-1" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_runbook_as_json_is_as_the_gateway_has_it(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/runbooks/a"] = {"notebook": "{}", "digest": "sha256:x"}
    assert json.loads(desk.run("runbooks show a --json digest").out) == {"digest": "sha256:x"}


def test_a_broken_runbook_is_an_error_that_names_the_place(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/runbooks/a"] = {"notebook": "{}", "digest": "sha256:x"}
    result = desk.run("runbooks show a")
    assert result.code == 2
    assert "runbook-invalid" in result.err


def test_targets_and_actions_are_lists(desk: Desk) -> None:
    target = {"name": "orders", "dialect": "postgres", "tier": "production"}
    action = {"id": "pg.cancel_backend", "dialect": "postgres", "title": "Cancel"}
    desk.gateway.routes["GET /v1/targets"] = {"targets": [target]}
    desk.gateway.routes["GET /v1/actions"] = {"actions": [action]}
    desk.gateway.routes["GET /v1/actions/pg.cancel_backend"] = action
    assert desk.run("targets").out == "orders\tpostgres\tproduction\n"
    assert desk.run("actions").out == "pg.cancel_backend\tpostgres\tCancel\n"
    assert desk.run("actions pg.cancel_backend").out.splitlines()[2] == "title\tCancel"


def test_a_run_is_shown_with_how_its_steps_ended(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/runs/R-1"] = {
        "id": "R-1",
        "incident": "INC-1",
        "runbook": "queue-stuck",
        "state": "ended",
        "steps": [{"step": "look", "attempt": 1, "state": "bad"}],
    }
    out = desk.run("runs show R-1").out
    assert "steps\tlook  bad" in out
    assert desk.run("runs show R-1 --json state").out == '{\n  "state": "ended"\n}\n'
