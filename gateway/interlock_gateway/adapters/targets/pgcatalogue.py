"""A snapshot of what a PostgreSQL's own names mean, taken with the read login.

One statement, `pgcatalogue.sql`, sees everything at one moment.
Source: https://www.postgresql.org/docs/current/catalogs.html.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from importlib import resources
from typing import Any, TypeVar

from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgtransaction import SEARCH_PATH
from interlock_gateway.adapters.targets.pgwire import Cap, ask
from interlock_gateway.core.statement.catalogue import Catalogue, Name, Relation, Routine, Type

_FOLDER = resources.files("interlock_gateway.adapters.targets")
_QUESTION = (_FOLDER / "pgcatalogue.sql").read_text("utf-8").encode()
_PATH = tuple(SEARCH_PATH.split(", "))
_RELATIONS = {"v": "view", "f": "foreign table", "S": "sequence"}
_TYPES = {"d": "domain", "e": "enum", "c": "composite", "r": "range"}
_WHOLE = Cap(rows=1, bytes=1 << 28)  # a catalogue of a quarter of a gigabyte is refused

_Facts = Mapping[str, Any]
T = TypeVar("T")


async def snapshot(connection: Connection, trusted: Collection[str] = ()) -> Catalogue:
    """Return what the names in this database mean.

    Args:
        connection: in a transaction of its own, which this leaves with an empty search path.
        trusted: functions (`schema.name`) that somebody reviewed: they only read.

    Raises:
        psycopg.Error: the server refused to tell, or the connection is gone.
    """
    await ask(connection, b"SELECT pg_catalog.set_config('search_path', '', true)")
    answer = await ask(connection, _QUESTION, cap=_WHOLE)
    return _catalogue(json.loads(answer.rows[0][0] or "{}"), frozenset(trusted))


def _catalogue(found: _Facts, trusted: frozenset[str]) -> Catalogue:
    version = sha256(json.dumps([found, sorted(trusted)], sort_keys=True).encode()).hexdigest()
    routines = _routines(found["routines"], trusted)
    return Catalogue(
        version,
        _PATH,
        {_place(row): _relation(row, trusted) for row in found["relations"] or ()},
        frozenset(found["own"]),
        _grouped((routine.name[1], routine) for routine in routines),
        _grouped(_operators(found, trusted)),
        {_place(row): _type(row, trusted) for row in found["types"] or ()},
        _routines(found["casts"], trusted),
    )


def _relation(row: _Facts, trusted: frozenset[str]) -> Relation:
    return Relation(
        _RELATIONS.get(row["kind"], "table"),
        {name: _name(words) for name, words in (row["columns"] or {}).items()},
        row["definition"],
        (*(row["conditions"] or ()), *(row["computed"] or ())),
        _routines(row["casts"], trusted),
        row["filled_by"],
        tuple(_name(words) for words in row["kin"] or ()),
    )


def _type(row: _Facts, trusted: frozenset[str]) -> Type:
    return Type(
        _TYPES.get(row["kind"], "base"),
        row["extension"] or "",
        tuple(_name(words) for words in row["parts"] or ()),
        tuple(row["checks"] or ()),
        _routines(row["casts"], trusted),
    )


def _operators(found: _Facts, trusted: frozenset[str]) -> Iterable[tuple[str, Routine]]:
    """Yield operators by symbol, each as the function behind it under the operator's own name."""
    for row in found["operators"] or ():
        behind = _routine(row["facts"], trusted)
        name = (row["schema"], row["symbol"])
        yield (
            name[1],
            Routine(name, behind.extension, behind.volatile, trusted=behind.trusted),
        )
    for row in found["aliases"] or ():
        yield row["symbol"], Routine((row["schema"], row["symbol"]), behind=row["function"])


def _routines(rows: Sequence[_Facts] | None, trusted: frozenset[str]) -> tuple[Routine, ...]:
    return tuple(_routine(row, trusted) for row in rows or ())


def _routine(row: _Facts, trusted: frozenset[str]) -> Routine:
    return Routine(
        _name(row["name"]),
        row["extension"] or "",
        row["volatile"],
        row["of_one"],
        ".".join(row["name"]) in trusted,
    )


def _place(row: _Facts) -> Name:
    return row["schema"], row["name"]


def _name(words: Sequence[str]) -> Name:
    schema, name = words
    return schema, name


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
