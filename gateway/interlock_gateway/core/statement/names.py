"""Names that act, found in the tokens: a second look that trusts no parser.

A name before `(` calls a function unless it is a keyword, a type in CAST or a CTE's column list.
Quoted names call too: in SQLite `"load_extension"('x')`, and in FROM even
`'pragma_user_version'(7)`.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from interlock_gateway.core.model import Dialect, Effect, Reason
from interlock_gateway.core.statement import calls, files, verdicts
from interlock_gateway.core.statement.catalogue import Catalogue
from interlock_gateway.core.statement.lexer import Mark, Token, tokens
from interlock_gateway.core.statement.rules import Rules, rules, word_set

_NAMES = (Mark.WORD, Mark.IDENTIFIER, Mark.STRING)
# What follows the columns of a CTE; nothing else makes a list of columns of a call.
_COLUMN_LISTS = (
    ("as", "("),
    ("as", "materialized", "("),
    ("as", "not", "materialized", "("),
    ("using", "key"),
)
_SCHEMAS = (Mark.WORD, Mark.IDENTIFIER)
_QUERIES = frozenset({"select", "explain", "update", "delete"})


def reasons(
    dialect: Dialect, text: str, kind: str, catalogue: Catalogue | None = None
) -> Iterator[Reason]:
    """Yield why the names in a statement of that kind are more than a read.

    In a statement that defines something a name before `(` is mostly a column list, so only
    functions that are known to act count there.
    """
    lists = rules(dialect)
    queries = kind in _QUERIES
    found, closing = _looked_over(dialect, text)
    refused = word_set(lists.syntax["tables"]["refused"])
    yield from files.reasons(lists, found) if "files" in lists.syntax else ()
    yield from calls.phrases(lists, found) if queries else ()
    yield from calls.pivots(lists, found)
    body = 0 if queries else calls.body(lists, found, kind)
    for index, token in enumerate(found):
        if token.mark not in _NAMES:
            continue
        name = _unquoted(token)
        yield from _table(lists, token, name, quoted_table=name in refused)
        if _called(lists, found, closing, index):
            yield from _of_schema(lists, found, index)
            written = calls.disguised(lists, found, index)
            reason = written or verdicts.of_function(lists, [name], token.start, catalogue)
            exempt = written is None and _is_pragma_table(lists, name)
            known = name in lists.acting or (index >= body and not exempt)
            if reason is not None and known:
                yield reason


def functions(dialect: Dialect, text: str) -> tuple[str, ...]:
    """Return the names called in a query, each once, in order."""
    lists = rules(dialect)
    found, closing = _looked_over(dialect, text)
    called = (
        _unquoted(token)
        for index, token in enumerate(found)
        if token.mark in _NAMES and _called(lists, found, closing, index)
    )
    return tuple(dict.fromkeys(called))


def _of_schema(lists: Rules, found: list[Token], index: int) -> Iterator[Reason]:
    """Yield why the call at `index` may be one of a schema of the target."""
    named: list[str] = []
    place = index
    while place > 1 and found[place - 1].text == "." and found[place - 2].mark in _SCHEMAS:
        place -= 2
        named.insert(0, _unquoted(found[place]))
    after_a_value = place > 0 and found[place - 1].text == "."
    reason = None if after_a_value else files.of_schema(lists, named, found[index].text)
    if reason is not None:
        yield Reason(reason.effect, reason.what, reason.detail, position=found[place].start)


@lru_cache(maxsize=1)
def _looked_over(dialect: Dialect, text: str) -> tuple[list[Token], Mapping[int, int]]:
    """Return the tokens and brackets of a text, which is asked about twice in a row."""
    found = list(tokens(dialect, text))
    return found, _closing(found)


def _unquoted(token: Token) -> str:
    text = token.text if token.mark is Mark.WORD else token.text[1:-1]
    return text.lower()


def _is_pragma_table(lists: Rules, name: str) -> bool:
    return name in lists.parser["constructs"].split()


def _table(lists: Rules, token: Token, name: str, *, quoted_table: bool) -> Iterator[Reason]:
    pragma = name.startswith("pragma_") and not _is_pragma_table(lists, name)
    if pragma or quoted_table:
        detail = f"{name} is not a table of data."
        yield Reason(
            Effect.UNKNOWN, f"table {name}", detail, position=token.start, length=len(token.text)
        )


def _called(lists: Rules, found: list[Token], closing: Mapping[int, int], index: int) -> bool:
    """Return whether the name at `index` is followed by arguments."""
    bracket = index + 1
    if bracket not in closing or found[bracket].text != "(":
        return False
    token = found[index]
    qualified = index > 0 and found[index - 1].text == "."
    keyword = token.mark is Mark.WORD and token.word in lists.before_bracket and not qualified
    if keyword or calls.is_construct(lists, found, closing, index):
        return False
    is_type = index > 0 and (found[index - 1].word == "as" or found[index - 1].mark is Mark.CAST)
    after = tuple(item.text.lower() for item in found[closing[bracket] + 1 : closing[bracket] + 5])
    is_columns = any(after[: len(shape)] == shape for shape in _COLUMN_LISTS)
    return not (is_type or is_columns or _is_alias(lists, found, closing, index))


def _is_alias(lists: Rules, found: list[Token], closing: Mapping[int, int], index: int) -> bool:
    """Tell whether the name at `index` is an alias with its columns, as in `range(3) t(i)`.

    It is where the dialect lists its keywords, and a table or a subquery stands before it. Behind
    `DISTINCT ON (…)` comes a value.
    """
    keywords = word_set(lists.syntax.get("keywords", ""))
    if not keywords or index == 0:
        return False
    before = found[index - 1]
    if before.text == ")":
        opened = closing.get(index - 1, 0)
        return [token.word for token in found[max(opened - 2, 0) : opened]] != ["distinct", "on"]
    return before.mark in (Mark.IDENTIFIER, Mark.NUMBER) or (
        before.mark is Mark.WORD and before.word not in keywords
    )


def _closing(found: list[Token]) -> Mapping[int, int]:
    """Return for each bracket the index of the one that closes it, or that it closes."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(found):
        if token.mark is Mark.OPEN:
            opened.append(index)
        elif token.mark is Mark.CLOSE and opened:
            start = opened.pop()
            pairs[start], pairs[index] = index, start
    return pairs
