"""The opinion of PostgreSQL's own parser (libpg_query, through pgparse).

An allow-list twice over: a node must be listed, and every field of it. What the grammar gains in
a newer version is therefore unknown until somebody has read about it.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, ClassVar

import pgparse

from interlock_gateway.core.model import Dialect, Effect, Reason
from interlock_gateway.core.statement import verdicts
from interlock_gateway.core.statement.catalogue import Catalogue
from interlock_gateway.core.statement.opinion import Opinion, not_understood
from interlock_gateway.core.statement.rules import Rules, rules

PARSER = "libpg_query (pgparse)"
VERSION = version("pgparse")

_Node = Mapping[str, Any]
_Check = Callable[["_Walk", _Node, str], None]
_DML = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_ANALYZE = frozenset({"analyze", "analyse"})
_GRAMMAR_OPERATORS = frozenset(
    {"BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC"}
)


def opinion(text: str, catalogue: Catalogue | None = None) -> Opinion:
    """Return what PostgreSQL's grammar says about `text`.

    Relations and types that are not the engine's own are named and not followed.

    Raises:
        NotUnderstoodError: not exactly one statement, or one of a kind nobody listed.
        pgparse.PGQueryError: not PostgreSQL.
    """
    statements = pgparse.parse(text)
    if len(statements) != 1:
        not_understood("statements", f"The text holds {len(statements)} statements, not one.")
    ((root, body),) = statements[0]["stmt"].items()
    lists = rules(Dialect.POSTGRES)
    if root == "CopyStmt":
        return _copy(body, _Walk(lists, text, catalogue))
    named = lists.syntax["roots"]["named"].get(root)
    if named:
        return _named(named, root, body, _Walk(lists, text, catalogue))
    checked = lists.syntax["roots"]["checked"].get(root)
    if not checked:
        not_understood(f"node {root}", f"{root} runs what the text does not show.", 0)
    planning = root == "ExplainStmt" and not _runs(body)
    walk = _Walk(lists, text, catalogue, explaining=planning)
    walk.everything(root, body)
    inner = next(iter(body["query"])) if root == "ExplainStmt" else ""
    return walk.opinion(checked[0], inner=_kind_of(lists, inner) if inner else "")


def _runs(explain: _Node) -> bool:
    """Tell whether an EXPLAIN also runs its statement; `ANALYZE off` counts, to be safe."""
    return any(each["DefElem"]["defname"] in _ANALYZE for each in explain.get("options", ()))


def _kind_of(lists: Rules, root: str) -> str:
    kind = lists.syntax["roots"]["checked"].get(root)
    if not kind or root not in lists.syntax["explain"]["statements"].split():
        not_understood(f"node {root}", f"EXPLAIN of {root} is not understood.", 0)
    return str(kind[0])


def _named(named: list[str], root: str, body: _Node, walk: "_Walk") -> Opinion:
    """Return the opinion on a root that is never a read; the functions in it still count."""
    kind, effect = named[0], Effect(named[1])
    walk.add(Reason(effect, f"node {root}", f"{kind.upper()} is {effect}.", position=0))
    walk.functions_in(body)
    return walk.opinion(kind)


def _copy(body: _Node, walk: "_Walk") -> Opinion:
    if body.get("is_program"):
        named = ["copy", Effect.ADMIN.value]
    else:
        named = ["copy", (Effect.WRITE if body.get("is_from") else Effect.EXFILTRATION).value]
    return _named(named, "CopyStmt", body, walk)


def _strings(nodes: list[_Node]) -> list[str]:
    return [node["String"].get("sval", "*") if "String" in node else "*" for node in nodes]


def _only(inline: str | None, value: dict[str, Any]) -> tuple[str, Any]:
    """Return the node in a field with its name; it is `inline` when it stands there unnamed.

    `relation` holds a table plainly in a mutation and by name in TABLESAMPLE.
    """
    named = next(iter(value), "")
    return (inline, value) if inline and not named[:1].isupper() else (named, value[named])


class _Walk:
    """One pass over a tree; a stack of its own, so that depth costs no recursion."""

    def __init__(
        self, lists: Rules, text: str, catalogue: Catalogue | None, *, explaining: bool = False
    ) -> None:
        self.explaining = explaining
        self._rules = lists
        self._catalogue = catalogue
        self._made = catalogue.routines if catalogue else {}
        self._made_operators = catalogue.operators if catalogue else {}
        self._ascii = text.isascii()
        self._text = text
        self._reasons: list[Reason] = []
        self._tables: dict[tuple[str, ...], None] = {}
        self._types: dict[tuple[str, ...], None] = {}
        self._functions: dict[str, None] = {}
        self._ctes: set[str] = set()
        self._of_null: set[int] = set()
        self._aliases: dict[str, set[tuple[str, ...]]] = {}
        self._qualified: list[tuple[str, str, _Node]] = []

    def opinion(self, kind: str, *, inner: str = "") -> Opinion:
        """Return what the walk found."""
        for qualifier, name, node in self._qualified:
            if not self._is_column(qualifier, name):
                self._attribute(name, self._position(node))
        written = (".".join(names) for names in self._tables)
        return Opinion(
            kind,
            tuple(self._reasons),
            tuple(name for name in written if name not in self._ctes),
            tuple(self._functions),
            inner=inner,
            relations=tuple(names[-2:] for names in self._tables),
            types=tuple(self._types),
            ctes=frozenset(self._ctes),
        )

    def add(self, reason: Reason | None) -> None:
        """Keep a reason; None is nothing to keep."""
        if reason is not None:
            self._reasons.append(reason)

    def everything(self, root: str, body: _Node) -> None:
        """Check every node and every field below `body`."""
        nodes, inline = self._rules.nodes, self._rules.inline
        stack: list[tuple[str, Any]] = [(root, body)]
        while stack:
            name, node = stack.pop()
            fields = nodes.get(name)
            if fields is None:
                self._unlisted(name, node)
                continue
            if not fields.issuperset(node):
                node = self._listed(name, node, fields)
            for field, value in node.items():
                kind = type(value)
                if kind is list:
                    for item in value:
                        if "String" not in item:
                            stack += item.items()
                elif kind is dict and name != "A_Const":
                    stack.append(_only(inline.get(field), value))
            check = self._CHECKS.get(name)
            if check:
                check(self, node, name)

    def _listed(self, name: str, node: _Node, fields: frozenset[str]) -> _Node:
        """Return a node without the fields that are not listed, of which the reasons are kept."""
        for field in node.keys() - fields:
            self._field(name, field, node)
        return {field: value for field, value in node.items() if field in fields}

    def functions_in(self, body: Any) -> None:
        """Check only the functions called anywhere below `body`."""
        stack = [body]
        while stack:
            node = stack.pop()
            if isinstance(node, list):
                stack.extend(node)
            elif isinstance(node, dict):
                for name, value in node.items():
                    if name == "FuncCall":
                        self._function(value, name)
                    if name in ("RangeVar", "relation"):
                        self._table(value, name)
                    stack.append(value)

    def _position(self, node: _Node) -> int | None:
        """Return the node's place in characters; the parser counts bytes of UTF-8."""
        at = int(node.get("location", 0))
        return at if self._ascii else len(self._text.encode()[:at].decode(errors="ignore"))

    def _unlisted(self, name: str, node: _Node) -> None:
        detail = f"{name} is not a part of a statement that is known to only read."
        self.add(Reason(Effect.UNKNOWN, f"node {name}", detail, self._position(node)))

    def _field(self, name: str, field: str, node: _Node) -> None:
        acting = self._rules.syntax["acting"].get(f"{name}.{field}")
        if acting is None:
            self._unlisted(f"{name}.{field}", node)
        elif not self.explaining or f"{name}.{field}" in self._rules.syntax["explain"]["acting"]:
            effect, why, words = acting
            position = self._text.lower().rfind(words)
            at = None if position < 0 else position
            length = 0 if at is None else len(words)
            self.add(Reason(Effect(effect), f"node {name}.{field}", why, at, length))

    def _function(self, node: _Node, _: str) -> None:
        names = _strings(node["funcname"])
        self._functions[names[-1].lower()] = None
        bare = names[0]
        if len(names) > 1 or bare not in self._rules.functions or bare in self._made:
            self.add(
                verdicts.of_function(self._rules, names, self._position(node), self._catalogue)
            )
        if self._catalogue is not None and len(names) == 1:
            self._parameters(bare, node)

    def _parameters(self, name: str, node: _Node) -> None:
        """Refuse `abs(x => 1)`: the engine's own has no such name, so it calls somebody's.

        The engine's own hides a function with the same arguments only where they have no names.
        """
        given = {
            one["NamedArgExpr"]["name"] for one in node.get("args", ()) if "NamedArgExpr" in one
        }
        known = self._rules.syntax["named_parameters"].get(name, "").split()
        if not given <= set(known):
            detail = f"{name}() of the engine's own has no parameter of that name."
            self.add(Reason(Effect.UNKNOWN, f"function {name}", detail, self._position(node)))

    def _operator(self, node: _Node, _: str) -> None:
        names = _strings(node["name"])
        if names[0] not in _GRAMMAR_OPERATORS:
            self._operators(names, node)

    def _operators(self, names: list[str], node: _Node) -> None:
        bare = names[0]
        if len(names) > 1 or bare not in self._rules.operators or bare in self._made_operators:
            self.add(
                verdicts.of_operator(self._rules, names, self._position(node), self._catalogue)
            )

    def _cast(self, node: _Node, _: str) -> None:
        """Take `NULL::name` for nothing, as a name in FROM is taken for a table.

        Only a catalogue can tell that a domain has a condition, which NULL must meet too.
        """
        if self._catalogue is None and node["arg"].get("A_Const", {}).get("isnull"):
            self._of_null.add(id(node["typeName"]))

    def _type(self, node: _Node, _: str) -> None:
        names = _strings(node["names"])
        reason = verdicts.of_type(self._rules, names, self._position(node))
        if reason is not None:
            self._types[tuple(names[-2:])] = None
            if self._catalogue is None and id(node) not in self._of_null:
                self.add(reason)

    def _column(self, node: _Node, _: str) -> None:
        *qualifiers, name = _strings(node["fields"])
        # Of a name that no function has, verdicts.of_attribute says nothing.
        if qualifiers and (name in self._rules.refused or name in self._made):
            self._qualified.append((qualifiers[-1], name, node))

    def _indirection(self, node: _Node, _: str) -> None:
        """Refuse `(value).name` unless a listed function returns a column of that name."""
        call = node["arg"].get("FuncCall")
        function = _strings(call["funcname"])[-1] if call else ""
        for part in node["indirection"]:
            if "String" not in part:
                continue
            name = part["String"]["sval"]
            if f"{function}.{name}" in self._rules.result_columns:
                continue
            if not self._attribute(name, None) and self._catalogue is None:
                detail = f"`.{name}` after a value may call a function of that name."
                self.add(Reason(Effect.UNKNOWN, f"attribute {name}", detail))

    def _attribute(self, name: str, position: int | None) -> bool:
        """Look at `.name`; tell whether it is more than a read."""
        reason = verdicts.of_attribute(self._rules, name, position, self._catalogue)
        self.add(reason)
        return reason is not None

    def _target(self, node: _Node, _: str) -> None:
        for part in node.get("indirection", ()):
            if "String" in part:
                self._attribute(part["String"]["sval"], None)

    def _table(self, node: _Node, _: str) -> None:
        parts = (node.get("catalogname"), node.get("schemaname"), node.get("relname"))
        names = tuple(part for part in parts if part)
        self._tables[names] = None
        alias = node.get("alias", {})
        renamed = ("",) if "colnames" in alias else names  # its columns have other names here
        self._aliases.setdefault(alias.get("aliasname", names[-1]), set()).add(renamed)

    def _is_column(self, qualifier: str, name: str) -> bool:
        """Tell whether `qualifier.name` can only be a column, which goes before a function.

        The same alias may stand for several tables in one statement: all must have the column.
        """
        behind = self._aliases.get(qualifier, set())
        return bool(behind) and all(
            self._catalogue is not None
            and names[-1] not in self._ctes
            and name in self._catalogue.columns(names)
            for names in behind
        )

    def _cte(self, node: _Node, _: str) -> None:
        self._ctes.add(node["ctename"])

    def _sort(self, node: _Node, _: str) -> None:
        if "useOp" in node:
            self._operators(_strings(node["useOp"]), node)

    def _sublink(self, node: _Node, _: str) -> None:
        if "operName" in node:
            self._operators(_strings(node["operName"]), node)

    def _sample(self, node: _Node, _: str) -> None:
        names = _strings(node["method"])
        self.add(verdicts.of_function(self._rules, names, self._position(node), self._catalogue))

    def _option(self, node: _Node, _: str) -> None:
        name = str(node["defname"])
        if name not in self._rules.syntax["explain"]["options"].split():
            detail = f"EXPLAIN with {name.upper()} is not known to only plan."
            position = self._position(node)
            self.add(Reason(Effect.UNKNOWN, f"option {name}", detail, position, len(name)))

    def _mutation(self, node: _Node, name: str) -> None:
        if not self.explaining:
            verb = name.removesuffix("Stmt").upper()
            table = self._position({"location": node["relation"].get("location", 0)})
            at = self._text.upper().rfind(verb, 0, table)
            position, length = (at, len(verb)) if at >= 0 else (table, 0)
            self.add(
                Reason(Effect.WRITE, f"node {name}", f"{verb} changes rows.", position, length)
            )

    _CHECKS: ClassVar[Mapping[str, _Check]] = {
        "FuncCall": _function,
        "A_Expr": _operator,
        "TypeName": _type,
        "TypeCast": _cast,
        "ColumnRef": _column,
        "A_Indirection": _indirection,
        "ResTarget": _target,
        "RangeVar": _table,
        "CommonTableExpr": _cte,
        "SortBy": _sort,
        "SubLink": _sublink,
        "RangeTableSample": _sample,
        "DefElem": _option,
        **dict.fromkeys(_DML, _mutation),
    }
