"""The macros of an opened file, for the second look that DuckDB's own parser takes."""

from collections.abc import Sequence

import duckdb

_ALL = """
SELECT schema_name, function_name, function_type, macro_definition
  FROM system.main.duckdb_functions() WHERE NOT internal AND macro_definition IS NOT NULL
"""  # nothing in it can be a macro of the file itself


class Macros:
    """Implements `adapters.duckdb_parser.Macros` over a connection; asks when it is asked."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, trusted: frozenset[str]) -> None:
        """Ask nothing yet; `trusted` are macros (`schema.name`) that somebody reviewed."""
        self._connection = connection
        self._trusted = trusted

    def queries(self, name: str) -> Sequence[str] | None:
        """Return what macros called `name` are made of, as queries; None when there is none."""
        rows = self._connection.execute(_ALL).fetchall()
        found = [
            (f"{schema}.{called}".lower(), text if kind == "table_macro" else f"SELECT {text}")
            for schema, called, kind, text in rows
            if called.lower() == name.lower()
        ]
        if not found:
            return None
        return [text for called, text in found if called not in self._trusted]
