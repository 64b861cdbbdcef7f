"""Random statements: soups of tokens, sentences of a small grammar, and changed seeds."""

import gzip
import json
import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from fuzz.seed_file import seeds
from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.rules import rules
from sql_cases import cases

_FOLDER = Path(__file__).parent / "grammars"
_BLANK = re.compile(r"\{(\w+)\}")
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|/\*|\*/|--|::|\$\w*\$|\s+|\w+|.", re.DOTALL)
_DEPTH = 5  # beyond it a grammar's first, plainest alternatives are taken
_LONGEST = 4_000  # characters; longer seeds slow the hunt down and find nothing of their own

# What lexers disagree about: quotes, comments, dollars, backslashes, blanks.
_QUOTING = [
    *("'", "''", '"', '""', "`", "[", "]", "E'", "U&'", 'U&"', "N'", "x'", "\\", "\\'", "'\\'"),
    *("$$", "$a$", "$é$", "$1", "?", "?1", "@x", "#x", ":x", "::", ":", ":=", "=>", "%s", "%"),
    *("/*", "*/", "/**/", "/*/", "/* /* */ */", "/*!", "/*+", "--", "-- x\n", "--\r", "//", "#"),
    *(";", "; ", ";;", "(", ")", ",", ".", "*", "+", "-", "~", "!", "{", "}", "|", "^"),
]
_BLANKS = [
    *(" ", "  ", "\n", "\t", "\r\n", "\r", "\f", "\v", "\x00", "\x01", "\x1a", "\x7f", "\x85"),
    *("\u00a0", "\u2003", "\u2028", "\u200b", "\u3000", "\ufeff", "/* x */", "-- x\n", ""),
]
_ODD = [*"éßДſK①’‘＇；", "\U0001f600", "\ud800"]  # noqa: RUF001  letters that are not what they look like
_WORDS = """
    select from where as into for update of share insert delete set returning values table with
    recursive union all except order by using group having limit offset fetch explain analyze
    show cast case when then else end begin commit rollback savepoint release copy to program
    execute do call declare listen notify lock truncate drop create temp replace or on conflict
    pragma attach vacuum materialized lateral only rows tablesample collate operator variadic
    array row within filter over partition window distinct exists in between like is not null
    escape uescape default grant reset discard prepare deallocate merge matched glob match
"""


