"""EXPLAIN, SHOW, DESCRIBE, HELP, and statements that are no queries, in MySQL and MariaDB.

An EXPLAIN is judged as if it ran: MariaDB fills derived tables to plan around them, so that
`EXPLAIN SELECT * FROM (SELECT f()) AS x` calls `f` (executed on 10.11).
Sources: https://mariadb.com/docs/server/reference/sql-statements and
https://dev.mysql.com/doc/refman/8.4/en/sql-statements.html.
"""

from collections.abc import Mapping
from functools import partial

from interlock_gateway.core.model import Dialect, Effect, Reason
from interlock_gateway.core.statement.grammar.shape import Explained, Rule
from interlock_gateway.core.statement.lexer import Mark, Token
from interlock_gateway.core.statement.opinion import Opinion, not_understood
from interlock_gateway.core.statement.rules import rules

_NAMES = (Mark.WORD, Mark.IDENTIFIER)
_VALUES = (Mark.STRING, Mark.NUMBER, Mark.PLACEHOLDER)
_EXPLAINABLE = ("select", "with", "values", "table", "insert", "replace", "update", "delete", "(")
_RUN = (["select"], ["with"], ["("])
_TABLES = ("table", "tables", "local", "no_write_to_binlog")
_SHOWN = "SHOW takes a name, LIKE, or a plain condition."
_OF_THE_SERVER = frozenset({"global", "persist", "persist_only", "password", "role"})
_SMALL = frozenset({"costly", "session", "lock"})  # a call could do more than these


def _explain(dialect: Dialect, rest: list[Token]) -> Opinion | Explained:
    """Accept options, then a statement, another session's number, or a table."""
    listed = rules(dialect).syntax["explain"]
    place = _options(rest, listed["formats"].split())
    behind = rest[place:]
    if _words(behind[:2]) == ["for", "connection"] and len(behind) == 3:  # noqa: PLR2004  and its number
        return Opinion("explain", bounded=True)
    if behind and behind[0].text.lower() in _EXPLAINABLE:
        return Explained(behind[0].start, runs=True)
    if place or not _is_table(behind):
        not_understood("explain", "EXPLAIN takes a query, or the name of a table.")
    return Opinion("describe", bounded=True)


def _analyze(dialect: Dialect, rest: list[Token]) -> Opinion | Explained:
    listed = rules(dialect).syntax["explain"]
    if rest and rest[0].word in _TABLES:
        return _acts("analyze", dialect, rest)
    place = _options(rest, listed["formats"].split())
    queries = "select" in listed["analyze"].split()
    if not queries or _words(rest[place : place + 1]) not in _RUN:
        not_understood("analyze", "ANALYZE takes TABLE, or in MariaDB a query.")
    return Explained(rest[place].start, runs=True)


def _options(rest: list[Token], formats: list[str]) -> int:
    """Return how many tokens the options in front of the statement take."""
    place = 0
    while place < len(rest) and rest[place].word in ("extended", "partitions", "analyze"):
        if len(rest) == place + 1:
            return place  # a table of that name
        place += 1
    written = _words(rest[place : place + 3])
    if written[:2] == ["format", "="] and len(written) == 3:  # noqa: PLR2004  and its value
        if written[2].strip("'\"") not in formats:
            not_understood("explain", f"FORMAT={written[2].upper()} is not known to only plan.")
        return place + 3
    return place


def _words(found: list[Token]) -> list[str]:
    return [token.text.lower() for token in found]


def _is_table(found: list[Token]) -> bool:
    """Tell whether these are `[schema.]table [column | 'pattern']`."""
    after = 3 if len(found) > 1 and found[1].text == "." else 1
    names, column = found[0:after:2], found[after:]
    return (
        len(names) == (after + 1) // 2
        and all(token.mark in _NAMES for token in names)
        and len(column) <= 1
        and all(token.mark in (*_NAMES, Mark.STRING) for token in column)
    )


def _help(_: Dialect, rest: list[Token]) -> Opinion:
    if len(rest) != 1 or rest[0].mark not in (*_NAMES, Mark.STRING):
        not_understood("help", "HELP takes one word.")
    return Opinion("help", bounded=True)


def _show(dialect: Dialect, rest: list[Token]) -> Opinion:
    """Accept a listed thing, and behind it nothing that is evaluated but a plain condition."""
    listed = rules(dialect).syntax["show"]
    place = 0
    while place < len(rest) and rest[place].word in listed["before"].split():
        place += 1
    written = _words(rest[place:])
    things = (line.split() for line in listed["things"].strip().splitlines())
    length = max((len(thing) for thing in things if written[: len(thing)] == thing), default=0)
    if not length:
        detail = f"SHOW {' '.join(written[:2]).upper()} is not known to only tell."
        not_understood("show", detail, 0)
    _plain(rest[place + length :], listed["never"].split())
    return Opinion("show", bounded=True)


def _plain(tail: list[Token], never: list[str]) -> None:
    """Give up on a tail that could call something: only `IN (1, 'a')` may hold brackets."""
    inside = False
    for index, token in enumerate(tail):
        before = tail[index - 1].word if index else ""
        if token.mark is Mark.OPEN and before == "in" and not inside:
            inside = True
        elif token.mark is Mark.CLOSE and inside:
            inside = False
        elif not _tells(token, never) or (inside and not _is_listed(token)):
            not_understood("show", _SHOWN, token.start)


def _is_listed(token: Token) -> bool:
    return token.mark in _VALUES or token.text == ","


def _tells(token: Token, never: list[str]) -> bool:
    if token.mark is Mark.WORD:
        return token.word not in never
    return token.mark in (*_NAMES, *_VALUES) or token.text in tuple(".,=<>!-@")


def _acts(word: str, dialect: Dialect, rest: list[Token]) -> Opinion:
    """Name the effect of a statement that is no query, as far as its own words tell it."""
    listed = rules(dialect).syntax["statements"]
    if word not in listed:
        not_understood(word, f"{rules(dialect).engine} has no statement {word.upper()}.", 0)
    effect, why = _of_session(word, rest, listed[word])
    if effect in _SMALL and any(token.mark is Mark.OPEN for token in rest):
        effect, why = "unknown", f"{word.upper()} with a call in it may do anything."
    return Opinion(word, (Reason(Effect(effect), f"statement {word}", why, position=0),))


def _of_session(word: str, rest: list[Token], entry: tuple[str, str]) -> tuple[str, str]:
    """Return what SET, BEGIN or START does; of any other word, what is listed."""
    first = rest[0].word if rest else ""
    words = {token.word for token in rest}
    if word == "start":
        return entry if first == "transaction" else ("admin", "START starts replication.")
    if word == "begin":
        return entry if words <= {"work", ""} else ("unknown", "BEGIN NOT ATOMIC holds a program.")
    if word == "set" and (first == "statement" or "next" in words):
        return "unknown", "SET with a statement or a sequence in it may do anything."
    if word == "set" and words & _OF_THE_SERVER:
        return "admin", "SET changes a setting of the server, a password or a role."
    return entry


def _statements() -> dict[str, Rule]:
    """Return a rule for each word that the data files list as no query."""
    listed = {
        word
        for dialect in (Dialect.MARIADB, Dialect.MYSQL)
        for word in rules(dialect).syntax["statements"]
    }
    return {word: partial(_acts, word) for word in listed}


RULES: Mapping[str, Rule] = {
    **_statements(),
    "analyze": _analyze,
    "explain": _explain,
    "describe": _explain,
    "desc": _explain,
    "help": _help,
    "show": _show,
}
