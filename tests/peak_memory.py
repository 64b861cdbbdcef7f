"""What statements cost a process and its children in memory, at their worst moment.

`python peak_memory.py DIALECT CREDENTIAL BYTES SECONDS` reads statements from its input, one on
each line, asks a target with them one after the other, and writes a line of JSON for each.
"""

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from interlock_gateway.adapters.targets import Targets
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import TargetError


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one statement.

    Attributes:
        sql: the statement.
        said: the refusal, or what cut the answer, or "".
        grown: MiB by which the process and its largest child were larger than before any.
    """

    sql: str
    said: str
    grown: int


def asked(dialect: Dialect, credential: str, limits: Limits, statements: list[str]) -> list[Asked]:
    """Ask a target in a new process, under the bytes and seconds of `limits`."""
    ended = subprocess.run(  # noqa: S603  this file
        [sys.executable, __file__, dialect, credential, f"{limits.bytes}", f"{limits.seconds}"],
        input="\n".join(statements),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return [Asked(*json.loads(line)) for line in ended.stdout.splitlines()]


class _AsWritten:
    def resolve(self, reference: str) -> str:
        return reference


async def _ask_all(dialect: Dialect, credential: str, limits: Limits) -> None:
    targets = Targets(_AsWritten())
    target = Target("orders", dialect, "prod", credential)
    await _said(targets, target, "SELECT 1", limits)  # what is loaded once is not counted
    before = _peak()
    for sql in sys.stdin.read().splitlines():
        said = await _said(targets, target, sql, limits)
        sys.stdout.write(json.dumps([sql, said, _peak() - before]) + "\n")
    await targets.aclose()


async def _said(targets: Targets, target: Target, sql: str, limits: Limits) -> str:
    try:
        rows: Rows = await targets.read(
            target, Statement(target.dialect, sql, (), sql), {}, limits
        )
    except TargetError as error:
        return f"{error.code}: {error}"
    return rows.truncated


def _peak() -> int:
    """Return the most memory that this process and its largest child ever had, in MiB."""
    told = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    gone = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return _most("self") + max([gone, *map(_most, told)])


def _most(process: str) -> int:
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) // 1024 if found else 0


if __name__ == "__main__":
    at_most = Limits(bytes=int(sys.argv[3]), seconds=float(sys.argv[4]))
    asyncio.run(_ask_all(Dialect(sys.argv[1]), sys.argv[2], at_most))
