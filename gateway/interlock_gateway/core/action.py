"""Catalogued actions: the only mutations a curated runbook makes by name.

An action is reviewed as one file: what it shows the approver (preview), what must hold before
(precheck), what it does (execute, guarded against the target changing in between), how it proves
that it worked (verify), and what can be done if it was wrong (undo). A file that leaves one of
these out is refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock import wire

from interlock_gateway.core.argument import Argument, comparable, load_argument, wrong
from interlock_gateway.core.exchange import VENDORS, Exchange, Selection
from interlock_gateway.core.exchange.loading import load_exchange, load_selection
from interlock_gateway.core.exchange.naming import guarding, wrong_names
from interlock_gateway.core.model import APPROVABLE, SQL, Dialect
from interlock_gateway.core.strict import Source, Table, nearest, toml

NamesIn = Callable[[Dialect, str], Iterable[str]]
"""Finds the `:name` parameters of a statement; raises ValueError on what cannot be read."""

ONE_TRUE, ONE_ROW, NO_ROWS = "one row, true", "one row", "no rows"
EXPECTATIONS = (ONE_TRUE, ONE_ROW, NO_ROWS)
"""What the result of a read must look like; the same words as `service.targets.Expect`."""

ALL_TRUE, ROW_COUNT = "one row or more, all true", "row count"
ALONE = "done, outside a transaction"
EXECUTE_EXPECTATIONS = (*EXPECTATIONS, ALL_TRUE, ROW_COUNT, ALONE)
"""What the result of `execute` may have to look like."""

RISKS = ("low", "medium", "high")

ID = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z][a-z0-9_]*)+")
"""Names of actions, such as `pg.terminate_backend`; never the name of an effect."""

_NONE_NEEDED = re.compile(r"none needed: \S.{7,}", re.DOTALL)
_UNENFORCED = {"terms": "terms stand in permissions.csv."}


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked and what its result must look like; `none_needed` is why nothing is.

    Attributes:
        sql: with `:name` for arguments; empty when none is needed.
        exchange: the request instead of SQL, where the target speaks HTTP.
        expect: one of `EXPECTATIONS`; empty for a preview, which is shown and not judged.
        within_s: for a verify, seconds to keep asking until it holds; else 0.
        none_needed: the author's reason, empty when there is a statement.
        identifiers: arguments of an `execute` that are names of things, written in quoted.
        guarded_by_precheck: why an `execute` cannot say itself what it must not hit; else empty.
    """

    sql: str
    expect: str = ""
    within_s: float = 0.0
    none_needed: str = ""
    guarded_by_precheck: str = ""
    identifiers: tuple[str, ...] = ()
    exchange: Exchange | None = None

    @property
    def shown(self) -> str:
        """What people read of it in the catalogue."""
        return self.exchange.title if self.exchange else self.sql or self.none_needed


@dataclass(frozen=True, slots=True)
class Breaker:
    """An action that is used this often on one target, by whomever, is used no more for a while.

    Attributes:
        uses: as many as this,
        within_s: within so many seconds.
    """

    uses: int
    within_s: int


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of the catalogue. Everything it asks is for `dialect`.

    Attributes:
        count: with `ROW_COUNT`, a read whose one cell is the number of rows that would change.
        image: with `ROW_COUNT`, a read of every row that would change, with all its columns, where
            that cannot be derived from `execute`; kept as it is right before the change.
        max_rows: with `ROW_COUNT`, the most rows that one use may change.
        effect: what it does, where `execute` calls a function of the target's own that nobody can
            look into, or an HTTP API; else "", and the statement tells.
        trial: how the answer is read when the target itself only tries `execute`; else None.
    """

    id: str
    version: str
    title: str
    dialect: Dialect
    risk: str
    reversible: bool
    blast_radius: str
    arguments: Mapping[str, Argument]
    preview: Check
    precheck: Check
    execute: Check
    verify: Check
    undo: str
    idempotency_key: tuple[str, ...]
    max_per_run: int
    cooldown_s: int
    breaker: Breaker
    count: Check
    image: Check
    max_rows: int
    effect: str
    digest: str
    trial: Selection | None = None

    @property
    def over_http(self) -> bool:
        """Whether it asks by requests, and not by SQL."""
        return self.dialect in VENDORS

    @property
    def name(self) -> str:
        """The id with its version, such as `pg.terminate_backend@1.0.0`."""
        return f"{self.id}@{self.version}"

    def problems(self, given: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        """Return what is wrong with wire-typed arguments, each as a sentence; empty is good."""
        found = [f"`{name}` is missing." for name in self.arguments if name not in given]
        found += [
            f"`{name}` is not an argument of {self.id}{nearest(name, self.arguments)}"
            for name in given
            if name not in self.arguments
        ]
        for name, typed in given.items():
            if name in self.arguments and (told := wrong(self.arguments[name], typed)):
                found.append(f"`{name}` {told}")
        return tuple(found)

    def key(self, target: str, given: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the text that is the same whenever the same thing is asked for again.

        Moments are compared as moments: `12:00+02:00` and `10:00Z` give one key.
        """
        values = {
            name: comparable(self.arguments[name], given[name]) for name in self.idempotency_key
        }
        return f"{self.id} {target} {wire.canonical(values).decode()}"


