"""What one code cell asks for, as far as its text says so literally.

A call counts where one of `CALLS` is called by its own name, or as `interlock.query` and so on.
In `with plan("why") as steps:` it is `steps.act` and `steps.execute` that count.
Anything that would hide a call from the reader (another name for
it, text put together at run time) is an error in a curated notebook.

This reading is for honest authors: it lists what the notebook says. It need not see through a
dishonest one, because the gateway refuses whatever is not listed: a call that hides from here
through `getattr`, `eval` or anything else is simply not in the manifest.
"""

import ast
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from interlock.errors import UsageError
from interlock.magics import sql_cell

CALLS = ("query", "query_metrics", "query_logs", "act", "execute")
MODULE = "interlock"
PLAN = "plan"
_PLANNED = ("act", "execute")

# Keywords that are the call's own; every other keyword is a parameter or an argument.
_OWN = {
    "query": ("max_rows",),
    "query_metrics": ("start", "end", "step"),
    "query_logs": ("start", "end", "step", "limit", "direction"),
    "execute": ("max_rows", "reason"),
    "act": ("target", "reason"),
}

Refuse = Callable[[str, int], UsageError]
"""Makes the error for a message and a line of the cell."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the cell writes it.

    Attributes:
        function: one of `CALLS`.
        target: a literal name, or `params.NAME`.
        what: the statement, or the action's id.
        names: the names of the parameters or arguments.
        max_rows: of `execute`, the literal number; else 0.
        line: where it stands in the cell, from 1.
        plan: the line of the plan that asks for it with others; 0 where it is asked for alone.
    """

    function: str
    target: str
    what: str
    names: tuple[str, ...]
    max_rows: int
    line: int
    plan: int = 0


def calls_in(source: str, refuse: Refuse) -> list[Call]:
    """Return every call in a cell, in the order of its text.

    Args:
        source: the cell's text.
        refuse: makes the error for what cannot be read literally.
    """
    if source.startswith("%%"):
        return [_magic(source, refuse)]
    tree = _parsed(source, refuse)
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        _check_plain(node, called, refuse)
    alone = [
        _call(node, _function(node.func), refuse)
        for node in called.values()
        if _function(node.func)
    ]
    return sorted([*alone, *_planned(tree, called, refuse)], key=lambda call: call.line)


def _magic(source: str, refuse: Refuse) -> Call:
    head, _, body = source.partition("\n")
    magic, _, line = head.partition(" ")
    if magic != "%%sql":
        raise refuse(f"{magic[:40]} is not understood; the only cell magic is %%sql.", 1)
    try:
        cell = sql_cell(line, body)
    except UsageError as error:
        raise refuse(f"{error.message} {error.help}", 1) from error
    if "." in cell.target:
        raise refuse(
            "%%sql takes the name of a target; with a parameter, write query(params.…).", 1
        )
    return Call("query", cell.target, cell.sql, cell.names, 0, 1)


def _parsed(source: str, refuse: Refuse) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape is the linter's business
            return ast.parse(source)
    except SyntaxError as error:
        raise refuse(f"It is not Python: {error.msg}.", error.lineno or 1) from error
    except (ValueError, RecursionError, MemoryError):
        raise refuse(
            "It is not Python that can be read: too deep, or it holds a NUL.", 1
        ) from None


# --- nothing hides a call ---------------------------------------------------------------------


def _check_plain(node: ast.AST, called: dict[int, ast.Call], refuse: Refuse) -> None:
    """Refuse whatever gives one of the calls another name, or its name to something else."""
    match node:
        case ast.ImportFrom(module=module, names=names) if _ours(module):
            for alias in names:
                _check_import(alias, node.lineno, refuse)
        case ast.Import(names=names):
            for alias in names:
                if alias.asname and _ours(alias.name):
                    raise refuse(
                        "Write `import interlock`; under another name it is not seen.", node.lineno
                    )
        case ast.Name(id=name) | ast.Attribute(attr=name) if (
            _function(node) and id(node) not in called
        ):
            raise refuse(
                f"{name} may only be called: `{name}(…)`, under its own name.", node.lineno
            )
        case (
            ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name)
        ) if name in CALLS:
            raise refuse(f"{name} is Interlock's word; call yours something else.", node.lineno)
        case ast.arg(arg=name) if name in (*CALLS, MODULE, "params"):
            raise refuse(f"{name} is Interlock's word; call yours something else.", node.lineno)


def _ours(module: str | None) -> bool:
    return module is not None and module.split(".")[0] == MODULE


def _check_import(alias: ast.alias, line: int, refuse: Refuse) -> None:
    if alias.name == "*":
        raise refuse("Name what you import from interlock.", line)
    if alias.asname and alias.name in (*CALLS, PLAN, "params"):
        raise refuse(
            f"Import {alias.name} under its own name; under another it is not seen.", line
        )


