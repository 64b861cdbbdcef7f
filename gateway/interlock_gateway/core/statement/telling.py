"""What in a query could tell masked values, one by one or by guessing.

A masked column may be shown (it is masked on delivery), counted, grouped by, tested for NULL, and
compared with a value that is written down. Whatever else is made of it is `exfiltration`: a
function, an order, a pattern, a join with a list of guesses.

Whatever compares masked values with each other (GROUP BY, DISTINCT, UNION, a join) must compare
nothing else with them: a guess in their midst would be told from the others.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlglot import exp

from interlock_gateway.core.model import Effect, Reason
from interlock_gateway.core.statement.lineage import (
    CHANGES,
    CHOOSING,
    QUERIES,
    ROWS,
    Flow,
    is_loose,
)

_LOGIC = (exp.And, exp.Or, exp.Not, exp.Paren)
_FILTERS = (exp.Where, exp.Having, exp.Qualify)
_WRITTEN = (exp.Literal, exp.Null, exp.Boolean, exp.Placeholder, exp.Parameter)
_WRAPPINGS = (exp.Paren, exp.Cast, exp.Neg)
# Where a query is no value: its rows are read, or only whether there are any.
_ROWS = (exp.From, exp.Join, exp.CTE, exp.SetOperation, exp.Subquery, exp.Lateral, exp.Exists)


def reasons(flow: Flow) -> Iterator[Reason]:
    """Yield why a query is more than a read of what may be shown; of a change, nothing.

    What a change does is approved, each time, by somebody who reads it.
    """
    if not flow.rest or isinstance(flow.tree, CHANGES):
        return
    if not isinstance(flow.tree, QUERIES):
        yield _reason("a statement of this kind", flow.rest, None)
    for node in flow.tree.walk():
        told = _told(flow, node)
        if told:
            yield _reason(told, flow.taint(node) or flow.rest, node)


def _told(flow: Flow, node: exp.Expr) -> str:
    """Return what a node is called that could tell a masked value; "" for any other."""
    look = next((look for kind, look in _LOOKS if isinstance(node, kind)), None)
    told = look(flow, node) if look else ""
    if told or not _is_value(flow, node):
        return told
    return "a subquery" if flow.taint(node) and not _is_allowed(flow, node) else ""


def _column(flow: Flow, node: exp.Column) -> str:
    return node.name if flow.of_column(node) and not _is_allowed(flow, node) else ""


def _star(flow: Flow, node: exp.Star) -> str:
    listed = node.arg_key == "expressions" and isinstance(node.parent, exp.Select)
    plain = listed or isinstance(node.parent, exp.Count | exp.Column)
    return "*" if not plain and flow.of_star(node) else ""


def _identifier(flow: Flow, node: exp.Identifier) -> str:
    return node.name if is_loose(node) and node.name.casefold() in flow.names else ""


def _join(flow: Flow, node: exp.Join) -> str:
    """Name a join that compares columns without `=`."""
    using = (column.name.casefold() for column in node.args.get("using") or ())
    by_name = node.method == "NATURAL" or any(map(flow.named, using))
    return "a join by name" if by_name else ""


def _ordered(flow: Flow, node: exp.Ordered) -> str:
    return "an order" if _orders(flow, node) else ""


def _union(flow: Flow, node: exp.SetOperation) -> str:
    return f"{node.key.upper()} with other values" if _mixes(flow, node) else ""


def _select(flow: Flow, node: exp.Select) -> str:
    mixed = node.args.get("distinct") and not _are_apart(flow, node.expressions)
    return "DISTINCT with other values" if mixed else ""


def _group(flow: Flow, node: exp.Group) -> str:
    return "" if _groups_apart(flow, node) else "GROUP BY with other values"


def _in(flow: Flow, node: exp.In) -> str:
    return "a list of masked values" if flow.of_list(node) else ""


def _rows(flow: Flow, node: exp.Subquery | exp.CTE) -> str:
    """Name what gives rows of columns that nobody can follow, as SUMMARIZE does."""
    return "" if isinstance(node.this, ROWS) or not flow.taint(node) else node.this.key.upper()


def _choice(_flow: Flow, _node: exp.Expr) -> str:
    return "a choice of columns without their names"


_LOOKS: Sequence[tuple[Any, Callable[[Flow, Any], str]]] = (
    (exp.Column, _column),
    (exp.Star, _star),
    (exp.Identifier, _identifier),
    (exp.Join, _join),
    (exp.Ordered, _ordered),
    (exp.SetOperation, _union),
    (exp.Select, _select),
    (exp.Group, _group),
    (exp.In, _in),
    ((exp.Subquery, exp.CTE), _rows),
    (CHOOSING, _choice),
)


def _is_value(flow: Flow, node: exp.Expr) -> bool:
    """Tell whether a node is a query whose rows are a value in another query."""
    query = isinstance(node, QUERIES) and node is not flow.tree
    return query and not isinstance(node.parent, _ROWS)


def _mixes(flow: Flow, union: exp.SetOperation) -> bool:
    """Tell whether it compares masked values with others, as everything but UNION ALL could."""
    if (isinstance(union, exp.Union) and not union.args.get("distinct")) or not flow.taint(union):
        return False
    rows = list(_branches(union))
    if None in rows or len({len(items) for items in rows if items}) != 1:
        return True
    columns = zip(*(items for items in rows if items), strict=True)
    return not all(
        not any(map(flow.taint, items)) or all(map(flow.is_pure, map(_plain, items)))
        for items in columns
    )


def _branches(query: exp.Expr) -> Iterator[list[exp.Expr] | None]:
    """Yield the columns of each query in a union; None for one of which they are not written."""
    match query:
        case exp.SetOperation():
            yield from _branches(query.this)
            yield from _branches(query.expression)
        case exp.Subquery():
            yield from _branches(query.this)
        case exp.Select() if not any(item.is_star for item in query.expressions):
            yield query.expressions
        case _:
            yield None


def _are_apart(flow: Flow, items: Sequence[exp.Expr]) -> bool:
    """Tell whether each item holds masked values alone, or none."""
    return all(not flow.taint(item) or flow.is_pure(_plain(item)) for item in items)


def _groups_apart(flow: Flow, group: exp.Group) -> bool:
    """Tell whether rows are put together by masked values alone, or by none."""
    select = group.parent
    if not isinstance(select, exp.Select):
        return False
    numbered = any(isinstance(one, exp.Literal) for one in group.expressions)
    if not numbered and not group.args.get("all"):
        return True  # the columns themselves are looked at where they stand
    return _are_apart(flow, select.expressions)


def _plain(item: exp.Expr) -> exp.Expr:
    """Return a column without its brackets and its new name."""
    while isinstance(item, exp.Alias | exp.Paren):
        item = item.this
    return item


def _orders(flow: Flow, ordered: exp.Ordered) -> bool:
    """Tell whether it orders by a masked column's number, or by ALL."""
    query = ordered.parent.parent if ordered.parent else None
    by = ordered.this
    if not isinstance(query, QUERIES) or not isinstance(by, exp.Literal | exp.Var):
        return False
    outputs = flow.outputs_of(query)
    if outputs is None:
        return bool(flow.taint(query))
    if isinstance(by, exp.Var):
        return any(tag for _, tag in outputs)
    place = int(by.name) if by.is_int else 0
    return not 1 <= place <= len(outputs) or bool(outputs[place - 1][1])