# --- actions/<id>.toml ------------------------------------------------------------------------


def load_action(source: Source, *, names_in: NamesIn) -> Action | None:
    """Read one file of the catalogue; whatever is wrong is noted on `source`."""
    document = toml(source)
    if document is None:
        return None
    document.refuse(_UNENFORCED)
    action = _action(document, source)
    document.done()
    if action.execute.expect in {ALL_TRUE, ALONE} and action.dialect is not Dialect.POSTGRES:
        words = f"`{action.execute.expect}` is looked for on PostgreSQL only."
        document.problem("execute", words)
    if action.over_http:
        _check_exchanges(document, action)
    else:
        _check_identifiers(document, action)
        _check_names(document, action, names_in)
    return action


def _action(document: Table, source: Source) -> Action:
    arguments = {
        name: load_argument(name, table) for name, table in document.tables("arguments").items()
    }
    dialect = Dialect(document.choice("dialect", (*SQL, *VENDORS)))
    execute = _execute(document, dialect)
    counts = execute.expect == ROW_COUNT
    return Action(
        id=_id(document, source),
        version=document.text("version", form=r"[0-9]+\.[0-9]+\.[0-9]+"),
        title=document.text("title"),
        dialect=dialect,
        risk=document.choice("risk", RISKS),
        reversible=document.flag("reversible"),
        blast_radius=document.text("blast_radius"),
        arguments=arguments,
        preview=_check(document, dialect, "preview"),
        precheck=_check(document, dialect, "precheck", expects=EXPECTATIONS),
        execute=execute,
        verify=_check(document, dialect, "verify", expects=EXPECTATIONS, waits=True),
        undo=document.text("undo"),
        idempotency_key=_key(document, arguments),
        max_per_run=document.whole("max_per_run", low=1, high=100),
        cooldown_s=document.whole("cooldown_s", low=0, high=86_400),
        breaker=_breaker(document),
        count=_read(document, "count") if counts else Check(""),
        image=_read(document, "image") if counts and "image" in document else Check(""),
        max_rows=document.whole("max_rows", low=1, high=10_000) if counts else 1,
        effect=_effect(document, dialect),
        digest=wire.digest(source.text.encode()),
        trial=_trial(document, dialect),
    )


def _breaker(document: Table) -> Breaker:
    table = document.table("circuit_breaker")
    if table is None:
        return Breaker(1, 1)
    found = Breaker(
        table.whole("uses", low=1, high=1_000), table.whole("within_s", low=1, high=86_400)
    )
    table.done()
    return found


def _effect(document: Table, dialect: Dialect) -> str:
    """Return the effect that is declared; nobody can look into an HTTP API."""
    if "effect" in document or dialect in VENDORS:
        return document.choice("effect", sorted(APPROVABLE))
    return ""


def _trial(document: Table, dialect: Dialect) -> Selection | None:
    """Return how a trial's answer is read; its request is `execute`'s with the vendor's key."""
    table = document.table("trial", required=False)
    if table is None:
        return None
    if dialect not in VENDORS or not VENDORS[dialect].trial:
        table.problem("", f"{dialect} has no trial that is known to change nothing.")
    selection = load_selection(table, reads=True)
    table.done()
    return selection


def _spoken(table: Table, dialect: Dialect, *, reads: bool) -> Check:
    """Return what is asked: SQL, or a request where the target speaks HTTP."""
    if dialect in VENDORS:
        return Check("", exchange=load_exchange(table, reads=reads))
    return Check(sql=table.text("sql").strip())


