"""The read that shows what a mutation would change, taken from the mutation's own text.

The table and the condition are cut out of the author's text character for character; no SQL is
ever written from a tree. What cannot be cut out safely is said in words instead.
"""

from dataclasses import dataclass

from interlock_gateway.core.model import Statement
from interlock_gateway.core.statement.errors import StatementError
from interlock_gateway.core.statement.lexer import Mark, Token, tokens
from interlock_gateway.core.statement.translate import translate

SAMPLE_ROWS = 20

# After the table these words make it more than "one table, one condition".
_ELSEWHERE = frozenset({"from", "using", "join", "returning", "order", "limit", "current", "or"})

_IN_CONDITIONS = frozenset({"or", "from"})  # a OR b, IS DISTINCT FROM


@dataclass(frozen=True, slots=True)
class Preview:
    """What can be shown before a mutation is approved.

    `count` and `sample` are proposals: classify each, and run it only when it is a read.

    Attributes:
        table: the table as the author wrote it, with `ONLY` and alias; "" when not derived.
        count: counts the rows the condition selects; None when it cannot be derived.
        sample: the first rows the condition selects; None when it cannot be derived.
        image: every row the condition selects, to be read right before the change; likewise.
        rows: the number of rows when the text itself says it, as INSERT … VALUES does.
        note: one sentence for the approver.
    """

    table: str = ""
    count: Statement | None = None
    sample: Statement | None = None
    image: Statement | None = None
    rows: int | None = None
    note: str = ""


def preview_of(statement: Statement, *, sample: int = SAMPLE_ROWS) -> Preview:
    """Return what can be shown of the rows that `statement` would change.

    Derives a count and a sample for UPDATE and DELETE of a single table; counts the rows of
    INSERT … VALUES. For anything else the note says why there is nothing to show.
    """
    words = _Words(statement)
    match words.word(0):
        case "update":
            return _selected(words, start=1, table_ends="set", sample=sample)
        case "delete":
            if words.word(1) != "from":
                return Preview(note="This DELETE is not of the form DELETE FROM table WHERE.")
            return _selected(words, start=2, table_ends="where", sample=sample)
        case "insert":
            return _inserted(words)
        case verb:
            return Preview(note=f"Nothing can be shown beforehand for {verb.upper() or 'this'}.")


class _Words:
    """The tokens of the author's text that stand outside every bracket."""

    def __init__(self, statement: Statement) -> None:
        self.dialect = statement.dialect
        self.source = statement.source
        self.tokens: list[Token] = []
        depth = 0
        for token in tokens(statement.dialect, statement.source):
            depth -= token.mark is Mark.CLOSE
            if depth == 0 and token.mark is not Mark.END:
                self.tokens.append(token)
            depth += token.mark is Mark.OPEN

    def word(self, index: int) -> str:
        """Return the word at `index`, or "" for anything else."""
        return self.tokens[index].word if index < len(self.tokens) else ""

    def find(self, word: str, start: int) -> int | None:
        """Return the index of the first `word` from `start` on."""
        places = range(start, len(self.tokens))
        return next((index for index in places if self.word(index) == word), None)

    def cut(self, first: int, end: int | None) -> str:
        """Return the text from token `first` to the one before `end`, and no comment behind it."""
        return self.source[
            self.tokens[first].start : self.tokens[-1 if end is None else end - 1].end
        ]


def _selected(words: _Words, *, start: int, table_ends: str, sample: int) -> Preview:
    """Derive the read of one table's rows under the mutation's own condition."""
    where = words.find("where", start)
    ends = words.find(table_ends, start) if table_ends != "where" else where
    odd = _elsewhere(words, start, where)
    if odd:
        return Preview(
            note=f"Nothing is shown beforehand: {odd.upper()} is not plain UPDATE or DELETE."
        )
    if ends == start or (table_ends == "set" and ends is None):
        return Preview(note="The table of this statement was not recognised.")
    return _reads(words, words.cut(start, ends), where, sample)


def _elsewhere(words: _Words, start: int, where: int | None) -> str:
    """Return the first word that ties the rows to something else, or ""."""
    before = len(words.tokens) if where is None else where
    for index in range(start, len(words.tokens)):
        word = words.word(index)
        if word in _ELSEWHERE and not (word in _IN_CONDITIONS and index > before):
            return word
    return ""


def _reads(words: _Words, table: str, where: int | None, sample: int) -> Preview:
    if where is not None and where + 1 >= len(words.tokens):
        return Preview(note="WHERE has no condition.")
    # A condition may end in a line comment: the bracket that closes it stands on its own line.
    condition = f" WHERE ({words.cut(where + 1, None)}\n)" if where is not None else ""
    rows = f"FROM {table}{condition}"
    which = "the rows its WHERE selects" if condition else "every row: there is no WHERE"
    try:
        return Preview(
            table=table,
            count=translate(words.dialect, f"SELECT count(*) {rows}"),
            sample=translate(words.dialect, f"SELECT * {rows} LIMIT {int(sample)}"),
            image=translate(words.dialect, f"SELECT * {rows}"),
            note=f"Count and sample of {which}, as they are now.",
        )
    except StatementError as error:
        return Preview(note=f"The condition could not be read by itself: {error.message}")


def _inserted(words: _Words) -> Preview:
    """Count the rows of INSERT … VALUES by its brackets."""
    values = words.find("values", 1)
    if values is None or any(words.find(word, 1) is not None for word in ("select", "conflict")):
        return Preview(note="The rows come from a query, or depend on what is there already.")
    rows, rest = 0, words.tokens[values + 1 :]
    for token in rest:
        if token.mark is Mark.OPEN:
            rows += 1
        elif token.word:
            return Preview(note=f"{token.text.upper()} after VALUES was not understood.")
    return Preview(rows=rows, note=f"Inserts {rows} row{'s' * (rows != 1)} of values.")
