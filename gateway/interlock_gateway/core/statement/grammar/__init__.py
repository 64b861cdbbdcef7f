"""The small grammar: EXPLAIN, SHOW, PRAGMA and their like, which sqlglot hands back unread.

Each rule accepts one shape and gives up on everything else. A dialect's rules, by the word that
the statement begins with, stand in the module of its name.
"""

from collections.abc import Mapping

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.grammar import duckdb, mysql, postgres, sqlite
from interlock_gateway.core.statement.grammar.shape import Explained, Rule
from interlock_gateway.core.statement.lexer import Mark, first_token, tokens
from interlock_gateway.core.statement.opinion import Opinion

__all__ = ["Explained", "read"]

_RULES: Mapping[Dialect, Mapping[str, Rule]] = {
    Dialect.POSTGRES: postgres.RULES,
    Dialect.SQLITE: sqlite.RULES,
    Dialect.DUCKDB: duckdb.RULES,
    Dialect.MARIADB: mysql.RULES,
    Dialect.MYSQL: mysql.RULES,
}


def read(dialect: Dialect, text: str) -> Opinion | Explained | None:
    """Return what the text is when it begins like one of the rules; None when it does not.

    Raises:
        NotUnderstoodError: it does, in a shape that is not known to only read.
    """
    first = first_token(dialect, text)
    rule = _RULES[dialect].get(first.word if first else "")
    if rule is None:
        return None
    _, *rest = tokens(dialect, text)
    while rest and rest[-1].mark is Mark.END:
        rest.pop()
    return rule(dialect, rest)
