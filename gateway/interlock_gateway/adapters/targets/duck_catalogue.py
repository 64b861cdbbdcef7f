"""A snapshot of what a DuckDB file's own names mean.

Views and macros are kept as text, and followed; a macro may bear the name of a function of the
engine's own and takes its place wherever it is called, by a sign too: executed on DuckDB 2.0.
Names are compared without case. The questions name the engine's own functions with their schema
and use no sign that calls one: otherwise the file would answer what it likes. Source: https://duckdb.org/docs/stable/sql/meta/duckdb_table_functions.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement import lexer
from interlock_gateway.core.statement.catalogue import Catalogue, Name, Relation, Routine

if TYPE_CHECKING:
    import duckdb  # never loaded in the gateway itself

# A schema in a schema has no name of its own to be found by: what is in it is not known.
_TOP = """
SELECT oid FROM system.main.duckdb_schemas()
 WHERE database_name = system.main.current_database() AND parent_schema IS NULL"""
_IN_SCHEMAS = {
    "tables": """
        SELECT schema_oid, schema_name, table_name FROM system.main.duckdb_tables()
         ORDER BY ALL""",
    "views": """
        SELECT schema_oid, schema_name, view_name, sql FROM system.main.duckdb_views()
         WHERE NOT internal ORDER BY ALL""",
    "columns": """
        SELECT schema_oid, schema_name, table_name, column_index, column_name,
               generation_expression
          FROM system.main.duckdb_columns() WHERE NOT internal ORDER BY ALL""",
    "types": """
        SELECT schema_oid, schema_name, type_name, logical_type FROM system.main.duckdb_types()
         WHERE NOT internal ORDER BY ALL""",
}
_OTHERS = {
    "database": "SELECT system.main.current_database()",
    "macros": """
        SELECT schema_name, function_name, function_type, macro_definition
          FROM system.main.duckdb_functions() WHERE NOT internal ORDER BY ALL""",
    "functions": """
        SELECT DISTINCT function_name FROM system.main.duckdb_functions() WHERE internal""",
    "own": """
        SELECT view_name FROM system.main.duckdb_views()
         WHERE internal AND schema_name IN ('main', 'pg_catalog') ORDER BY ALL""",
}
_PATH = ("main",)
_OWN = "system"
# Words that call without brackets, besides those that are functions by name.
_WORDS = frozenset(
    (
        *("current_catalog", "current_database", "current_date", "current_role"),
        *("current_schema", "current_time", "current_timestamp", "current_user"),
        *("localtime", "localtimestamp", "session_user", "user"),
    )
)
_Facts = Mapping[str, Sequence[Sequence[Any]]]


def facts(connection: "duckdb.DuckDBPyConnection") -> dict[str, Sequence[Sequence[Any]]]:
    """Return what DuckDB tells of the names in a file, as JSON can say it.

    Raises:
        duckdb.Error: it does not.
    """
    connection.execute("BEGIN TRANSACTION")  # all of it at one moment
    top = {oid for (oid,) in connection.execute(_TOP).fetchall()}
    found = {
        name: [row for schema, *row in connection.execute(sql).fetchall() if schema in top]
        for name, sql in _IN_SCHEMAS.items()
    }
    others = {name: connection.execute(sql).fetchall() for name, sql in _OTHERS.items()}
    connection.execute("ROLLBACK")
    own = {name.lower() for (name,) in others.pop("functions")} | _WORDS
    others["macros"] = [(*row, row[1].lower() in own) for row in others["macros"]]
    return {**found, **others}


def catalogue(found: _Facts, trusted: Collection[str] = ()) -> Catalogue:
    """Return what the names mean.

    Args:
        found: what `facts` returned.
        trusted: macros (`schema.name`) that somebody reviewed: they only read.
    """
    known = frozenset(name.lower() for name in trusted)
    version = sha256(json.dumps([found, sorted(known)]).encode()).hexdigest()
    macros = [_macro(row, known) for row in found["macros"]]
    routines: dict[str, list[Routine]] = defaultdict(list)
    for routine, _ in macros:
        routines[routine.name[1]].append(routine)
    relations = _relations(found)
    made = {name for schema, name in relations if schema in _PATH}
    return Catalogue(
        version,
        _PATH,
        relations,
        frozenset(name for (name,) in found["own"]) - made,
        dict(routines),
        folds=True,
        database=str(found["database"][0][0]).lower(),
        own_schema=_OWN,
        implied=tuple(routine for routine, implied in macros if implied),
    )


def _relations(found: _Facts) -> dict[Name, Relation]:
    """Return tables and views; of two that are called the same without case, neither."""
    columns: dict[tuple[str, str], list[tuple[str, str | None]]] = defaultdict(list)
    for schema, table, _, column, expression in found["columns"]:
        columns[schema, table].append((column, expression))
    rows = [(schema, table, "table", "") for schema, table in found["tables"]]
    rows += [(schema, view, "view", query_of(sql)) for schema, view, sql in found["views"]]
    often = Counter((schema.lower(), name.lower()) for schema, name, *_ in rows)
    return {
        (schema.lower(), name.lower()): Relation(
            kind,
            {column: ("", "") for column, _ in columns[schema, name]},
            definition,
            tuple(expression for _, expression in columns[schema, name] if expression),
        )
        for schema, name, kind, definition in rows
        if often[schema.lower(), name.lower()] == 1
    }


def query_of(sql: str) -> str:
    """Return the query in `CREATE VIEW name (columns) AS query;`; without AS, all of it."""
    for token in lexer.tokens(Dialect.DUCKDB, sql):
        if token.word == "as":
            return sql[token.end :].rstrip().removesuffix(";").strip()
    return sql


def _macro(row: Sequence[Any], trusted: Collection[str]) -> tuple[Routine, bool]:
    """Return a macro, and whether it stands in for what a sign or a word calls."""
    schema, name, kind, definition, implied = row
    place = (schema.lower(), name.lower())
    reviewed = ".".join(place) in trusted
    query = str(definition) if kind == "table_macro" else f"SELECT {definition}"
    if reviewed or not definition:
        query = ""
    routine = Routine(place, trusted=reviewed, definition=query)
    return routine, bool(implied)
