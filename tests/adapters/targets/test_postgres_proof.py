"""What a real PostgreSQL says of a transaction whose line was cut: proven, or not at all."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import pytest
from interlock.testing.postgres import Cluster
from interlock_gateway.adapters.targets.postgres import PostgresActor
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import (
    Became,
    Deed,
    Expect,
    OutcomeUnknownError,
    Prepared,
    Proof,
    TargetError,
)
from support.counting import until
from unreliable_line import cut

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

BUMP = "UPDATE counters SET n = n + 1 WHERE id = 1"


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@dataclass
class Patient:
    """Keeps what it is told, and lets the COMMIT wait until the test says so."""

    names: dict[str, str] = field(default_factory=dict)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def before_commit(self, prepared: Prepared) -> None:
        self.names = dict(prepared.transaction)
        self.told.set()
        await self.go.wait()


class Counter:
    """A cluster of one's own with a counter in it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.actor = PostgresActor(AsWritten())

    @property
    def act(self) -> str:
        return self.cluster.dsn(user="acts", password="a")

    def make(self) -> None:
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as admin:
            admin.execute("CREATE ROLE acts LOGIN PASSWORD 'a'")
            admin.execute("CREATE TABLE counters (id int PRIMARY KEY, n int)")
            admin.execute("INSERT INTO counters VALUES (1, 0)")
            admin.execute("GRANT SELECT, UPDATE ON counters TO acts")
            admin.execute("CREATE DATABASE other")

    @property
    def n(self) -> int:
        with psycopg.connect(self.cluster.dsn()) as admin:
            row = admin.execute("SELECT n FROM counters").fetchone()
        assert row is not None
        return int(row[0])

    async def bump(self, witness: Patient, *, through: str = "") -> None:
        target = Target("c", Dialect.POSTGRES, "prod", "unused", through or self.act)
        deed = Deed(Statement(Dialect.POSTGRES, BUMP, (), BUMP), {}, Expect.ROW_COUNT, 1, 1)
        await self.actor.act(target, deed, Limits(seconds=20), witness)

    async def asked(self, names: dict[str, str], *, at: str = "") -> Proof:
        target = Target("c", Dialect.POSTGRES, "prod", "unused", at or self.act)
        return await self.actor.became(target, names)

    async def committed(self) -> dict[str, str]:
        """Return the names of a deed that was committed."""
        witness = Patient()
        witness.go.set()
        await self.bump(witness)
        return witness.names


@pytest.fixture(scope="module")
def cluster() -> Iterator[Counter]:
    """A cluster that stays whole."""
    with Cluster() as started:
        counter = Counter(started)
        counter.make()
        yield counter


@pytest.fixture
def fragile() -> Iterator[Counter]:
    """A cluster for one test, which breaks it."""
    with Cluster(settings={"wal_level": "replica", "fsync": "on"}) as started:
        counter = Counter(started)
        counter.make()
        yield counter


@asynccontextmanager
async def in_doubt(counter: Counter, word: bytes) -> AsyncIterator[Patient]:
    """Have a deed end in doubt, its line cut when `word` was sent."""
    witness = Patient()
    witness.go.set()
    async with cut(counter.act, word) as line:
        with pytest.raises(OutcomeUnknownError):
            await counter.bump(witness, through=line)
        yield witness


async def until_not_open(counter: Counter, names: dict[str, str]) -> Proof:
    while (proof := await counter.asked(names)).became is Became.OPEN:  # noqa: ASYNC110  the server rings no bell
        await asyncio.sleep(0.05)
    return proof


# --- proven -----------------------------------------------------------------------------------


async def test_a_commit_whose_answer_was_lost_is_proven(cluster: Counter) -> None:
    before = cluster.n
    async with in_doubt(cluster, b"COMMIT") as witness:
        proof = await until_not_open(cluster, witness.names)
    assert proof.became is Became.COMMITTED
    assert witness.names["xid"] in proof.words
    assert cluster.n == before + 1


