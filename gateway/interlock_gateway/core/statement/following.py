"""What stands behind the relations and types that a statement names, in the target's catalogue.

A view is what its query is; row security adds conditions of its own; a domain checks each value.
All of them can call a function that nobody sees in the statement, so they are followed to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from interlock_gateway.core.model import Effect, Reason
from interlock_gateway.core.statement import verdicts
from interlock_gateway.core.statement.catalogue import (
    Catalogue,
    Name,
    Relation,
    Routine,
    Type,
)
from interlock_gateway.core.statement.opinion import Opinion
from interlock_gateway.core.statement.rules import Rules

NOT_IN_CATALOGUE = "unknown relation "
"""What the reason begins with when a snapshot does not know a relation; a newer one may."""

_MACRO = "function "  # as a function is: no mutation may call one that acts
_OPAQUE = {
    "foreign table": "Reading it makes another system act",
    "virtual table": "What its module does when it is read is not known",
}
"""Relations behind which nobody can look."""

Reading = Callable[[str, Catalogue], Opinion]
"""A parser: what it makes of a text, without following the relations named there."""


@dataclass(slots=True)
class Trail:
    """One walk through a catalogue; what was seen is not looked at again.

    Attributes:
        rules: the lists of the dialect.
        catalogue: the snapshot.
        read: reads a definition or an expression as a statement.
        reached: every relation come by, also behind views, as `schema.name`, and every function
            that a view calls, as `name()`.
    """

    rules: Rules
    catalogue: Catalogue
    read: Reading
    reached: dict[str, None] = field(default_factory=dict)
    _seen: set[tuple[str, Name]] = field(default_factory=set)
    _in_macros: dict[Name, None] = field(default_factory=dict)

    def relation(
        self, names: Sequence[str], *, maybe_cte: bool = False, within: str = ""
    ) -> Iterator[Reason]:
        """Yield why reading from `names` (schema first) is more than a read.

        Args:
            names: as written.
            maybe_cte: whether a common table expression has that name; then it may be unknown.
            within: the schema of the view that names it, which is searched as well, or "".
        """
        inner = self._inner(names, within)
        if inner is not None:
            yield from self._relation(inner, self.catalogue.relations[inner])
            maybe_cte = True
        if self._is_own(names):
            self.reached[".".join(self._place(names) or names)] = None
            return
        place = self._first(names, self.catalogue.relations)
        if place is not None:
            yield from self._relation(place, self.catalogue.relations[place])
        elif not maybe_cte:
            written = ".".join(names)
            detail = f"{written} is not in the target's catalogue, as it was last looked at."
            yield Reason(Effect.UNKNOWN, f"{NOT_IN_CATALOGUE}{written}", detail)

    def type(self, names: Sequence[str]) -> Iterator[Reason]:
        """Yield why a cast to the type `names` is more than a read."""
        place = self._first(names, self.catalogue.types)
        row = self._first(names, self.catalogue.relations)
        written = ".".join(names)
        if place is not None:
            yield from self._type(place, self.catalogue.types[place])
        elif row is not None:
            yield from self._casts(row, self.catalogue.relations[row].casts)
            for part in self.catalogue.relations[row].columns.values():
                yield from self._part(part)
        else:
            detail = f"{written} is not a type in the target's catalogue."
            yield Reason(Effect.UNKNOWN, f"type {written}", detail)

    def found(self, opinion: Opinion) -> tuple[str, ...]:
        """Return the relations that an opinion names as `schema.name`, where they are known.

        A macro is not listed anywhere, so what it names counts as named where it is called.
        """
        places = (*(self._place(names) for names in opinion.relations), *self._in_macros)
        return tuple(dict.fromkeys(".".join(filter(None, place)) for place in places if place))

    def _place(self, names: Sequence[str]) -> Name | None:
        if self._is_own(names):
            schema = self.catalogue.own_schema or self.catalogue.path[0]
            names = self.catalogue.folded(names)
            return (names[-2], names[-1]) if len(names) > 1 else (schema, names[-1])
        return self._first(names, self.catalogue.relations)

    def _is_own(self, names: Sequence[str]) -> bool:
        """Tell whether it is a relation of the engine's own: its schema is searched first."""
        names = self.catalogue.folded(names)
        if len(names) > 2 and self.catalogue.database:  # noqa: PLR2004  schemas hold schemas there
            return False
        if len(names) > 1:
            schema = names[-2].lower()  # a database may bear the name of such a schema
            own = schema in self.rules.own_schemas and schema != self.catalogue.database
            return own and (names[-2], names[-1]) not in self.catalogue.relations
        return names[-1] in self.catalogue.own

    def _inner(self, names: Sequence[str], within: str) -> Name | None:
        """Return the relation that a name without a schema is in the schema `within`, or None."""
        place = (within, self.catalogue.folded(names)[-1])
        return place if len(names) == 1 and place in self.catalogue.relations else None

    def _first(self, names: Sequence[str], known: Mapping[Name, object]) -> Name | None:
        return next((one for one in self.catalogue.places(names) if one in known), None)

    def _relation(self, place: Name, relation: Relation) -> Iterator[Reason]:
        if not self._new("relation", place):
            return
        self.reached[".".join(filter(None, place))] = None
        called = ".".join(filter(None, place))
        why = _OPAQUE.get(relation.kind, "")
        if relation.kind == "view" and not relation.definition:
            why = "The read login may not see its query; grant it SHOW VIEW"
        if why:
            detail = f"{called} is a {relation.kind}. {why}."
            yield Reason(Effect.UNKNOWN, f"{relation.kind} {called}", detail)
        yield from self._casts(place, relation.casts)
        for part in relation.columns.values():
            if part in self.catalogue.types:
                yield from self._casts(part, self.catalogue.types[part].casts)
        texts = [f"SELECT {expression}" for expression in relation.evaluated]
        texts += [relation.definition] if relation.definition else []
        within = place[0] if self.catalogue.database else ""
        for text in texts:
            yield from self._behind(f"{relation.kind} {called}", text, within)

    def _macros(self, routines: Iterable[Routine], within: str) -> Iterator[Reason]:
        """Yield what those macros do that are looked for in the path, or in the schema `within`.

        The names in a macro mean what they mean where it is called.
        """
        for one in routines:
            what = _MACRO + ".".join(one.name)
            here = one.definition and one.name[0] in (*self.catalogue.path, within)
            if here and self._new(what, (one.definition, within)):
                yield from self._behind(what, one.definition, within)

    def _type(self, place: Name, found: Type) -> Iterator[Reason]:
        if not self._new("type", place):
            return
        called = ".".join(filter(None, place))
        if found.kind == "base" and found.extension not in self.rules.extensions:
            detail = f"{called} is a type that somebody made, with functions of its own."
            yield Reason(Effect.UNKNOWN, f"type {called}", detail)
        yield from self._casts(place, found.casts)
        for part in found.parts:
            yield from self._part(part)
        for check in found.checks:
            yield from self._behind(f"type {called}", f"SELECT {check}")

    def _casts(self, place: Name, casts: Sequence[Routine]) -> Iterator[Reason]:
        called = ".".join(filter(None, place))
        for schema, function in verdicts.acting(self.rules, casts):
            detail = f"A cast of {called} calls {schema}.{function}, not known to only read."
            yield Reason(Effect.UNKNOWN, f"type {called}", detail)

    def _part(self, place: Name) -> Iterator[Reason]:
        if place != ("", ""):
            yield from self.type(place)

    def _behind(self, what: str, text: str, within: str = "") -> Iterator[Reason]:
        """Yield what a definition or an expression does, as reasons of what it belongs to."""
        found = self.read(text, self.catalogue)
        self.reached.update((f"{name}()", None) for name in found.functions)
        if what.startswith(_MACRO):
            named = [self._place(names) for names in found.relations]
            named += [self._inner(names, within) for names in found.relations]
            self._in_macros.update((place, None) for place in named if place)
        for reason in (*found.reasons, *self.named(found, within)):
            yield Reason(reason.effect, what, f"Behind the {what}: {reason.detail}")

    def named(self, found: Opinion, within: str = "") -> Iterator[Reason]:
        """Yield what stands behind the relations, types and macros that an opinion names.

        Args:
            found: the opinion.
            within: the schema of the view whose query it is about, or "".
        """
        if self._new("casts", ("", "")):
            yield from self._casts(("", "the engine's own types"), self.catalogue.casts)
        yield from self._macros(self.catalogue.implied, within)
        for function in found.functions:
            yield from self._macros(self.catalogue.routines.get(function, ()), within)
        ctes = set(self.catalogue.folded(list(found.ctes)))
        for name in found.relations:
            maybe_cte = len(name) == 1 and self.catalogue.folded(name)[0] in ctes
            yield from self.relation(name, maybe_cte=maybe_cte, within=within)
        for name in found.types:
            yield from self.type(name)

    def _new(self, kind: str, place: Name) -> bool:
        fresh = (kind, place) not in self._seen
        self._seen.add((kind, place))
        return fresh
