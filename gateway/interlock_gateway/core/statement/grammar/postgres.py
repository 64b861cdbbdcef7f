"""EXPLAIN and SHOW in PostgreSQL.

Sources: https://www.postgresql.org/docs/current/sql-explain.html and sql-show.html.
"""

from collections.abc import Mapping

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.grammar.shape import Explained, Rule
from interlock_gateway.core.statement.lexer import Mark, Token
from interlock_gateway.core.statement.opinion import Opinion, not_understood
from interlock_gateway.core.statement.rules import rules

_ANALYZE = ("analyze", "analyse")


def _explain(dialect: Dialect, rest: list[Token]) -> Explained:
    runs = False
    if rest and rest[0].text == "(":
        close = next((n for n, token in enumerate(rest) if token.text == ")"), None)
        if close is None:
            not_understood("explain", "The options of EXPLAIN are not understood.")
        runs = _options(dialect, rest[1:close])
        rest = rest[close + 1 :]
    else:
        if rest and rest[0].word in _ANALYZE:
            runs, rest = True, rest[1:]
        if rest and rest[0].word == "verbose":
            rest = rest[1:]
    if not rest or rest[0].word in (*_ANALYZE, "verbose"):
        not_understood("explain", "EXPLAIN is not followed by a statement.")
    return Explained(rest[0].start, runs)


def _options(dialect: Dialect, written: list[Token]) -> bool:
    """Accept `name [value], …` with listed names only; tell whether ANALYZE is among them.

    `ANALYZE off` counts too: what its value means is PostgreSQL's to say.
    """
    allowed = rules(dialect).syntax["explain"]["options"].split()
    named = [
        token for place, token in enumerate(written) if not place or written[place - 1].text == ","
    ]
    for token in named:
        if token.word not in allowed:
            detail = f"EXPLAIN ({token.text.upper()}) is not known to only plan."
            not_understood("explain", detail, token.start)
    return any(token.word in _ANALYZE for token in named)


def _show(_: Dialect, rest: list[Token]) -> Opinion:
    if not rest or not all(token.mark is Mark.WORD or token.text == "." for token in rest):
        not_understood("show", "SHOW takes the name of one setting.")
    return Opinion("show", bounded=True)


RULES: Mapping[str, Rule] = {"explain": _explain, "show": _show}
