"""Runs statements on a real DuckDB and says what each did; a process of its own.

    python -m fuzz.duckdb_witness FOLDER

Takes and gives one JSON list per line: statements with their number of parameters, and for each
why it is no read, or "". DuckDB may crash or hang here without taking a hunt with it. Nothing but
FOLDER can be reached; whatever is opened in it is seen in DuckDB's own log of files.
"""

import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

_WORLD = Path(__file__).parent / "worlds/duckdb.sql"
_SECONDS = 0.3
_ROWS = 20
_CONFIG = {
    "threads": "1",
    "memory_limit": "300MB",
    "temp_directory": "",  # as at a target: a large join would write files, whatever it says
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",
}
# After every statement; prepared, for planning it would take longer than all else.
_LOOK = """
PREPARE look AS
SELECT (SELECT count(*) || ':' || sum(hash(x)) FROM memory.main.t AS x),
       (SELECT count(*) || ':' || sum(hash(x)) FROM memory.main.u AS x),
       (SELECT count(*) || ':' || sum(hash(x)) FROM memory.app.t AS x),
       (SELECT string_agg(last_value || '', ',') FROM duckdb_sequences()),
       (SELECT string_agg(DISTINCT message, ',') FROM duckdb_logs() WHERE type = 'FileSystem')
"""
# After every batch.
_LOOK_AROUND = """
SELECT (SELECT string_agg(table_name || temporary, ',') FROM duckdb_tables()),
       (SELECT string_agg(database_name, ',') FROM duckdb_databases()),
       (SELECT string_agg(name || value, ',') FROM duckdb_variables()),
       (SELECT string_agg(name, ',') FROM duckdb_prepared_statements()),
       current_database() || current_schema(),
       (SELECT count(*) FROM duckdb_views() WHERE NOT internal),
       (SELECT count(*) FROM duckdb_functions() WHERE NOT internal),
       (SELECT string_agg(type_name, ',') FROM duckdb_types() WHERE NOT internal),
       (SELECT count(*) FROM duckdb_schemas()),
       (SELECT count(*) FROM duckdb_indexes()),
       (SELECT hash(string_agg(name || coalesce(value, ''), ',')) FROM duckdb_settings())
"""
_TRACES = ("rows of t", "rows of u", "rows of app.t", "the sequence", "files")
_WIDER_TRACES = (
    *("tables", "databases", "variables", "prepared statements", "the place to look for names"),
    *("views", "macros", "types", "schemas", "indexes", "settings"),
)
_FORBIDDEN = ("file system operations are disabled", "Permission Error", "No files found")
_KINDS = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})
# Volatile by the catalogue, and nothing that stays.
_HARMLESS = frozenset(
    (
        *("current_connection_id", "current_query", "current_query_id", "currval", "error"),
        *("current_transaction_id", "gen_random_uuid", "random", "stats", "uuid", "uuidv4"),
        *("uuidv7", "vector_type"),
    )
)
# Table functions that look at nothing but what they are given, or at the catalogue.
_TABLES = frozenset(
    (
        *("generate_series", "icu_calendar_names", "json_each", "json_tree", "pg_timezone_names"),
        *("range", "repeat", "repeat_row", "summary", "test_all_types", "unnest"),
    )
)


