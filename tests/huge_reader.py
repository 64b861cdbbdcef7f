"""Asks a PostgreSQL for one answer in a process of its own, and tells what it took.

`python tests/huge_reader.py guarded|plain DSN SQL` prints a JSON object: the rows' sizes, the
limit that cut them, the refusal, and by how many bytes the process grew at most.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import psycopg
from interlock_gateway.adapters.targets.postgres import PostgresReader
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.service.targets import TargetError

LIMITS = Limits(rows=1_000, bytes=1 << 20, seconds=60)


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


async def guarded(dsn: str, sql: str) -> dict[str, Any]:
    """Ask as the gateway does, and once more, to show that it still works."""
    reader = PostgresReader(AsWritten())
    target = Target("orders", Dialect.POSTGRES, "prod", dsn)
    told: dict[str, Any] = {"rows": [], "truncated": "", "refusal": ""}
    before = _peak()
    try:
        rows = await reader.read(target, _statement(sql), {}, LIMITS)
        told |= {"rows": [len(str(row[-1])) for row in rows.rows], "truncated": rows.truncated}
    except TargetError as error:
        told["refusal"] = f"{error.code}: {error}"
    told["grown"] = _peak() - before
    again = await reader.read(target, _statement("SELECT 1"), {}, LIMITS)
    await reader.aclose()
    return {**told, "again": again.rows}


def plain(dsn: str, sql: str) -> dict[str, Any]:
    """Ask with psycopg as it comes."""
    with psycopg.connect(dsn) as connection:
        before = _peak()
        for _ in connection.cursor().stream(sql.encode()):
            pass
        return {"grown": _peak() - before}


def _statement(sql: str) -> Statement:
    return Statement(Dialect.POSTGRES, sql, (), sql)


def _peak() -> int:
    """Return the most memory that this process ever had, in bytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    how, dsn, sql = sys.argv[1:]
    told = asyncio.run(guarded(dsn, sql)) if how == "guarded" else plain(dsn, sql)
    print(json.dumps(told))  # noqa: T201  whoever started it reads this
