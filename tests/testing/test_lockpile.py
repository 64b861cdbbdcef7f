"""The pile-up is real: a tree of waiting sessions that falls apart when its root is ended."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from interlock.testing.lockpile import LockPile
from interlock.testing.postgres import Database

pytestmark = pytest.mark.postgres

TREE = """
SELECT application_name, state, wait_event_type,
       ARRAY(SELECT b.application_name FROM pg_stat_activity b
              WHERE b.pid = ANY (pg_blocking_pids(a.pid)) ORDER BY 1)
  FROM pg_stat_activity a
 WHERE datname = current_database() AND application_name ~ 'worker|report'
 ORDER BY application_name
"""


def sessions(database: Database) -> list[tuple[str, str, str, list[str]]]:
    with psycopg.connect(database.superuser) as connection:
        return connection.execute(TREE).fetchall()


def test_five_wait_in_a_tree_and_one_is_innocent(postgres_database: Database) -> None:
    with LockPile(postgres_database.app) as pile:
        pile.wait_until_blocked()
        assert len(pile.waiters()) == 5
        tree = {
            name: (state, waits, behind)
            for name, state, waits, behind in sessions(postgres_database)
        }
        assert tree["checkout-worker-1"] == ("idle in transaction", "Client", [])
        assert tree["checkout-worker-2"] == ("active", "Lock", ["checkout-worker-1"])
        assert tree["checkout-worker-3"] == ("active", "Lock", ["checkout-worker-2"])
        assert tree["invoice-worker-1"] == ("active", "Lock", ["checkout-worker-2"])
        assert tree["invoice-worker-2"] == ("active", "Lock", ["invoice-worker-1"])
        assert tree["nightly-report"] == ("active", "Timeout", [])
        assert is_oldest(postgres_database, pile.innocent_pid)
    assert sessions(postgres_database) == []


def test_ending_the_blocker_lets_everybody_finish(postgres_database: Database) -> None:
    with LockPile(postgres_database.app) as pile:
        pile.wait_until_blocked()
        with psycopg.connect(postgres_database.act) as action:  # as the gateway does it
            ended = action.execute("SELECT pg_terminate_backend(%s, 2000)", [pile.blocker_pid])
            assert ended.fetchone() == (True,)
        pile.wait_until_done()
        assert pile.waiters() == []
        assert [name for name, *_ in sessions(postgres_database)] == ["nightly-report"]


def test_ending_the_oldest_transaction_helps_nobody(postgres_database: Database) -> None:
    with LockPile(postgres_database.app) as pile:
        with psycopg.connect(postgres_database.act) as action:
            action.execute("SELECT pg_terminate_backend(%s, 2000)", [pile.innocent_pid])
        assert len(pile.waiters()) == 5


def test_clients_go_when_whoever_started_them_is_killed(
    postgres_database: Database, tmp_path: Path
) -> None:
    script = tmp_path / "start.py"
    script.write_text(
        "import sys\nfrom interlock.testing.lockpile import LockPile\n"
        "pile = LockPile(sys.stdin.readline().strip()).__enter__()\n"
        "print('up', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        text=True,
    ) as starter:
        assert starter.stdin
        assert starter.stdout
        starter.stdin.write(postgres_database.app + "\n")
        starter.stdin.flush()
        assert starter.stdout.readline() == "up\n"
        assert len(sessions(postgres_database)) == 7
        starter.kill()
    deadline = time.monotonic() + 5
    while sessions(postgres_database) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sessions(postgres_database) == []


def is_oldest(database: Database, pid: int) -> bool:
    with psycopg.connect(database.superuser) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name ~ 'worker|report' ORDER BY xact_start LIMIT 1"
        ).fetchone()
    return row == (pid,)
