"""The statement that takes a change back, from what its rows were before.

It is offered as text and runs only as any other change does: asked for, proven and approved. It is
left out where it could do something else than take back: a key that changed, rows that are not all
there, values that are masked.
"""

import base64
import json
import re
from typing import Any

from sqlglot import exp

from interlock_gateway.core.model import Before, Column, Dialect, Statement, Stored
from interlock_gateway.core.statement import glot

_LONGEST = 8 * 1024  # characters of a statement that is parsed once more
_QUOTES = {Dialect.POSTGRES: '"', Dialect.SQLITE: '"', Dialect.DUCKDB: '"'}
_NUMBERS = frozenset({"integer", "number", "numeric"})
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")  # not NaN, not Infinity


def undo_of(statement: Statement, before: Before) -> str:
    """Return the statements that bring the rows back as they were, one for each row, or "".

    Args:
        statement: an UPDATE or DELETE of one table.
        before: its rows, read in its transaction.
    """
    rows = before.rows
    if rows.truncated or not rows.rows or any(column.masked for column in rows.columns):
        return ""
    if len(statement.text) > _LONGEST:
        return ""
    parsed = glot.tree_of(statement.dialect, statement.text)
    tree = parsed[0] if parsed else None
    writer = _Writer(statement.dialect, before)
    match tree:
        case exp.Update():
            lines = writer.updates(tree)
        case exp.Delete():
            lines = writer.inserts(tree)
        case _:
            lines = None
    return "" if lines is None else "\n".join(lines)


def changed_table(statement: Statement) -> tuple[str, ...]:
    """Return the table that an UPDATE or DELETE names, as written, its schema first; or ()."""
    if len(statement.text) > _LONGEST:
        return ()
    parsed = glot.tree_of(statement.dialect, statement.text)
    tree = parsed[0] if parsed else None
    table = tree.this if isinstance(tree, exp.Update | exp.Delete) else None
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return ()
    named = [table.args.get("catalog"), table.args.get("db"), table.this]
    return tuple(str(part.name) for part in named if part)


class _Writer:
    """Writes rows as statements of one dialect; None where one would not be certain."""

    def __init__(self, dialect: Dialect, before: Before) -> None:
        self._dialect = dialect
        self._rows = before.rows
        self._stored = {one.name: one for one in before.stored}
        self._names = [column.name for column in before.rows.columns]
        self._literals = before.literals or tuple(
            tuple(map(self._literal, before.rows.columns, row)) for row in before.rows.rows
        )

    def updates(self, tree: exp.Update) -> list[str] | None:
        """Return an UPDATE for each row, of the columns that were set, found by its key."""
        table, names = self._table(tree.this), self._set(tree)
        key = [name for name in self._names if self._known(name).key]
        certain = table and key and names and not set(names) & set(key)
        if not certain or self._names.count(key[0]) != 1:
            return None
        found = []
        for row in self._literals:
            cells = dict(zip(self._names, row, strict=True))
            used = [cells[name] for name in (*names, *key)]
            if None in used or "NULL" in [cells[name] for name in key]:  # which equals nothing
                return None
            new = ", ".join(f"{self._quoted(name)} = {cells[name]}" for name in names)
            where = " AND ".join(
                f"{self._quoted(name)} = {cells[name]}{self._exactly(cells[name])}" for name in key
            )
            found.append(f"UPDATE {table} SET {new} WHERE {where};")  # noqa: S608  for a person
        return found

    def inserts(self, tree: exp.Delete) -> list[str] | None:
        """Return an INSERT for each row, of every column that can be written."""
        table = self._table(tree.this)
        if not table or any(self._known(name).always for name in self._names):
            return None
        kept = [place for place, name in enumerate(self._names) if not self._known(name).generated]
        names = ", ".join(self._quoted(self._names[place]) for place in kept)
        found = []
        for row in self._literals:
            cells = [row[place] for place in kept]
            if None in cells:
                return None
            values = ", ".join(cell for cell in cells if cell is not None)
            found.append(f"INSERT INTO {table} ({names}) VALUES ({values});")  # noqa: S608  likewise
        return found

    def _exactly(self, literal: str | None) -> str:
        """Return what keeps SQLite from finding another text that its column holds for equal."""
        is_text = (literal or "").startswith(("'", "CAST("))
        return " COLLATE BINARY" if is_text and self._dialect is Dialect.SQLITE else ""

    def _known(self, name: str) -> Stored:
        """Return what is known of a column; one that is not known cannot be written."""
        return self._stored.get(name, Stored(name, always=True))

    def _table(self, node: Any) -> str:
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            return ""
        parts = [part for part in (node.args.get("db"), node.this) if part]
        return ".".join(self._quoted(self._folded(part)) for part in parts)

    def _set(self, tree: exp.Update) -> list[str]:
        """Return the columns that are set; of anything else than plain columns, none."""
        names = []
        for one in tree.expressions:
            target = one.this if isinstance(one, exp.EQ) else None
            if not isinstance(target, exp.Column) or not isinstance(target.this, exp.Identifier):
                return []
            names.append(self._column(self._folded(target.this)))
        return names if set(names) <= set(self._names) else []

    def _column(self, name: str) -> str:
        """Return the column as the table calls it; some engines compare without case."""
        same = [one for one in self._names if one.casefold() == name.casefold()]
        return same[0] if len(same) == 1 else name

    def _folded(self, name: exp.Identifier) -> str:
        folds = self._dialect is Dialect.POSTGRES and not name.args.get("quoted")
        return str(name.name).lower() if folds else str(name.name)

    def _quoted(self, name: str) -> str:
        quote = _QUOTES.get(self._dialect, "`")
        return f"{quote}{name.replace(quote, quote * 2)}{quote}"

    def _literal(self, column: Column, cell: Any) -> str | None:
        """Return a cell as SQL, or None where its type does not say how."""
        if cell is None:
            return "NULL"
        if isinstance(cell, bool):
            return str(cell).upper()
        if column.type in _NUMBERS and _NUMBER.fullmatch(str(cell)):
            return str(cell)
        return self._text(column, cell)

    def _text(self, column: Column, cell: Any) -> str | None:
        if column.type == "bytes":
            return self._bytes(base64.b64decode(cell))
        if column.type == "json":
            # An array of PostgreSQL comes as JSON as well, and is written in another way.
            known = isinstance(cell, dict)
            return self._string(json.dumps(cell, ensure_ascii=False)) if known else None
        if column.type == "interval":
            return None  # microseconds in all, while a day of it is no 24 hours
        return self._string(str(cell))

    def _string(self, text: str) -> str | None:
        if "\\" in text and self._dialect in (Dialect.MARIADB, Dialect.MYSQL):
            return None  # what a backslash means depends on the session's sql_mode
        return "'" + text.replace("'", "''") + "'"

    def _bytes(self, data: bytes) -> str:
        return f"'\\x{data.hex()}'" if self._dialect is Dialect.POSTGRES else f"x'{data.hex()}'"