async def test_a_session_that_ended_before_its_commit_is_proven_rolled_back(
    cluster: Counter,
) -> None:
    before, witness = cluster.n, Patient()
    acting = asyncio.create_task(cluster.bump(witness))
    await witness.told.wait()
    assert (await cluster.asked(witness.names)).became is Became.OPEN
    with psycopg.connect(cluster.cluster.dsn(), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'acts'"
        )
    witness.go.set()
    with pytest.raises(OutcomeUnknownError):
        await acting
    assert (await until_not_open(cluster, witness.names)).became is Became.ROLLED_BACK
    assert cluster.n == before


# --- not proven -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("system", "1", "another cluster"),
        ("timeline", "0000000F", "another timeline"),
        ("database", "1", "another database"),
        ("since", "2020-01-01 00:00:00+00", "it crashed"),
        ("place", "FFFFFFFF/0", "its WAL ends before"),
        ("xid", "99999999999", "has not come to transaction"),
        ("xid", "3", "forgotten|committed"),
    ],
)
async def test_the_number_of_another_history_proves_nothing(
    cluster: Counter, name: str, value: str, why: str
) -> None:
    names = await cluster.committed()
    assert (await cluster.asked(names)).became is Became.COMMITTED
    proof = await cluster.asked(names | {name: value})
    if value != "3":  # the transaction of initdb, which this server still knows
        assert proof.became is Became.UNTOLD
    without = {key: text for key, text in names.items() if key != name}
    if name != "place":
        assert (await cluster.asked(without)).became is Became.UNTOLD
    assert re.search(why, proof.words)


async def test_another_database_of_the_cluster_does_not_count(cluster: Counter) -> None:
    names = await cluster.committed()
    elsewhere = cluster.cluster.dsn("other", user="acts", password="a")
    proof = await cluster.asked(names, at=elsewhere)
    assert (proof.became, proof.words) == (
        Became.UNTOLD,
        "It is not the same server any more: another database.",
    )


async def test_another_cluster_with_the_same_numbers_does_not_count(
    cluster: Counter, fragile: Counter
) -> None:
    names = await cluster.committed()
    proof = await fragile.asked(names)
    assert proof.became is Became.UNTOLD
    assert "another cluster" in proof.words


async def test_after_a_failover_nothing_is_proven(fragile: Counter) -> None:
    names = await fragile.committed()
    fragile.cluster.restart_as_standby()
    proof = await fragile.asked(names)
    assert proof.became is Became.UNTOLD
    assert "standby" in proof.words
    with psycopg.connect(fragile.cluster.dsn(), autocommit=True) as admin:
        admin.execute("SELECT pg_promote(true, 60)")
    proof = await fragile.asked(names)
    assert proof.became is Became.UNTOLD
    assert "another timeline" in proof.words


async def test_after_a_crash_a_number_may_be_given_out_again_and_proves_nothing(
    fragile: Counter,
) -> None:
    """The WAL of an open transaction need not be on the disk: after a crash its number is free."""
    witness = Patient()
    acting = asyncio.create_task(fragile.bump(witness))
    await witness.told.wait()
    with psycopg.connect(fragile.cluster.dsn(), autocommit=True) as admin:
        row = admin.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'acts'").fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGKILL)
    witness.go.set()
    with pytest.raises(OutcomeUnknownError):
        await acting

    def up() -> bool:
        with suppress(psycopg.Error), psycopg.connect(fragile.cluster.dsn(), autocommit=True) as c:
            return c.execute("SELECT NOT pg_is_in_recovery()").fetchone() == (True,)
        return False

    await asyncio.to_thread(until, up, "it has recovered")
    proof = await fragile.asked(witness.names)
    assert proof.became is Became.UNTOLD
    assert "it crashed" in proof.words
    assert fragile.n == 0


async def test_a_server_that_is_gone_is_asked_again_later(fragile: Counter) -> None:
    names = await fragile.committed()
    at = fragile.act
    fragile.cluster.stop()
    with pytest.raises(TargetError) as caught:
        await fragile.asked(names, at=at)
    assert caught.value.code == "target-unreachable"


async def test_a_deed_without_names_proves_nothing(cluster: Counter) -> None:
    assert (await cluster.asked({})).became is Became.UNTOLD