class Witness:
    """One database in memory with a world to lose, made again when a statement was no read."""

    def __init__(self) -> None:
        """Make the world in the working folder."""
        self._acting = _acting()
        self._bare = duckdb.connect(":memory:", config=dict(_CONFIG))
        self._connection = duckdb.connect(":memory:")
        self._renew()

    def tell(self, batch: list[tuple[str, int]]) -> list[tuple[str, bool]]:
        """Return for each statement why it is no read, or "", and whether it ran."""
        answers = [self._tell(text, values) for text, values in batch]
        wider = _differences(_WIDER_TRACES, self._around, self._look_around())
        if not wider:
            return answers
        self._renew()
        if len(batch) > 1:
            return [self.tell([one])[0] for one in batch]
        return [(answers[0][0] or wider, answers[0][1])]

    def _tell(self, text: str, values: int) -> tuple[str, bool]:
        why = self._kind(text) or self._names(text)
        said, ran = self._execute(text, values)
        why = why or said or self._changed()
        if why:
            self._renew()
        return why, ran

    def _kind(self, text: str) -> str:
        """Convict by what DuckDB's parser sees, before anything runs."""
        try:
            kinds = [statement.type for statement in self._connection.extract_statements(text)]
        except (duckdb.Error, UnicodeDecodeError):  # refused, at times in words that are no text
            return ""
        except ValueError:  # the client has no name for it
            return "it is something unnamed"
        if len(kinds) == 1 and kinds[0] in _KINDS:
            return ""
        return f"it is {', '.join(kind.name for kind in kinds) or 'nothing'}"

    def _names(self, text: str) -> str:
        """Convict by the functions in DuckDB's tree that act and leave nothing to see."""
        with suppress(duckdb.Error, TypeError):
            row = self._bare.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
            found = sorted(set(_functions(json.loads(row[0]) if row else {})) & self._acting)
            return f"it calls {', '.join(found)}" if found else ""
        return ""

    def _execute(self, text: str, values: int) -> tuple[str, bool]:
        timer = threading.Timer(_SECONDS, self._connection.interrupt)
        timer.start()
        try:
            self._connection.execute(text, ["1"] * values).fetchmany(_ROWS)
        except duckdb.FatalException as error:
            return f"the engine broke: {error}"[:200], False
        except duckdb.Error as error:
            wanted = any(words in str(error) for words in _FORBIDDEN)
            return ("it wanted a file that is forbidden" if wanted else ""), False
        except (UnicodeEncodeError, RuntimeError, ValueError, OverflowError):
            return "", False
        finally:
            timer.cancel()
        return "", True

    def _changed(self) -> str:
        """Convict by what is different; an open transaction is one, and is ended."""
        try:
            self._connection.execute("BEGIN")
            self._connection.execute("ROLLBACK")
        except duckdb.Error:
            return "it left a transaction open"
        return _differences(_TRACES, self._before, self._look())

    def _look(self) -> tuple[Any, ...]:
        return self._connection.execute("EXECUTE look").fetchone() or ()

    def _look_around(self) -> tuple[Any, ...]:
        return self._connection.execute(_LOOK_AROUND).fetchone() or ()

    def _renew(self) -> None:
        self._connection.close()
        for path in Path.cwd().iterdir():
            if path.is_file():
                path.unlink()
        self._connection = duckdb.connect(":memory:", config=dict(_CONFIG))
        self._connection.execute(_WORLD.read_text("utf-8"))
        folder = str(Path.cwd()).replace("'", "''")
        self._connection.execute(f"SET allowed_directories = ['{folder}/']")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("CALL enable_logging('FileSystem')")
        self._connection.execute(_LOOK)
        self._before, self._around = self._look(), self._look_around()


def _differences(names: tuple[str, ...], before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    found = [name for name, old, new in zip(names, before, after, strict=True) if old != new]
    return f"it changed {', '.join(found)}" if found else ""


_ACTING = """
SELECT function_name, bool_or(has_side_effects), bool_or(function_type LIKE '%table%'),
       bool_or(function_type IN ('scalar', 'aggregate', 'macro', 'window'))
  FROM duckdb_functions() GROUP BY function_name
"""


def _acting() -> frozenset[str]:
    """Return the functions that act: volatile, or a table that is no look at the catalogue."""
    with duckdb.connect() as connection:
        rows = connection.execute(_ACTING).fetchall()
    acting = {
        name
        for name, volatile, table, value in rows
        if name not in _HARMLESS | _TABLES
        and (volatile or (table and not value and not name.startswith("duckdb_")))
    }
    leaks = {"duckdb_secrets", "duckdb_logs", "duckdb_logs_parsed", "duckdb_extensions"}
    return frozenset(acting | leaks | {"pg_sleep", "json_serialize_plan"})


def _functions(tree: Any) -> list[str]:
    """Return the names of all functions in DuckDB's tree."""
    found: list[str] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found += [str(node[key]).lower() for key in ("function_name",) if key in node]
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return found


def main(arguments: list[str]) -> None:
    """Answer line by line until the input ends."""
    os.chdir(arguments[0])
    witness = Witness()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(witness.tell(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
