"""DuckDB's own opinion of a statement: its parser's tree, looked at and never run.

The second parser for DuckDB. It needs no target: a bare database in memory, locked, says how many
statements the text holds, of which type, and gives the tree of a query. Every node, function and
table in it must be one that is listed, or a macro of the target's file that is made of such. No
macro can interfere, for no file is open here. Source: https://duckdb.org/docs/stable/data/json/sql_to_and_from_json,
https://duckdb.org/docs/stable/clients/python/overview (`extract_statements`).
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import duckdb

from interlock_gateway.core.model import Dialect, Effect, Reason, Statement
from interlock_gateway.core.statement import files, grammar, verdicts
from interlock_gateway.core.statement.opinion import NotUnderstoodError
from interlock_gateway.core.statement.rules import rules, word_set

WHAT = "DuckDB's own parser"

_LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
    "python_enable_replacements": "false",
    "threads": "1",
}
_TREE = "SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)"
_Node = Mapping[str, Any]


class Macros(Protocol):
    """Tells what a target's own macros are made of."""

    def queries(self, name: str) -> Sequence[str] | None:
        """Return them for macros called `name`; nothing for reviewed ones, None for no macro."""
        ...


class DuckdbParser:
    """Asks DuckDB's parser, in a database of its own."""

    def __init__(self) -> None:
        """Open a database in memory that can reach nothing."""
        self._connection = duckdb.connect(":memory:", config=dict(_LOCKED))
        self._turn = threading.Lock()

    def doubt(self, statement: Statement, macros: Macros | None = None) -> Reason | None:
        """Return why DuckDB does not see one read in `statement`, or None when it does.

        Args:
            statement: classified as a read by `core.statement`.
            macros: those of the target's file; without them every macro is in doubt.
        """
        with self._turn, self._connection.cursor() as cursor:
            try:
                return _Look(cursor, macros).doubt(statement.text)
            except (duckdb.Error, NotUnderstoodError, ValueError, RecursionError) as error:
                return _reason(f"DuckDB does not understand it: {_first_line(error)}.")

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


@dataclass(slots=True)
class _Look:
    """One look at a statement, and at the macros it calls; each is looked at once."""

    cursor: duckdb.DuckDBPyConnection
    macros: Macros | None
    seen: set[str] = field(default_factory=set)

    def doubt(self, text: str) -> Reason | None:
        kinds = [one.type for one in self.cursor.extract_statements(text)]
        if kinds == [duckdb.StatementType.EXPLAIN]:
            shape = grammar.read(Dialect.DUCKDB, text)
            if not isinstance(shape, grammar.Explained):
                return _reason("DuckDB sees EXPLAIN, and we do not.")
            return self._of_query(text[shape.start :])
        if kinds == [duckdb.StatementType.SELECT]:
            return self._of_query(text)
        found = ", ".join(kind.name for kind in kinds) or "nothing"
        return _reason(f"DuckDB sees {found}, which is not one query.")

    def _of_query(self, text: str) -> Reason | None:
        row = self.cursor.execute(_TREE, [text]).fetchone()
        tree: dict[str, Any] = json.loads(row[0]) if row else {}
        found = tree.get("statements", [])
        if len(found) != 1:
            return _reason(f"DuckDB reads no query in it: {tree.get('error_message', 'not one')}.")
        return next(self._of_tree(found[0]), None)

    def _of_tree(self, tree: _Node) -> Iterator[Reason]:
        """Yield what in the tree is not known to only read; a stack spares the depth."""
        stack: list[Any] = [tree]
        while stack:
            node = stack.pop()
            if isinstance(node, list):
                stack.extend(node)
            elif isinstance(node, dict):
                yield from self._of_node(node)
                stack.extend(value for value in node.values() if isinstance(value, dict | list))

    def _of_node(self, node: _Node) -> Iterator[Reason]:
        listed = rules(Dialect.DUCKDB).syntax["tree"]
        kind, part = node.get("class"), node.get("type")
        if kind is not None and kind not in word_set(listed["expressions"]):
            yield _reason(f"{kind} is not a part of a query that is known to only read.")
        if kind is None and isinstance(part, str) and part not in word_set(listed["parts"]):
            yield _reason(f"{part} is not a part of a query that is known to only read.")
        if isinstance(node.get("function_name"), str):
            yield from self._of_function(_path(node) or [node["function_name"]])
        if part == "TABLE_FUNCTION":
            yield from _doubts_of_macro(_path(node["function"]))
        if part in ("BASE_TABLE", "SHOW_REF"):
            yield from _doubts_of_table(_path(node))

    def _of_function(self, path: list[str]) -> Iterator[Reason]:
        lists = rules(Dialect.DUCKDB)
        name = path[-1].lower()
        listed = None if name in lists.operators else verdicts.of_function(lists, [name])
        if listed is not None:
            yield from self._behind(name, listed)
        schema = files.of_schema(lists, path[:-1], path[-1])
        if schema is not None:
            yield _reason(schema.detail)

    def _behind(self, name: str, listed: Reason) -> Iterator[Reason]:
        """Yield what a macro does; what is none stays what it is listed as."""
        queries = self.macros.queries(name) if self.macros else None
        if queries is None or name in rules(Dialect.DUCKDB).acting:
            yield _reason(listed.detail)
        elif name not in self.seen:
            self.seen.add(name)
            for text in queries:
                reason = self._of_query(text)
                if reason is not None:
                    yield _reason(f"Behind the macro {name}: {reason.detail}")


def _doubts_of_macro(path: list[str]) -> Iterator[Reason]:
    opens = files.of_macro(word_set(rules(Dialect.DUCKDB).syntax["tables"]["macros"]), path[-1:])
    if opens is not None:
        yield _reason(opens.detail)


def _doubts_of_table(path: list[str]) -> Iterator[Reason]:
    lists = rules(Dialect.DUCKDB)
    opens = files.of_table(lists, path)
    if opens is not None:
        yield _reason(opens.detail)
    if path and path[-1].lower() in word_set(lists.syntax["tables"]["refused"]):
        yield _reason(f"{path[-1]} is not a table of data.")


def _path(node: _Node) -> list[str]:
    """Return the dotted name in a node, catalogue and schema first."""
    return [str(part) for part in node.get("qualified_name", {}).get("path", [])]


def _reason(detail: str) -> Reason:
    return Reason(Effect.UNKNOWN, WHAT, detail)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
