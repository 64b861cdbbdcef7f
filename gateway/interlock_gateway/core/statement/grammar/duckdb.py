"""EXPLAIN and SHOW in DuckDB; sqlglot reads DESCRIBE and SUMMARIZE itself.

Sources: https://duckdb.org/docs/stable/guides/meta/explain,
https://duckdb.org/docs/stable/guides/meta/list_tables.
"""

from collections.abc import Mapping

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.grammar.shape import Explained, Rule
from interlock_gateway.core.statement.lexer import Mark, Token
from interlock_gateway.core.statement.opinion import Opinion, not_understood

_FORMATTED = ("(", "format", ")")
_LISTS = ("databases", "schemas", "tables", "variables")
_AFTER_ANALYZE = ("select", "with")


def _explain(_: Dialect, rest: list[Token]) -> Explained:
    """Accept `EXPLAIN [ANALYZE | (FORMAT name)] query`.

    What is explained must be a read whether it runs or not: DuckDB refuses to plan a change of a
    file that is open for reading only. Options beside FORMAT, such as ANALYZE, are not read.
    """
    analyzed = bool(rest) and rest[0].word == "analyze"
    if analyzed:
        rest = rest[1:]
    elif _is_format(rest):
        rest = rest[4:]
    if not rest or (analyzed and rest[0].word not in _AFTER_ANALYZE):
        not_understood("explain", "EXPLAIN takes one query, and ANALYZE a SELECT.")
    return Explained(rest[0].start, runs=True)


def _is_format(rest: list[Token]) -> bool:
    """Tell whether `rest` begins with `(FORMAT name)`."""
    if len(rest) < 4:  # noqa: PLR2004  the four tokens of it
        return False
    outer = (rest[0].text, rest[1].word, rest[3].text)
    return outer == _FORMATTED and rest[2].mark in (Mark.WORD, Mark.STRING)


def _show(_: Dialect, rest: list[Token]) -> Opinion:
    """Accept `SHOW`, `SHOW ALL TABLES`, `SHOW TABLES FROM name` and `SHOW name`."""
    words = [token.word for token in rest]
    listed = words == ["all", "tables"] or words[:-1] == ["tables", "from"]
    if not all(words) or not (listed or len(words) <= 1):
        not_understood("show", "SHOW, as written, is not known to only read.")
    named = rest[0].text if len(rest) == 1 and words[0] not in _LISTS else ""
    return Opinion("show", bounded=True, relations=((named,),) if named else ())


RULES: Mapping[str, Rule] = {"explain": _explain, "show": _show}