def _function(node: ast.AST) -> str:
    """Return which of `CALLS` `node` names, "" for none."""
    match node:
        case ast.Name(id=name) if name in CALLS:
            return name
        case ast.Attribute(value=ast.Name(id=module), attr=name) if (
            module == MODULE and name in CALLS
        ):
            return name
    return ""


# --- calls that are asked for together --------------------------------------------------------


def _planned(tree: ast.Module, called: dict[int, ast.Call], refuse: Refuse) -> Iterator[Call]:
    """Return the calls of every `with plan("why") as steps:` of a cell."""
    opened: set[int] = set()
    for block in (node for node in ast.walk(tree) if isinstance(node, ast.With)):
        for item in block.items:
            if _opens_plan(item.context_expr):
                opened.add(id(item.context_expr))
                yield from _members(block, _name_of(item, refuse), refuse)
    for node in called.values():
        if _opens_plan(node) and id(node) not in opened:
            raise refuse('Write `with plan("why") as steps:`.', node.lineno)


def _opens_plan(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name == PLAN
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            return (module, name) == (MODULE, PLAN)
    return False


def _name_of(item: ast.withitem, refuse: Refuse) -> str:
    match item.optional_vars:
        case ast.Name(id=name) if name not in (*CALLS, PLAN, MODULE, "params"):
            return name
    raise refuse(
        'Write `with plan("why") as steps:`, with a name of your own.', item.context_expr.lineno
    )


def _members(block: ast.With, name: str, refuse: Refuse) -> Iterator[Call]:
    """Return what is asked for in a plan; its name stands for nothing else there."""
    found: list[ast.Call] = []
    inside = [node for line in block.body for node in ast.walk(line)]
    for node in inside:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attr)) if (
                owner == name and attr in _PLANNED
            ):
                found.append(node)
    owners = {id(node.func.value) for node in found if isinstance(node.func, ast.Attribute)}
    for node in inside:
        if isinstance(node, ast.Name) and node.id == name and id(node) not in owners:
            raise refuse(f"In a plan, write {name}.act(…) or {name}.execute(…).", node.lineno)
    for node in found:
        function = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        yield replace(_call(node, function, refuse), plan=block.lineno)


# --- one call ---------------------------------------------------------------------------------


def _call(node: ast.Call, function: str, refuse: Refuse) -> Call:
    if any(isinstance(arg, ast.Starred) for arg in node.args):
        raise refuse(f"{function}: write its arguments out; *args is not seen.", node.lineno)
    if any(keyword.arg is None for keyword in node.keywords):
        raise refuse(
            f"{function}: write its parameters out as name=value; ** is not seen.", node.lineno
        )
    names = tuple(sorted(name for name in _keywords(node) if name not in _OWN[function]))
    target, what = _positions(node, function, refuse)
    return Call(
        function,
        _target(target, function, refuse),
        _literal(what, function, refuse),
        names,
        _max_rows(node, refuse) if function == "execute" else 0,
        node.lineno,
    )


def _keywords(node: ast.Call) -> Iterator[str]:
    return (keyword.arg for keyword in node.keywords if keyword.arg is not None)


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg == name), None)


def _positions(node: ast.Call, function: str, refuse: Refuse) -> tuple[ast.expr, ast.expr]:
    """Return the expressions of the target and of the statement or action id."""
    if function == "act":
        target = _keyword(node, "target")
        if len(node.args) == 1 and target is not None:
            return target, node.args[0]
        raise refuse('Write act("action.id", target="name", …).', node.lineno)
    if len(node.args) == 2:  # noqa: PLR2004  target and statement
        return node.args[0], node.args[1]
    raise refuse(f'Write {function}("target", "statement", name=value).', node.lineno)


def _target(node: ast.expr, function: str, refuse: Refuse) -> str:
    match node:
        case ast.Constant(value=str(name)):
            return name
        case ast.Attribute(value=ast.Name(id="params"), attr=name):
            return f"params.{name}"
        case ast.Attribute(
            value=ast.Attribute(value=ast.Name(id="interlock"), attr="params"), attr=name
        ):
            return f"params.{name}"
    raise refuse(
        f'{function}: its target must be written out, as "orders" or params.db.', node.lineno
    )


def _literal(node: ast.expr, function: str, refuse: Refuse) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    what = "action id" if function == "act" else "statement"
    fix = "" if function == "act" else " Values go in as :name."
    raise refuse(
        f"{function}: its {what} must be one literal text, not put together.{fix}", node.lineno
    )


def _max_rows(node: ast.Call, refuse: Refuse) -> int:
    match _keyword(node, "max_rows"):
        case ast.Constant(value=int(number)) if number is not True and number > 0:
            return number
    raise refuse("execute: max_rows must be a literal number of rows above 0.", node.lineno)
