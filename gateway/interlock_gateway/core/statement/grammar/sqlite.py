"""EXPLAIN, and PRAGMA that only tells, in SQLite.

Sources: https://www.sqlite.org/lang_explain.html, https://www.sqlite.org/pragma.html.
"""

from collections.abc import Mapping

from interlock_gateway.core.model import Dialect, Effect, Reason
from interlock_gateway.core.statement.grammar.shape import Explained, Rule
from interlock_gateway.core.statement.lexer import Mark, Token
from interlock_gateway.core.statement.opinion import Opinion, not_understood
from interlock_gateway.core.statement.rules import rules


def _explain(_: Dialect, rest: list[Token]) -> Explained:
    if [token.word for token in rest[:2]] == ["query", "plan"]:
        rest = rest[2:]
    if not rest or rest[0].word == "explain":
        not_understood("explain", "EXPLAIN takes one statement.")
    return Explained(rest[0].start)


def _pragma(dialect: Dialect, rest: list[Token]) -> Opinion:
    """Accept `[schema.]name`, and `name(table)` for those that tell of a table."""
    listed = rules(dialect).syntax["pragmas"]
    if len(rest) > 2 and rest[1].text == ".":  # noqa: PLR2004  schema, dot, name
        rest = rest[2:]
    name = rest[0].word if rest else ""
    plain = name in listed["plain"].split() and len(rest) == 1
    argument = name in listed["argument"].split() and _is_argument(rest[1:])
    if plain or argument:
        told_of = listed["of_table"].split() if argument and len(rest) > 1 else ()
        relations = ((_unquoted(rest[2]),),) if name in told_of else ()
        return Opinion("pragma", bounded=True, relations=relations)
    detail = f"PRAGMA {name}, as written, is not known to only read."
    reason = Reason(Effect.SESSION, f"pragma {name}", detail, position=0)
    return Opinion("pragma", (reason,))


def _unquoted(token: Token) -> str:
    return token.text if token.mark is Mark.WORD else token.text[1:-1]


def _is_argument(rest: list[Token]) -> bool:
    names = (Mark.WORD, Mark.STRING, Mark.IDENTIFIER)
    return not rest or (
        [token.text for token in rest[::2]] == ["(", ")"]
        and len(rest) == 3  # noqa: PLR2004  bracket, name, bracket
        and rest[1].mark in names
    )


RULES: Mapping[str, Rule] = {"explain": _explain, "pragma": _pragma}
