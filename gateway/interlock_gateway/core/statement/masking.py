"""Masked columns: a target's settings name them, and nobody is shown their values.

Two looks decide over each column of a result. The statement is followed from the masked columns
to its result (lineage.py), through views as well. And engines that tell which column a result's
column comes from are believed when they name a masked one. What neither can tell is masked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any

from interlock_gateway.core.model import (
    Classification,
    Column,
    Dialect,
    Effect,
    Masks,
    Reason,
    Rows,
)
from interlock_gateway.core.statement import glot, telling
from interlock_gateway.core.statement.catalogue import Catalogue, Name, Relation
from interlock_gateway.core.statement.lexer import Mark, tokens
from interlock_gateway.core.statement.lineage import Flow
from interlock_gateway.core.statement.opinion import NotUnderstoodError
from interlock_gateway.core.statement.rules import rules, word_set
from interlock_gateway.core.statement.tags import Source, Tags

_PLANS_SHOW = (Dialect.MARIADB, Dialect.MYSQL, Dialect.DUCKDB)


def with_masks(catalogue: Catalogue, masked: Mapping[str, str]) -> Catalogue:
    """Return the snapshot with masks on its relations, and on those that share their rows.

    A column that is not there masks its whole relation: somebody may have renamed it.

    Args:
        catalogue: as it was taken.
        masked: `schema.relation.column` to a tag.
    """
    if not masked:
        return catalogue
    masks: dict[Name, dict[str, str]] = {}
    for written, tag in sorted(masked.items()):
        *names, column = written.rsplit(".", 2)
        place = catalogue.place(names)
        for one in _kin(catalogue, place) if place else ():
            masks.setdefault(one, {}).update(_of(catalogue.relations[one], column, tag))
    relations = {
        place: replace(relation, masks=masks[place]) if place in masks else relation
        for place, relation in catalogue.relations.items()
    }
    version = sha256(f"{catalogue.version} {sorted(masked.items())}".encode()).hexdigest()
    return replace(catalogue, version=version, relations=relations, masked=True)


def _kin(catalogue: Catalogue, place: Name) -> set[Name]:
    """Return a relation and all whose rows are in it, or whose rows it is in."""
    found, left = {place}, [place]
    while left:
        one = left.pop()
        new = {kin for kin in catalogue.relations[one].kin if kin in catalogue.relations} - found
        found |= new
        left += new
    return found


def _of(relation: Relation, column: str, tag: str) -> dict[str, str]:
    names = {name.casefold() for name in relation.columns}
    known = not names or column.casefold() in names
    return {column.casefold(): tag} if known else dict.fromkeys(names, tag)


def traced(
    dialect: Dialect, text: str, catalogue: Catalogue, reached: Iterable[str]
) -> tuple[Masks, tuple[Reason, ...]]:
    """Return which columns of a statement's result are masked, and what could tell more.

    Args:
        dialect: whose statement.
        text: exactly as it would be sent.
        catalogue: what its names mean, with masks.
        reached: the relations that it reads, `schema.name`, also behind views.

    Raises:
        NotUnderstoodError, sqlglot's errors: it cannot be read.
    """
    parsed = glot.tree_of(dialect, text, catalogue)
    if parsed is None:
        return Masks(), ()
    tree, start = parsed
    flow = Flow(tree, partial(_source, dialect, catalogue, ""))
    told = tuple(_shifted(reason, start) for reason in telling.reasons(flow))
    told += tuple(_dropped(dialect, text, flow))
    origins = _origins(dialect, catalogue, reached)
    if start:  # a plan shows no rows, but some print what was looked up for it
        shown = next(filter(None, origins.values()), "") if dialect in _PLANS_SHOW else ""
        return Masks(None, origins, shown), told
    outputs = flow.outputs()
    return Masks(None if outputs is None else tuple(outputs), origins, flow.rest), told


def hidden_in(dialect: Dialect, found: Classification, catalogue: Catalogue) -> Iterator[Reason]:
    """Yield what could show masked values without naming them.

    Statistics of a planner hold values. A macro puts its own text into the statement, so that
    nobody sees which columns it names: none is called on a target that masks.
    """
    called = {name.casefold() for name in found.functions}
    called |= {name[:-2].casefold() for name in found.reached if name.endswith("()")}
    macros = [one for name in called for one in catalogue.routines.get(name, ()) if one.definition]
    for one in (*macros, *catalogue.implied):
        name = ".".join(one.name)
        detail = f"{name} is a macro, and could name columns that are masked here."
        yield Reason(Effect.EXFILTRATION, f"function {name}", detail)
    listed = word_set(rules(dialect).syntax.get("tells_values", ""))
    for name in (*found.reached, *found.tables, *(f"{name}()" for name in found.functions)):
        if name.casefold() in listed:
            detail = f"{name} shows values of other tables' columns, and some are masked here."
            yield Reason(Effect.EXFILTRATION, f"masked values in {name}", detail)


def masked_rows(dialect: Dialect, found: Classification, rows: Rows) -> Rows:
    """Return the answer with the values of masked columns replaced by their tag; NULL stays."""
    masks = found.masks
    if masks is None or not (masks.rest or masks.origins):
        return rows
    outputs = _fitting(masks, rows)
    columns = [
        replace(column, masked=_tag(dialect, masks, column, outputs[place] if outputs else None))
        for place, column in enumerate(rows.columns)
    ]
    return _hidden(rows, columns)


def hidden_rows(rows: Rows, tag: str) -> Rows:
    """Return the answer with every value replaced by `tag`; NULL stays."""
    return _hidden(rows, [replace(column, masked=tag) for column in rows.columns])


def _hidden(rows: Rows, columns: Sequence[Column]) -> Rows:
    if not any(column.masked for column in columns):
        return rows
    return replace(
        rows,
        columns=tuple(replace(one, type="text") if one.masked else one for one in columns),
        rows=tuple(tuple(map(_cell, columns, row)) for row in rows.rows),
    )


def _fitting(masks: Masks, rows: Rows) -> tuple[tuple[str, str], ...] | None:
    """Return the outputs if they are those of the answer."""
    outputs = masks.outputs
    if outputs is None or len(outputs) != len(rows.columns):
        return None
    named = zip(outputs, rows.columns, strict=True)
    same = all(name.casefold() in ("", column.name.casefold()) for (name, _), column in named)
    return outputs if same else None


def _tag(dialect: Dialect, masks: Masks, column: Column, output: tuple[str, str] | None) -> str:
    origin = column.origin.casefold()
    tag = masks.origins.get(origin) or masks.origins.get(origin.rpartition(".")[0], "")
    if tag or output is not None:
        return tag or (output[1] if output else "")
    # PostgreSQL names relations by number, never a subquery's alias: there an origin is proof.
    proven = dialect is Dialect.POSTGRES and origin in masks.origins
    return "" if proven else masks.rest


def _cell(column: Column, cell: Any) -> Any:
    return f"[{column.masked}]" if column.masked and cell is not None else cell


def _source(dialect: Dialect, catalogue: Catalogue, within: str, names: list[str]) -> Source:
    """Return what a name stands for; in a view its own schema is searched as well.

    Args:
        dialect: whose statement.
        catalogue: what names mean.
        within: the schema of the view whose query it is, where the engine looks there.
        names: as written.
    """
    inner = (within, catalogue.folded(names)[-1]) if within and len(names) == 1 else None
    places = {place for place in (inner, catalogue.place(names)) if place in catalogue.relations}
    found = [_kept(dialect, catalogue, place) for place in places if place]
    tags = next((one.tags for one in found if one.tags.first), Tags())
    if len(found) > 1 and tags.first:
        return Source(Tags(every=tags.first), keeps=False)  # whichever it is
    return found[0] if found else Source()


def _kept(dialect: Dialect, catalogue: Catalogue, place: Name) -> Source:
    relation = catalogue.relations[place]
    keeps = not (relation.definition or relation.filled_by)
    return Source(_tags(dialect, catalogue, place), tuple(relation.columns), keeps)


@lru_cache(maxsize=4096)
def _tags(dialect: Dialect, catalogue: Catalogue, place: Name) -> Tags:
    """Return the masks of a relation, and of a view those of what its query shows."""
    relation = catalogue.relations[place]
    text = relation.definition or relation.filled_by
    if not text:
        return Tags(dict(relation.masks))
    try:
        parsed = glot.tree_of(dialect, text, catalogue)
        within = place[0] if catalogue.database else ""
        look = partial(_source, dialect, catalogue, within)
        flow = Flow(parsed[0], look) if parsed else None
    except NotUnderstoodError:
        flow = None
    if flow is None:
        return Tags(dict(relation.masks), _any(catalogue))
    outputs = flow.outputs() if flow.rest else []
    if outputs is None or (outputs and len(outputs) != len(relation.columns)):
        return Tags(dict(relation.masks), flow.rest)
    named = zip(relation.columns, outputs, strict=False)
    shown = {column.casefold(): tag for column, (_, tag) in named if tag}
    return Tags({**shown, **relation.masks})


def _any(catalogue: Catalogue) -> str:
    masks = (one.masks for one in catalogue.relations.values() if one.masks)
    return next(iter(next(masks, {"": "masked"}).values()))


def _origins(dialect: Dialect, catalogue: Catalogue, reached: Iterable[str]) -> dict[str, str]:
    """Return the tags of the columns of what is read, by where they are; "" to show one."""
    found: dict[str, str] = {}
    for called in reached:
        place = catalogue.place(called.split("."))
        if place is None:
            continue
        tags, where = _tags(dialect, catalogue, place), called.casefold()
        names = (*catalogue.relations[place].columns, *tags.columns)
        found |= {f"{where}.{name.casefold()}": tags.of(name) for name in names}
        found |= {where: tags.every} if tags.every else {}
    return found


def _dropped(dialect: Dialect, text: str, flow: Flow) -> Iterator[Reason]:
    """Yield the masked names that stand in the text more often than in the tree."""
    if not flow.rest:
        return
    written = Counter(name for name in _names(dialect, text) if name in flow.names)
    for name in written - Counter(flow.identifiers()):
        detail = f"{name} is a masked column's name, and stands where it is not understood."
        yield Reason(Effect.EXFILTRATION, f"masked {name}", detail)


def _names(dialect: Dialect, text: str) -> Iterator[str]:
    """Yield every name in a text; in SQLite `t.'name'` is one as well."""
    before = ""
    for token in tokens(dialect, text):
        quoted = token.mark is Mark.IDENTIFIER or (token.mark is Mark.STRING and before == ".")
        if quoted or token.mark is Mark.WORD:
            yield (token.text[1:-1] if quoted else token.text).casefold()
        before = token.text


def _shifted(reason: Reason, start: int) -> Reason:
    place = reason.position
    return reason if place is None else replace(reason, position=place + start)
