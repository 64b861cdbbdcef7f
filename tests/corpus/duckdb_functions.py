"""The function lists of DuckDB, from the catalogue of the engine that is installed here.

    python tests/corpus/generate_functions.py duckdb

A scalar, an aggregate or a macro is a read unless `effects.toml` says otherwise. What is volatile,
and every function that stands in FROM, is a read only when `effects.toml` says so: those are the
ones that open files, keep state or run text. Source: https://duckdb.org/docs/stable/sql/meta/
duckdb_table_functions (`duckdb_functions()`).
"""
# ruff: noqa: T201  part of a script that prints

from collections.abc import Mapping

import duckdb

_FUNCTIONS = """
    SELECT function_name, bool_or(function_type IN ('table', 'table_macro')),
           bool_or(coalesce(has_side_effects, false)), bool_or(function_type = 'aggregate')
      FROM duckdb_functions()
     WHERE function_type <> 'pragma' AND regexp_full_match(function_name, '[A-Za-z][A-Za-z0-9_]*')
     GROUP BY function_name
"""


# Signs, and the one whose name says that it stands behind its operand.
_OPERATORS = """
    SELECT DISTINCT function_name FROM duckdb_functions()
     WHERE regexp_full_match(function_name, '[^A-Za-z0-9_ ]+|!__postfix')
"""


def lists(effects: Mapping[str, str]) -> dict[str, object]:
    """Return the lists of the installed DuckDB; print what nobody has reviewed yet.

    Args:
        effects: every reviewed function and its effect.
    """
    with duckdb.connect() as connection:
        rows = connection.execute(_FUNCTIONS).fetchall()
        operators = {name for (name,) in connection.execute(_OPERATORS).fetchall()}
    # The same word can be a macro in FROM and a function elsewhere: then it takes a review.
    careful = {name.lower() for name, table, acts, _ in rows if table or acts}
    names = {name.lower() for name, *_ in rows}
    unreviewed = sorted(careful - effects.keys())
    print("in FROM or volatile, and not reviewed, so refused:", ", ".join(unreviewed))
    unlisted = dict.fromkeys(careful, "unknown")
    read = {name for name in names if {**unlisted, **effects}.get(name, "read") == "read"}
    reviewed = {name for name, effect in effects.items() if effect == "read"}
    return {
        "engine": f"DuckDB {duckdb.__version__}",
        "read": read | reviewed,
        "refused": (names | effects.keys()) - read - reviewed,
        "aggregates": {name.lower() for name, _, _, aggregate in rows if aggregate},
        "operators": operators,
    }
