"""How often targets may be asked, and callers ask, as targets.toml says it.

[pace]
person = { at_once = 8, per_minute = 3000 }
run = { per_minute = 600 }
"""

from interlock_gateway.core.pace import OF_PERSON, OF_RUN, Callers, Pace
from interlock_gateway.core.strict import Table


def pace(table: Table | None, usual: Pace) -> Pace:
    """Return what stands in a table such as `{ at_once = 4, per_minute = 600 }`."""
    if table is None:
        return usual
    found = Pace(
        at_once=table.whole("at_once", low=1, high=64, default=usual.at_once),
        per_minute=table.whole("per_minute", low=1, high=1_000_000, default=usual.per_minute),
    )
    table.done()
    return found


def callers(table: Table | None) -> Callers:
    """Return the paces of people and runs."""
    if table is None:
        return Callers()
    found = Callers(
        person=pace(table.table("person", required=False), OF_PERSON),
        run=pace(table.table("run", required=False), OF_RUN),
    )
    table.done()
    return found
