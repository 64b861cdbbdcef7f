"""The typed arguments of catalogued actions: what they may be, and what is wrong with a value."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from interlock import wire

from interlock_gateway.core.strict import Table

MOST_ITEMS = 100
"""Items that any list may have."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_BOUNDED = ("integer", "number", "numeric")
_SINGLE = tuple(name for name in wire.TYPES if name not in {"null", "json", "bytes"})
_LIST = "list"


@dataclass(frozen=True, slots=True)
class Argument:
    """One typed argument.

    Attributes:
        name: as the caller and the statements write it.
        type: a type of `interlock.wire.TYPES`; `json` for a list.
        about: one sentence for whoever fills it in.
        low, high: bounds of a number, or None.
        choices: the only texts allowed; empty when any is.
        max_length: characters of a text.
        pattern: an expression that the whole of a text must match; "" for any.
        fields: of a list, what each item is made of: name → type; empty when it is no list.
        max_items: items of a list; it has at least one.
        patterns: of a list, `pattern` for fields that are texts.
    """

    name: str
    type: str
    about: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    max_length: int = 1_000
    pattern: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    max_items: int = 0
    patterns: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_list(self) -> bool:
        """Whether it is a list of items, sent as JSON."""
        return bool(self.fields)


# --- one that is given ------------------------------------------------------------------------


def wrong(argument: Argument, typed: Mapping[str, Any]) -> str:
    """Return the rest of a sentence about a bad value; empty when it is good."""
    if typed.get("type") != argument.type:
        return f"must be of type {argument.type}, not {typed.get('type')}."
    try:
        value = wire.decode_value(typed)
    except wire.WireError as error:
        return f"cannot be read: {error}"
    if value is None:
        return "must not be null."
    return _wrong_list(argument, value) if argument.is_list else _out_of_range(argument, value)


def comparable(argument: Argument, typed: Mapping[str, Any]) -> Any:
    """Return a text, or a list of texts, that is the same for the same value.

    Moments are compared as moments, `12:00+02:00` and `10:00Z`; a list in any order.
    """
    value = wire.decode_value(typed)
    if not argument.is_list:
        return _text(value)
    items = [
        {name: _text(wire.decode_cell(kind, item[name])) for name, kind in argument.fields.items()}
        for item in value
    ]
    return sorted(wire.canonical(item).decode() for item in items)


def _text(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat()
    return str(value)


def _wrong_list(argument: Argument, value: object) -> str:
    if not isinstance(value, list) or not 1 <= len(value) <= argument.max_items:
        return f"must be a list of 1 to {argument.max_items} items."
    wanted = ", ".join(f"{name} ({kind})" for name, kind in argument.fields.items())
    for place, item in enumerate(value, start=1):
        if not isinstance(item, dict) or item.keys() != argument.fields.keys():
            return f"has an item {place} that is not made of {wanted}."
        for name, kind in argument.fields.items():
            if told := _wrong_cell(kind, item[name], argument.patterns.get(name, "")):
                return f"has an item {place} whose {name} {told}"
    if len(set(comparable(argument, {"type": "json", "value": value}))) < len(value):
        return "names the same thing twice."
    return ""


def _wrong_cell(kind: str, cell: object, pattern: str) -> str:
    if cell is None:
        return "must not be null."
    try:
        value = wire.decode_cell(kind, cell)
    except wire.WireError as error:
        return f"cannot be read: {error}"
    return _out_of_range(Argument("", kind, "", pattern=pattern), value)


def _out_of_range(argument: Argument, value: object) -> str:
    if isinstance(value, (int, float, Decimal)):
        if _is_nan(value):
            return "must be a number."
        if argument.low is not None and value < argument.low:
            return f"must be at least {argument.low:g}."
        if argument.high is not None and value > argument.high:
            return f"must be at most {argument.high:g}."
    return _wrong_text(argument, value) if isinstance(value, str) else ""


def _wrong_text(argument: Argument, value: str) -> str:
    if argument.choices and value not in argument.choices:
        return f"must be one of {', '.join(argument.choices)}."
    if len(value) > argument.max_length:
        return f"is longer than {argument.max_length:,} characters."
    if argument.pattern and not re.fullmatch(argument.pattern, value):
        return f"does not have the form `{argument.pattern}`."
    return ""


def _is_nan(value: float | Decimal) -> bool:
    return value.is_nan() if isinstance(value, Decimal) else value != value  # noqa: PLR0124  NaN


# --- [arguments.NAME] of an action's file -----------------------------------------------------


def load_argument(name: str, table: Table) -> Argument:
    """Read one argument's table; whatever is wrong is noted on its source."""
    if not _NAME.fullmatch(name):
        table.problem("", f"{name!r} cannot be the name of an argument.")
    kind = table.choice("type", (*_SINGLE, _LIST))
    about = table.text("about")
    match kind:
        case "list":
            argument = _list(name, about, table)
        case "text":
            argument = Argument(
                name,
                kind,
                about,
                choices=table.names("choices") if "choices" in table else (),
                max_length=table.whole("max_length", low=1, high=10_000, default=1_000),
                pattern=_pattern(table, "pattern") if "pattern" in table else "",
            )
        case _ if kind in _BOUNDED:
            low, high = _bound(table, "minimum"), _bound(table, "maximum")
            argument = Argument(name, kind, about, low, high)
            if low is not None and high is not None and low > high:
                table.problem("minimum", "`minimum` is above `maximum`.")
        case _:
            argument = Argument(name, kind, about)
    table.done()
    return argument


def _list(name: str, about: str, table: Table) -> Argument:
    most = table.whole("max_items", low=1, high=MOST_ITEMS)
    fields = dict(_fields(table.table("fields")))
    patterns = dict(_patterns(table.table("patterns", required=False), fields))
    return Argument(name, "json", about, fields=fields, max_items=most, patterns=patterns)


def _fields(table: Table | None) -> Iterator[tuple[str, str]]:
    if table is None:
        return
    if not any(table):
        table.problem("", "`fields` names nothing that an item is made of.")
    for name in table:
        if not _NAME.fullmatch(name):
            table.problem(name, f"{name!r} cannot be the name of a field.")
        yield name, table.choice(name, _SINGLE)


def _patterns(table: Table | None, fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if table is None:
        return
    for name in table:
        if fields.get(name) != "text":
            table.problem(name, f"`{name}` is no field that is a text.")
        yield name, _pattern(table, name)


def _pattern(table: Table, key: str) -> str:
    source = table.text(key)
    try:
        re.compile(source)
    except re.error as error:
        table.problem(key, f"`{key} = {source!r}` is no regular expression: {error}.")
        return ""
    return source


def _bound(table: Table, key: str) -> float | None:
    return table.number(key, low=-(2**63), high=2**63) if key in table else None
