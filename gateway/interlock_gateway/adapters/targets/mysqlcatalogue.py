"""A snapshot of the relations that a MySQL's or MariaDB's read login can see.

Views are followed to what they call. Stored functions are in it because one may bear the name of a
function that another engine has of its own; the server tells a login only of those it may call.
Source: https://mariadb.com/docs/server/reference/system-tables/information-schema.
"""

import json
from hashlib import sha256

from interlock_gateway.adapters.targets.mysqlwire import Connection, lines
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.catalogue import Name, Relation, Routine

_OWN = "('information_schema', 'performance_schema')"
_RELATIONS = f"""
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, t.ENGINE, v.VIEW_DEFINITION
  FROM information_schema.TABLES AS t
  LEFT JOIN information_schema.VIEWS AS v
    ON v.TABLE_SCHEMA = t.TABLE_SCHEMA AND v.TABLE_NAME = t.TABLE_NAME
 WHERE t.TABLE_SCHEMA NOT IN {_OWN}
 ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME
"""  # noqa: S608  constants of ours
_ROUTINES = f"""
SELECT ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES
 WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA NOT IN {_OWN}
 ORDER BY ROUTINE_SCHEMA, ROUTINE_NAME
"""  # noqa: S608  constants of ours
# An invisible column is not in `*`.
_COLUMNS = f"""
SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA NOT IN {_OWN} AND EXTRA NOT LIKE '%INVISIBLE%'
 ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION
"""  # noqa: S608  constants of ours
_HERE = "SELECT DATABASE(), @@lower_case_table_names"

# Engines that keep their rows themselves. Reading any other makes another system act, or a file.
_LOCAL = frozenset(
    "InnoDB MyISAM Aria MEMORY CSV ARCHIVE MRG_MyISAM ROCKSDB TokuDB BLACKHOLE".casefold().split()
)
_DUAL = frozenset({"dual"})


async def snapshot(connection: Connection, *, columns: bool = False) -> Catalogue:
    """Return what the names of relations mean, as far as this login can see.

    Args:
        connection: of the read login.
        columns: whether to tell the columns of relations too, which only masks need: a server
            opens every table to answer.

    Raises:
        RefusedError, LostError: the server refused to tell, or the connection is gone.
    """
    ((database, folding),) = await lines(connection, _HERE)
    rows = await lines(connection, _RELATIONS)
    made = await lines(connection, _ROUTINES)
    named = await lines(connection, _COLUMNS) if columns else []
    folds = folding not in {"0", None}
    version = sha256(json.dumps([database, folds, rows, made, named]).encode()).hexdigest()
    inside: dict[Name, dict[str, Name]] = {}
    for row in named:
        inside.setdefault(_place(row, folds=folds), {})[row[2] or ""] = ("", "")
    places = [_place(row, folds=folds) for row in rows]
    relations = {
        place: _relation(row, inside.get(place, {}))
        for place, row in zip(places, rows, strict=True)
    }
    routines: dict[str, list[Routine]] = {}
    for schema, name in made:  # names of functions are compared in lower case everywhere
        called = (name or "").lower()
        routines.setdefault(called, []).append(Routine((schema or "", called)))
    return Catalogue(version, (database or "",), relations, _DUAL, routines, folds=folds)


def _place(row: tuple[str | None, ...], *, folds: bool) -> Name:
    schema, name = row[0] or "", row[1] or ""
    return (schema.lower(), name.lower()) if folds else (schema, name)


def _relation(row: tuple[str | None, ...], columns: dict[str, Name]) -> Relation:
    _, _, kind, engine, definition = row
    if kind in {"VIEW", "SYSTEM VIEW"}:
        return Relation("view", columns, definition or "")
    local = (engine or "").casefold() in _LOCAL
    return Relation("table" if local else "foreign table", columns)
