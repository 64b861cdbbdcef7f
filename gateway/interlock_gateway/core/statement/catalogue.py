"""What a target's own names mean: one snapshot of its catalogue, as values.

Without a snapshot the guard knows the engine's own names only. A relation is then taken for what
it most likely is, a table; everything else that is not the engine's own is unknown.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Name = tuple[str, str]
"""A schema, or "" where the engine has none, and a name in it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Whatever can be read from.

    Attributes:
        kind: `table`, `view`, `foreign table`, …
        columns: column to the name of its type, in order; ("", "") for a type of the engine's own.
        definition: a view's query with every name qualified; "" for anything else.
        evaluated: expressions that the engine evaluates when it is read, such as the conditions
            of row security.
        casts: functions that a cast from or to its row calls.
        filled_by: the query whose rows it keeps, of a materialized view.
        kin: relations whose rows it shares: partitions, and what it inherits from.
        masks: columns that are shown masked only, in lower case, and their tags.
    """

    kind: str
    columns: Mapping[str, Name] = field(default_factory=dict)
    definition: str = ""
    evaluated: tuple[str, ...] = ()
    casts: "tuple[Routine, ...]" = ()
    filled_by: str = ""
    kin: tuple[Name, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Routine:
    """A function that somebody made, or that an extension brought.

    Attributes:
        name: its schema and name.
        extension: the extension it belongs to, or "".
        volatile: whether the engine may assume nothing about it.
        of_one: whether one argument is enough for it, so that `value.name` calls it.
        trusted: whether the target's settings say that somebody reviewed it: it only reads.
        behind: for an operator made over one of the engine's own functions, that function.
        definition: what a macro is made of, as a query; it is followed, as a view is.
    """

    name: Name
    extension: str = ""
    volatile: bool = True
    of_one: bool = False
    trusted: bool = False
    behind: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Type:
    """A type that somebody made, or that an extension brought.

    Attributes:
        kind: `enum`, `domain`, `composite`, `range` or `base`.
        extension: the extension it belongs to, or "".
        parts: the types it is made of, but for those of the engine's own.
        checks: conditions that a value must meet, as expressions.
        casts: functions that a cast from or to it calls.
    """

    kind: str
    extension: str = ""
    parts: tuple[Name, ...] = ()
    checks: tuple[str, ...] = ()
    casts: tuple[Routine, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """One target's names at one moment. Two snapshots with the same version are the same.

    Attributes:
        version: the digest of everything below.
        path: schemas in which an unqualified name is looked for, the engine's own first.
        relations: by schema and name; those of the engine's own schemas are not in it.
        own: names of relations in the engine's own schema that is searched first.
        routines: by bare name; what an engine's own function of the same arguments hides is
            not in it.
        operators: by symbol; the functions behind it.
        types: by schema and name; the row types of relations are not in it.
        casts: functions that a cast between types of the engine's own calls, though somebody
            made them.
        folds: whether names of relations are compared in lower case.
        masked: whether any relation has masks.
        database: the name that may stand before a schema, where the engine says so; the names in
            a view are then looked for in its own schema as well.
        own_schema: what the schema of `own` is called; "" for the first of `path`.
        implied: macros that stand in for a function of the engine's own. Signs and words call
            them too, as `[1]` calls `list_value`, so every statement may.
    """

    version: str
    path: tuple[str, ...] = ()
    relations: Mapping[Name, Relation] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    routines: Mapping[str, Sequence[Routine]] = field(default_factory=dict)
    operators: Mapping[str, Sequence[Routine]] = field(default_factory=dict)
    types: Mapping[Name, Type] = field(default_factory=dict)
    casts: tuple[Routine, ...] = ()
    folds: bool = False
    masked: bool = False
    database: str = ""
    own_schema: str = ""
    implied: tuple[Routine, ...] = ()

    def __hash__(self) -> int:
        return hash(self.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and other.version == self.version

    def places(self, names: Sequence[str]) -> Iterator[Name]:
        """Yield where `names` (the schema, if it is written, and the name) is looked for."""
        names = self.folded(names)
        if self.database and len(names) > 1:
            yield from self._in_database(names)
        elif len(names) > 1:
            yield names[-2], names[-1]
        else:
            yield from ((schema, names[-1]) for schema in self.path)

    def place(self, names: Sequence[str]) -> Name | None:
        """Return where the relation `names` is, or None for one that is not known."""
        return next((place for place in self.places(names) if place in self.relations), None)

    def folded(self, names: Sequence[str]) -> Sequence[str]:
        """Return `names` as they are compared."""
        return [name.lower() for name in names] if self.folds else names

    def _in_database(self, names: Sequence[str]) -> Iterator[Name]:
        """Yield what `a.b` or `a.b.c` can be; a longer name, or another database's, is nothing."""
        match names:
            case [first, name]:
                yield first, name
                if first == self.database:
                    yield from ((schema, name) for schema in self.path)
            case [self.database, schema, name]:
                yield schema, name

    def columns(self, names: Sequence[str]) -> Collection[str]:
        """Return the columns of the relation `names`; of one that is not known, none."""
        place = self.place(names)
        return self.relations[place].columns if place else ()

    def routines_named(self, names: Sequence[str]) -> list[Routine]:
        """Return what a call of `names` could mean besides the engine's own function."""
        places = set(self.places(names))
        return [one for one in self.routines.get(names[-1], ()) if one.name in places]
