"""Write the function lists of the SQL guard from a live engine's own catalogue.

    python tests/corpus/generate_functions.py postgres "host=127.0.0.1 user=postgres"
    python tests/corpus/generate_functions.py sqlite
    python tests/corpus/generate_functions.py duckdb
    python tests/corpus/generate_functions.py mariadb [mysql://USER:PASSWORD@HOST:PORT]

Reads the reviewed `effects.toml` beside each list, prints what changed against the list in place
and which volatile functions nobody has reviewed yet. Run it again for a new engine version.
"""
# ruff: noqa: T201  a script that prints

import sqlite3
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # where mypy finds them too

from corpus import duckdb_functions, mariadb_functions  # noqa: E402  found by the line above

DATA = ROOT / "gateway/interlock_gateway/core/statement/data"

# A function that takes or returns these cannot be called in a query, or fails when it is.
_UNCALLABLE = ("internal", "trigger", "event_trigger", "language_handler", "fdw_handler")

_CALLABLE = """
    SELECT proname, provolatile::text, prokind::text,
           coalesce(proargnames[pronargs + 1:], '{}')
      FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'a', 'w')
       AND NOT ('internal'::regtype = ANY (proargtypes))
       AND NOT (prorettype::regtype::text = ANY (%s))
"""
_TYPES = "SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
_OPERATORS = """
    SELECT oprname FROM pg_operator JOIN pg_proc p ON p.oid = oprcode
     WHERE oprnamespace = 'pg_catalog'::regnamespace
     GROUP BY oprname HAVING bool_and(provolatile <> 'v')
"""
_VOLATILE, _AGGREGATE = "v", "a"


def reviewed(dialect: str) -> dict[str, str]:
    """Return every reviewed function and the effect it was given."""
    table = tomllib.loads((DATA / dialect / "effects.toml").read_text())
    return {name: effect for effect, names in table.items() for name in names}


def postgres(dsn: str) -> dict[str, object]:
    """Return the lists of the PostgreSQL at `dsn`."""
    effects = reviewed("postgres")
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = connection.execute(_CALLABLE, (list(_UNCALLABLE),)).fetchall()
        volatile = {name for name, volatility, _, _ in rows if volatility == _VOLATILE}
        unreviewed = sorted(volatile - effects.keys())
        print("volatile and not reviewed, so refused:", ", ".join(unreviewed) or "none")
        names = {name for name, *_ in rows}
        read = {
            n for n in names if effects.get(n, "unknown" if n in volatile else "read") == "read"
        }
        return {
            "engine": f"PostgreSQL {connection.info.server_version // 10000}",
            "read": read | {name for name, effect in effects.items() if effect == "read"},
            "refused": names - read,
            "aggregates": {name for name, _, kind, _ in rows if kind == _AGGREGATE},
            "result_columns": {
                f"{n}.{c}" for n, *_, columns in rows if n in read for c in columns if c
            },
            "types": {name for (name,) in connection.execute(_TYPES)},
            "operators": {name for (name,) in connection.execute(_OPERATORS)},
        }


def sqlite() -> dict[str, object]:
    """Return the lists of this Python's SQLite."""
    effects = reviewed("sqlite")
    connection = sqlite3.connect(":memory:")
    rows = connection.execute("SELECT DISTINCT name, type FROM pragma_function_list").fetchall()
    connection.close()
    names = {name for name, _ in rows if name.isidentifier()}
    reads = {name for name, effect in effects.items() if effect == "read"}
    return {
        "engine": f"SQLite {sqlite3.sqlite_version}",
        "read": {name for name in names if effects.get(name, "read") == "read"} | reads,
        "refused": {name for name, effect in effects.items() if effect != "read"},
        "aggregates": {"avg", "count", "group_concat", "max", "min", "string_agg", "sum", "total",
                       "json_group_array", "json_group_object"},
    }  # fmt: skip


def document(dialect: str, lists: Mapping[str, object]) -> str:
    """Return the TOML text of `lists`."""
    lines = [
        f"# Written by tests/corpus/generate_functions.py {dialect}: do not edit.",
        "# What is a read, and why the rest is not: effects.toml.",
        f'engine = "{lists["engine"]}"',
    ]
    for key, names in lists.items():
        if isinstance(names, set):
            lines += ["", f"{key} = '''", *textwrap.wrap(" ".join(sorted(names)), 98), "'''"]
    return "\n".join(lines) + "\n"


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> Iterable[str]:
    """Yield what `after` has more and less than `before`, one line per list and direction."""
    for key, names in after.items():
        if not isinstance(names, set):
            continue
        old = set(str(before.get(key, "")).split())
        yield from (f"{key}: + {name}" for name in sorted(names - old))
        yield from (f"{key}: - {name}" for name in sorted(old - names))


def main(arguments: list[str]) -> None:
    """Write the list of the dialect named first."""
    dialect = arguments[0]
    match dialect:
        case "postgres":
            lists = postgres(arguments[1])
        case "duckdb":
            lists = duckdb_functions.lists(reviewed("duckdb"))
        case "mariadb":
            lists = mariadb_functions.lists(DATA, reviewed("mariadb"), *arguments[1:])
        case _:
            lists = sqlite()
    place = DATA / dialect / "functions.toml"
    before = tomllib.loads(place.read_text()) if place.exists() else {}
    print("\n".join(changes(before, lists)) or "nothing changed")
    place.write_text(document(dialect, lists))


if __name__ == "__main__":
    main(sys.argv[1:])
