"""SQLite works in children: what one of them suffers, the gateway and the next call do not."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from child_processes import children_of, descriptors, opener, refused, told_of, until
from interlock_gateway.adapters.child import Child, Ended
from interlock_gateway.adapters.targets import Targets, file_calls, sqlite_watch
from interlock_gateway.adapters.targets import children as pools
from interlock_gateway.adapters.targets.file_calls import GRACE_S
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import Deed, Expect, OutcomeUnknownError
from witnesses import Attentive

ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"
DEAF = "SELECT instr(hex(zeroblob(2000000)), hex(zeroblob(900000)) || '1')"
"""One call of one function, for minutes: SQLite looks at nothing meanwhile."""

ROOMY = Limits(seconds=20)
SLACK_S = 3.0  # for a busy machine; the work itself takes minutes


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


class Jobs:
    """A file with one job, and what can be asked of it and done to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.targets = Targets(AsWritten())
        self.target = Target("jobs", Dialect.SQLITE, "prod", str(path), str(path))
        self.write("CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT)")
        self.write("INSERT INTO jobs VALUES (1, 'open')")

    async def ask(self, sql: str, limits: Limits = ROOMY) -> Rows:
        return await self.targets.read(
            self.target, Statement(Dialect.SQLITE, sql, (), sql), {}, limits
        )

    async def finish(
        self, state: str = "'done'", limits: Limits = ROOMY, *, table: str = "jobs", rows: int = 1
    ) -> Rows:
        sql = f"UPDATE {table} SET state = {state}"  # noqa: S608  our own words
        statement = Statement(Dialect.SQLITE, sql, (), sql)
        deed = Deed(statement, {}, Expect.ROW_COUNT, rows, rows)
        return await self.targets.act(self.target, deed, limits, Attentive())

    def write(self, sql: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute(sql)

    def state(self) -> str:
        with closing(sqlite3.connect(self.path)) as connection:
            return str(connection.execute("SELECT state FROM jobs").fetchall()[0][0])


@pytest.fixture
async def jobs(tmp_path: Path) -> AsyncIterator[Jobs]:
    found = Jobs(tmp_path / "jobs.sqlite")
    yield found
    await found.targets.aclose()


def children() -> list[int]:
    """Return the process ids of the children that open SQLite files."""
    return children_of(os.getpid(), "sqlite_child")


async def test_the_gateway_itself_opens_no_file(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", never)
        assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)
        assert await jobs.targets.catalogue(jobs.target) is not None
        await jobs.finish()
    assert jobs.state() == "done"


# --- reads --------------------------------------------------------------------------------------


async def test_work_that_looks_at_nothing_is_killed_a_second_after_its_time(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    started = time.monotonic()
    error = await refused(jobs.ask(DEAF, Limits(seconds=0.3)))
    assert time.monotonic() - started < 0.3 + GRACE_S + SLACK_S
    assert (error.code, str(error)[-13:]) == ("target-timeout", "killed there.")
    assert told_of(pid, "cmdline") == ""
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)


async def test_other_reads_are_answered_while_one_is_deaf(jobs: Jobs) -> None:
    deaf = asyncio.create_task(jobs.ask(DEAF, Limits(seconds=2)))
    await opener(jobs.path)
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)
    assert not deaf.done()
    assert (await refused(deaf)).code == "target-timeout"


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL])
async def test_a_crash_of_the_engine_costs_one_read_and_says_so(
    jobs: Jobs, how: signal.Signals
) -> None:
    read = asyncio.create_task(jobs.ask(DEAF))
    os.kill(await opener(jobs.path), how)
    error = await refused(read)
    assert (error.code, how.name in str(error)) == ("target-failed", True)
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)


async def test_a_child_that_froze_is_killed_on_time(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    os.kill(pid, signal.SIGSTOP)
    error = await refused(jobs.ask("SELECT state FROM jobs", Limits(seconds=0.2)))
    assert (error.code, told_of(pid, "cmdline")) == ("target-timeout", "")
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)


