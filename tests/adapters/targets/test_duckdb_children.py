"""DuckDB works in children: what one of them suffers, the gateway and the next call do not."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from child_processes import children_of, descriptors, opener, refused, told_of, until
from interlock_gateway.adapters.child import Child, Ended
from interlock_gateway.adapters.targets import Targets, duck, duck_lock, file_calls
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import Deed, Expect, OutcomeUnknownError
from witnesses import Attentive

ENDLESS = "SELECT count(*) FROM range(100000000000000) AS r(n)"
DEAF = "SELECT jaro_similarity(repeat('x', 3000000), repeat('y', 3000000))"
"""One call of one function, for minutes: DuckDB looks at no interrupt meanwhile."""

ROOMY = Limits(seconds=20)


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Jobs:
    """A file with one job, and what can be asked of it and done to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.targets = Targets(AsWritten())
        self.target = Target("jobs", Dialect.DUCKDB, "prod", str(path), str(path))
        with duckdb.connect(path) as connection:
            connection.execute("CREATE TABLE jobs AS SELECT 1 AS id, 'open' AS state")

    async def ask(self, sql: str, limits: Limits = ROOMY) -> Rows:
        return await self.targets.read(
            self.target, Statement(Dialect.DUCKDB, sql, (), sql), {}, limits
        )

    async def finish(self, state: str = "'done'", limits: Limits = ROOMY) -> Rows:
        sql = f"UPDATE jobs SET state = {state} WHERE id = 1"  # noqa: S608  our own words
        deed = Deed(Statement(Dialect.DUCKDB, sql, (), sql), {}, Expect.ROW_COUNT, 1, 1)
        return await self.targets.act(self.target, deed, limits, Attentive())

    def state(self) -> str:
        with duckdb.connect(self.path, read_only=True) as connection:
            return str(connection.execute("SELECT state FROM jobs").fetchall()[0][0])


@pytest.fixture
async def jobs(tmp_path: Path) -> AsyncIterator[Jobs]:
    found = Jobs(tmp_path / "jobs.duckdb")
    yield found
    await found.targets.aclose()


def children() -> list[int]:
    """Return the process ids of the children that open DuckDB files."""
    return children_of(os.getpid(), "duck_child")


# --- reads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT repeat('x', 4000000000)",
        "SELECT repeat('x', 400000000)",
        "SELECT list(range) FROM range(1000000000)",
        "SELECT range(1000000000)",
    ],
)
async def test_one_huge_value_is_refused_and_the_next_read_is_answered(
    jobs: Jobs, sql: str
) -> None:
    error = await refused(jobs.ask(sql))
    assert (error.code, "memory" in str(error)) == ("target-failed", True)
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)


async def test_work_that_looks_at_no_interrupt_is_killed_on_time(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    error = await refused(jobs.ask(DEAF, Limits(seconds=2)))
    assert (error.code, str(error)[-13:]) == ("target-timeout", "killed there.")
    assert told_of(pid, "cmdline") == ""
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)


async def test_a_crash_of_the_engine_costs_one_read_and_says_so(jobs: Jobs) -> None:
    read = asyncio.create_task(jobs.ask(ENDLESS))
    os.kill(await opener(jobs.path), signal.SIGSEGV)
    error = await refused(read)
    assert (error.code, "SIGSEGV" in str(error)) == ("target-failed", True)
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)


async def test_a_child_that_died_while_nobody_needed_it_is_replaced(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: told_of(pid, "stat") == "")
    await asyncio.sleep(0.5)  # what the kernel knows, the event loop is told a moment later
    assert (await jobs.ask("SELECT 2")).rows == ((2,),)


async def test_a_child_is_kept_for_the_next_read_of_its_file_alone(
    jobs: Jobs, tmp_path: Path
) -> None:
    await jobs.ask("SELECT 1")
    first = children()
    await jobs.ask("SELECT 2")
    assert children() == first
    other = Jobs(tmp_path / "other.duckdb")
    other.targets = jobs.targets
    await other.ask("SELECT 3")
    assert len(children()) == 2


async def test_a_child_is_kept_though_the_gateway_itself_holds_much(jobs: Jobs) -> None:
    """The kernel's own figure for a process's peak is inherited from who started it."""
    much = bytearray(500 << 20)
    much[::4096] = bytes(len(much[::4096])).replace(b"\0", b"x")
    await jobs.ask("SELECT 1")
    first = children()
    await jobs.ask("SELECT 2")
    assert children() == first != []


