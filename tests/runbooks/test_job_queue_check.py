"""job-queue-check on the sample that stands beside it, and on queues in other states."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rehearsal import RUNBOOKS, Rehearsal

SAMPLE = (RUNBOOKS / "sqlite" / "job-queue-check.sample.sql").read_text()
STEPS = ("backlog", "failures", "stuck", "throughput")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SAMPLE)
    return path


def changed(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path


def run(path: Path, **given: Any) -> Rehearsal:
    with Rehearsal("job-queue-check", str(path), **given) as rehearsal:
        rehearsal.run()
    return rehearsal


def test_the_sample_has_something_wrong_in_every_respect(sample: Path) -> None:
    told = run(sample)
    assert {step: told.status(step) for step in STEPS} == {
        "backlog": "bad",
        "failures": "bad",
        "stuck": "bad",
        "throughput": "warn",
    }
    assert told.text("backlog").startswith("export: 40 waiting, the oldest for 140")
    assert told.text("failures") == (
        "make-invoice: 12 of 20 failed (60 %), such as: tax service answered 503"
    )
    assert told.text("stuck").startswith("worker-3 is silent for 90")


def test_an_empty_queue_is_well(sample: Path) -> None:
    told = run(changed(sample, "DELETE FROM jobs"))
    assert {told.status(step) for step in STEPS} == {"ok"}


def test_a_queue_from_which_nothing_is_taken_is_bad(sample: Path) -> None:
    told = run(changed(sample, "DELETE FROM jobs WHERE state <> 'waiting'"))
    assert told.status("throughput") == "bad"
    assert told.text("throughput") == "40 arrived and 0 finished in the window; 40 wait"


def test_workers_that_keep_up_say_when_the_queue_is_drained(sample: Path) -> None:
    told = run(changed(sample, "UPDATE jobs SET created_at = created_at - 7200"))
    assert told.status("throughput") == "ok"
    (row,) = told.tables["throughput"].dicts()
    assert (row["arrived"], row["finished"], row["waiting"]) == (0, 80, 40)
    assert row["drained_in_s"] == 40 * 3600 // 80


def test_a_job_that_waits_a_little_is_a_warning_and_a_fresh_one_is_none(sample: Path) -> None:
    assert run(sample, max_wait_s=1000).status("backlog") == "warn"
    assert run(sample, max_wait_s=2000).status("backlog") == "ok"


def test_a_worker_that_never_showed_a_heartbeat_counts_from_its_start(sample: Path) -> None:
    told = run(changed(sample, "UPDATE jobs SET heartbeat_at = NULL"))
    assert told.text("stuck").startswith("worker-3 is silent for 120")


def test_the_documented_columns_are_those_of_the_sample(sample: Path) -> None:
    with closing(sqlite3.connect(sample)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(jobs)")}
    prose = next(cell for cell in run(sample).runbook.cells if cell.id == "about-table").source
    assert all(f"`{column}`" in prose for column in columns)
