"""A statement of MySQL or MariaDB in words that sqlglot knows.

sqlglot reads one dialect for both and misses parts of each. Only sqlglot ever sees this text: the
engine gets the original, and names.py finds calls and words that act in the original too, so that
nothing is hidden by what is rewritten here.
"""

import re
from dataclasses import dataclass, field

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.lexer import Mark, Token, tokens

_UNKNOWN = re.compile(
    r"\b(?:values|match|column_(?:create|add|get)|escape|sql_\w+|into|value|examined|lastval"
    r"|high_priority|straight_join)\b",
    re.IGNORECASE,
)
_QUERIES = ("select", "with", "values", "table", "(")
_BEFORE_VALUES = frozenset({"", "(", ")", "union", "except", "intersect", "all", "distinct"})
_MODIFIERS = frozenset(
    {
        *("high_priority", "straight_join", "sql_small_result", "sql_big_result", "sql_cache"),
        *("sql_buffer_result", "sql_no_cache", "sql_calc_found_rows"),
    }
)
_CHOICES = frozenset({"all", "distinct", "distinctrow"})
_DYNAMIC = frozenset({"column_create", "column_add", "column_get"})


def familiar(dialect: Dialect, text: str) -> str:
    """Return `text` as sqlglot can read it; one without such parts is returned as it is."""
    if not _UNKNOWN.search(text):
        return text
    draft = _Draft(text, list(tokens(dialect, text)))
    draft.edit()
    return "".join(draft.characters)


@dataclass(slots=True)
class _Draft:
    text: str
    found: list[Token]
    characters: list[str] = field(init=False)
    typed: list[bool] = field(default_factory=list)  # for each open bracket: of dynamic columns?

    def __post_init__(self) -> None:
        self.characters = list(self.text)

    def edit(self) -> None:
        """Go through the tokens once."""
        query = self._word(0) in _QUERIES
        for index, token in enumerate(self.found):
            if token.mark is Mark.OPEN:
                self.typed.append(self._word(index - 1) in _DYNAMIC)
            elif token.mark is Mark.CLOSE and self.typed:
                self.typed.pop()
            elif token.mark is Mark.WORD:
                self._edit(index, token, query=query)

    def _edit(self, index: int, token: Token, *, query: bool) -> None:
        match token.word:
            case "values" if query and self._word(index - 1) in _BEFORE_VALUES:
                self._write(token, "SELECT")
            case "select":
                self._modifiers(index + 1)
            case "match":
                self._bracketed(index)
            case "escape":
                self._write(token, "+")
            case "as" if self.typed and self.typed[-1]:
                self._type(index)
            case "value" if self._word(index + 1) == "for":
                self._blank(index - 1, index + 2)
            case "rows" if self._word(index + 1) == "examined":
                first = self._word(index - 1) == "limit"
                self._blank(index, index + (2 if first else 3))
            case "into" if query:
                self._blank(index, self._end_of_into(index + 1))

    def _word(self, index: int) -> str:
        """Return what is written there in lower case, or "" outside the text."""
        inside = 0 <= index < len(self.found)
        return self.found[index].text.lower() if inside else ""

    def _write(self, token: Token, instead: str) -> None:
        """Put other characters in the token's place."""
        self._blank_characters(token, "")
        self.characters[token.start] = instead

    def _blank(self, first: int, end: int) -> None:
        for token in self.found[first:end]:
            self._blank_characters(token, " ")

    def _blank_characters(self, token: Token, instead: str) -> None:
        for place in range(token.start, token.end):
            self.characters[place] = instead

    def _modifiers(self, index: int) -> None:
        """Leave out SQL_NO_CACHE and the like: sqlglot knows some, in some orders."""
        while self._word(index) in _MODIFIERS | _CHOICES:
            if self._word(index) in _MODIFIERS:
                self._blank(index, index + 1)
            index += 1

    def _bracketed(self, index: int) -> None:
        """Write `MATCH a, b AGAINST` as `MATCH (a, b) AGAINST`."""
        if self._word(index + 1) == "(":
            return
        end = index + 1
        while end < len(self.found) and self.found[end].word != "against":
            end += 1
        if end < len(self.found):
            self.characters[self.found[index].end - 1] += "("
            self.characters[self.found[end].start] = ")" + self.characters[self.found[end].start]

    def _type(self, index: int) -> None:
        """Leave out the type in `COLUMN_CREATE(name, value AS type)`."""
        end, depth = index, 0
        while end < len(self.found) and (depth or self._word(end) not in (",", ")")):
            depth += {"(": 1, ")": -1}.get(self._word(end), 0)
            end += 1
        if all(token.mark is not Mark.STRING for token in self.found[index:end]):
            self._blank(index, end)

    def _end_of_into(self, index: int) -> int:
        """Return where the variables or the file after INTO end."""
        if self._word(index) in ("outfile", "dumpfile"):
            return index + 2
        while self._word(index) == "@":
            index += 2
            if self._word(index) == "," and self._word(index + 1) == "@":
                index += 1
        return index
