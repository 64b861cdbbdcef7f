"""Names of tables that an engine takes for files.

DuckDB opens `FROM 'orders.csv'`, `FROM "orders.csv"`, `FROM orders.csv` and `FROM 's3://b/x'` when
no such table is there ("replacement scans"): the name decides, and it can come from anywhere.
Source: https://duckdb.org/docs/stable/guides/file_formats/query_parquet and
https://duckdb.org/docs/stable/clients/c/replacement_scans.
"""

import re
from collections.abc import Iterator, Sequence

from interlock_gateway.core.model import Effect, Reason
from interlock_gateway.core.statement.lexer import Mark, Token
from interlock_gateway.core.statement.rules import Rules, word_set

_QUOTED = (Mark.STRING, Mark.IDENTIFIER, Mark.DOLLAR)
# What a quoted name of a table may hold; a path, a pattern or an address holds more than that.
_PLAIN = re.compile(r"[\w $\".-]*")


def of_table(rules: Rules, parts: Sequence[str]) -> Reason | None:
    """Return why the table named by `parts` (catalogue and schema first) is a file, or None."""
    endings = word_set(rules.syntax.get("files", {}).get("endings", ""))
    if not endings or not _is_file(parts, endings):
        return None
    name = ".".join(parts)
    detail = f"{name!r} can be the name of a file, which {rules.engine} would read."
    return Reason(Effect.EXFILTRATION, f"file {name}", detail)


def _is_file(parts: Sequence[str], endings: frozenset[str]) -> bool:
    """Tell whether a part is no plain name, or all of them together end like a file."""
    if not all(_PLAIN.fullmatch(part) for part in parts):
        return True
    _, dot, ending = ".".join(parts).rpartition(".")
    return bool(dot) and ending.strip().lower() in endings


def reasons(rules: Rules, found: Sequence[Token]) -> Iterator[Reason]:
    """Yield why what stands where a table is named is a file, or a macro that opens one.

    Looks at the tokens alone. After a comma a table cannot be told from a value; there the tree
    decides.
    """
    before = word_set(rules.syntax.get("files", {}).get("before", ""))
    macros = word_set(rules.syntax.get("tables", {}).get("macros", ""))
    inside: Sequence[bool] = ()  # looked for only when something was found: it seldom is
    for index, token in enumerate(found[:-1]):
        if token.mark is not Mark.WORD or token.text.lower() not in before:
            continue
        parts = list(_parts(found, index + 1))
        reason = of_table(rules, parts) or of_macro(macros, parts[-1:]) or _of_prefix(found, index)
        inside = inside or (_inside(rules, found) if reason else ())
        if reason is not None and not inside[index]:
            yield Reason(
                reason.effect, reason.what, reason.detail, position=found[index + 1].start
            )


def of_macro(macros: frozenset[str], name: Sequence[str]) -> Reason | None:
    """Return why the table function called `name` opens what its arguments name, or None."""
    known = [word for word in name if word.lower() in macros]
    if not known:
        return None
    detail = f"In FROM, {known[0]}() reads a table or a file by a name that is only data."
    return Reason(Effect.UNKNOWN, f"table {known[0]}", detail)


def of_schema(rules: Rules, named: Sequence[str], function: str) -> Reason | None:
    """Return why `schema.function()` may be a macro of the target's own, or None.

    Only where the dialect lists the schemas that are the engine's: `'x'.upper()` is `upper('x')`
    there, but of `name.upper()` nobody knows whether `name` is a column or a schema.
    """
    schemas = word_set(rules.syntax.get("schemas", ""))
    if not schemas or all(name.lower() in schemas for name in named):
        return None
    called = ".".join((*named, function))
    detail = (
        f"{called}() may be a macro of the target; write {function}({named[-1]}) for a column."
    )
    return Reason(Effect.UNKNOWN, f"function {called}", detail)


def _of_prefix(found: Sequence[Token], index: int) -> Reason | None:
    """Return why what follows `found[index]` is read in two ways, or None.

    `SUMMARIZE x'orders'` is of the table orders to DuckDB, and of x to sqlglot.
    """
    marks = [token.mark for token in found[index + 1 : index + 3]]
    if marks not in ([Mark.WORD, Mark.STRING], [Mark.WORD, Mark.DOLLAR]):
        return None
    prefix, string = found[index + 1 : index + 3]
    if prefix.end != string.start:
        return None
    name = prefix.text + string.text
    detail = f"{name} is no name that is understood; write it without {prefix.text}."
    return Reason(Effect.UNKNOWN, f"table {name}", detail)


def _inside(rules: Rules, found: Sequence[Token]) -> Sequence[bool]:
    """Return for each token whether it stands in `extract(year FROM …)` or its like."""
    words = word_set(rules.syntax["files"]["not_inside"])
    opened, inside = [False], []
    for index, token in enumerate(found):
        if token.mark is Mark.OPEN:
            opened.append(index > 0 and found[index - 1].word in words)
        elif token.mark is Mark.CLOSE and len(opened) > 1:
            opened.pop()
        inside.append(opened[-1])
    return inside


def _parts(found: Sequence[Token], index: int) -> Iterator[str]:
    """Yield the parts of the dotted name at `index`, without their quotes."""
    for place in range(index, len(found), 2):
        token = found[place]
        if token.mark in _QUOTED:
            yield token.text.strip("$")[1:-1] if token.mark is Mark.DOLLAR else token.text[1:-1]
        elif token.mark is Mark.WORD:
            yield token.text
        if found[place + 1 : place + 2] and found[place + 1].text != ".":
            return
