"""What of a SQLite file may be read, as SQLite itself sees what a statement reads.

`reads` in targets.toml is decided by the guard, from the names in a statement. This is the second
lock behind it: SQLite tells its authorizer of the tables that it opens, also behind views.

It does not tell of all of them: the columns of `JOIN secret USING (password)` are read without a
word (3.40.1). So the pages that its program opens are looked at as well. And it does not tell
reliably *why* it opens one: behind `WITH v AS (SELECT * FROM secret)` it says that `v` reads it,
as if that were the view of that name. So two questions are asked. In the file, nothing may be
opened but what may be named and what is behind views that may be. Then the statement is prepared
once more beside the file, where each view is a table of its columns: there SQLite opens exactly
what the statement names.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from interlock_gateway.adapters.targets import sqlite_lock
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.adapters.targets.sqlite_facts import SCHEMA, SCHEMA_TABLES
from interlock_gateway.adapters.targets.sqlite_parser import Program, program
from interlock_gateway.core.model import Dialect, Reads, Statement
from interlock_gateway.service.targets import TargetError

_OBJECTS = "SELECT type, name, tbl_name, rootpage FROM main.sqlite_schema"
_KINDS = "SELECT name, type FROM pragma_table_list WHERE schema = 'main'"
_ROOTS = "SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0"
_COLUMNS = "SELECT name FROM pragma_table_xinfo(?, 'main')"


@dataclass(slots=True)
class Fence:
    """Which relations of one file may be named in a statement, and which may be opened for it.

    Attributes:
        target: the name of the target.
        named: relations that a statement may name, in lower case.
        behind: those, and what the views among them open.
        indexes: indexes of those in `named`.
        there: every relation of the file.
        always: tables that are in every file without being there, and only tell.
        roots: page to the relation that is kept there, or whose index is.
        copy: the relations that the statement may name, as tables without rows.
        refused: the first relation that was not let through, or "".
    """

    target: str
    named: frozenset[str]
    behind: frozenset[str]
    indexes: frozenset[str]
    there: frozenset[str]
    always: frozenset[str]
    roots: Mapping[int, str]
    copy: tuple[str, ...]
    refused: str = field(default="", init=False)

    def reading(
        self, action: int, first: str | None, second: str | None, *more: str | None
    ) -> int:
        """Allow what `sqlite_lock.reading` allows of what is behind the fence's gates."""
        allowed = sqlite_lock.reading(action, first, second, *more)
        if allowed != sqlite_lock.ALLOW:
            return allowed
        if action == sqlite3.SQLITE_READ and not self._may(first, second, self.behind):
            return self._refuse(first)
        if action == sqlite3.SQLITE_PRAGMA and not self._may_tell(first, second):
            return self._refuse(second or f"PRAGMA {first}")
        return allowed

    def check(self, statement: Statement, planned: Program) -> None:
        """Refuse what names anything but what may be named.

        Args:
            statement: as it will be sent.
            planned: what SQLite would run for it in the file.

        Raises:
            TargetError: it names something else, or nobody can tell what it names.
        """
        opened = (self.roots.get(root, "what it opens") for root in planned.roots)
        self._note(name for name in opened if name not in self.behind)
        if not self.refused and planned.doubt is None:
            self._note(self._named_beside(statement))
        if self.refused:
            raise self.refusal()

    def refusal(self) -> TargetError:
        """Return what was refused, and by which setting."""
        return TargetError(
            "target-failed",
            f"{SCHEMA}.{self.refused} may not be read through Interlock: {self.target}.reads in "
            "targets.toml does not list it.",
        )

    def _named_beside(self, statement: Statement) -> Iterator[str]:
        """Yield what a statement names, and may not, where every view is a table of its own."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as beside:
            for text in self.copy:
                beside.execute(text)
            roots = dict(beside.execute(_ROOTS).fetchall())
            sqlite_lock.lock(beside, self._naming, read_only=True)
            planned = program(beside, statement, self._naming)
        if planned.doubt:
            yield self.refused or "something that it names"
        opened = (roots[root].lower() for root in planned.roots if root in roots)
        yield from (name for name in opened if name not in self.named)

    def _naming(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and not self._may(first, second, self.named):
            return self._refuse(first)
        return sqlite_lock.ALLOW

    def _note(self, refused: Iterator[str]) -> None:
        self.refused = self.refused or next(refused, "")

    def _may(self, table: str | None, column: str | None, allowed: frozenset[str]) -> bool:
        name = (table or "").lower()
        if name in SCHEMA_TABLES:  # its row number is read whenever a table such as json_each is
            return column == "ROWID" or not allowed.isdisjoint(SCHEMA_TABLES)
        return name in allowed or (name in self.always and name not in self.there)

    def _may_tell(self, pragma: str | None, argument: str | None) -> bool:
        if sqlite_lock.is_bare(pragma):
            return True
        return (argument or "").lower() in self.named | self.indexes

    def _refuse(self, name: str | None) -> int:
        self.refused = self.refused or (name or "")
        return sqlite3.SQLITE_DENY


def fence(connection: sqlite3.Connection, task: Task) -> Fence | None:
    """Return the fence that `reads` puts around the file; None where it limits nothing.

    Args:
        connection: to the target's file, locked for reading.
        task: `reads` says what may be named, as `main.table` in lower case; what does not stand
            in the text is not named, and not copied.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    reads, text = task.reads, task.statement.text
    if not reads.schemas and not reads.tables:
        return None
    kinds = dict(connection.execute(_KINDS).fetchall())
    objects = [
        _Object(str(kind), str(name), str(table), kinds.get(name, ""), root)
        for kind, name, table, root in connection.execute(_OBJECTS)
    ]
    relations = [one for one in objects if one.type in ("table", "view")]
    wanted = {one.name.lower() for one in relations if _wanted(reads, one.name)}
    schema = {name for name in SCHEMA_TABLES if _wanted(reads, name)}
    named = frozenset({*wanted, *schema, *_shadows(relations, wanted)})
    views = [one.name for one in relations if one.type == "view" and one.name.lower() in wanted]
    roots = {1: SCHEMA_TABLES[0]} | {one.root: one.table.lower() for one in objects if one.root}
    opened = {name for view in views for name in _opened(connection, view, roots)}
    return Fence(
        target=task.name,
        named=named,
        behind=named | opened,
        indexes=frozenset(
            one.name.lower()
            for one in objects
            if one.type == "index" and one.table.lower() in wanted
        ),
        there=frozenset(one.name.lower() for one in relations),
        always=task.always,
        roots=roots,
        copy=tuple(_copied(connection, [one for one in relations if _in(text, one.name)])),
    )


