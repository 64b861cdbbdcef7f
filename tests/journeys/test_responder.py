"""A responder at three in the morning: what goes wrong, what they are told, what they can do.

The real command line against a real gateway process.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from support.desk import Desk, Said, logged_in
from support.house import ROOT
from support.processes import Command, Gateway, Logins, free_port, gateway_of, settled

_SAMPLE = ROOT / "runbooks" / "sqlite" / "job-queue-check.sample.sql"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with one target that answers and one that is gone."""
    folder = tmp_path_factory.mktemp("responder")
    with closing(sqlite3.connect(folder / "jobs.db")) as jobs:
        jobs.executescript(_SAMPLE.read_text())
    gone = f"postgresql://nobody@127.0.0.1:{free_port()}/orders"
    targets = {
        "jobs": Logins(str(folder / "jobs.db"), dialect="sqlite"),
        "orders": Logins(gone, f"{gone}_too"),
    }
    with gateway_of(settled(folder / "home", targets), Command()) as started:
        yield started
        assert "Traceback" not in started.said()


@pytest.fixture(scope="module")
def desk(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The responder's machine, with the incident INC-1 open."""
    desk = logged_in(tmp_path_factory.mktemp("desks"), gateway, "responder")
    desk.done("incident", "open", "Invoices fail", "--severity", "sev2")
    return desk


def told(said: Said, exit_code: int, *words: str) -> None:
    """They are told what happened and what to do next, and never shown a traceback."""
    assert said.code == exit_code, said.err
    for word in (*words, "next"):
        assert word in said.err, said.err
    assert "Traceback" not in said.out + said.err


def test_an_unknown_runbook(desk: Desk) -> None:
    said = desk.does("run", "job-queue-chek", "-i", "INC-1")
    told(said, 2, "job-queue-chek", "runbook-not-found", "interlock runbooks find")


def test_a_bad_parameter(desk: Desk) -> None:
    said = desk.does("run", "job-queue-check", "max_wait_s=soon", "-i", "INC-1")
    told(said, 2, "max_wait_s", "soon", "bad-parameter")
    said = desk.does("run", "job-queue-check", "max_wait=5", "-i", "INC-1")
    told(said, 2, "max_wait", "max_wait_s", "bad-parameter")


def test_an_unknown_incident(desk: Desk) -> None:
    said = desk.does("run", "job-queue-check", "-i", "INC-99")
    told(said, 2, "INC-99", "incident-not-found")


@pytest.mark.kernel
def test_a_target_that_nobody_knows(desk: Desk) -> None:
    said = desk.does("run", "job-queue-check", "db=nowhere", "-i", "INC-1")
    assert said.code == 5
    assert "'nowhere'" in said.out
    assert "unknown-target" in said.out
    assert "Traceback" not in said.out + said.err


@pytest.mark.kernel
def test_a_target_that_cannot_be_reached(desk: Desk) -> None:
    said = desk.does("run", "pg-lock-contention", "-i", "INC-1")
    assert said.code == 1
    assert "target-unreachable" in said.out
    assert "refused" in said.out
    assert "Traceback" not in said.out + said.err
    timeline = desk.done("timeline", "INC-1")
    assert "target-unreachable" in timeline


def test_a_gateway_that_is_down_and_back(desk: Desk, gateway: Gateway) -> None:
    gateway.kill()
    try:
        told(desk.does("incident", "list"), 1, gateway.home.url, "unavailable", "interlock up")
        said = desk.does("run", "job-queue-check", "-i", "INC-1")
        told(said, 1, gateway.home.url, "unavailable")
    finally:
        gateway.start()
    assert "INC-1" in desk.done("incident", "list")


def test_a_store_that_cannot_be_written(desk: Desk, gateway: Gateway) -> None:
    before = desk.done("timeline", "INC-1")
    with gateway.on_a_full_disk():
        said = desk.does("incident", "open", "Another one")
        told(said, 1, "store-unwritable", "disk", "Nothing runs that cannot be recorded")
        said = desk.does("run", "job-queue-check", "-i", "INC-1")
        told(said, 1, "store-unwritable")
        assert desk.done("timeline", "INC-1") == before  # reading goes on
    assert "INC-2 is open" in desk.done("incident", "open", "Another one")


@pytest.mark.kernel
def test_and_when_nothing_is_wrong_with_interlock_the_finding_is_told(desk: Desk) -> None:
    said = desk.does("run", "job-queue-check", "-i", "INC-1")
    assert said.code == 3, said.err
    assert "make-invoice: 12 of 20 failed (60 %)" in said.out


def test_a_closed_incident(desk: Desk) -> None:
    desk.done("incident", "open", "Over soon", "--severity", "sev4")
    last = desk.done("incident", "list").split("\n")[0].split("\t")[0]
    desk.done("incident", "close", last, "--reason", "false alarm")
    said = desk.does("run", "job-queue-check", "-i", last)
    told(said, 5, last, "incident-closed")


def test_a_statement_is_explained_before_it_is_put_into_a_runbook(desk: Desk) -> None:
    said = desk.does("sql", "explain", "SELECT state, count(*) FROM jobs", "--target", "jobs")
    assert said.code == 0, said.err
    assert said.out.startswith("✔ read")
    said = desk.does("sql", "explain", "DELETE FROM jobs", "--target", "jobs")
    assert (said.code, said.out.split("\n")[0]) == (5, "✖ write: not a proven read.")
    told(desk.does("sql", "explain", "SELECT 1", "--target", "nowhere"), 5, "unknown-target")
    told(desk.does("sql", "explain", "SELECT 1", "--target", "orders"), 1, "target-unreachable")
