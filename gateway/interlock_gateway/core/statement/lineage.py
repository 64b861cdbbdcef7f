"""Where masked values flow in a statement: under which names, and to which result columns.

Names are followed, not scopes: a name that is a masked value's anywhere in the statement is one
everywhere, unless it is qualified by a table that is known not to have it masked. That masks a
little more than it must, and there is no scope to get wrong.
"""

from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from interlock_gateway.core.statement.tags import Lookup, Output, Source

QUERIES = (exp.Select, exp.SetOperation, exp.Subquery)
CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
CHOOSING = (exp.Columns, exp.PositionalColumn, exp.Pivot)
"""They choose columns without naming them."""

ROWS = (*QUERIES, *CHANGES, exp.Table, exp.Values)
"""What a subquery or a CTE may hold whose columns can be followed."""

_DERIVED = (exp.Subquery, exp.CTE, exp.Lateral, exp.Values, exp.Unnest)
_NAMING = (exp.Column, exp.Alias, exp.Aliases, exp.TableAlias, exp.Table, exp.CTE, exp.Join)


class Flow:
    """The flow of masked values through one statement.

    Attributes:
        tree: the statement, as sqlglot reads it.
        rest: the tag for whatever cannot be told apart; "" where nothing masked is named.
        names: names in lower case under which masked values go, and their tags.
    """

    def __init__(self, tree: exp.Expr, lookup: Lookup) -> None:
        """Follow every name in `tree`."""
        self.tree = tree
        self.rest = ""
        self.names: dict[str, str] = {}
        self._opaque = False  # whether a masked value goes under a name that nobody knows
        self._sources: dict[str, list[Source | None]] = {}  # by alias; None for a derived one
        self._whole: dict[str, str] = {}  # aliases whose row holds masked values
        nodes = list(tree.walk())
        self._selects = [node for node in nodes if isinstance(node, exp.Select)]
        self._returnings = [node for node in nodes if isinstance(node, exp.Returning)]
        self._unions = [node for node in nodes if isinstance(node, exp.SetOperation)]
        self._derived = [node for node in nodes if isinstance(node, _DERIVED)]
        self._tables = [node for node in nodes if isinstance(node, exp.Table)]
        self._given = {
            node.alias.casefold() for node in nodes if isinstance(node, exp.Alias | exp.CTE)
        }
        ctes = {node.alias.casefold() for node in nodes if isinstance(node, exp.CTE)}
        for table in self._tables:
            self._add(table, lookup, derived=_is_derived(table, ctes))
        listed = (node.args.get("field") for node in nodes if isinstance(node, exp.In))
        self._lists = {id(one): self._of_list(one, lookup) for one in listed if one is not None}
        for derived in self._derived:
            self._sources.setdefault(derived.alias.casefold(), []).append(None)
        while self.rest and self._spread():
            pass

    def outputs(self) -> list[Output] | None:
        """Return the columns of the result, or None when they cannot be told by position."""
        return self.outputs_of(self.tree)

    def identifiers(self) -> Iterator[str]:
        """Yield every name in the tree, in lower case."""
        return (name.name.casefold() for name in self.tree.find_all(exp.Identifier))

    def outputs_of(self, query: exp.Expr) -> list[Output] | None:
        """Return the columns of a query or a change in the statement, or None."""
        match query:
            case exp.Insert() | exp.Update() | exp.Delete() | exp.Merge():
                returning = query.args.get("returning")
                return self._items(returning.expressions, None) if returning else []
            case exp.Subquery():
                return self.outputs_of(query.this)
            case exp.SetOperation():
                left, right = self.outputs_of(query.this), self.outputs_of(query.expression)
                return None if query.args.get("by_name") else _either(left, right)
            case exp.Select():
                return self._items(query.expressions, query)
            case _:
                return None

    def taint(self, node: exp.Expr) -> str:
        """Return the tag of a masked value that the value of `node` is made of, or ""."""
        stack = [node]
        while stack:
            one = stack.pop()
            tag = self._own_taint(one)
            if tag:
                return tag
            stack += _value_of(one)
        return ""

    def of_column(self, column: exp.Column) -> str:
        """Return the tag of a column, a whole row or `name.*`, or ""."""
        name, alias = column.name.casefold(), column.table.casefold()
        starred = isinstance(column.this, exp.Star)
        if not alias:
            return self._whole.get(name, "") or self.named(name)
        sources = self._sources.get(alias, [None])
        if None in sources:
            return self._row(alias) if starred else self.named(name)
        tags = [one.tags.first if starred else one.tags.of(name) for one in sources if one]
        return next(filter(None, tags), "")

    def is_pure(self, node: exp.Expr) -> bool:
        """Tell whether a node is a column of masked values alone, none of them anybody's guess.

        Under a name that is only known to be tagged, other values may go as well.
        """
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return False
        sources: list[Source | None]
        if node.table:
            sources = self._sources.get(node.table.casefold(), [None])
        elif node.name.casefold() in self._given:
            return False  # some engines look for the new names of columns first, in some places
        else:
            select = node.find_ancestor(exp.Select)
            read = map(self._single, _from(select)) if select else ()
            sources = [one for one in read if one is None or one.has(node.name)]
        return bool(sources) and all(
            one is not None and one.keeps and one.tags.of(node.name) for one in sources
        )

    def of_list(self, node: exp.In) -> str:
        """Return the tag of the table that IN compares with, or ""."""
        field = node.args.get("field")
        if field is None:
            return ""
        return self._lists[id(field)] or self._whole.get(_listed(field)[-1].casefold(), "")

    def of_star(self, star: exp.Star) -> str:
        """Return a tag that a column of `*` can have: one of any source of its query."""
        select = star.find_ancestor(exp.Select)
        if select is None:
            return self.rest
        rows = (self._row(source.alias_or_name.casefold()) for source in _from(select))
        return next(filter(None, rows), "")

    def named(self, name: str) -> str:
        """Return the tag of whatever goes under `name`, in lower case, or ""."""
        return self.names.get(name, "") or (self.rest if self._opaque else "")

    def _own_taint(self, node: exp.Expr) -> str:
        match node:
            case exp.Column():
                return self.of_column(node)
            case exp.Star():
                return self.of_star(node)
            case exp.Table():
                return self._row(node.alias_or_name.casefold())
            case exp.Identifier() if is_loose(node):
                return self.named(node.name.casefold())
            case _:
                return ""

    def _row(self, alias: str) -> str:
        unknown = self._opaque or alias not in self._sources
        return self._whole.get(alias, "") or (self.rest if unknown else "")

    def _add(self, table: exp.Table, lookup: Lookup, *, derived: bool) -> None:
        """Learn what a name in FROM stands for.

        A common table expression may bear the name of the table that it reads: then both count.
        """
        source = lookup(_written(table)) if isinstance(table.this, exp.Identifier) else Source()
        renamed, tag = _columns(table), source.tags.first
        alias = table.alias_or_name.casefold()
        self._sources.setdefault(alias, []).append(None if renamed or derived else source)
        if not tag:
            return
        self.rest = self.rest or tag
        self._whole.setdefault(alias, tag)
        self.names.update(source.tags.columns)
        self._learn(renamed, tag)
        if source.tags.every:
            self._opaque |= not source.columns
            self._learn(source.columns, source.tags.every)

    def _of_list(self, field: exp.Expr, lookup: Lookup) -> str:
        """Return the tag of the table in `x IN orders`, as SQLite has it; it is read whole."""
        tag = lookup(_listed(field)).tags.first
        self.rest = self.rest or tag
        return tag

    def _learn(self, names: Iterable[str], tag: str) -> None:
        for name in names:
            self.names.setdefault(name.casefold(), tag)

    def _spread(self) -> bool:
        """Give tags to the names that tagged values go under; tell whether any was new."""
        before = len(self.names), len(self._whole), self._opaque
        for select in self._selects:
            if select is not self.tree:
                self._opaque |= self._is_renamed(select)
            for item in select.expressions:
                self._spread_item(item, top=select is self.tree)
        for returning in self._returnings:
            for item in returning.expressions:
                self._spread_item(item, top=returning.parent is self.tree)
        for union in self._unions:
            self._spread_union(union)
        for derived in self._derived:
            self._spread_derived(derived)
        for table in self._tables:
            self._spread_table(table)
        return (len(self.names), len(self._whole), self._opaque) != before

    def _spread_item(self, item: exp.Expr, *, top: bool) -> None:
        tag = "" if isinstance(item, exp.Column | exp.Star) else self.taint(item)
        if tag and isinstance(item, exp.Alias):
            self._learn([item.alias], tag)
        elif tag and not top:
            self._opaque = True  # the engine makes its name up

    def _is_renamed(self, select: exp.Select) -> bool:
        """Tell whether engines make up names for masked columns, as SQLite's `email:1`."""
        names = [_named_as(item).casefold() for item in select.expressions if not item.is_star]
        names = [name for name in names if name]
        starred = any(item.is_star for item in select.expressions)
        single = len(select.expressions) == 1 and len(list(_from(select))) == 1
        doubtful = len(set(names)) < len(names) or (starred and not single)
        return doubtful and bool(self.taint(select))

    def _spread_union(self, union: exp.SetOperation) -> None:
        """The columns of a union bear the names of its first query."""
        tag = self.taint(union)
        if not tag:
            return
        first: exp.Expr = union
        while isinstance(first, exp.SetOperation | exp.Subquery):
            first = first.this
        items = first.expressions if isinstance(first, exp.Select) else []
        names = [_named_as(item) for item in items if not item.is_star]
        self._learn(names, tag)
        self._opaque |= len(names) < len(items) or not all(names) or not items

    def _spread_derived(self, node: exp.Expr) -> None:
        tag, columns = self.taint(node), _columns(node)
        if not tag:
            return
        self._whole.setdefault(node.alias.casefold(), tag)
        unnamed = isinstance(node, exp.Values | exp.Unnest) and not columns
        followed = not isinstance(node, exp.Subquery | exp.CTE) or isinstance(node.this, ROWS)
        self._opaque |= unnamed or not followed
        outputs = self.outputs_of(node.this) if isinstance(node.this, exp.Expr) else None
        if outputs is None or len(outputs) != len(columns):
            self._learn(columns, tag)
            return
        for column, (_, own) in zip(columns, outputs, strict=True):
            self._learn([column] if own else (), own)

    def _spread_table(self, table: exp.Table) -> None:
        """A common table expression under another name, or what a function makes of a value."""
        called = not isinstance(table.this, exp.Identifier)
        tag = self.taint(table.this) if called else self._whole.get(table.name.casefold(), "")
        alias = table.alias_or_name.casefold()
        if tag and None in self._sources.get(alias, ()):
            self._whole.setdefault(alias, tag)
            self._learn(_columns(table), tag)
            self._opaque |= called

    def _items(self, items: Sequence[exp.Expr], select: exp.Select | None) -> list[Output] | None:
        found: list[Output] = []
        for item in items:
            if not item.is_star:
                found.append((_named_as(item), self.taint(item)))
                continue
            columns = self._expanded(item, select) if select else None
            if columns is None:
                return None
            found += columns
        return None if any(isinstance(item, CHOOSING) for item in items) else found

    def _expanded(self, item: exp.Expr, select: exp.Select) -> list[Output] | None:
        """Return the columns that `*` or `name.*` stands for, where only known relations do."""
        star = item.this if isinstance(item, exp.Column) else item
        if any(star.args.values()) or not all(map(_is_plain_join, select.args.get("joins") or ())):
            return None
        only = item.table.casefold() if isinstance(item, exp.Column) else ""
        found: list[Output] = []
        for table in _from(select):
            source = self._single(table)
            if source is None:
                return None
            if only in ("", table.alias_or_name.casefold()):
                found += [(column, source.tags.of(column)) for column in source.columns]
        return found

    def _single(self, table: exp.Expr) -> Source | None:
        """Return the relation that stands in FROM, if it is known with its columns."""
        if not isinstance(table, exp.Table) or table.args.get("joins"):
            return None
        sources = self._sources.get(table.alias_or_name.casefold(), [None])
        source = sources[0]
        same = all(one == source for one in sources)
        return source if same and source and source.columns else None