@dataclass(slots=True)
class Maker:
    """Makes statements of one dialect, reproducibly from one number.

    Attributes:
        dialect: whose grammar, lists and seeds to use.
        seed: the number; the same number makes the same statements.
    """

    dialect: Dialect
    seed: int
    _random: random.Random = field(init=False)
    _grammar: Mapping[str, Sequence[str]] = field(init=False)
    _alphabet: Sequence[str] = field(init=False)
    _known: Sequence[Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311  chance, not secrecy
        self._grammar = grammar(self.dialect)
        self._alphabet = alphabet(self.dialect)
        self._known = [tokens(text) for text in known(self.dialect)]

    def next(self) -> str:
        """Return one more statement."""
        chance = self._random.random()
        if chance < 0.08:
            return self._soup()
        if chance < 0.55:
            return self._changed(tokens(self.sentence()), self._random.choice((0, 0, 0, 1, 2)))
        return self._changed(self._random.choice(self._known), self._random.randint(1, 4))

    def sentence(self, name: str = "statement", depth: int = 0) -> str:
        """Return a random expansion of the grammar's `name`."""
        return expanded(self._grammar, self._random, name, depth)

    def _soup(self) -> str:
        between = self._random.choice((" ", "", " "))
        count = self._random.randint(1, 12)
        start = self._random.choice(("SELECT", "SELECT 1", "", "EXPLAIN", "WITH"))
        return between.join((start, *self._random.choices(self._alphabet, k=count)))

    def _changed(self, found: Sequence[str], times: int) -> str:
        changed = list(found)
        for _ in range(times):
            self._random.choice(_CHANGES)(self, changed)
        return "".join(changed)

    # Each change below alters the list it is given.

    def _place(self, found: list[str]) -> int:
        return int(self._random.random() * len(found))

    def _insert(self, found: list[str]) -> None:
        found.insert(self._place(found), self._random.choice(self._alphabet))

    def _remove(self, found: list[str]) -> None:
        if found:
            del found[self._place(found)]

    def _replace(self, found: list[str]) -> None:
        if found:
            found[self._place(found)] = self._random.choice(self._alphabet)

    def _expand(self, found: list[str]) -> None:
        if found:
            name = self._random.choice(("expression", "call", "from", "statement", "table"))
            found[self._place(found)] = self.sentence(name, 3)

    def _double(self, found: list[str]) -> None:
        if found:
            place = self._place(found)
            found.insert(place, found[place])

    def _swap(self, found: list[str]) -> None:
        if found:
            one, other = self._place(found), self._place(found)
            found[one], found[other] = found[other], found[one]

    def _blank(self, found: list[str]) -> None:
        blanks = [place for place, text in enumerate(found) if text.isspace()]
        if blanks:
            found[self._random.choice(blanks)] = self._random.choice(_BLANKS)

    def _disguise(self, found: list[str]) -> None:
        words = [place for place, text in enumerate(found) if text.isidentifier()]
        if words:
            place = self._random.choice(words)
            form = self._random.choice(('"{}"', "'{}'", "[{}]", "`{}`", 'U&"{}"', "pg_catalog.{}"))
            found[place] = form.format(found[place])

    def _cut(self, found: list[str]) -> None:
        """Break a token in two, or end the text inside one."""
        if found:
            place = self._place(found)
            text = found[place]
            half = int(self._random.random() * (len(text) + 1))
            found[place : place + 1] = [text[:half], self._random.choice(_QUOTING), text[half:]]

    def _rename(self, found: list[str]) -> None:
        """Give tables and columns names that exist, so that the engine gets further."""
        names = ("a", "b", "id", "t", "t", "u")
        for place, text in enumerate(found):
            if text.isidentifier() and text.islower() and self._random.random() < 0.3:
                found[place] = self._random.choice(names)

    def _splice(self, found: list[str]) -> None:
        """Go on with the end of another seed."""
        other = self._random.choice(self._known)
        del found[self._place(found) :]
        found.extend(other[self._place(list(other)) :])


_CHANGES: Sequence[Callable[[Maker, list[str]], None]] = (
    *(Maker._insert, Maker._remove, Maker._replace, Maker._expand, Maker._expand, Maker._double),  # noqa: SLF001  the changes are its own
    *(Maker._swap, Maker._blank, Maker._disguise, Maker._cut, Maker._rename, Maker._splice),  # noqa: SLF001  likewise
)


def expanded(
    rows: Mapping[str, Sequence[str]], chance: random.Random, name: str, depth: int = 0
) -> str:
    """Return a random expansion of a grammar's `name`."""
    options = rows[name]
    if depth > _DEPTH:
        options = options[:5]
    text = options[int(chance.random() * len(options))]
    return _BLANK.sub(lambda found: expanded(rows, chance, found.group(1), depth + 1), text)


def tokens(text: str) -> list[str]:
    """Return `text` in pieces that are changed as a whole; joined they are `text` again."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=len(Dialect))
def grammar(dialect: Dialect) -> Mapping[str, Sequence[str]]:
    """Return the dialect's grammar file, with the guard's own lists as further names."""
    lists = rules(dialect)
    found: dict[str, list[str]] = {
        "reads": sorted(lists.functions),
        "acts": sorted({*lists.acting, *lists.refused}),
        "words": _WORDS.split(),
    }
    file = Dialect.MARIADB if dialect is Dialect.MYSQL else dialect  # they share one grammar
    return {**found, **grammar_file(file.value)}


def grammar_file(file: str) -> dict[str, list[str]]:
    """Return a grammar file: the alternatives below each `[name]`."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (_FOLDER / f"{file}.txt").read_text("utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            name = line[1:-1]
            found[name] = []
        elif name and line.strip():
            found[name].append(line)
    return found


@lru_cache(maxsize=len(Dialect))
def alphabet(dialect: Dialect) -> Sequence[str]:
    """Return tokens to throw into a statement anywhere, the rarer ones less often."""
    rows = grammar(dialect)
    names = [
        text for name in ("column", "table", "literal", "type", "operator") for text in rows[name]
    ]
    plain = [text for text in names if "{" not in text]
    calls = [f"{name}(" for name in rows["acts"][::3]]
    return [*_QUOTING * 3, *_BLANKS * 2, *_ODD, *plain * 2, *_WORDS.split() * 2, *calls]


@lru_cache(maxsize=len(Dialect))
def known(dialect: Dialect) -> Sequence[str]:
    """Return the statements to change: the guard's cases, what hunts found, a corpus if named.

    Raises:
        ValueError: INTERLOCK_FUZZ_CORPUS names a folder without corpora.
    """
    files = (f"{dialect.value}_reads", f"{dialect.value}_effects")
    ours = [case.sql for name in files for case in cases(name)]
    return [*ours, *seeds(dialect), *_corpus(dialect)]


def _corpus(dialect: Dialect) -> list[str]:
    folder = os.environ.get("INTERLOCK_FUZZ_CORPUS", "")
    paths = sorted(Path(folder).glob("*.jsonl.gz")) if folder else []
    if folder and not paths:
        raise ValueError(f"INTERLOCK_FUZZ_CORPUS names {folder}, which holds no *.jsonl.gz.")
    given = [text for path in paths for text in _rows(path, dialect)]
    return [text for text in given if len(text) <= _LONGEST]


def _rows(path: Path, dialect: Dialect) -> list[str]:
    called = Dialect.MYSQL if dialect is Dialect.MARIADB else dialect  # the corpus knows one name
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [row["sql"] for row in map(json.loads, lines) if row["dialect"] == called]
