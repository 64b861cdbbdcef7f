"""Whether the guard knows what the names in a target mean, and which of them it refuses."""

from collections.abc import Callable

from interlock_gateway.adapters.classifier import Classifier
from interlock_gateway.adapters.doctor.check import Check, Notes, some
from interlock_gateway.core.model import Dialect, Effect, Statement, Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Name
from interlock_gateway.core.statement.rules import rules
from interlock_gateway.core.statement.verdicts import acting

_VIEWS = 200
"""Views that are looked into: each is classified as a statement of its own."""

_REVIEW = "Review what they call; name what only reads in reads.functions of targets.toml."
_WRITE_ANEW = "Write the column in targets.toml as it is called now."
_TABLES = "Ask the tables behind them instead."

Quoted = Callable[[Name], str]
"""Writes a name as the engine reads it."""


async def named(catalogue: Catalogue, target: Target, quoted: Quoted, notes: Notes) -> list[Check]:
    """Return what a snapshot holds, and what of it a read may not use."""
    relations, dialect = catalogue.relations, target.dialect
    views = sorted(place for place, one in relations.items() if one.kind == "view")
    said = f"relations: {len(relations):,}, views among them: {len(views):,}"
    checks = [notes.holds("catalogue snapshot", "what the names here mean", said)]
    looked = views[:_VIEWS]
    refused = await _refused(catalogue, dialect, looked, quoted)
    if refused:
        told = f"{len(refused):,} of {len(looked):,} looked into: {some(refused, 2)}"
        then = _REVIEW if dialect is Dialect.POSTGRES else _TABLES
        checks.append(notes.noted("views that are refused", "SELECT * FROM each", told, then))
    routines = (one for group in catalogue.routines.values() for one in group)
    acts = sorted({".".join(name) for name in acting(rules(dialect), routines)})
    if acts:
        told = f"{len(acts):,}: {some(acts)}"
        checks.append(notes.noted("functions nobody reviewed", "reads.functions", told, _REVIEW))
    return [*checks, *_masks(catalogue, target, notes)]


def _masks(catalogue: Catalogue, target: Target, notes: Notes) -> list[Check]:
    """Return whether the masked columns are there."""
    if not target.masked:
        return []
    lost, missing = [], []
    for written in sorted(target.masked):
        *names, column = written.rsplit(".", 2)
        place = catalogue.place(names)
        if place is None:
            lost.append(written)
        elif column.casefold() not in map(str.casefold, catalogue.relations[place].columns):
            missing.append(written)
    if lost:
        said = f"no such relation: {some(lost)}"
        return [notes.fails("masked columns", "targets.toml: masked", said, _WRITE_ANEW)]
    if missing:
        said = f"no such column, so its whole relation is masked: {some(missing)}"
        return [notes.fails("masked columns", "targets.toml: masked", said, _WRITE_ANEW)]
    said = f"{len(target.masked):,}, all there"
    return [notes.holds("masked columns", "targets.toml: masked", said)]


async def _refused(
    catalogue: Catalogue, dialect: Dialect, views: list[Name], quoted: Quoted
) -> list[str]:
    """Return the views that no read may use, each with the first reason."""
    refused, classifier = [], Classifier()
    try:
        for view in views:
            text = f"SELECT * FROM {quoted(view)}"  # noqa: S608  only classified, never sent
            found = await classifier.classify(Statement(dialect, text, (), text), catalogue)
            if found.effect is not Effect.READ:
                why = found.reasons[0].detail if found.reasons else found.effect
                refused.append(f"{'.'.join(filter(None, view))} ({why})")
    finally:
        await classifier.aclose()
    return refused
