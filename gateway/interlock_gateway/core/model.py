"""The words of the glossary as frozen values. Everything in core is made of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock_gateway.core.endpoint import Base, Network
from interlock_gateway.core.pace import OF_TARGET, Pace


class Effect(StrEnum):
    """What a statement does to a target; the order is the order of danger.

    The effect of a statement is the maximum over everything in it. `unknown` is above all
    others: what cannot be proven is refused and never offered for approval.
    """

    READ = "read"
    COSTLY = "costly"
    SESSION = "session"
    EXFILTRATION = "exfiltration"
    LOCK = "lock"
    WRITE = "write"
    DDL = "ddl"
    ADMIN = "admin"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Position in the order of danger, read = 0."""
        return _RANKS[self]


_RANKS = {effect: rank for rank, effect in enumerate(Effect)}

APPROVABLE = frozenset({Effect.LOCK, Effect.WRITE, Effect.DDL, Effect.ADMIN})
"""Effects that an approval can be configured for."""


def strongest(effects: "list[Effect]") -> Effect:
    """Return the most dangerous of `effects`; of none, read."""
    return max(effects, key=lambda effect: effect.rank, default=Effect.READ)


class Dialect(StrEnum):
    """What a target understands; any other is refused. `SQL` lists those that speak SQL."""

    POSTGRES = "postgres"
    SQLITE = "sqlite"
    DUCKDB = "duckdb"
    MARIADB = "mariadb"
    MYSQL = "mysql"
    PROMETHEUS = "prometheus"
    LOKI = "loki"
    ALERTMANAGER = "alertmanager"
    UNLEASH = "unleash"
    ARGOCD = "argocd"
    KUBERNETES = "kubernetes"


SQL: tuple[Dialect, ...] = (
    *(Dialect.POSTGRES, Dialect.SQLITE, Dialect.DUCKDB),
    *(Dialect.MARIADB, Dialect.MYSQL),
)
"""The SQL dialects whose engines this version runs."""


class Scheme(StrEnum):
    """How an HTTP target's credential is sent: RFC 6750, RFC 7617, or as it is."""

    BEARER = "bearer"
    BASIC = "basic"
    PLAIN = "plain"


class Mode(StrEnum):
    """Curated runs ask what their reviewed notebook says; ad-hoc runs may only read."""

    CURATED = "curated"
    ADHOC = "adhoc"