@contextmanager
def explained(fence: Fence | None) -> Iterator[None]:
    """Say which relation may not be read, where SQLite is kept from opening it as it runs."""
    try:
        yield
    except sqlite3.Error as error:
        if fence and fence.refused:
            raise fence.refusal() from error
        raise


@dataclass(frozen=True, slots=True)
class _Object:
    type: str
    name: str
    table: str
    kind: str
    root: int


def _in(text: str, name: str) -> bool:
    """Tell whether a name may stand in a text; one with a quote in it is written otherwise."""
    return name.lower() in text.lower() or any(quote in name for quote in "\"'`]")


def _wanted(reads: Reads, name: str) -> bool:
    return not reads.forbids(f"{SCHEMA}.{name.lower()}")


def _shadows(relations: list[_Object], wanted: set[str]) -> Iterator[str]:
    """Yield the tables in which the virtual tables of `wanted` keep their rows."""
    owners = [one.name.lower() for one in relations if one.kind == "virtual"]
    for name in (one.name.lower() for one in relations if one.kind == "shadow"):
        owner = max((own for own in owners if name.startswith(f"{own}_")), key=len, default="")
        if owner in wanted:
            yield name


def _opened(connection: sqlite3.Connection, view: str, roots: Mapping[int, str]) -> set[str]:
    """Return what SQLite opens for a view, and for the views in it; nothing if it cannot."""
    found: set[str] = set()

    def note(action: int, first: str | None, second: str | None, *more: str | None) -> int:
        if action == sqlite3.SQLITE_READ:
            found.add((first or "").lower())
        return sqlite_lock.reading(action, first, second, *more)

    text = f"SELECT * FROM main.{_quoted(view)}"  # noqa: S608  quoted
    planned = program(connection, Statement(Dialect.SQLITE, text, (), text), note)
    if planned.doubt:
        return set()
    return found | {roots[root] for root in planned.roots if root in roots}


def _copied(connection: sqlite3.Connection, relations: list[_Object]) -> Iterator[str]:
    """Yield statements that make a table of each relation that has columns and a usual name."""
    for one in relations:
        columns: list[str] = []
        with suppress(sqlite3.OperationalError):  # a view that makes no sense has no columns
            columns = [str(row[0]) for row in connection.execute(_COLUMNS, (one.name,))]
        if columns and not one.name.lower().startswith("sqlite_"):
            yield f"CREATE TABLE {_quoted(one.name)} ({', '.join(map(_quoted, columns))})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
