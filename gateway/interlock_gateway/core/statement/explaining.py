"""A classification for a person: what stands where in their own text, and what to do next."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from interlock.errors import CODES

from interlock_gateway.core.action import Action
from interlock_gateway.core.model import (
    APPROVABLE,
    SQL,
    Classification,
    Dialect,
    Effect,
    Reason,
    Statement,
)
from interlock_gateway.core.statement.excerpt import excerpt_of, excerpts, foremost, in_source
from interlock_gateway.core.statement.rules import rules

_ACTION = re.compile(r"this is the action ([a-z][a-z0-9_.]*[a-z0-9_])")
_NO_ACTIONS: Mapping[str, Action] = MappingProxyType({})
_TOLD = 20
"""Reasons in an explanation; how many more there are is said."""


_TEXT_ALONE = (
    "Relations are taken for tables, and NULL of a type for nothing but that.",
    "At a target, views and types are followed to what they call.",
    "A function that is not the engine's own is unknown; a target may know it.",
)
_ENGINE_NOT_ASKED = (
    "Relations are taken for tables.",
    "The engine's own parser was not asked; it has the last word when the statement runs.",
)


def pointed(statement: Statement, found: Classification) -> str:
    """Return the author's text with a caret under each of the most dangerous reasons."""
    reasons = [in_source(statement, reason) for reason in foremost(found.reasons)]
    return excerpts(statement.source, reasons)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person is told of a classification.

    Attributes:
        dialect: as it was named, supported or not.
        source: the author's text.
        found: what was proven.
        statement: the translation that it was proven from; None when there is none.
        target: where its names were looked up; "" when only the text was looked at.
        actions: the catalogue there.
        forbidden: relations in it that may not be read there.
    """

    dialect: str
    source: str
    found: Classification
    statement: Statement | None = None
    target: str = ""
    actions: Mapping[str, Action] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON; every place is one in the author's text."""
        found, told = self.found, foremost(self.found.reasons, _TOLD)
        return {
            "target": self.target,
            "dialect": self.dialect,
            "effect": found.effect.value,
            "kind": found.kind,
            "reasons": list(map(self._reason, told)),
            "more_reasons": len(found.reasons) - len(told),
            "tables": list(found.tables),
            "relations": None if found.relations is None else list(found.relations),
            "forbidden": list(self.forbidden),
            "masked": self._masked,
            "functions": list(found.functions),
            "bounded": found.bounded,
            "parsers": dict(found.parsers),
            "sha256": found.sha256,
            "assumed": list(self._assumed),
            "next": self._next,
        }

    def _reason(self, reason: Reason) -> dict[str, Any]:
        placed = in_source(self.statement, reason) if self.statement else reason
        return {
            "effect": placed.effect.value,
            "what": placed.what,
            "detail": placed.detail,
            "position": placed.position,
            "length": placed.length,
            "excerpt": excerpt_of(self.source, placed),
        }

    @property
    def _masked(self) -> list[str]:
        """What of the result is masked, as `name (tag)`, or all that cannot be told apart."""
        masks = self.found.masks
        if masks is None or not masks.rest:
            return []
        if masks.outputs is None:
            return [f"what is not known to be free ({masks.rest})"]
        tagged = [(name or "a column without a name", tag) for name, tag in masks.outputs if tag]
        return [f"{name} ({tag})" for name, tag in tagged]

    @property
    def _assumed(self) -> tuple[str, ...]:
        """What could not be looked at and is taken for granted."""
        if self.dialect not in set(SQL):
            return ()
        if self.dialect != Dialect.POSTGRES:
            return _ENGINE_NOT_ASKED
        return () if self.target else _TEXT_ALONE

    @property
    def _next(self) -> str:
        """What to do instead; nothing where it may run."""
        known = ""
        if self.dialect in set(SQL):
            known = advice(Dialect(self.dialect), self.found, self.target, self.actions)
        return known or _general_advice(self.found.effect)


def advice(
    dialect: Dialect,
    found: Classification,
    target: str = "",
    actions: Mapping[str, Action] = _NO_ACTIONS,
) -> str:
    """Return what to do instead, where one of the foremost reasons says it; else "".

    Args:
        dialect: in which the statement is written.
        found: what was proven.
        target: where it was to run; "" when nobody said.
        actions: the catalogue there; without a target it is not known.
    """
    reasons = foremost(found.reasons)
    told = [_by_action(reason, target, actions) for reason in reasons]
    told += [_by_review(dialect, reason, target) for reason in reasons]
    return next(filter(None, told), "")


def _general_advice(effect: Effect) -> str:
    if effect is Effect.READ:
        return ""
    if effect is Effect.UNKNOWN:
        return CODES["not-understood"].help
    return CODES["not-read-only" if effect in APPROVABLE else "no-permission"].help


def _by_action(reason: Reason, target: str, actions: Mapping[str, Action]) -> str:
    """Return the call of the catalogued action that a function stands for."""
    named = _ACTION.search(reason.detail) if reason.what.startswith("function ") else None
    if named is None or (target and named[1] not in actions):
        return ""
    more = f"`interlock actions {named[1]}` says what it takes."
    if not target:
        return f"This is the action {named[1]}; {more}"
    call = _call(named[1], target, tuple(actions[named[1]].arguments))
    return f"Ask for the action in a step of a runbook: {call}. {more}"


def _call(action: str, target: str, arguments: Sequence[str]) -> str:
    given = "".join(f", {name}=…" for name in arguments)
    return f'act("{action}", target="{target}"{given}, reason="…")'


def _by_review(dialect: Dialect, reason: Reason, target: str) -> str:
    """Return who can make a function known that is not the engine's own."""
    kind, _, name = reason.what.partition(" ")
    unknown = kind == "function" and reason.effect is Effect.UNKNOWN
    if not unknown or dialect is not Dialect.POSTGRES:
        return ""
    lists = rules(dialect)
    if name.rpartition(".")[2] in lists.refused | lists.acting.keys():
        return ""
    listed = f"`{name}`" if "." in name else f"`SCHEMA.{name}`"
    return (
        f"Check the name. If somebody reviewed {name} and it only reads, the platform team lists "
        f"{listed} under reads.functions of {target or 'the target'} in targets.toml."
    )
