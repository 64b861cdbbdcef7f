"""The cost guard: what PostgreSQL expects a read to cost, asked before it runs.

The estimate is the planner's, in its own unit: one page read in sequence costs 1. It is wrong at
times, so it is a limit for a target's tier and no promise about time; the time limit still holds.
Source: https://www.postgresql.org/docs/current/using-explain.html.
"""

import json
import re

from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgwire import Saying, ask
from interlock_gateway.core.model import Limits, Target
from interlock_gateway.service.targets import TargetError

_FIRST_WORD = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]*)", re.DOTALL)


async def refuse_costly(
    connection: Connection, target: Target, asked: Saying, limits: Limits
) -> None:
    """Raise a TargetError if the plan of a proven read costs more than the limit.

    EXPLAIN without ANALYZE only plans, and SHOW costs nothing. EXPLAIN ANALYZE runs what it
    explains, and PostgreSQL cannot explain an EXPLAIN: with a limit it is refused.
    """
    found = _FIRST_WORD.match(asked.text)
    first = found.group(1).lower() if found else b""
    if not limits.cost or first == b"show":
        return
    if first == b"explain":
        if re.search(rb"\banaly[sz]e\b", asked.text, re.IGNORECASE):
            raise _refused(target, limits, "EXPLAIN ANALYZE runs the statement unplanned")
        return
    answer = await ask(connection, b"EXPLAIN (FORMAT JSON) " + asked.text, asked.parameters)
    cost = float(json.loads(answer.rows[0][0] or "[]")[0]["Plan"]["Total Cost"])
    if cost > limits.cost:
        raise _refused(target, limits, f"its plan costs {cost:,.0f}")


def _refused(target: Target, limits: Limits, why: str) -> TargetError:
    return TargetError(
        "outside-limits",
        f"Target {target.name} did not run it: {why}, and the limit is {limits.cost:,.0f}. "
        "Look at the plan with EXPLAIN; narrow the WHERE, or add a LIMIT.",
    )
