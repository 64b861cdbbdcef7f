"""The cost guard: how many rows MariaDB or MySQL expects to look at, asked before a read runs.

`Last_query_cost` would be the optimizer's own unit, and is 0 for every statement with a subquery,
a UNION or a derived table (measured on MariaDB 10.11). So the rows of the plan are multiplied
along each join and added up; a subquery that depends on the rows around it counts once for each.
The estimate knows neither LIMIT nor how often a recursion goes round; the time limit still holds.

MariaDB runs some derived tables and subqueries of one row to plan around them. They are parts of a
proven read, and `max_statement_time` ends an EXPLAIN as well.
Sources: https://mariadb.com/docs/server/reference/sql-statements/administrative-sql-statements/analyze-and-explain-statements/explain
and https://dev.mysql.com/doc/refman/8.4/en/explain-output.html.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock_gateway.adapters.targets import mysqltypes
from interlock_gateway.adapters.targets.mysqlwire import (
    Answer,
    Cap,
    Connection,
    bound,
    execute,
    prepare,
)
from interlock_gateway.core.model import Dialect, Limits, Target
from interlock_gateway.service.targets import TargetError

_FIRST_WORD = re.compile(rb"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*([A-Za-z]*)", re.DOTALL)
_CHEAP = frozenset((b"show", b"help", b"explain", b"describe", b"desc"))
_ASKING = {Dialect.MARIADB: b"EXPLAIN EXTENDED ", Dialect.MYSQL: b"EXPLAIN FORMAT=TRADITIONAL "}
_PLAN = Cap(rows=10_000, bytes=4 << 20)
_DEPENDS = ("DEPENDENT", "UNCACHEABLE")


@dataclass(frozen=True, slots=True)
class Step:
    """One table of a plan.

    Attributes:
        select: the number of the SELECT it belongs to.
        kind: how that SELECT hangs together with the others, such as `DEPENDENT SUBQUERY`.
        rows: rows looked at, each time.
        kept: the part of them that goes on to the next table, from 0 to 1.
    """

    select: int
    kind: str
    rows: float
    kept: float


async def refuse_costly(
    connection: Connection,
    target: Target,
    text: bytes,
    parameters: Sequence[mysqltypes.Parameter],
    limits: Limits,
) -> None:
    """Raise a TargetError if a proven read is expected to look at more rows than the limit.

    EXPLAIN plans, SHOW, DESCRIBE and HELP cost next to nothing. ANALYZE runs what it explains, and
    neither engine can plan it: with a limit it is refused.

    Raises:
        TargetError: `outside-limits`.
        RefusedError, LostError: the server does not plan it, so it is not run either.
    """
    if not limits.cost:
        return
    found = _FIRST_WORD.match(text)
    first = found.group(1).lower() if found else b""
    if first == b"analyze" or (first in (b"explain", b"desc", b"describe") and _runs(text)):
        raise _refused(target, limits, "ANALYZE runs the statement unplanned")
    if first in _CHEAP:
        return
    asked = await prepare(connection, _ASKING[connection.dialect] + text)
    answer = await execute(connection, bound(asked, parameters), _PLAN)
    if answer.cut:
        raise _refused(target, limits, "its plan has too many parts to be added up")
    rows = looked_at(_steps(answer))
    if rows > limits.cost:
        raise _refused(target, limits, f"its plan looks at {rows:,.0f} rows")


def looked_at(steps: Iterable[Step]) -> float:
    """Return how many rows a plan looks at."""
    selects: dict[int, list[Step]] = {}
    for step in steps:
        selects.setdefault(step.select, []).append(step)
    total, most = 0.0, 1.0
    for number in sorted(selects):
        depends = selects[number][0].kind.startswith(_DEPENDS)
        rows = _joined(selects[number]) * (most if depends else 1.0)
        total += rows
        most = max(most, rows)
    return total


def _joined(steps: Sequence[Step]) -> float:
    """Return the rows looked at in one SELECT, whose tables are read in this order."""
    total, times = 0.0, 1.0
    for step in steps:
        total += times * step.rows
        times = max(1.0, times * step.rows * step.kept)
    return total


def _steps(answer: Answer) -> Iterable[Step]:
    columns, rows = mysqltypes.table(answer.fields, answer.rows)
    names = [column.name.lower() for column in columns]
    for row in rows:
        yield _step(dict(zip(names, row, strict=True)))


def _step(row: Mapping[str, Any]) -> Step:
    """Read one row of a plan; the result of a UNION has no number and no rows of its own."""
    kept = 1.0 if row["filtered"] is None else float(row["filtered"]) / 100
    return Step(int(row["id"] or 0), str(row["select_type"]), float(row["rows"] or 0), kept)


def _runs(text: bytes) -> bool:
    return re.search(rb"\banalyze\b", text, re.IGNORECASE) is not None


def _refused(target: Target, limits: Limits, why: str) -> TargetError:
    return TargetError(
        "outside-limits",
        f"Target {target.name} did not run it: {why}, and the limit is {limits.cost:,.0f}. "
        "Look at the plan with EXPLAIN; narrow the WHERE, or join by an indexed column.",
    )
