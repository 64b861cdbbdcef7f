"""Catalogued actions: the only mutations a curated runbook makes by name.

An action is reviewed as one file: what it shows the approver (preview), what must hold before
(precheck), what it does (execute, guarded against the target changing in between), how it proves
that it worked (verify), and what can be done if it was wrong (undo). A file that leaves one of
these out is refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from interlock import wire

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.strict import Source, Table, nearest, toml

NamesIn = Callable[[Dialect, str], Iterable[str]]
"""Finds the `:name` parameters of a statement; raises ValueError on what cannot be read."""

ONE_TRUE, ONE_ROW, NO_ROWS = "one row, true", "one row", "no rows"
EXPECTATIONS = (ONE_TRUE, ONE_ROW, NO_ROWS)
"""What the result of a statement must look like; the same words as `service.targets.Expect`."""

RISKS = ("low", "medium", "high")

ID = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z][a-z0-9_]*)+")
"""Names of actions, such as `pg.terminate_backend`; never the name of an effect."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NONE_NEEDED = re.compile(r"none needed: \S.{7,}", re.DOTALL)
_BOUNDED = ("integer", "number", "numeric")
_TYPES = tuple(name for name in wire.TYPES if name not in {"null", "json", "bytes"})
_UNENFORCED = {
    "circuit_breaker": "the catalogue's own issue brings it.",
    "terms": "terms stand in permissions.csv.",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One typed argument.

    Attributes:
        name: as the caller and the statements write it.
        type: a type of `interlock.wire.TYPES`.
        about: one sentence for whoever fills it in.
        low, high: bounds of a number, or None.
        choices: the only texts allowed; empty when any is.
        max_length: characters of a text.
    """

    name: str
    type: str
    about: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    max_length: int = 1_000


@dataclass(frozen=True, slots=True)
class Check:
    """A statement and what its result must look like; `none_needed` is why there is none.

    Attributes:
        sql: with `:name` for arguments; empty when none is needed.
        expect: one of `EXPECTATIONS`; empty for a preview, which is shown and not judged.
        within_s: for a verify, seconds to keep asking until it holds; else 0.
        none_needed: the author's reason, empty when there is a statement.
    """

    sql: str
    expect: str = ""
    within_s: float = 0.0
    none_needed: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of the catalogue. All statements are for `dialect`, with `:name` arguments."""

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
    digest: str

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
            if name in self.arguments and (wrong := _wrong(self.arguments[name], typed)):
                found.append(f"`{name}` {wrong}")
        return tuple(found)

    def key(self, target: str, given: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the text that is the same whenever the same thing is asked for again.

        Moments are compared as moments: `12:00+02:00` and `10:00Z` give one key.
        """
        values = {name: _comparable(given[name]) for name in self.idempotency_key}
        return f"{self.id} {target} {wire.canonical(values).decode()}"


def _comparable(typed: Mapping[str, Any]) -> str:
    value = wire.decode_value(typed)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat()
    return str(value)


def _wrong(argument: Argument, typed: Mapping[str, Any]) -> str:
    """Return the rest of a sentence about a bad value; empty when it is good."""
    if typed.get("type") != argument.type:
        return f"must be of type {argument.type}, not {typed.get('type')}."
    try:
        value = wire.decode_value(typed)
    except wire.WireError as error:
        return f"cannot be read: {error}"
    if value is None:
        return "must not be null."
    return _out_of_range(argument, value)


def _out_of_range(argument: Argument, value: object) -> str:
    if isinstance(value, (int, float, Decimal)):
        if _is_nan(value):
            return "must be a number."
        if argument.low is not None and value < argument.low:
            return f"must be at least {argument.low:g}."
        if argument.high is not None and value > argument.high:
            return f"must be at most {argument.high:g}."
    if isinstance(value, str) and argument.choices and value not in argument.choices:
        return f"must be one of {', '.join(argument.choices)}."
    if isinstance(value, str) and len(value) > argument.max_length:
        return f"is longer than {argument.max_length:,} characters."
    return ""


def _is_nan(value: float | Decimal) -> bool:
    return value.is_nan() if isinstance(value, Decimal) else value != value  # noqa: PLR0124  NaN


# --- actions/<id>.toml ------------------------------------------------------------------------


def load_action(source: Source, *, names_in: NamesIn) -> Action | None:
    """Read one file of the catalogue; whatever is wrong is noted on `source`."""
    document = toml(source)
    if document is None:
        return None
    document.refuse(_UNENFORCED)
    action = _action(document, source)
    document.done()
    _check_names(document, action, names_in)
    return action


def _action(document: Table, source: Source) -> Action:
    arguments = {
        name: _argument(name, table) for name, table in document.tables("arguments").items()
    }
    return Action(
        id=_id(document, source),
        version=document.text("version", form=r"[0-9]+\.[0-9]+\.[0-9]+"),
        title=document.text("title"),
        dialect=Dialect(document.choice("dialect", Dialect)),
        risk=document.choice("risk", RISKS),
        reversible=document.flag("reversible"),
        blast_radius=document.text("blast_radius"),
        arguments=arguments,
        preview=_check(document, "preview", expects=(), may_lack=True),
        precheck=_check(document, "precheck", expects=EXPECTATIONS, may_lack=True),
        execute=_check(document, "execute", expects=EXPECTATIONS, may_lack=False),
        verify=_check(document, "verify", expects=EXPECTATIONS, may_lack=True, waits=True),
        undo=document.text("undo"),
        idempotency_key=_key(document, arguments),
        max_per_run=document.whole("max_per_run", low=1, high=100),
        cooldown_s=document.whole("cooldown_s", low=0, high=86_400),
        digest=wire.digest(source.text.encode()),
    )


def _id(document: Table, source: Source) -> str:
    name = document.text("id", form=ID.pattern)
    if name and source.file != f"actions/{name}.toml":
        document.problem("id", f"The action {name!r} must stand in actions/{name}.toml.")
    return name


def _argument(name: str, table: Table) -> Argument:
    if not _NAME.fullmatch(name):
        table.problem("", f"{name!r} cannot be the name of an argument.")
    kind = table.choice("type", _TYPES)
    number, text = kind in _BOUNDED, kind == "text"
    argument = Argument(
        name=name,
        type=kind,
        about=table.text("about"),
        low=_bound(table, "minimum") if number else None,
        high=_bound(table, "maximum") if number else None,
        choices=table.names("choices") if text and "choices" in table else (),
        max_length=table.whole("max_length", low=1, high=10_000, default=1_000) if text else 1_000,
    )
    if argument.low is not None and argument.high is not None and argument.low > argument.high:
        table.problem("minimum", "`minimum` is above `maximum`.")
    table.done()
    return argument


def _bound(table: Table, key: str) -> float | None:
    return table.number(key, low=-(2**63), high=2**63) if key in table else None


def _check(
    document: Table, key: str, *, expects: tuple[str, ...], may_lack: bool, waits: bool = False
) -> Check:
    if isinstance(reason := document.raw(key), str) and may_lack:
        if not _NONE_NEEDED.fullmatch(reason):
            document.problem(key, f'`{key}` is a table with `sql`, or "none needed: " and why.')
        return Check("", none_needed=reason)
    table = document.table(key)
    if table is None:
        return Check("")
    check = Check(
        sql=table.text("sql").strip(),
        expect=table.choice("expect", expects) if expects else "",
        within_s=table.number("within_s", low=0, high=300) if waits else 0.0,
    )
    table.done()
    return check


def _key(document: Table, arguments: Mapping[str, Argument]) -> tuple[str, ...]:
    names = document.names("idempotency_key")
    for name in names:
        if name not in arguments:
            document.problem(
                "idempotency_key",
                f"`idempotency_key` names {name!r}, no argument{nearest(name, arguments)}",
            )
    return names


def _check_names(document: Table, action: Action, names_in: NamesIn) -> None:
    """Every `:name` is a declared argument, and every argument guards what is executed."""
    for key in ("preview", "precheck", "execute", "verify"):
        sql = getattr(action, key).sql
        try:
            used = set(names_in(action.dialect, sql)) if sql else set()
        except ValueError as error:
            document.problem(key, f"The SQL of `{key}` cannot be read: {error}")
            continue
        for name in sorted(used - set(action.arguments)):
            document.problem(
                key, f"`:{name}` in `{key}` is not an argument{nearest(name, action.arguments)}"
            )
        for name in sorted(set(action.arguments) - used) if key == "execute" else ():
            document.problem(key, f"The argument `{name}` is not used by `execute`.")
