"""Noninterference of masked columns: what is delivered does not depend on their values.

Two databases differ in masked values alone. A query that the guard lets run, and whose delivered
answer differs between the two, told something of them.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fuzz.hunt import seconds, seed, shrunk
from fuzz.strings import expanded, grammar_file
from interlock_gateway.core.model import Classification, Column, Dialect, Effect, Rows, Target
from interlock_gateway.core.statement import Catalogue, classify_source, shown_rows, with_masks
from interlock_gateway.core.statement.catalogue import Relation

_WORLD = Path(__file__).parent / "worlds/twins.sql"
_DIFFERENT = re.compile(r"([\w@.]+)\|([\w@.]+)")
_MASKED = {"customers.email": "pii", "customers.pin": "pii", "cards.pin": "secret"}
_TABLES = ("customers", "cards", "guesses")
_COLUMNS = dict.fromkeys(("id", "email", "pin", "name"), ("", ""))
_VIEW = re.compile(r"CREATE VIEW (\w+) AS (.*)")

Answer = tuple[Sequence[Column], Sequence[tuple[Any, ...]]] | str
"""Columns and rows as an engine gives them, or "error", or SKIPPED."""

SKIPPED = "it took too long"


class Twins(Protocol):
    """One engine with both databases."""

    dialect: Dialect
    schema: str

    def ask(self, sql: str) -> tuple[Answer, Answer]:
        """Return what each of the two answers."""
        ...


@dataclass(slots=True)
class Told:
    """What a hunt saw.

    Attributes:
        seed: the number that makes the same queries again.
        asked: queries made.
        passed: those that the guard let run.
        answered: those of them that both databases answered without an error.
        leaks: each query that told something, shrunk.
    """

    dialect: Dialect
    seed: int
    asked: int = 0
    passed: int = 0
    answered: int = 0
    leaks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"masks {self.dialect}: {self.asked:,} queries, {self.passed:,} passed, "
            f"{self.answered:,} of those answered, {len(self.leaks)} told masked values "
            f"(INTERLOCK_FUZZ_SEED={self.seed})"
        )


def world(twin: int) -> list[str]:
    """Return the statements that make database 0 or 1."""
    lines = [line for line in _WORLD.read_text("utf-8").splitlines() if line[:2] != "--"]
    return [_DIFFERENT.sub(lambda found: found.group(twin + 1), line) for line in lines]


def catalogue(dialect: Dialect, schema: str) -> Catalogue:
    """Return what the names in both mean, with the masks."""
    relations = {name: Relation("table", _COLUMNS) for name in _TABLES}
    for name, query in _VIEW.findall("\n".join(world(0))):
        relations[name] = Relation("view", _COLUMNS, query)
    made = Catalogue(
        version=f"twins {dialect}",
        path=("pg_catalog", schema) if dialect is Dialect.POSTGRES else (schema,),
        relations={(schema, name): one for name, one in relations.items()},
    )
    return with_masks(made, {f"{schema}.{column}": tag for column, tag in _MASKED.items()})


def hunt(twins: Twins) -> Told:
    """Ask random queries until the time is up."""
    told = Told(twins.dialect, seed())
    rows, chance = grammar_file("masked"), random.Random(told.seed)  # noqa: S311  no secrecy
    known = catalogue(twins.dialect, twins.schema)
    end = time.monotonic() + seconds()
    while time.monotonic() < end and len(told.leaks) < 10:
        sql = expanded(rows, chance, "query")
        told.asked += 1
        why = _leak(twins, known, sql, told)
        if why:
            short = shrunk(sql, lambda text: bool(_leak(twins, known, text, told)))
            told.leaks[short] = _leak(twins, known, short, told)
    return told


def _leak(twins: Twins, known: Catalogue, sql: str, told: Told) -> str:
    """Return how the two delivered answers differ, or ""."""
    found = classify_source(twins.dialect.value, sql, known)
    if found.effect is not Effect.READ:
        return ""
    told.passed += 1
    one, other = twins.ask(sql)
    told.answered += not isinstance(one, str)
    shown = [_shown(twins, found, answer) for answer in (one, other)]
    same = shown[0] == shown[1] or SKIPPED in (one, other)
    return "" if same else f"{shown[0]} and {shown[1]}"


def _shown(twins: Twins, found: Classification, answer: Answer) -> object:
    """Return what is delivered, without the order of rows, which a sort gives away."""
    if isinstance(answer, str):
        return answer
    columns, cells = answer
    target = Target("shop", twins.dialect, "production", "env:R", masked=_MASKED)
    rows = shown_rows(target, found, Rows(tuple(columns), tuple(cells)))
    names = [column.masked or column.name for column in rows.columns]
    return names, Counter(map(repr, rows.rows))