def _execute(document: Table, dialect: Dialect) -> Check:
    table = document.table("execute")
    if table is None:
        return Check("")
    expects = EXPECTATIONS if dialect in VENDORS else EXECUTE_EXPECTATIONS
    check = replace(
        _spoken(table, dialect, reads=False),
        expect=table.choice("expect", expects),
        guarded_by_precheck=table.text("guarded_by_precheck", default=""),
        identifiers=table.names("identifiers", required=False),
    )
    table.done()
    return check


def _read(document: Table, key: str) -> Check:
    table = document.table(key)
    if table is None:
        return Check("")
    check = Check(sql=table.text("sql").strip())
    table.done()
    return check


def _id(document: Table, source: Source) -> str:
    name = document.text("id", form=ID.pattern)
    if name and source.file != f"actions/{name}.toml":
        document.problem("id", f"The action {name!r} must stand in actions/{name}.toml.")
    return name


def _check(
    document: Table,
    dialect: Dialect,
    key: str,
    *,
    expects: tuple[str, ...] = (),
    waits: bool = False,
) -> Check:
    if isinstance(reason := document.raw(key), str):
        if not _NONE_NEEDED.fullmatch(reason):
            asks = "request" if dialect in VENDORS else "sql"
            document.problem(key, f'`{key}` is a table with `{asks}`, or "none needed: " and why.')
        return Check("", none_needed=reason)
    table = document.table(key)
    if table is None:
        return Check("")
    check = replace(
        _spoken(table, dialect, reads=True),
        expect=table.choice("expect", expects) if expects else "",
        within_s=table.number("within_s", low=0, high=300) if waits else 0.0,
    )
    table.done()
    return check


def _key(document: Table, arguments: Mapping[str, Argument]) -> tuple[str, ...]:
    names = document.names("idempotency_key", required=bool(arguments))
    for name in names:
        if name not in arguments:
            document.problem(
                "idempotency_key",
                f"`idempotency_key` names {name!r}, no argument{nearest(name, arguments)}",
            )
    return names


def _check_identifiers(document: Table, action: Action) -> None:
    """A name that is written into `execute` is a text, and its precheck looks it up."""
    for name in action.execute.identifiers:
        argument = action.arguments.get(name)
        if action.dialect is not Dialect.POSTGRES or argument is None or argument.type != "text":
            message = f"`identifiers` names `{name}`, which is no text argument on PostgreSQL."
            document.problem("execute", message)
        if not action.execute.guarded_by_precheck:
            message = "With `identifiers`, `guarded_by_precheck` says how the precheck finds them."
            document.problem("execute", message)


def _check_names(document: Table, action: Action, names_in: NamesIn) -> None:
    """Every `:name` is a declared argument, and every argument guards what is executed."""
    used: dict[str, set[str]] = {}
    for key in ("preview", "count", "image", "precheck", "execute", "verify"):
        sql = getattr(action, key).sql
        try:
            used[key] = set(names_in(action.dialect, sql)) if sql else set()
        except ValueError as error:
            document.problem(key, f"The SQL of `{key}` cannot be read: {error}")
            continue
        for name in sorted(used[key] - set(action.arguments)):
            document.problem(
                key, f"`:{name}` in `{key}` is not an argument{nearest(name, action.arguments)}"
            )
    _check_guards(document, action, used)


def _check_exchanges(document: Table, action: Action) -> None:
    """Every place of a request has its value, and every argument guards what is executed."""
    keys = ("preview", "precheck", "execute", "verify")
    parts = {key: found for key in keys if (found := getattr(action, key).exchange)}
    arguments = {one.name: tuple(one.fields) for one in action.arguments.values()}
    for key, told in wrong_names(parts, arguments, VENDORS[action.dialect]):
        document.problem(key, told)
    execute = action.execute.exchange
    if execute and not execute.selection.columns and action.execute.expect != NO_ROWS:
        document.problem("execute", f"Without `columns` it can only expect `{NO_ROWS}`.")
    _check_guards(document, action, {"execute": set(), "precheck": set()} | guarding(parts))


def _check_guards(document: Table, action: Action, used: Mapping[str, set[str]]) -> None:
    """Every argument keeps what is executed from hitting something else."""
    if not {"execute", "precheck"} <= used.keys():
        return
    if not action.execute.guarded_by_precheck:
        for name in sorted(set(action.arguments) - used["execute"]):
            document.problem("execute", f"The argument `{name}` is not used by `execute`.")
        return
    for name in sorted(set(action.arguments) - used["precheck"]):
        message = f"The argument `{name}` is not used by `precheck`, which guards `execute`."
        document.problem("precheck", message)
