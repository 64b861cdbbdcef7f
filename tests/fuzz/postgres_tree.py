"""The judge that only looks: the kinds of statement and the volatile calls in libpg_query's tree.

It shares the parser with the guard and nothing else: it searches the whole tree for what must not
be there, where the guard accepts what is listed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pgparse

_ROOTS = frozenset({"SelectStmt", "ExplainStmt", "VariableShowStmt"})
_CHANGES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_ACTS = frozenset({*_CHANGES, "lockingClause"})


@dataclass(frozen=True, slots=True)
class Tree:
    """Judges by libpg_query.

    Attributes:
        volatile: functions whose value, or effect, the engine does not promise.
    """

    volatile: frozenset[str]

    def judge(self, text: str) -> str:
        """Return why `text` is no read, or ""."""
        try:
            statements = pgparse.parse(text)
        except pgparse.PGQueryError as error:
            return f"PostgreSQL cannot parse it: {error}"
        if len(statements) != 1:
            return f"it is {len(statements)} statements"
        ((root, body),) = statements[0]["stmt"].items()
        if root not in _ROOTS:
            return f"its root is {root}"
        plans = root == "ExplainStmt" and not _analyzes(body)
        return next(
            (
                why
                for name, node in _nodes(root, body)
                if (why := self._why(name, node, plans=plans))
            ),
            "",
        )

    def _why(self, name: str, node: Any, *, plans: bool) -> str:
        if name == "FuncCall":
            called = str(node["funcname"][-1]["String"]["sval"])
            return f"it calls the volatile {called}()" if called in self.volatile else ""
        if name == "intoClause" or (name in _ACTS and not plans):
            return f"it holds {name}"
        stray = name[:1].isupper() and name.endswith("Stmt") and name not in _ROOTS | _ACTS
        return f"it holds {name}" if stray else ""


def _analyzes(explain: Any) -> bool:
    """Tell whether an EXPLAIN runs its statement too, if only perhaps."""
    named = (str(each["DefElem"]["defname"]).lower() for each in explain.get("options", ()))
    return any(name.startswith("analy") for name in named)


def _nodes(name: str, body: Any) -> Iterator[tuple[str, Any]]:
    """Yield every name in the tree with what stands below it."""
    stack = [(name, body)]
    while stack:
        name, node = stack.pop()
        yield name, node
        if isinstance(node, dict):
            stack.extend(node.items())
        elif isinstance(node, list):
            stack.extend(
                (key, value)
                for item in node
                if isinstance(item, dict)
                for key, value in item.items()
            )