def _is_allowed(flow: Flow, node: exp.Expr) -> bool:
    """Tell whether a masked value may stand where `node` does in a query."""
    inner, outer = _unwrapped(node)
    allowed = isinstance(outer, exp.Count)
    match outer:
        case exp.Group():
            allowed = flow.is_pure(node)
        case exp.Select():
            allowed = inner.arg_key == "expressions"
        case exp.Alias():
            allowed = outer.arg_key == "expressions" and isinstance(outer.parent, exp.Select)
        case exp.Star():
            allowed = inner.arg_key == "except_"
        case exp.Distinct():
            allowed = isinstance(outer.parent, exp.Count) and flow.is_pure(node)
        case exp.Is():
            allowed = isinstance(outer.expression, exp.Null)
        case exp.Window():
            allowed = inner.arg_key == "partition_by" and flow.is_pure(node)
        case exp.In():
            allowed = _is_listed(flow, outer) and _filters(outer)
        case exp.EQ() | exp.NEQ() | exp.NullSafeEQ() | exp.NullSafeNEQ():
            other = outer.expression if inner.arg_key == "this" else outer.this
            pure = flow.is_pure(node) and flow.is_pure(_plain(other))
            allowed = (_is_written(other) or pure) and _filters(outer)
    return allowed


def _is_listed(flow: Flow, node: exp.In) -> bool:
    """Tell whether IN compares a masked column with written values, or with another one."""
    query = node.args.get("query")
    if query is None:
        return bool(node.expressions) and all(map(_is_written, node.expressions))
    rows = list(_branches(query))
    pure = all(
        items is not None and len(items) == 1 and flow.is_pure(_plain(items[0])) for items in rows
    )
    return pure and flow.is_pure(_plain(node.this))


def _unwrapped(node: exp.Expr) -> tuple[exp.Expr, exp.Expr | None]:
    """Return the node with the brackets around it, and what it stands in."""
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    return node, node.parent


def _is_written(node: exp.Expr) -> bool:
    """Tell whether a value stands in the text itself, or in a parameter."""
    while isinstance(node, _WRAPPINGS):
        node = node.this
    return isinstance(node, _WRITTEN)


def _filters(node: exp.Expr) -> bool:
    """Tell whether a condition only decides which rows there are, and is no value itself."""
    while isinstance(node.parent, _LOGIC):
        node = node.parent
    joined = isinstance(node.parent, exp.Join) and node.arg_key == "on"
    return joined or isinstance(node.parent, _FILTERS)


def _reason(what: str, tag: str, node: exp.Expr | None) -> Reason:
    name = node.this if isinstance(node, exp.Column) else node
    place = name.meta.get("start") if isinstance(name, exp.Identifier) else None
    detail = (
        f"{what} could tell what is masked as {tag}. That may be shown (masked), counted, grouped "
        "by, tested for NULL or compared with a value that you write down, and nothing else."
    )
    length = len(what) if place is not None else 0
    return Reason(Effect.EXFILTRATION, f"masked {what}", detail, place, length)
