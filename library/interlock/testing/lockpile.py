"""A real lock pile-up: real client processes, one of which forgot to commit.

The blocker updated an order and sits idle in its transaction. Two workers wait for it or for
each other, and two more wait for rows that the first of them holds: a tree, not a row.
A nightly report is older than all of them and innocent: whoever ends the oldest transaction
ends the wrong one. When the blocker's session ends, everybody who waited finishes.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import psycopg

_TABLES = """
CREATE TABLE IF NOT EXISTS customers (
  id int PRIMARY KEY, name text NOT NULL, orders_count int NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS orders (
  id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers,
  status text NOT NULL DEFAULT 'open', updated_at timestamptz NOT NULL DEFAULT now());
INSERT INTO customers SELECT g, 'customer ' || g FROM generate_series(1, 20) g
  ON CONFLICT DO NOTHING;
INSERT INTO orders SELECT g, 1 + g % 20 FROM generate_series(1, 200) g
  ON CONFLICT DO NOTHING;
"""
_ORDER = "UPDATE orders SET status = 'paid', updated_at = now() WHERE id = 1"
_CUSTOMER = "UPDATE customers SET orders_count = orders_count + 1 WHERE id = 1"
_REPORT = "SELECT count(*), pg_sleep(3600) FROM customers"


@dataclass(frozen=True, slots=True)
class _Part:
    """What one client does; `hold` stays in the transaction instead of committing."""

    name: str
    statements: Sequence[str]
    hold: bool = False


_INNOCENT = _Part("nightly-report", (_REPORT,))
_BLOCKER = _Part("checkout-worker-1", (_ORDER,), hold=True)
_WAITERS = (
    _Part("checkout-worker-2", (_CUSTOMER, _ORDER)),  # waits for the blocker, holds a customer
    _Part("checkout-worker-3", (_ORDER,)),  # waits behind checkout-worker-2
    _Part("invoice-worker-1", (_CUSTOMER,)),  # waits for checkout-worker-2
    _Part("invoice-worker-2", (_CUSTOMER,)),  # waits behind invoice-worker-1
    _Part("checkout-worker-4", (_ORDER,)),
)


class LockPile:
    """A pile-up for as long as a `with` block lasts; afterwards every client is gone.

    Attributes:
        blocker_pid: the server pid of the session that blocks, idle in its transaction.
        innocent_pid: the server pid of the long, harmless report.

    Examples:
        >>> with LockPile(dsn) as pile:  # doctest: +SKIP
        ...     pile.wait_until_blocked()
        ...     end_session(pile.blocker_pid)
        ...     pile.wait_until_done()
    """

    def __init__(self, dsn: str) -> None:
        """Prepare a pile-up; nothing happens before the `with` block.

        Args:
            dsn: an ordinary login that may create tables; sessions of a superuser could not be
                ended by an action login.
        """
        self._dsn = dsn
        self._clients: list[_Client] = []
        self._watch: psycopg.Connection | None = None
        self.blocker_pid = 0
        self.innocent_pid = 0

    def __enter__(self) -> Self:
        try:
            self._watch = psycopg.connect(self._dsn, autocommit=True)
            self._watch.execute(_TABLES)
            # All start at once: importing takes longer than everything they do.
            self._clients = [_Client(self._dsn, part) for part in self._parts]
            for client in self._clients:
                client.arrive()
            self.innocent_pid, self.blocker_pid = (client.pid for client in self._clients[:2])
            self._pile_up()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def waiters(self) -> list[int]:
        """Return the server pids that wait for a lock now, in the order they began to."""
        waiting = {pid for pid, blocked in self._blocking().items() if blocked}
        return [client.pid for client in self._clients if client.pid in waiting]

    def wait_until_blocked(self, seconds: float = 10.0) -> None:
        """Return when every waiter waits.

        Raises:
            TimeoutError: not within `seconds`.
        """
        _until(lambda: len(self.waiters()) == len(_WAITERS), seconds, "everybody waits")

    def wait_until_done(self, seconds: float = 10.0) -> None:
        """Return when every waiter has got its lock, committed and left.

        Raises:
            TimeoutError: not within `seconds`; somebody still waits.
        """
        clients = self._clients[2:]
        _until(lambda: all(client.finished for client in clients), seconds, "everybody is done")

    def stop(self) -> None:
        """End every client and wait until the server has forgotten them."""
        for client in self._clients:
            client.stop()
        watch, self._watch = self._watch, None
        if watch is None:
            return
        pids = [client.pid for client in self._clients]
        with watch:  # closes it
            watch.execute("SELECT pg_terminate_backend(p) FROM unnest(%s::int[]) p", [pids])
            sessions = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s)"
            _until(lambda: watch.execute(sessions, [pids]).fetchone() == (0,), 5, "all are gone")

    @property
    def _parts(self) -> tuple[_Part, ...]:
        return (_INNOCENT, _BLOCKER, *_WAITERS)

    def _pile_up(self) -> None:
        """Let the clients go one after the other, each when the one before is where it should."""
        innocent, blocker, *waiters = self._clients
        innocent.go()
        _until(lambda: self._is_active(innocent.pid), 5, "the report runs")
        blocker.go()
        blocker.hear("holding")
        for number, client in enumerate(waiters, start=1):
            client.go()
            _until(partial(self._wait_many, number), 5, "the next one waits")

    def _wait_many(self, number: int) -> bool:
        return len(self.waiters()) == number

    def _is_active(self, pid: int) -> bool:
        asked = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        return self._connection.execute(asked, [pid]).fetchone() is not None

    def _blocking(self) -> dict[int, list[int]]:
        asked = "SELECT pid, pg_blocking_pids(pid) FROM pg_stat_activity WHERE pid = ANY (%s)"
        pids = [client.pid for client in self._clients]
        return dict(self._connection.execute(asked, [pids]).fetchall())

    @property
    def _connection(self) -> psycopg.Connection:
        if self._watch is None:
            raise RuntimeError("The pile-up exists only inside its `with` block.")
        return self._watch


class _Client:
    """The near end of one client process."""

    def __init__(self, dsn: str, part: _Part) -> None:
        self.pid = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "interlock.testing.lockpile_client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C in a terminal is for whoever started us
        )
        self._tell(
            {"dsn": dsn, "name": part.name, "statements": part.statements, "hold": part.hold}
        )

    @property
    def finished(self) -> bool:
        """Whether it committed and left by itself."""
        return self._process.poll() == 0

    def arrive(self) -> None:
        """Wait until it is connected; learn its server pid."""
        self.pid = self.hear("pid")

    def go(self) -> None:
        """Let it run its statements."""
        self._tell({"go": True})

    def hear(self, word: str) -> Any:
        """Return what it says under `word`, which must be the next thing it says."""
        said = self._process.stdout.readline() if self._process.stdout else ""
        if not said:
            raise RuntimeError(f"A client of the pile-up ended before it said {word!r}.")
        return json.loads(said)[word]

    def stop(self) -> None:
        """Close its input, which ends it; reap it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, message: dict[str, Any]) -> None:
        if self._process.stdin:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()


def _until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {seconds:g} s: {what}.")
        time.sleep(0.01)
