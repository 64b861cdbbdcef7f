"""How a call is written, for engines where that decides which function it calls.

MariaDB and MySQL have functions of their own and stored functions that anybody may have defined
under the same name. `now()` is the engine's, while `now ()`, `` `now`() `` and `app.now()` are
stored functions: executed on MariaDB 10.11.
Sources: https://mariadb.com/docs/server/reference/sql-structure/sql-language-structure/identifier-names
and https://dev.mysql.com/doc/refman/8.4/en/function-resolution.html
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from interlock_gateway.core.model import Effect, Reason
from interlock_gateway.core.statement.lexer import Mark, Token
from interlock_gateway.core.statement.rules import Rules, word_set

_EXPLAIN = frozenset({"explain", "analyze", "describe", "desc"})
_OPTIONS = frozenset(
    {"analyze", "extended", "partitions", "format", "=", "json", "tree", "traditional"}
)
_VALUES = frozenset({"values", "value", "select", "set", "with"})
_OPERANDS = (Mark.NUMBER, Mark.STRING, Mark.CLOSE)


def disguised(lists: Rules, found: Sequence[Token], index: int) -> Reason | None:
    """Return why the call at `index` may be another function than its name says, or None."""
    if not lists.no_blank:
        return None
    name, bracket = found[index], found[index + 1]
    word = name.text.strip("`'\"").lower()
    written = ""
    if index and found[index - 1].text == ".":
        written = "in a schema"
    elif name.mark is not Mark.WORD:
        written = "in quotes"
    elif word in lists.no_blank and name.end != bracket.start:
        written = "with a blank before its bracket"
    if written:
        detail = f"{word}() {written} may be a stored function, which may do anything."
        return _reason(Effect.UNKNOWN, word, detail, name)
    return _with_argument(lists, found, index)


def body(lists: Rules, found: Sequence[Token], kind: str) -> int:
    """Return where the values of an INSERT begin, behind its table and its list of columns.

    Whatever stands before that place is no call; elsewhere that is all of the text.
    """
    if lists.no_blank and kind == "insert":
        for index, token in enumerate(found):
            if token.word in _VALUES:
                return index
    return len(found)


def _with_argument(lists: Rules, found: Sequence[Token], index: int) -> Reason | None:
    name = found[index]
    only_empty = lists.syntax["calls"]["without_arguments"].split()
    if name.word not in only_empty or found[index + 2].mark is Mark.CLOSE:
        return None
    detail = f"{name.word}() with an argument sets what it returns next."
    return _reason(Effect.SESSION, name.word, detail, name)


def _reason(effect: Effect, word: str, detail: str, name: Token) -> Reason:
    return Reason(effect, f"function {word}", detail, position=name.start, length=len(name.text))


def is_construct(
    lists: Rules, found: Sequence[Token], closing: Mapping[int, int], index: int
) -> bool:
    """Return whether the word at `index` belongs to the grammar here, and calls nothing.

    `SELECT json_table(1)` and `SELECT columns(1)` call stored functions, and so does `of(1)`;
    they are the grammar's own only among words that no call could stand among.
    """
    word, before = found[index].word, found[index - 1] if index else None
    if not lists.no_blank or (before and before.text == "."):
        return False
    if before is None:
        return word in _EXPLAIN
    if word in lists.syntax["after_operand"].split():
        return before.mark in _OPERANDS or (word == "against" and _matches(found, index))
    if _is_option(found, index):
        return True
    if word == "json_table":
        return _has_columns(found, index + 1, closing[index + 1])
    return (word, before.word) == ("of", "member")


def _is_option(found: Sequence[Token], index: int) -> bool:
    """Return whether the word ends the options of an EXPLAIN, before a query in brackets."""
    return found[0].word in _EXPLAIN and all(
        token.text.lower().strip("'\"") in _OPTIONS for token in found[1 : index + 1]
    )


def _matches(found: Sequence[Token], index: int) -> bool:
    """Return whether AGAINST stands behind `MATCH a, b`, without the usual brackets."""
    names = (Mark.WORD, Mark.IDENTIFIER)
    while index and (found[index - 1].mark in names or found[index - 1].text in (".", ",")):
        index -= 1
        if found[index].word == "match":
            return True
    return False


def _has_columns(found: Sequence[Token], opened: int, closed: int) -> bool:
    """Return whether `'path' COLUMNS (` stands between the brackets: no argument reads so."""
    return any(
        found[place].word == "columns"
        and found[place - 1].mark is Mark.STRING
        and found[place + 1].mark is Mark.OPEN
        for place in range(opened + 2, closed)
    )


def phrases(lists: Rules, found: Sequence[Token]) -> Iterator[Reason]:
    """Yield what the dialect's words that act do, wherever they stand in a query."""
    listed = lists.syntax.get("phrases", {})
    starts = _by_first_word(tuple(listed))
    for index, token in enumerate(found) if starts else ():
        first = token.text.lower()
        if first not in starts or _is_part_of_name(found, index):
            continue
        for words in starts[first]:
            if [one.text.lower() for one in found[index : index + len(words)]] == words:
                phrase = " ".join(words)
                yield _acts(listed[phrase], phrase, token)
                break


def pivots(lists: Rules, found: Sequence[Token]) -> Iterator[Reason]:
    """Yield why a PIVOT is more than a read though its tree looks like one.

    In `PIVOT t ON +a IN (1)` the sign makes an expression of the column, and DuckDB looks its
    values up before anything else, into a temporary type. sqlglot drops the sign.
    """
    before = word_set(lists.syntax.get("pivot", {}).get("before_plus", ""))
    if not before or all(token.word != "pivot" for token in found):
        return
    for first, sign in pairwise(found):
        if sign.text == "+" and first.text.lower() in before:
            detail = "A sign before what PIVOT is ON makes a temporary type; leave it out."
            yield Reason(Effect.SESSION, "sign +", detail, position=sign.start, length=1)


def _is_part_of_name(found: Sequence[Token], index: int) -> bool:
    """Tell whether the word stands in a name such as `t.into` or `@into`.

    In `2.INTO` the dot ends a number, and INTO is INTO.
    """
    before = found[index - 1].text if index else ""
    if before == ".":
        return index > 1 and found[index - 2].mark is not Mark.NUMBER
    return before == "@"


@lru_cache(maxsize=8)
def _by_first_word(phrases: tuple[str, ...]) -> Mapping[str, Sequence[list[str]]]:
    """Return the phrases in words, by the first of them, longer ones first."""
    found: dict[str, list[list[str]]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        words = phrase.split()
        found.setdefault(words[0], []).append(words)
    return found


def _acts(entry: Sequence[str], phrase: str, token: Token) -> Reason:
    effect, why = entry
    return Reason(
        Effect(effect), f"words {phrase}", why, position=token.start, length=len(token.text)
    )
