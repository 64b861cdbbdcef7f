"""targets.toml: the systems behind the gateway, by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from interlock import wire

from interlock_gateway.core.model import SQL, Dialect, Limits, Reads, Target
from interlock_gateway.core.pace import OF_TARGET, Callers
from interlock_gateway.core.policy.http_targets import http_target
from interlock_gateway.core.policy.paces import callers, pace
from interlock_gateway.core.policy.references import reference
from interlock_gateway.core.strict import SLUG, Source, Table, toml

_QUALIFIED = re.compile(r"[^.\s]+\.[^.\s]+")
_COLUMN = re.compile(r"[^.\s]+\.[^.\s]+\.[^.\s]+")
_TAG = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TRUSTING = (Dialect.POSTGRES, Dialect.DUCKDB)
_NO_COST = {
    Dialect.SQLITE: "SQLite plans without saying what a plan costs; `seconds` bounds it.",
    Dialect.DUCKDB: (
        "DuckDB estimates rows and not work, and planning alone can take as long as running. Use "
        "`seconds`; memory is limited as well."
    ),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """What targets.toml says.

    Attributes:
        tiers: in the order of the file.
        targets: name → target.
        callers: how often people and runs may ask them.
    """

    tiers: tuple[str, ...] = ()
    targets: Mapping[str, Target] = field(default_factory=dict)
    callers: Callers = field(default_factory=Callers)


def load_targets(source: Source) -> Listed:
    """Read the file; whatever is wrong is noted on `source`."""
    document = toml(source)
    if document is None:
        return Listed()
    tiers = document.names("tiers")
    for tier in tiers:
        if not SLUG.fullmatch(tier):
            document.problem("tiers", f"{tier!r} cannot be the name of a tier: use a slug.")
    tables = document.tables("target", required=False)
    targets = {name: _target(name, table, tiers) for name, table in tables.items()}
    paces = callers(document.table("pace", required=False))
    document.done()
    return Listed(tiers, targets, paces)


def bearing(target: Target) -> str:
    """Return a digest of what bears on the proof of a statement at a target."""
    reads = target.reads
    told = [
        *(target.dialect.value, list(reads.schemas), list(reads.tables), list(reads.functions)),
        dict(target.masked),
    ]
    return wire.digest(wire.canonical(told))


def _target(name: str, table: Table, tiers: tuple[str, ...]) -> Target:
    if not SLUG.fullmatch(name):
        table.problem("", f"{name!r} cannot be the name of a target: use a slug such as orders.")
    dialect = Dialect(table.choice("dialect", Dialect))
    if dialect not in SQL:
        return http_target(name, dialect, table, tiers)
    target = Target(
        name=name,
        dialect=dialect,
        tier=table.choice("tier", tiers),
        read=reference(table, "read"),
        act=reference(table, "act") if "act" in table else "",
        limits=_limits(table.table("limits", required=False)),
        generation=table.text("generation", default="1"),
        reads=_reads(table.table("reads", required=False)),
        masked=_masked(table.table("masked", required=False)),
        pace=pace(table.table("pace", required=False), OF_TARGET),
    )
    _refuse_unenforced(target, table)
    if target.act and target.act == target.read:
        table.problem(
            "act", "`act` and `read` name one credential; each needs a login of its own."
        )
    table.done()
    if target.dialect is Dialect.SQLITE:  # where names are compared without regard to case
        return replace(target, reads=_folded(target.reads))
    return target


def _refuse_unenforced(target: Target, table: Table) -> None:
    """Note settings that this version does not enforce for the target's dialect."""
    if target.reads.functions and target.dialect not in _TRUSTING:
        known = ", ".join(_TRUSTING)
        table.problem("reads", f"`functions` are trusted on {known} only, in this version.")
    if target.limits.cost and target.dialect in _NO_COST:
        why = _NO_COST[target.dialect]
        table.problem("limits", f"`cost` cannot be enforced for {target.dialect}: {why}")


def _folded(reads: Reads) -> Reads:
    schemas, tables = (
        tuple(name.lower() for name in names) for names in (reads.schemas, reads.tables)
    )
    return replace(reads, schemas=schemas, tables=tables)


def _reads(table: Table | None) -> Reads:
    if table is None:
        return Reads()
    schemas, tables, functions = (
        table.names(key, required=False) for key in ("schemas", "tables", "functions")
    )
    for key, names in (("tables", tables), ("functions", functions)):
        for name in names:
            if not _QUALIFIED.fullmatch(name):
                table.problem(key, f"{name!r} needs its schema: write `schema.name`.")
    table.done()
    return Reads(schemas, tables, functions)


def _masked(table: Table | None) -> dict[str, str]:
    """Return the masked columns, `schema.relation.column`, each with its tag."""
    found: dict[str, str] = {}
    for tag in table or ():
        if table is None:
            break
        if not _TAG.fullmatch(tag):
            table.problem(tag, f"{tag!r} cannot be a tag: use a slug such as pii.")
        for column in table.names(tag):
            if not _COLUMN.fullmatch(column):
                table.problem(tag, f"{column!r} is no column: write `schema.table.column`.")
            elif column in found:
                table.problem(tag, f"{column} is masked twice, as {found[column]} and {tag}.")
            else:
                found[column] = tag
    if table is not None:
        table.done()
    return found


def _limits(table: Table | None) -> Limits:
    usual = Limits()
    if table is None:
        return usual
    limits = Limits(
        rows=table.whole("rows", low=1, high=100_000, default=usual.rows),
        bytes=table.whole("bytes", low=1024, high=64 * 1024 * 1024, default=usual.bytes),
        seconds=table.number("seconds", low=0.1, high=300, default=usual.seconds),
        cost=table.number("cost", low=0, high=1e12, default=usual.cost),
    )
    table.done()
    return limits
