"""The functions of a live MariaDB: its own list, and what its parser knows beyond it.

`information_schema.SQL_FUNCTIONS` leaves out the geometry functions and whatever is a keyword.
The server is therefore asked to prepare `name()`, `name(1)`, … for each word that it has or
documents: what it does not take for a stored function is its own. Preparing runs nothing.
"""
# ruff: noqa: T201  part of a script that prints

import asyncio
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncmy
from asyncmy.errors import MySQLError

LOCAL = "mysql://127.0.0.1:3306"  # as root, without a password

_WORDS = """
    SELECT function FROM information_schema.SQL_FUNCTIONS
     UNION SELECT word FROM information_schema.KEYWORDS
     UNION SELECT replace(name, '\\\\', '') FROM mysql.help_topic
"""
_ARGUMENTS = ("()", "(1)", "(1, 1)", "(1, 1, 1)")
_NO_SUCH_FUNCTION, _COLLISION, _SYNTAX, _NO_DATABASE = 1305, 1630, 1064, 1046
_STORED = frozenset({_NO_SUCH_FUNCTION, _COLLISION, _NO_DATABASE})
_AGGREGATES = """
    avg bit_and bit_or bit_xor count group_concat json_arrayagg json_objectagg max min std stddev
    stddev_pop stddev_samp sum var_pop var_samp variance
"""


@dataclass(slots=True)
class Known:
    """What the server takes each word before a bracket for.

    Attributes:
        version: the server's release, such as `10.11`.
        own: functions of the server itself.
        no_blank: words that a blank before the bracket makes a stored function.
        stored: words that may be a stored function even without a blank.
    """

    version: str = ""
    own: set[str] = field(default_factory=set)
    no_blank: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)


def lists(data: Path, effects: dict[str, str], url: str = LOCAL) -> dict[str, object]:
    """Return the lists of the live MariaDB, and print what contradicts the reviewed files.

    Args:
        data: the folder of the reviewed files.
        effects: every reviewed function and the effect it was given.
        url: the server, as `mysql://USER:PASSWORD@HOST:PORT`.
    """
    syntax = tomllib.loads((data / "mariadb/syntax.toml").read_text("utf-8"))
    keywords = set(syntax["before_bracket"].split())
    known = asyncio.run(_asked(url, {*keywords, *effects}))
    read = {name for name in known.own - keywords if effects.get(name, "read") == "read"}
    reviewed = {name for name, effect in effects.items() if effect == "read"}
    _tell("listed before a bracket, but may be stored functions", keywords & known.stored)
    _tell("reviewed as reads, but may be stored functions", reviewed & known.stored)
    return {
        "engine": f"MariaDB {known.version}",
        "read": read | reviewed,
        "refused": {name for name, effect in effects.items() if effect != "read"},
        "aggregates": set(_AGGREGATES.split()),
        "no_blank": known.no_blank & (read | reviewed),
    }


def _tell(what: str, names: Iterable[str]) -> None:
    print(f"{what}:", ", ".join(sorted(names)) or "none")


async def _asked(url: str, more: set[str]) -> Known:
    parts = urlsplit(url)
    connection = await asyncmy.connect(
        host=parts.hostname, port=parts.port or 3306, user=parts.username or "root",
        password=parts.password or "",
    )  # fmt: skip
    known = Known()
    try:
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT version()")
            known.version = ".".join((await cursor.fetchone())[0].split(".")[:2])
            await cursor.execute(_WORDS)
            listed = {word.lower() for (word,) in await cursor.fetchall()}
            for word in sorted(w for w in listed | more if re.fullmatch(r"[a-z_]\w*", w)):
                await _ask(cursor, word, known)
    finally:
        connection.close()
    return known


async def _ask(cursor: asyncmy.cursors.Cursor, word: str, known: Known) -> None:
    plain = {await _error(cursor, f"SELECT {word}{written}") for written in _ARGUMENTS}
    spaced = {await _error(cursor, f"SELECT {word} {written}") for written in _ARGUMENTS}
    if plain & _STORED:
        known.stored.add(word)
    elif spaced & _STORED:
        known.no_blank.add(word)
    if not plain & _STORED and plain != {_SYNTAX}:
        known.own.add(word)


async def _error(cursor: asyncmy.cursors.Cursor, text: str) -> int:
    """Return the server's error number for preparing `text`, or 0."""
    try:
        await cursor.execute(f"PREPARE asked FROM '{text}'")
    except MySQLError as error:
        return int(error.args[0])
    return 0