def is_loose(name: exp.Identifier) -> bool:
    """Tell whether a name stands where none is expected, as in `(row).name`."""
    return not isinstance(name.parent, _NAMING)


def _is_derived(table: exp.Table, ctes: set[str]) -> bool:
    alone = not table.db and table.name.casefold() in ctes
    return alone or not isinstance(table.this, exp.Identifier)


def _written(table: exp.Table) -> Sequence[str]:
    return [name for name in (table.catalog, table.db, table.name) if name]


def _named_as(item: exp.Expr) -> str:
    """Return the name of a result's column where the text gives it one; engines make up others."""
    return item.alias_or_name if isinstance(item, exp.Alias | exp.Column) else ""


def _listed(field: exp.Expr) -> Sequence[str]:
    """Return the name of the table behind IN, schema first."""
    return [part.name for part in field.parts] if isinstance(field, exp.Column) else [field.name]


def _columns(node: exp.Expr) -> Sequence[str]:
    """Return the names that an alias gives to columns, as in `AS t(a, b)`."""
    alias = node.args.get("alias")
    return [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []


def _is_plain_join(join: exp.Join) -> bool:
    """Tell whether `*` over a join gives all columns of one side, then all of the other."""
    return not (join.args.get("using") or join.method or join.kind not in ("", "INNER", "CROSS"))


def _from(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield what a query reads from, in order."""
    source = select.args.get("from_")
    if source is not None:
        yield source.this
    for join in select.args.get("joins") or ():
        yield join.this
    yield from select.args.get("laterals") or ()


def _value_of(node: exp.Expr) -> Iterable[exp.Expr]:
    """Return what the value of a node is made of: not what filters, groups or counts."""
    found: Iterable[exp.Expr] = ()
    match node:
        case exp.Select():
            found = node.expressions
        case exp.SetOperation():
            found = (node.this, node.expression)
        case exp.Subquery() | exp.CTE() | exp.Window() | exp.Lateral() | exp.Join():
            found = (node.this,)
        case exp.Table():
            found = node.args.get("joins") or ()
        case exp.Insert() | exp.Update() | exp.Delete() | exp.Merge():
            found = [one for one in (node.args.get("returning"),) if one]
        case _ if not _is_apart(node):
            found = node.iter_expressions()
    return found


def _is_apart(node: exp.Expr) -> bool:
    """Tell whether a node's value says nothing of the values in it."""
    null = isinstance(node, exp.Is) and isinstance(node.expression, exp.Null)
    return null or isinstance(node, exp.Count | exp.Exists | exp.Column | exp.Star | exp.Where)


def _either(left: list[Output] | None, right: list[Output] | None) -> list[Output] | None:
    """Return the columns of both sides together; None when they do not stand side by side."""
    if left is None or right is None or len(left) != len(right):
        return None
    return [(name, tag or other) for (name, tag), (_, other) in zip(left, right, strict=True)]
