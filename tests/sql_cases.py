"""Cases for the SQL guard, written in .sql files that a DBA can extend.

Cases stand apart by one blank line. `-- effect: write` sets the effect of that case and of all
after it; `-- because: function pg_sleep` says which thing the first such case must name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent / "core/statement/cases"
_EFFECT, _BECAUSE = "-- effect: ", "-- because: "


@dataclass(frozen=True, slots=True)
class Case:
    """One statement and what the guard must say; `because` is "" when any reason will do."""

    place: str
    effect: str
    because: str
    sql: str


def cases(name: str) -> Iterator[Case]:
    """Yield every case of `cases/<name>.sql`."""
    effect, start = "", 1
    for block in (CASES / f"{name}.sql").read_text("utf-8").split("\n\n"):
        because, sql = "", []
        for line in block.strip("\n").split("\n"):
            if line.startswith(_EFFECT):
                effect = line.removeprefix(_EFFECT)
            elif line.startswith(_BECAUSE):
                because = line.removeprefix(_BECAUSE)
            else:
                sql.append(line)
        if "".join(sql).strip():
            yield Case(f"{name}.sql:{start}", effect, because, "\n".join(sql))
        start += block.count("\n") + 2
