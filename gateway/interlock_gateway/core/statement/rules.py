"""The reviewed and generated lists of one dialect, read once from the data files beside this."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from typing import Any

from interlock_gateway.core.model import Dialect, Effect


@dataclass(frozen=True, slots=True)
class Verdict:
    """The effect of a listed thing, and why, in a few words."""

    effect: Effect
    why: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What may stand in a statement of one dialect.

    Attributes:
        engine: the engine and version the function lists were taken from.
        version: the digest of every data file, part of what a classification rests on.
        functions: functions that only read.
        acting: functions with an effect, with the reason.
        refused: catalogue functions that are no reads; a column name may call one of them.
        aggregates: functions that turn all rows into one.
        result_columns: `function.column` for functions that return rows with named columns.
        types: types of the engine itself.
        operators: operators of the engine itself.
        nodes: what the second parser may report: node → fields.
        inline: fields of those nodes that hold one node without naming it → the node.
        parts: what sqlglot may report.
        before_bracket: keywords that a bracket may follow without being called.
        no_blank: functions that a blank before the bracket makes another function.
        own_schemas: the engine's own schemas; what is in them is known.
        extensions: extensions that were reviewed → their volatile functions that only read.
        syntax: the dialect's `syntax.toml`.
        parser: the dialect's `parser.toml`: what sqlglot may report.
    """

    engine: str
    version: str
    functions: frozenset[str]
    acting: Mapping[str, Verdict]
    refused: frozenset[str]
    aggregates: frozenset[str]
    result_columns: frozenset[str]
    types: frozenset[str]
    operators: frozenset[str]
    nodes: Mapping[str, frozenset[str]]
    inline: Mapping[str, str]
    parts: frozenset[str]
    before_bracket: frozenset[str]
    no_blank: frozenset[str]
    own_schemas: frozenset[str]
    extensions: Mapping[str, frozenset[str]]
    syntax: Mapping[str, Any]
    parser: Mapping[str, Any]


@lru_cache(maxsize=len(Dialect))
def rules(dialect: Dialect) -> Rules:
    """Return the lists of `dialect`."""
    folder = resources.files("interlock_gateway.core.statement") / "data" / dialect.value
    texts = {
        name: (folder / f"{name}.toml").read_text(encoding="utf-8")
        for name in ("functions", "effects", "syntax", "parser", "extensions")
        if (folder / f"{name}.toml").is_file()
    }
    tables = {name: tomllib.loads(text) for name, text in texts.items()}
    lists = {key: frozenset(value.split()) for key, value in tables["functions"].items()}
    nothing: frozenset[str] = frozenset()
    return Rules(
        engine=tables["functions"]["engine"],
        version=sha256("".join(texts.values()).encode()).hexdigest(),
        functions=lists["read"] | _beside(tables, lists),
        acting=_acting(tables["effects"]),
        refused=lists["refused"],
        aggregates=lists["aggregates"],
        result_columns=lists.get("result_columns", nothing),
        types=lists.get("types", nothing) | _also(tables["syntax"]),
        operators=lists.get("operators", nothing),
        nodes={
            name: frozenset(fields.split())
            for name, fields in tables["syntax"].get("nodes", {}).items()
        },
        inline=tables["syntax"].get("inline", {}),
        parts=frozenset(" ".join(tables["parser"]["parts"].values()).split()),
        own_schemas=frozenset(str(tables["syntax"].get("own_schemas", "")).split()),
        extensions={
            name: frozenset(volatile.split())
            for name, volatile in tables.get("extensions", {}).get("trusted", {}).items()
        },
        before_bracket=frozenset(str(tables["syntax"].get("before_bracket", "")).split()),
        no_blank=lists.get("no_blank", nothing),
        syntax=tables["syntax"],
        parser=tables["parser"],
    )


@lru_cache(maxsize=64)
def word_set(text: str) -> frozenset[str]:
    """Return the words of a list in a data file, split once."""
    return frozenset(text.split())


def _beside(
    tables: Mapping[str, Mapping[str, Any]], lists: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """Return what only a sister engine has, and this one has no function of that name for.

    Here a call of it is an error, unless a stored function bears the name: the target's catalogue
    tells of those that the login may call.
    """
    sister = tables["functions"].get("beside")
    if not sister:
        return frozenset()
    return rules(Dialect(sister)).functions - _acting(tables["effects"]).keys() - lists["refused"]


def _also(syntax: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(syntax.get("types", {}).get("also", "")).split())


def _acting(effects: Mapping[str, Mapping[str, str]]) -> Mapping[str, Verdict]:
    return {
        name: Verdict(Effect(effect), why)
        for effect, names in effects.items()
        if effect != Effect.READ
        for name, why in names.items()
    }