async def test_somebody_who_stops_waiting_ends_the_work(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    read = asyncio.create_task(jobs.ask(DEAF))
    await opener(jobs.path)
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await read
    assert told_of(pid, "cmdline") == ""


async def test_a_fifth_read_of_a_file_waits_and_is_told_when_that_takes_too_long(
    jobs: Jobs,
) -> None:
    busy = [asyncio.create_task(jobs.ask(ENDLESS, Limits(seconds=15))) for _ in range(4)]
    await until(lambda: len(children()) == 4)
    error = await refused(jobs.ask("SELECT 1", Limits(seconds=0.2)))
    assert (error.code, "busy with 4 other calls" in str(error)) == ("target-unreachable", True)
    for read in busy:
        read.cancel()
    await asyncio.gather(*busy, return_exceptions=True)


async def test_a_child_holds_no_credential_and_no_descriptor_of_the_gateway(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_ORDERS_READ", "postgresql://reader:hunter2@db/orders")
    mine = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(mine, True)
    await jobs.ask("SELECT state FROM jobs")
    os.close(mine)
    (pid,) = children()
    assert "PATH=" in told_of(pid, "environ")
    assert "hunter2" not in told_of(pid, "environ")
    assert str(jobs.path) not in told_of(pid, "cmdline")
    assert len(list(descriptors(pid))) == len(("in", "out", "error", "questions", "answers"))


async def test_a_child_that_reads_cannot_write_a_file_or_take_all_memory(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    limits = [line.split() for line in told_of(pid, "limits").splitlines()]
    found = {" ".join(line[:3]): line[3:5] for line in limits}
    assert found["Max file size"] == ["0", "0"]
    assert found["Max data size"] == [str(duck_lock.PROCESS_MEMORY)] * 2
    assert "NoNewPrivs:\t1" in told_of(pid, "status")


async def test_no_child_is_left_behind(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    await jobs.finish()
    assert children() != []
    await jobs.targets.aclose()
    assert children() == []


GATEWAY = """
import asyncio, sys
from interlock_gateway.adapters.targets import Targets
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
class AsWritten:
    def resolve(self, reference): return reference
target = Target("jobs", Dialect.DUCKDB, "prod", sys.argv[1])
statement = Statement(Dialect.DUCKDB, sys.argv[2], (), sys.argv[2])
asyncio.run(Targets(AsWritten()).read(target, statement, {}, Limits(seconds=300)))
"""


async def test_a_gateway_killed_at_work_leaves_no_child(jobs: Jobs) -> None:
    command = [sys.executable, "-c", GATEWAY, str(jobs.path), DEAF]
    gateway = await asyncio.create_subprocess_exec(*command)
    pid = await opener(jobs.path, gateway.pid)
    gateway.kill()
    await gateway.wait()
    await until(lambda: "duck_child" not in told_of(pid, "cmdline"))


def test_the_gateway_itself_never_loads_duckdb() -> None:
    code = "import sys; from interlock_gateway.adapters.targets import duck; print(*sys.modules)"
    said = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "interlock_gateway.adapters.targets.duck" in said.stdout.split()
    assert "duckdb" not in said.stdout.split()


async def test_a_driver_that_is_not_installed_is_named(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "find_spec", lambda _: None)
    error = await refused(jobs.ask("SELECT 1"))
    assert "pip install 'interlock-runbooks[duckdb]'" in str(error)


# --- deeds --------------------------------------------------------------------------------------


async def test_a_deed_killed_before_its_commit_has_changed_nothing(jobs: Jobs) -> None:
    error = await refused(jobs.finish(f"({DEAF})::VARCHAR", Limits(seconds=0.5)))
    assert (error.code, jobs.state()) == ("target-timeout", "open")

    deed = asyncio.create_task(jobs.finish(f"({ENDLESS})::VARCHAR"))
    os.kill(await opener(jobs.path), signal.SIGKILL)
    error = await refused(deed)
    assert (error.code, jobs.state()) == ("target-failed", "open")


async def test_a_deed_that_was_never_told_to_commit_does_not(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        os.kill(children()[0], signal.SIGKILL)

    monkeypatch.setattr(file_calls, "check", killed)
    error = await refused(jobs.finish())
    assert ("Rolled back" in str(error), jobs.state()) == (True, "open")


async def test_a_deed_that_is_silent_after_it_was_told_to_commit_is_in_doubt(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frozen(*_: object) -> None:
        os.kill(children()[0], signal.SIGSTOP)

    monkeypatch.setattr(file_calls, "check", frozen)
    monkeypatch.setattr(file_calls, "COMMIT_S", 0.5)
    with pytest.raises(OutcomeUnknownError, match="silent"):
        await jobs.finish()
    assert children() == []


async def test_a_deed_that_dies_between_its_commit_and_its_answer_is_in_doubt(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = Child.hear

    async def cut_off(child: Child, most: int) -> dict[str, Any]:
        """Hear what the gateway would have heard, had the child died one word earlier."""
        said = await hear(child, most)
        if "done" in said:
            raise Ended("it was ended by SIGKILL")
        return said

    monkeypatch.setattr(Child, "hear", cut_off)
    with pytest.raises(OutcomeUnknownError, match="SIGKILL"):
        await jobs.finish()
    assert jobs.state() == "done"


async def test_cancelling_a_deed_before_its_commit_rolls_it_back(jobs: Jobs) -> None:
    deed = asyncio.create_task(jobs.finish(f"({DEAF})::VARCHAR"))
    await opener(jobs.path)
    deed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deed
    assert (children(), jobs.state()) == ([], "open")


async def test_cancelling_a_deed_at_its_commit_waits_for_what_comes_of_it(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    deed: asyncio.Task[Rows]
    tell = Child.tell

    async def telling(child: Child, message: dict[str, Any]) -> None:
        await tell(child, message)
        if message == {"do": "commit"}:
            deed.cancel()

    monkeypatch.setattr(Child, "tell", telling)
    deed = asyncio.create_task(jobs.finish())
    with pytest.raises(asyncio.CancelledError):
        await deed
    assert (children(), jobs.state()) == ([], "done")


async def test_deeds_of_one_file_come_one_after_the_other(jobs: Jobs) -> None:
    await asyncio.gather(jobs.finish("state || '1'"), jobs.finish("state || '1'"))
    assert jobs.state() == "open11"


async def test_the_file_is_free_again_when_a_deed_has_ended(jobs: Jobs) -> None:
    await jobs.finish()
    with duckdb.connect(jobs.path) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchall() == [(1,)]
    await refused(jobs.finish("CAST('x' AS INTEGER)"))
    with duckdb.connect(jobs.path) as connection:
        assert connection.execute("SELECT state FROM jobs").fetchall() == [("done",)]
