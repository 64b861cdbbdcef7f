"""The opinion of sqlglot: an allow-list of node classes, and of functions by name.

Its tree is looked at and thrown away: no text is ever made from it, for regenerated SQL is known
to return other rows. lineage.py and telling.py look at it too; nobody else imports sqlglot.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as GlotDialect
from sqlglot.errors import ParseError, TokenError

from interlock_gateway.core.model import SQL, Dialect, Effect, Reason
from interlock_gateway.core.statement import familiar, files, grammar, verdicts
from interlock_gateway.core.statement.catalogue import Catalogue
from interlock_gateway.core.statement.lexer import Mark, first_token, tokens
from interlock_gateway.core.statement.neutral import neutralised
from interlock_gateway.core.statement.opinion import Opinion, not_understood
from interlock_gateway.core.statement.rules import Rules, rules, word_set

PARSER = "sqlglot"
VERSION = version("sqlglot")

# Falling back to `Command` is an answer to us, not something for anybody's log.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_DIALECTS = {
    dialect: GlotDialect.get_or_raise("mysql" if dialect is Dialect.MARIADB else dialect.value)
    for dialect in SQL
}
_OTHER = "other"
_LEAVES = frozenset({type(None), str, bool, int, exp.Identifier, exp.Literal, exp.Var})
_Look = Callable[["_Walk", Any], None]


def opinion(dialect: Dialect, text: str, catalogue: Catalogue | None = None) -> Opinion:
    """Return what sqlglot, helped by our grammar for EXPLAIN, SHOW and PRAGMA, says.

    Raises:
        NotUnderstoodError: not exactly one statement that it parses.
    """
    shape = grammar.read(dialect, text)
    if isinstance(shape, Opinion):
        return shape
    if shape is None:
        return _judge(dialect, text, catalogue, explaining=False)
    inner = _judge(dialect, text[shape.start :], catalogue, explaining=not shape.runs)
    return replace(inner, kind="explain", bounded=True, inner=inner.kind)


def tree_of(
    dialect: Dialect, text: str, catalogue: Catalogue | None = None
) -> tuple[exp.Expr, int] | None:
    """Return the tree of a query or a change, and where it begins, as behind EXPLAIN.

    Returns:
        None for what only tells of the engine or of definitions, such as SHOW.

    Raises:
        NotUnderstoodError: not exactly one statement that sqlglot parses.
    """
    shape = grammar.read(dialect, text)
    if isinstance(shape, Opinion):
        return None
    start = shape.start if shape else 0
    tree = _unwrapped(_parse(dialect, text[start:], catalogue))
    described = isinstance(tree, exp.Describe) and isinstance(tree.this, exp.Table)
    return None if described else (tree, start)


def _parse(dialect: Dialect, text: str, catalogue: Catalogue | None) -> exp.Expr:
    try:
        trees = _DIALECTS[dialect].parse(_familiar(dialect, text))
    except (ParseError, TokenError) as error:
        trees = _again(dialect, text, catalogue.operators if catalogue else (), error)
    found = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(found) != 1:
        not_understood("statements", f"The text holds {len(found)} statements, not one.")
    if dialect is Dialect.DUCKDB:
        _name_summarized(found[0])
    return found[0]


def _name_summarized(tree: exp.Expr) -> None:
    """Make a table of the string in `SUMMARIZE 'orders'`: it is one to DuckDB, no value.

    Raises:
        NotUnderstoodError: something else stands there, such as `x'61'`.
    """
    for node in tree.find_all(exp.Summarize):
        if isinstance(node.this, exp.Table | exp.Query):
            continue
        if not (isinstance(node.this, exp.Literal) and node.this.is_string):
            not_understood("summarize", "SUMMARIZE takes a table or a query.")
        node.set("this", exp.Table(this=exp.to_identifier(node.this.name, quoted=True)))


def _again(
    dialect: Dialect, text: str, operators: Collection[str], error: ParseError | TokenError
) -> list[exp.Expr | None]:
    """Parse the text once more with what sqlglot is known not to know made neutral."""
    neutral = neutralised(dialect, text, operators)
    try:
        return _DIALECTS[dialect].parse(neutral)
    except (ParseError, TokenError):
        not_understood("sqlglot", f"sqlglot does not understand it: {_words(error)}.")


def _familiar(dialect: Dialect, text: str) -> str:
    """Return `text` with what sqlglot does not know of SQLite in words it does; same length.

    `?1` becomes a bare `?`, and REPLACE INTO becomes INSERT INTO.
    """
    if dialect in (Dialect.MARIADB, Dialect.MYSQL):
        return familiar.familiar(dialect, text)
    if dialect is not Dialect.SQLITE:
        return text
    characters = list(text)
    found = list(tokens(dialect, text))
    if [token.word for token in found[:2]] == ["replace", "into"]:
        characters[found[0].start : found[0].end] = "INSERT "
    for token in found:
        if token.mark is Mark.PLACEHOLDER:
            characters[token.start : token.end] = "?".ljust(len(token.text))
    return "".join(characters)


def _words(error: ParseError | TokenError) -> str:
    found = getattr(error, "errors", None) or [{}]
    return str(found[0].get("description") or "it is not one statement").rstrip(".")


def _judge(
    dialect: Dialect, text: str, catalogue: Catalogue | None, *, explaining: bool
) -> Opinion:
    tree = _unwrapped(_parse(dialect, text, catalogue))
    lists = rules(dialect)
    kind = str(lists.parser["roots"].get(type(tree).__name__, _OTHER))
    if kind == _OTHER or kind in lists.parser.get("effects", {}):
        return _named(lists, kind, _first_word(dialect, text) if kind == _OTHER else kind, tree)
    lead = first_token(dialect, text)
    first = lead.text.lower() if lead else ""
    if kind == "select" and first not in lists.parser["begins"].split():
        not_understood("select", f"A query does not begin with {first.upper()}.", 0)
    walk = _Walk(dialect, catalogue, explaining=explaining)
    walk.everything(tree)
    return Opinion(
        kind,
        tuple(walk.reasons),
        tuple(name for name in walk.tables if name not in walk.ctes),
        tuple(walk.functions),
        bounded=_bounded(tree),
        relations=tuple(walk.relations),
        ctes=frozenset(walk.ctes),
    )


def _unwrapped(tree: exp.Expr) -> exp.Expr:
    """Return what brackets hold that sqlglot does not know to be around a query."""
    while isinstance(tree, exp.Paren):
        tree = tree.this
    return tree


def _first_word(dialect: Dialect, text: str) -> str:
    first = first_token(dialect, text)
    return (first.word if first else "") or _OTHER


def _named(lists: Rules, kind: str, name: str, tree: exp.Expr) -> Opinion:
    """Return the opinion on a root that is no query, and of which only the name is looked at."""
    effects = lists.parser.get("effects")
    if effects is None:
        return Opinion(kind)  # the engine's own parser names it, and it is no query to either
    effect = Effect(effects.get(name, Effect.UNKNOWN))
    detail = f"{name.upper()} is {effect}."
    return Opinion(name, (Reason(effect, f"node {type(tree).__name__}", detail, position=0),))


class _Walk:
    """One pass over a tree; a stack of its own, so that depth costs no recursion."""

    def __init__(self, dialect: Dialect, catalogue: Catalogue | None, *, explaining: bool) -> None:
        lists = rules(dialect)
        self.reasons: list[Reason] = []
        self.tables: dict[str, None] = {}
        self.relations: dict[tuple[str, ...], None] = {}
        self.functions: dict[str, None] = {}
        self.ctes: set[str] = set()
        self._rules = lists
        # What the target's catalogue knows is judged, schema and all, by the engine's own parser
        # where there is one.
        # Macros of DuckDB are judged in the tokens, and followed.
        judged = catalogue is not None and bool(lists.nodes or "schemas" in lists.syntax)
        self._known = catalogue.routines.keys() if catalogue and judged else frozenset[str]()
        self._constructs = word_set(lists.parser.get("constructs", ""))
        self._acting = lists.parser["acting"]
        self._plain = self._listed(dialect)
        self._explaining = explaining

    def everything(self, tree: exp.Expr) -> None:
        """Look at every node below `tree`."""
        stack: list[exp.Expr] = [tree]
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind not in self._plain:
                if kind in _LEAVES:
                    continue
                self._look(kind.__name__, node)
            for value in node.args.values():
                kind = type(value)
                if kind is list:
                    stack += value
                elif kind not in _LEAVES and isinstance(value, exp.Expr):
                    stack.append(value)

    def _look(self, name: str, node: exp.Expr) -> None:
        """Look closely at a node that is more than a listed part."""
        if name in self._acting:
            self._acts(name)
        elif name not in self._rules.parts:
            detail = f"{name} is not a part of a statement that is known to only read."
            self.reasons.append(Reason(Effect.UNKNOWN, f"node {name}", detail))
        look = self._LOOKS.get(name)
        if look:
            look(self, node)

    def _acts(self, name: str) -> None:
        if not self._explaining:
            effect, why = self._acting[name]
            self.reasons.append(Reason(Effect(effect), f"node {name}", why))

    def _anonymous(self, node: exp.Expr) -> None:
        self._function(str(node.name).lower())

    def _cte(self, node: exp.Expr) -> None:
        self.ctes.add(node.alias)

    def _function(self, name: str) -> None:
        self.functions[name] = None
        reason = verdicts.of_function(self._rules, [name])
        if reason is not None and name not in self._constructs and name not in self._known:
            self.reasons.append(reason)

    def _table(self, node: exp.Table) -> None:
        name = node.name
        parts = [part for part in (node.catalog, node.db, name) if part]
        if isinstance(node.this, exp.Func):
            self._table_function(node)
        elif name:
            self.tables[".".join(parts)] = None
            self.relations[tuple(parts)] = None
            if isinstance(node.this, exp.Dot):
                detail = f"{'.'.join(parts)} is written with more parts than are understood."
                self.reasons.append(Reason(Effect.UNKNOWN, "node Dot", detail))
            self._refuse(files.of_table(self._rules, parts))

    def _in(self, node: exp.In) -> None:
        """Note the table of `x IN orders` in SQLite, which sqlglot takes for a column."""
        field = node.args.get("field")
        reads = self._rules.syntax.get("tables", {}).get("behind_in")
        if reads and isinstance(field, exp.Column | exp.Literal):
            parts = [field.name] if isinstance(field, exp.Literal) else _names(field)
            self.tables[".".join(parts)] = None
            self.relations[tuple(parts[-2:])] = None

    def _table_function(self, node: exp.Table) -> None:
        """Refuse a macro of somebody's schema, and those that open what they are told to."""
        macros = word_set(self._rules.syntax.get("tables", {}).get("macros", ""))
        called = node.this.name or node.this.key
        self._refuse(files.of_macro(macros, [called]))
        named = [name for name in (node.catalog, node.db) if name]
        self._refuse(files.of_schema(self._rules, named, called))

    def _dot(self, node: exp.Dot) -> None:
        """Refuse `app.lower(x)`: a macro of the target, or a column that could be one's schema."""
        if isinstance(node.expression, exp.Func):
            named = [name.name for name in node.this.find_all(exp.Identifier)]
            plain = node.this.find(exp.Func, exp.Literal, exp.Paren) is None
            self._refuse(
                files.of_schema(self._rules, named, node.expression.name) if plain else None
            )

    def _refuse(self, reason: Reason | None) -> None:
        if reason is not None:
            self.reasons.append(reason)

    def _pivot(self, node: exp.Pivot) -> None:
        """Refuse a PIVOT without its values: DuckDB makes a temporary type of them first.

        One of nothing at all has its ON elsewhere: `DESCRIBE PIVOT t POSITIONAL JOIN u ON a`
        pivots on `a`, where sqlglot reads a condition of the join.
        """
        if not any(node.args.get(key) for key in ("expressions", "using", "group", "fields")):
            detail = "A PIVOT needs ON, USING or GROUP BY right behind its table."
            self._refuse(Reason(Effect.UNKNOWN, "node Pivot", detail))
            return
        named = all(
            isinstance(column, exp.In)
            and isinstance(column.this, exp.Column | exp.Paren | exp.Tuple)
            and column.expressions
            for column in node.expressions
        )
        if not (node.args.get("unpivot") or node.args.get("fields") or named):
            detail = "PIVOT without IN makes a temporary type; name the values."
            self._refuse(Reason(Effect.SESSION, "node Pivot", detail))

    def _version(self, node: exp.Version) -> None:
        """Refuse `FOR SYSTEM_TIME AS OF column`: MariaDB 10.11.19 crashes on it."""
        if node.find(exp.Column, exp.Query):
            detail = "A time in FOR SYSTEM_TIME that is looked up can end MariaDB; write it down."
            self._refuse(Reason(Effect.UNKNOWN, "node Version", detail))

    def _set_operation(self, node: exp.SetOperation) -> None:
        """Refuse `END UNION SELECT 1`, which sqlglot takes for a query of a column END.

        A join belongs to one of the sides; that of a set operation was read into the wrong one.
        """
        if node.args.get("joins"):
            detail = "A join stands behind a UNION, EXCEPT or INTERSECT."
            self._refuse(Reason(Effect.UNKNOWN, "set operation", detail))
        for side in map(_unwrapped, (node.this, node.expression)):
            if self._rules.parser["roots"].get(type(side).__name__) != "select":
                detail = "UNION, EXCEPT and INTERSECT stand between queries."
                self.reasons.append(Reason(Effect.UNKNOWN, "set operation", detail))

    def _with(self, node: exp.With) -> None:
        self._recursion(node)
        if self._rules.syntax.get("ctes", {}).get("must_be_read"):
            self._unread(node)

    def _unread(self, node: exp.With) -> None:
        """Refuse a CTE in a subquery that nothing reads: it crashes MariaDB 10.11.19.

        The server prepares it late, when the query around it, to whose columns it may refer, is
        not what it was: `a IN (WITH w AS (SELECT 1 FROM t JOIN u ON c) SELECT 2)`.
        """
        query = node.parent
        if query is None or query.parent is None:
            return  # of the statement itself: there is nothing around it
        named = [cte.alias.lower() for cte in query.root().find_all(exp.CTE)]
        for cte in node.expressions:
            name = cte.alias.lower()
            if named.count(name) > 1 or not _is_read(name, query, cte):
                detail = (
                    f"{name} is a WITH in a subquery that nothing reads, which can end MariaDB."
                )
                self._refuse(Reason(Effect.UNKNOWN, "node CTE", f"{detail} Leave it out."))

    def _recursion(self, node: exp.With) -> None:
        """Find a recursion that nothing in the text ends."""
        outer = node.parent
        if not node.args.get("recursive") or (outer is not None and outer.args.get("limit")):
            return
        for cte in node.expressions:
            union = cte.this
            if not isinstance(union, exp.Union) or union.args.get("limit"):
                continue
            if (
                not union.args.get("distinct")
                and not node.args.get("search")
                and _endless(union.expression, cte.alias)
            ):
                detail = f"The recursion of {cte.alias} has no condition and no LIMIT to end it."
                self.reasons.append(Reason(Effect.COSTLY, "node With", detail))

    _LOOKS: ClassVar[Mapping[str, _Look]] = {
        "Anonymous": _anonymous,
        "Table": _table,
        "CTE": _cte,
        "Dot": _dot,
        "In": _in,
        "Pivot": _pivot,
        "Version": _version,
        "With": _with,
        **dict.fromkeys(("Union", "Except", "Intersect"), _set_operation),
    }

    @classmethod
    @lru_cache(maxsize=len(Dialect))
    def _listed(cls, dialect: Dialect) -> frozenset[type]:
        """Return the parts of a statement of which only the class has to be known."""
        lists = rules(dialect)
        names = lists.parts.difference(lists.parser["acting"], cls._LOOKS)
        return frozenset(vars(exp)[name] for name in names if name in vars(exp)) - _LEAVES


def _is_read(name: str, query: exp.Expr, cte: exp.Expr) -> bool:
    """Tell whether `query` reads from the CTE `name` outside its own definition."""
    inside = {id(table) for table in cte.find_all(exp.Table)}
    return any(
        table.name.lower() == name and not table.db and id(table) not in inside
        for table in query.find_all(exp.Table)
    )


def _names(column: exp.Column) -> list[str]:
    return [part.name for part in column.parts]


def _endless(step: exp.Expr, name: str) -> bool:
    """Return whether a recursive step reads itself alone, unconditionally."""
    source = step.args.get("from_")
    alone = isinstance(source, exp.From) and source.name == name and not step.args.get("joins")
    return alone and not step.args.get("where") and not step.args.get("limit")


def _bounded(tree: exp.Expr) -> bool:
    if tree.args.get("limit") or tree.args.get("fetch"):
        return True
    if not isinstance(tree, exp.Select) or tree.args.get("group"):
        return False
    return bool(tree.expressions) and all(
        isinstance(column.unalias(), exp.AggFunc) for column in tree.expressions
    )
