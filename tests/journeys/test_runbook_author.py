"""A runbook author, from docs/first-runbook.md alone to a session really ended."""

import re
import runpy
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from interlock.testing.postgres import Database
from support.counting import until
from support.desk import Desk, logged_in
from support.house import ROOT
from support.processes import Command, Gateway, Logins, gateway_of, settled

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

_PAGE = (ROOT / "docs" / "first-runbook.md").read_text()
(_SCRIPT,) = re.findall(r"^```python\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def gateway(
    tmp_path: Path, postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """A gateway in whose home somebody followed the page; it also listens on a Unix socket."""
    targets = {"orders": Logins(postgres_database.read, postgres_database.act)}
    home = settled(tmp_path / "home", targets)
    home.config.write_text(home.config.read_text() + 'socket = "state/gateway.sock"\n')
    script = tmp_path / "make_my_runbook.py"
    script.write_text(_SCRIPT)
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    shutil.copytree(tmp_path / "runbooks", home.folder / "runbooks", dirs_exist_ok=True)
    with gateway_of(home, Command()) as started:
        yield started


@pytest.fixture
def forgotten(postgres_database: Database) -> Iterator[int]:
    """A session that began a transaction, did nothing since, and ends with an error; its pid."""
    session = psycopg.connect(postgres_database.app, application_name="forgetful")
    session.execute("SELECT 1")
    pid = session.info.backend_pid
    with psycopg.connect(postgres_database.superuser, autocommit=True) as watch:
        old = "SELECT now() - xact_start > '1.1 s' FROM pg_stat_activity WHERE pid = %s"
        until(lambda: watch.execute(old, [pid]).fetchone() == (True,), "it is older than 1 s")
        yield pid
        assert watch.execute(old, [pid]).fetchone() is None
    session.close()


def test_what_the_page_says_ends_a_real_session(
    gateway: Gateway, forgotten: int, tmp_path: Path
) -> None:
    author = logged_in(tmp_path / "desks", gateway, "responder")
    other = logged_in(tmp_path / "desks", gateway, "approver")
    assert "my-runbook" in author.done("runbooks", "show", "my-runbook")
    author.done("incident", "open", "Trying my first runbook")
    words = ("run", "my-runbook", "-i", "INC-1", "db=orders", "idle_s=1")
    scripted = ("--act", "end", "--confirm", "orders")
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(author.does, *words, *scripted)
        until(lambda: "A-1" in other.done("approvals", "list"), "it waits for the other person")
        assert str(forgotten) in other.done("approvals", "show", "A-1")
        other.done("approvals", "approve", "A-1", "--confirm", "orders")
        said = run.result()
    assert said.code == 0, said.out + said.err
    assert "action.succeeded" in author.done("timeline", "INC-1")


def test_the_gateway_answers_on_its_unix_socket_too(gateway: Gateway, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk")
    desk.home.mkdir()
    socket = gateway.home.folder / "state" / "gateway.sock"
    desk.done("login", gateway.code("responder"), "--url", f"unix:{socket}")
    assert "responder" in desk.done("whoami")
    assert gateway.stop() == 0
