"""A small lock pile-up of real sessions, in the shapes that a runbook must tell apart."""

import threading
import time
from collections.abc import Callable
from typing import Any, Self

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]


class PileUp:
    """Sessions that wait behind one root, until the block ends.

    Attributes:
        root: the connection that holds the lock; None when a prepared transaction does.
        ended: the names of the sessions whose work went through.
    """

    def __init__(self, dsn: str, *, table: str = "stock") -> None:
        self._dsn = dsn
        self._table = table
        self._threads: list[threading.Thread] = []
        self.ended: list[str] = []
        self.root: Connection | None = None

    def __enter__(self) -> Self:
        with self._session("setup") as session:
            session.execute(f"CREATE TABLE {self._table} (id int PRIMARY KEY, n int)".encode())
            session.execute(f"INSERT INTO {self._table} VALUES (1, 0), (2, 0)".encode())  # noqa: S608  our own name
        return self

    def __exit__(self, *_: object) -> None:
        if self.root is not None:
            self.root.close()
        self.finish()

    def finish(self) -> None:
        """Wait until every session has ended."""
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()

    def idle_root(self, row: int = 1) -> int:
        """Hold a row and go idle; return the pid."""
        self.root = self._session("checkout-worker")
        self.root.execute(self._update(row).encode())
        return self.root.info.backend_pid

    def active_root(self, row: int = 1) -> int:
        """Hold a row in a statement that runs on; return the pid."""
        pid = self.idle_root(row)
        root = self.root
        assert root is not None
        self._start("root", lambda: root.execute("SELECT pg_sleep(60)"))
        return pid

    def prepared_root(self, row: int = 1) -> None:
        """Leave a prepared transaction behind that holds a row."""
        with self._session("two-phase") as session:
            session.execute(self._update(row).encode())
            session.execute("PREPARE TRANSACTION 'left-behind'")

    def waiter(self, name: str, *rows: int) -> None:
        """Update the rows one after the other in one transaction, waiting where one is held."""
        self._client(name, *(self._update(row) for row in rows))

    def seven_waiters(self) -> None:
        """Three on the row, one that holds another row, one behind that, a DDL, a reader."""
        for number in (1, 2, 3):
            self.waiter(f"cart-{number}", 1)
        self.waiter("chain", 2, 1)
        self.waiter("behind-chain", 2)
        self._client("migration", f"ALTER TABLE {self._table} ADD COLUMN note text")
        self._client("reader", f"TABLE {self._table}")

    def _update(self, row: int) -> str:
        return f"UPDATE {self._table} SET n = n + 1 WHERE id = {row}"  # noqa: S608  our own name

    def _client(self, name: str, *statements: str) -> None:
        def work() -> None:
            with self._session(name) as session:
                for statement in statements:
                    session.execute(statement.encode())
            self.ended.append(name)

        before = self._waiting()
        self._start(name, work)
        deadline = time.monotonic() + 5
        while self._waiting() <= before and time.monotonic() < deadline:
            time.sleep(0.02)

    def _start(self, name: str, work: Callable[[], object]) -> None:
        def quietly() -> None:
            try:
                work()
            except psycopg.Error:
                return  # cancelled or terminated: that is what the test is about

        thread = threading.Thread(target=quietly, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _waiting(self) -> int:
        with self._session("counting") as session:
            row = session.execute(
                "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid "
                "WHERE NOT l.granted AND a.datname = current_database()"
            ).fetchone()
        return int(row[0]) if row else 0

    def _session(self, name: str) -> Connection:
        return psycopg.connect(self._dsn, application_name=name)
