"""`%%sql target`: a query for those who think in SQL. Standard library only.

    %%sql orders rows <<
    SELECT pid, state FROM pg_stat_activity WHERE waiting_s >= :min_block_s

The rows are shown, and kept under the name before `<<` if there is one. A `:name` takes its value
from the notebook's variable of that name, else from the run's parameters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.errors import UsageError
from interlock.session import Params, query
from interlock.table import Table

_HEAD = re.compile(r"(?P<target>[\w.-]+)(?:\s+(?P<name>[A-Za-z_]\w*)\s*<<)?\s*")

# What may hold a colon that is no parameter stands first, so that it is consumed whole.
_PARAMETER = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$ | ::
    | (?<![\w:]):([A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class SqlCell:
    """A cell that begins with `%%sql`.

    Attributes:
        target: the target's name.
        sql: the statement, exactly as it is sent.
        names: the parameters that stand in it.
        keep_as: the variable that takes the rows, or "".
    """

    target: str
    sql: str
    names: tuple[str, ...]
    keep_as: str


def sql_cell(line: str, body: str) -> SqlCell:
    """Return what a `%%sql` cell asks.

    Arguments:
        line: what follows `%%sql` on its line.
        body: the lines below.

    Raises:
        UsageError: no target, or no statement.
    """
    head = _HEAD.fullmatch(line.strip())
    sql = body.strip()
    if head is None or not sql:
        raise UsageError(
            f"`%%sql {line.strip()}` does not say what to ask.",
            help="Write `%%sql target` or `%%sql target rows <<`, and the statement below it.",
        )
    return SqlCell(head["target"], sql, parameter_names(sql), head["name"] or "")


def parameter_names(sql: str) -> tuple[str, ...]:
    """Return each `:name` in `sql` once, leaving out strings, comments and casts."""
    found = (match[2] for match in _PARAMETER.finditer(sql))
    return tuple(dict.fromkeys(name for name in found if name))


def load_ipython_extension(shell: Any) -> None:
    """Make `%%sql` known; IPython calls this when the extension is loaded."""

    def sql(line: str, body: str) -> Table:
        """Ask a target: `%%sql target` or `%%sql target rows <<`."""
        cell = sql_cell(line, body)
        table = query(cell.target, cell.sql, **_values(cell.names, shell.user_ns))
        if cell.keep_as:
            shell.user_ns[cell.keep_as] = table
        return table

    shell.register_magic_function(sql, "cell", "sql")


def _values(names: tuple[str, ...], variables: Mapping[str, Any]) -> dict[str, Any]:
    params = Params()
    return {
        name: variables[name] if name in variables else getattr(params, name) for name in names
    }
