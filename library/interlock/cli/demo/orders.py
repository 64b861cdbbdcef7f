"""The systems in the demo: a PostgreSQL with a real lock pile-up, or a SQLite file without one."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from interlock.testing.postgres import Cluster

Connect = Callable[..., Any]
_DISGUISED = "WITH gone AS (DELETE FROM {table} RETURNING *)\nSELECT count(*) FROM gone"


@dataclass(frozen=True, slots=True)
class Target:
    """One system behind the demo's gateway.

    Attributes:
        name: what the gateway calls it.
        where: one line on what it is.
        targets: the gateway's targets.toml.
        secrets: environment variables that only the gateway gets.
        runbook: the runbook that looks at it, and its parameters.
        disguised: a write that looks like a read.
        table: the table that the disguised write is after.
        count: how many rows that table has, asked without the gateway.
        words: the incident's title, its cause as noted, and why it is closed.
        waiting: how many sessions wait for a lock, asked without the gateway.
    """

    name: str
    where: str
    targets: str
    secrets: Mapping[str, str]
    runbook: str
    params: Mapping[str, str]
    disguised: str
    table: str
    count: Callable[[], int]
    words: tuple[str, str, str]
    waiting: Callable[[], int] | None = None


_ORDERS = """\
tiers = ["production", "staging", "development"]

[target.orders]
dialect = "postgres"
tier = "production"
read = "env:INTERLOCK_ORDERS_READ"
act = "env:INTERLOCK_ORDERS_ACT"
generation = "1"
limits = { rows = 1000, bytes = 4194304, seconds = 10 }
"""

_LOGINS = """
CREATE ROLE shop LOGIN PASSWORD '{shop}';
CREATE ROLE interlock_read LOGIN CONNECTION LIMIT 8 PASSWORD '{read}';
CREATE ROLE interlock_act LOGIN CONNECTION LIMIT 4 PASSWORD '{act}';
ALTER ROLE interlock_read SET default_transaction_read_only = on;
GRANT pg_read_all_stats TO interlock_read;
GRANT pg_read_all_stats, pg_signal_backend TO interlock_act;
"""
"""Right-sized logins: one that reads and sees other sessions, one that may end sessions."""

_RIGHTS = """
GRANT USAGE ON SCHEMA public TO interlock_read;
ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA public GRANT SELECT ON TABLES TO interlock_read;
"""

_JOBS = """\
tiers = ["production", "staging", "development"]

[target.jobs]
dialect = "sqlite"
tier = "production"
read = "env:INTERLOCK_JOBS"
limits = { rows = 1000, bytes = 4194304, seconds = 10 }
"""


@contextmanager
def jobs(folder: Path, sample: str) -> Iterator[Target]:
    """Make a SQLite database with a queue that is in trouble."""
    path = folder / "jobs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sample)

    def count() -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])

    yield Target(
        name="jobs",
        where=f"a SQLite file, {path.name}, with a queue of jobs that is in trouble",
        targets=_JOBS,
        secrets={"INTERLOCK_JOBS": str(path)},
        runbook="job-queue-check",
        params={"db": "jobs"},
        disguised=_DISGUISED.format(table="jobs"),
        table="jobs",
        count=count,
        words=(
            "Mails and exports come late",
            "one worker is silent and invoices fail",
            "known; handed to the team",
        ),
    )


@contextmanager
def orders() -> Iterator[Target]:
    """Start a PostgreSQL in which five sessions wait behind one that forgot to commit.

    Raises:
        NoPostgres: this machine has none; the message says what to install.
        PostgresFailed: it does not start.
        ImportError: the driver is not installed.
    """
    import psycopg  # noqa: PLC0415  an extra, which the read-only story does without

    from interlock.testing.lockpile import LockPile  # noqa: PLC0415  needs the driver

    with Cluster() as cluster:
        words = {name: token_hex(16) for name in ("shop", "read", "act")}
        _prepare(psycopg.connect, cluster, words)
        shop = cluster.dsn("orders", user="shop", password=words["shop"])
        with psycopg.connect(shop, autocommit=True) as client, LockPile(shop) as pile:

            def count() -> int:
                row = client.execute("SELECT count(*) FROM orders").fetchone()
                return int(row[0]) if row else 0

            yield Target(
                name="orders",
                where=f"a PostgreSQL of the demo's own on 127.0.0.1:{cluster.port}: a checkout "
                f"worker forgot to commit, {len(pile.waiters())} other sessions wait behind it",
                targets=_ORDERS,
                secrets={
                    f"INTERLOCK_ORDERS_{kind.upper()}": cluster.dsn(
                        "orders", user=f"interlock_{kind}", password=words[kind]
                    )
                    for kind in ("read", "act")
                },
                runbook="pg-lock-contention",
                params={"db": "orders", "min_block_s": "1"},
                disguised=_DISGUISED.format(table="orders"),
                table="orders",
                count=count,
                words=(
                    "Checkout hangs",
                    "a checkout worker forgot to commit",
                    "nobody waits any more",
                ),
                waiting=lambda: len(pile.waiters()),
            )


def _prepare(connect: Connect, cluster: Cluster, words: Mapping[str, str]) -> None:
    """Create the database and its logins; nobody keeps the superuser's connection."""
    with connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(_LOGINS.format(**words))
        connection.execute("CREATE DATABASE orders OWNER shop")
    with connect(cluster.dsn("orders"), autocommit=True) as connection:
        connection.execute(_RIGHTS)
