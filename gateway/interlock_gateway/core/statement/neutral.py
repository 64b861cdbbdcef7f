"""An engine's own operators, constants and modifiers, made neutral for a parser without them.

Length and positions stay; nothing inside quotes or comments changes. Only a tree to
look at is ever made from such a text: the tokens are looked at, and the engine gets, as written.
"""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.lexer import Mark, Token, landmarks, tokens
from interlock_gateway.core.statement.rules import rules

_OPERATOR = re.compile(r"[+\-*/<>=~!@#%^&|?]+")


def neutralised(dialect: Dialect, text: str, known: Collection[str] = ()) -> str:
    """Return `text` with listed operators as `=` and with typed constants as plain ones.

    Args:
        dialect: whose text.
        text: what sqlglot could not parse.
        known: operators of the target's own, which another parser's opinion judges.
    """
    if dialect is Dialect.DUCKDB:
        return _without_modifiers(text)
    if dialect is not Dialect.POSTGRES:
        return text
    lists = rules(dialect)
    unread = {*lists.parser["unread_operators"].split(), *known}
    characters = list(text)
    for landmark in landmarks(dialect, text):
        if landmark.mark is Mark.ASSIGN:
            characters[landmark.start : landmark.end] = "=>"
        if landmark.mark is not Mark.PLAIN:
            continue
        for found in _OPERATOR.finditer(text, landmark.start, landmark.end):
            if found.group() in unread:
                characters[found.start() : found.end()] = "=".ljust(len(found.group()))
    return _blanked(lists.types, list(tokens(dialect, text)), characters)


def _without_modifiers(text: str) -> str:
    """Blank what sqlglot does not know of DuckDB: `sum(x) EXPORT_STATE` and the X of `X'41'`."""
    characters = list(text)
    for before, token in pairwise(tokens(Dialect.DUCKDB, text)):
        if token.word == "export_state" and before.text == ")":
            characters[token.start : token.end] = " " * len(token.text)
        if before.word == "x" and token.mark is Mark.STRING and before.end == token.start:
            characters[before.start] = " "
    return "".join(characters)


def _blanked(types: frozenset[str], found: list[Token], characters: list[str]) -> str:
    """Blank what sqlglot does not know and libpg_query has read.

    The type in `type 'text'`, the operator in `ORDER BY … USING <`, the FOR of `COLLATION FOR`,
    and the SEARCH clause of a recursive query, which only names columns.
    """
    for token, following in pairwise(found):
        start, end = token.start, token.end if _is_typed(types, token, following) else 0
        if token.word == "using" and following.text in ("<", ">"):
            end = following.end
        if token.word == "collation" and following.word == "for":
            start, end = following.start, following.end
        if end:
            characters[start:end] = " " * (end - start)
    for start, end in _searches(found):
        characters[start:end] = " " * (end - start)
    return "".join(characters)


def _is_typed(types: frozenset[str], token: Token, following: Token) -> bool:
    return following.mark is Mark.STRING and token.word in types


def _searches(found: list[Token]) -> Iterator[tuple[int, int]]:
    """Yield where SEARCH and CYCLE clauses stand; each ends with the name of a column.

    `SEARCH DEPTH|BREADTH FIRST BY column, … SET column`,
    `CYCLE column, … SET column [TO value DEFAULT value] USING column`.
    """
    for index, token in enumerate(found[:-1]):
        words = [each.word for each in found[index : index + 4]]
        if words[0] == "search" and words[2:] == ["first", "by"]:
            end = "set"
        elif words[0] == "cycle" and any(each.word == "set" for each in found[index:]):
            end = "using"
        else:
            continue
        last = next((n for n in range(index, len(found) - 1) if found[n].word == end), None)
        if last is not None:
            yield token.start, found[last + 1].end