async def test_a_child_that_died_while_nobody_needed_it_is_replaced(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: told_of(pid, "stat") == "")
    await asyncio.sleep(0.5)  # what the kernel knows, the event loop is told a moment later
    assert (await jobs.ask("SELECT 2")).rows == ((2,),)


async def test_a_child_that_dies_as_it_is_asked_costs_a_read_nothing(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    assert (await jobs.ask("SELECT 2")).rows == ((2,),)


async def test_a_child_and_its_file_are_kept_for_the_next_read_of_that_file_alone(
    jobs: Jobs, tmp_path: Path
) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    assert str(jobs.path) in descriptors(pid)
    await jobs.ask("SELECT 2")
    assert children() == [pid]
    other = Jobs(tmp_path / "other.sqlite")
    other.targets = jobs.targets
    await other.ask("SELECT 3")
    assert len(children()) == 2
    assert str(other.path) not in descriptors(pid)


async def test_a_child_that_is_left_alone_closes_its_file_and_ends_at_last(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    await until(lambda: str(jobs.path) not in descriptors(pid))
    assert (await jobs.ask("SELECT 2")).rows == ((2,),)
    assert children() == [pid]
    other = Jobs(tmp_path / "other.sqlite")
    other.targets = jobs.targets
    monkeypatch.setattr(pools, "KEPT_S", 0.0)
    await other.ask("SELECT 3")
    assert told_of(pid, "cmdline") == ""


async def test_somebody_who_stops_waiting_ends_the_work(jobs: Jobs) -> None:
    read = asyncio.create_task(jobs.ask(DEAF))
    pid = await opener(jobs.path)
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
    own = ("in", "out", "error", "questions", "answers", "the file")
    assert len(descriptors(pid)) == len(own)


async def test_a_child_that_reads_cannot_fill_the_disk_or_take_all_memory(jobs: Jobs) -> None:
    await jobs.ask("SELECT 1")
    (pid,) = children()
    limits = [line.split() for line in told_of(pid, "limits").splitlines()]
    found = {" ".join(line[:3]): line[3:5] for line in limits}
    assert found["Max file size"] == [str(sqlite_watch.LONGEST_FILE)] * 2
    assert found["Max data size"] == [str(sqlite_watch.PROCESS_MEMORY)] * 2
    assert "NoNewPrivs:\t1" in told_of(pid, "status")


MANY = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 60000)"
SORT = f"{MANY} SELECT n FROM (SELECT n, hex(zeroblob(200)) AS x FROM r) ORDER BY x, n DESC"  # noqa: S608  our own words


async def test_a_sort_that_needs_a_temporary_file_has_one(jobs: Jobs) -> None:
    assert (await jobs.ask(SORT, Limits(rows=1, seconds=20))).rows == ((60000,),)


CROWDED = """
import sys
from interlock_gateway.adapters.confined import confine
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.adapters.targets.sqlite_work import SqliteWork
from interlock_gateway.core.model import Dialect, Limits, Statement
from interlock_gateway.service.targets import TargetError
confine(1 << 30, longest_file=1 << 20)
path, sql = sys.argv[1:]
try:
    SqliteWork().read(Task(path, "jobs", Statement(Dialect.SQLITE, sql, (), sql), {}, Limits()))
except TargetError as error:
    print(error.code, error)
"""


async def test_a_sort_whose_temporary_file_is_too_long_is_refused_and_says_so(jobs: Jobs) -> None:
    command = [sys.executable, "-c", CROWDED, str(jobs.path), SORT]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    assert b"target-failed Target jobs could not write a temporary file" in said


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
from interlock_gateway.service.targets import Deed, Expect
class AsWritten:
    def resolve(self, reference): return reference
class Nobody:
    async def before_commit(self, prepared): pass
how, path, sql = sys.argv[1:]
target = Target("jobs", Dialect.SQLITE, "prod", path, path)
statement = Statement(Dialect.SQLITE, sql, (), sql)
targets, limits = Targets(AsWritten()), Limits(seconds=300)
deed = Deed(statement, {}, Expect.ROW_COUNT, 1, 1)
read = targets.read(target, statement, {}, limits)
act = targets.act(target, deed, limits, Nobody())
asyncio.run(read if how == "read" else act)
"""


@pytest.mark.parametrize(
    ("how", "sql"),
    [("read", DEAF), ("act", f"UPDATE jobs SET state = 'done' WHERE ({DEAF}) = 0")],  # noqa: S608  our own words
)
async def test_a_gateway_killed_at_work_leaves_no_child_and_no_half_done_deed(
    jobs: Jobs, how: str, sql: str
) -> None:
    command = [sys.executable, "-W", "ignore", "-c", GATEWAY, how, str(jobs.path), sql]
    gateway = await asyncio.create_subprocess_exec(*command)
    pid = await opener(jobs.path, gateway.pid)
    await asyncio.sleep(0.2)
    gateway.kill()
    await gateway.wait()
    await until(lambda: "sqlite_child" not in told_of(pid, "cmdline"))
    assert jobs.state() == "open"


# --- deeds --------------------------------------------------------------------------------------


async def test_a_deed_killed_before_its_commit_has_changed_nothing(jobs: Jobs) -> None:
    error = await refused(jobs.finish(f"({DEAF})", Limits(seconds=0.5)))
    assert (error.code, jobs.state()) == ("target-timeout", "open")

    deed = asyncio.create_task(jobs.finish(f"({DEAF})"))
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


async def test_reads_are_answered_after_a_deed_that_was_killed_in_the_middle_of_the_file(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite writes pages of a large change before its end, and refuses reads until undone."""
    jobs.write("CREATE TABLE large AS SELECT hex(zeroblob(2000)) AS state FROM jobs")
    for _ in range(11):
        jobs.write("INSERT INTO large SELECT state FROM large")
    before = jobs.path.read_bytes()
    halfway = []

    def killed(*_: object) -> None:
        halfway.append(jobs.path.read_bytes() != before)
        os.kill(children()[0], signal.SIGKILL)

    monkeypatch.setattr(file_calls, "check", killed)
    error = await refused(jobs.finish("'x' || state", table="large", rows=2048))
    assert ("Rolled back" in str(error), halfway) == (True, [True])
    assert (await jobs.ask("SELECT DISTINCT substr(state, 1, 1) FROM large")).rows == (("0",),)
    assert jobs.path.read_bytes() == before


async def test_a_read_of_a_file_that_another_program_left_half_changed_says_what_helps(
    jobs: Jobs,
) -> None:
    jobs.write("CREATE TABLE large AS SELECT hex(zeroblob(2000000)) AS state FROM jobs")
    code = (
        "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('PRAGMA cache_size = 1'); c.execute(\"UPDATE large SET state = 'x' || state\");"
        "c.execute('UPDATE jobs SET id = 2'); os._exit(1)"
    )
    await (await asyncio.create_subprocess_exec(sys.executable, "-c", code, jobs.path)).wait()
    error = await refused(jobs.ask("SELECT state FROM jobs"))
    assert (error.code, "in the middle of a change" in str(error)) == ("target-unreachable", True)
    assert jobs.state() == "open"  # opened by somebody who may write
    assert (await jobs.ask("SELECT state FROM jobs")).rows == (("open",),)


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


async def test_a_commit_that_the_engine_refuses_is_a_failure_and_no_doubt(jobs: Jobs) -> None:
    with closing(sqlite3.connect(jobs.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM jobs").fetchall()  # a reader keeps a commit waiting
        error = await refused(jobs.finish(limits=Limits(seconds=0.2)))
    assert (error.code, "locked" in str(error)) == ("target-failed", True)
    assert jobs.state() == "open"


async def test_cancelling_a_deed_before_its_commit_rolls_it_back(jobs: Jobs) -> None:
    deed = asyncio.create_task(jobs.finish(f"({DEAF})"))
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
