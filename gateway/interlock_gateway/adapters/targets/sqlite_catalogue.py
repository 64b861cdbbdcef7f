"""A snapshot of what the names in a SQLite file mean: its tables, its views and their queries.

A file holds no functions, and what a generated column, a default or an index may call is SQLite's
own affair: with `trusted_schema` off that is nothing that acts. Names are compared as SQLite does,
without regard to case. Loads the SQL guard, so only the gateway itself does, and no child.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from interlock_gateway.adapters.targets.sqlite_facts import SCHEMA, SCHEMA_TABLES, Fact, facts
from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Name, Relation
from interlock_gateway.core.statement.lexer import Mark, Token, tokens
from interlock_gateway.core.statement.rules import rules

EPONYMOUS = frozenset(
    ("json_each", "json_tree", *rules(Dialect.SQLITE).parser["constructs"].split())
)
"""Tables that are in every file without being there, and only tell."""

_OF_SCHEMA = ("type", "name", "tbl_name", "rootpage", "sql")
# Modules that keep their rows in the same file. Any other could make something else act.
_LOCAL = frozenset(
    ("fts3", "fts4", "fts4aux", "fts5", "fts5vocab", "geopoly", "rtree", "rtree_i32")
)
_PLAIN: Name = ("", "")
_NAMES = (Mark.WORD, Mark.IDENTIFIER, Mark.STRING)


def snapshot(connection: sqlite3.Connection) -> Catalogue:
    """Return what the names of relations mean.

    Raises:
        sqlite3.Error: the file cannot be read, or not in time.
    """
    return catalogue(facts(connection))


def catalogue(found: Sequence[Fact]) -> Catalogue:
    """Return what the names of relations mean, from what there is in a file.

    Two relations whose names differ only in the case of letters beyond ASCII are left out: the
    guard could not tell them apart, so neither may be read.
    """
    folded = Counter(name.lower() for name, *_ in found)
    relations = {(SCHEMA, name): _own(()) for name in EPONYMOUS}
    relations |= {(SCHEMA, name): _own(_OF_SCHEMA) for name in SCHEMA_TABLES}
    for name, kind, sql, columns in found:
        if folded[name.lower()] == 1:
            relations[SCHEMA, name.lower()] = _relation(kind, sql, columns)
    version = sha256(json.dumps(found).encode(errors="surrogatepass")).hexdigest()
    return Catalogue(version, (SCHEMA,), relations, folds=True)


def _own(columns: Sequence[str]) -> Relation:
    return Relation("table", dict.fromkeys(columns, _PLAIN))


def _relation(kind: str, sql: str, columns: Sequence[str]) -> Relation:
    types = dict.fromkeys(columns, _PLAIN)
    if kind == "view":
        return Relation("view", types, query_of_view(sql))
    module = _module(list(tokens(Dialect.SQLITE, sql)))
    return Relation("table" if module is None or module in _LOCAL else "virtual table", types)


def query_of_view(sql: str) -> str:
    """Return the query behind AS in CREATE VIEW; "" where the text has another shape."""
    found = list(tokens(Dialect.SQLITE, sql))
    place = _after_name(found, "view")
    if place and found[place : place + 1] and found[place].text == "(":
        closing = (index for index in range(place, len(found)) if found[index].text == ")")
        place = next(closing, len(found)) + 1
    if not place or [token.word for token in found[place : place + 1]] != ["as"]:
        return ""
    return sql[found[place].end :].strip()


def _module(found: list[Token]) -> str | None:
    """Return the module of a virtual table, "" for one that is not understood, None for others."""
    if [token.word for token in found[:2]] != ["create", "virtual"]:
        return None
    place = _after_name([found[0], *found[2:]], "table") + 1
    named = found[place : place + 2]
    if len(named) != 2 or named[0].word != "using" or named[1].mark not in _NAMES:  # noqa: PLR2004  USING and the module
        return ""
    return named[1].text.strip("\"'`[]").lower()


def _after_name(found: list[Token], what: str) -> int:
    """Return where `CREATE what [IF NOT EXISTS] [schema.]name` ends; 0 if it does not begin so."""
    words = [token.word for token in found[:6]]
    if words[:2] != ["create", what]:
        return 0
    place = 5 if words[2:5] == ["if", "not", "exists"] else 2
    if found[place + 1 : place + 2] and found[place + 1].text == ".":
        place += 2
    return place + 1 if found[place : place + 1] and found[place].mark in _NAMES else 0