class Severity(StrEnum):
    """How bad the incident is; sev1 is the worst."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"
    SEV4 = "sev4"


class IncidentState(StrEnum):
    """Authority lives only while an incident is open."""

    OPEN = "open"
    CLOSED = "closed"
    SEALED = "sealed"


class IncidentRole(StrEnum):
    """A person's part in one incident; it counts beside standing roles."""

    COMMANDER = "commander"
    RESPONDER = "responder"
    OBSERVER = "observer"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call to a target may cost.

    Attributes:
        rows: rows delivered; one more is fetched to know whether there were more.
        bytes: bytes of the delivered rows as JSON.
        seconds: time on the target before the work is cancelled there.
        cost: what the target's planner may expect a read to cost, in its own unit, and on MariaDB
            and MySQL the rows it expects to look at; 0 for no such limit.
    """

    rows: int = 1_000
    bytes: int = 4 * 1024 * 1024
    seconds: float = 10.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Reads:
    """What of a target may be read, and which of its own functions somebody reviewed.

    Attributes:
        schemas: only relations of these may be read; empty for no such limit.
        tables: only these (`schema.name`) may be read, besides those of `schemas`.
        functions: functions (`schema.name`) that were reviewed: they only read.
    """

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()

    def forbids(self, relation: str) -> bool:
        """Tell whether `relation` (`schema.name`) may not be read."""
        if not self.schemas and not self.tables:
            return False
        schema = relation.rpartition(".")[0]
        return schema not in self.schemas and relation not in self.tables


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a target that speaks HTTP answers.

    Attributes:
        base: the URL that every path is below.
        addresses: where its name may resolve to; empty for public addresses.
        scheme: how the credentials behind `read` and `act` are sent.
        ca: a reference to a PEM file that signs its certificate; "" for the system's.
        tenant: whose data are asked for, where several share one server; "" for no tenant.
    """

    base: Base
    addresses: tuple[Network, ...] = ()
    scheme: Scheme = Scheme.BEARER
    ca: str = ""
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one question about metrics or logs may reach.

    Attributes:
        range_s: seconds from start to end, and of all windows of one selector together.
        back_s: how many seconds before now a sample may lie that is looked at.
        step_s: the finest step, in seconds.
        points: evaluations of one selector: steps, times the steps of subqueries.
        series: series that are delivered.
        line: characters of one line of a log that are delivered.
    """

    range_s: float = 24 * 3600.0
    back_s: float = 31 * 86_400.0
    step_s: float = 1.0
    points: int = 11_000
    series: int = 100
    line: int = 16_384


@dataclass(frozen=True, slots=True)
class Target:
    """A named system behind the gateway.

    `read` and `act` are references to credentials (`env:`, `file:`), never the credentials;
    a target without `act` cannot be changed through Interlock at all. `generation` names the
    credential's version, so that an approval given before a rotation is not used after it.
    `masked` maps columns (`schema.relation.column`) that are never shown to their tags.
    `endpoint` is where a target that speaks HTTP answers, and `reach` how far its questions may;
    there `read` may be "", since many ask for no credential. `pace` is how often it is asked.
    """

    name: str
    dialect: Dialect
    tier: str
    read: str
    act: str = ""
    limits: Limits = Limits()
    generation: str = "1"
    reads: Reads = Reads()
    masked: Mapping[str, str] = field(default_factory=dict)
    endpoint: Endpoint | None = None
    reach: Reach = Reach()
    pace: Pace = OF_TARGET


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a statement has an effect: which node or function, and where in the text.

    Attributes:
        effect: the effect this one thing has.
        what: the thing, such as `function pg_sleep` or `node Delete`.
        detail: one sentence for a person.
        position: offset in characters from the start of the statement, or None.
        length: characters from `position` that the reason is about; 0 when unknown.
    """

    effect: Effect
    what: str
    detail: str
    position: int | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement translated to its engine's placeholders: these bytes are what is sent.

    Attributes:
        dialect: the engine's dialect.
        text: with the engine's placeholder, such as `$1` or `?`, where the author wrote `:name`.
        names: the parameter names in placeholder order; `names[0]` belongs to the first. Where
            placeholders have no numbers, a name used twice stands here twice.
        source: the author's text.
    """

    dialect: Dialect
    text: str
    names: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Masks:
    """Which columns of a statement's result are masked, as far as it can be told before it runs.

    Attributes:
        outputs: for each result column its name, "" where the engine makes one up, and its tag,
            "" for one to show; None when the columns cannot be told by position.
        origins: `schema.relation.column`, or `schema.relation` for all others of it, in lower
            case, to its tag; "" for one that is there and may be shown.
        rest: the tag for a column of which neither tells; "" where nothing masked is named.
    """

    outputs: tuple[tuple[str, str], ...] | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Classification:
    """What the guard proved about a statement; it goes into the timeline.

    Attributes:
        effect: the maximum over `reasons`.
        reasons: empty for a plain read.
        kind: the statement kind, such as `select`, `update`, `explain`, `show`.
        tables: tables and views named, `schema.name` as written.
        relations: the same as the target's catalogue knows them, `schema.name`; None when no
            catalogue was looked at.
        reached: those, and whatever stands behind their views.
        masks: which result columns are masked; None where the target masks nothing.
        functions: functions called, lower case.
        bounded: whether the text itself bounds the rows (LIMIT, aggregate without GROUP BY).
        parsers: parser name → version, every one that agreed.
        sha256: of the UTF-8 bytes of the translated text.
    """

    effect: Effect
    reasons: tuple[Reason, ...]
    kind: str
    tables: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    bounded: bool = False
    parsers: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    relations: tuple[str, ...] | None = None
    reached: tuple[str, ...] = ()
    masks: Masks | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One result column.

    Attributes:
        name: as the target calls it.
        type: its wire type (`interlock.wire.TYPES`).
        origin: the column it comes from unchanged, as `schema.relation.column`; "" when it is
            computed, or the target does not say.
        masked: the tag under which its values are hidden; "" for one that is shown.
    """

    name: str
    type: str
    origin: str = ""
    masked: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a target answered, as delivered.

    Attributes:
        columns: names and wire types.
        rows: cells as JSON values of their column's wire type; null is None.
        truncated: "" or the limit that cut the answer, such as `rows (1,000)`.
        affected: rows changed, for a mutation; None for a read.
        elapsed_ms: time on the target, in milliseconds.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: str = ""
    affected: int | None = None
    elapsed_ms: float = 0.0

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as mappings from column name to cell."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Stored:
    """A column of a table, as far as writing a row back needs it.

    Attributes:
        name: as the table calls it.
        key: whether it is part of the primary key.
        generated: whether the engine computes it from other columns.
        always: whether nobody may write it, as GENERATED ALWAYS AS IDENTITY.
    """

    name: str
    key: bool = False
    generated: bool = False
    always: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What the rows of a change were, read in its own transaction right before it.

    Attributes:
        rows: every row that its condition selected, cut at the limits of evidence.
        stored: the columns of its table; empty where the target did not tell, or where writing a
            row back would not be all that it takes.
        literals: each cell of each row as SQL of its engine, exactly; None for one that cannot be
            said. Empty where the rows themselves say it.
    """

    rows: Rows
    stored: tuple[Stored, ...] = ()
    literals: tuple[tuple[str | None, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can ask, vote or lead; `id` is stable, `name` is for display."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a runbook in an incident, as authority sees it."""

    id: str
    incident: str
    runbook: str
    version: str
    digest: str
    mode: Mode
    requester: str
    active: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as authority sees it; `roles` maps a person's id to their part in it.

    In a `drill` approvers show that they can approve; nothing runs in it.
    """

    id: str
    title: str
    severity: Severity
    state: IncidentState
    roles: Mapping[str, IncidentRole] = field(default_factory=dict)
    drill: bool = False

    @property
    def commander(self) -> str | None:
        """The person who leads, or None when nobody does."""
        leads = (who for who, role in self.roles.items() if role is IncidentRole.COMMANDER)
        return next(leads, None)
