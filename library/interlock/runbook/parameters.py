"""Parameters: declared with types and ranges, bound from JSON values or command-line text.

A bound value is data with a wire type; it reaches the kernel as data and never as code.
"""

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from interlock.errors import UsageError
from interlock.runbook.reading import (
    MEASURES,
    READERS,
    TIMED,
    ValueRefusedError,
    integer,
    number,
    show,
    timedelta_of,
)
from interlock.wire import decode_value, encode_value

PARAM_TYPES = (
    *("string", "integer", "number", "boolean", "enum", "duration"),
    *("time", "timerange", "target", "service", "list"),
)
ORIGINS = ("person", "default", "alert")

MAX_MATCHED = 200
"""Characters of a text that is matched against a pattern: this bounds the time it can take."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter's value, typed for the wire, and where it came from.

    Attributes:
        type: a wire type (`interlock.wire.TYPES`).
        value: the JSON form of that type.
        origin: `person`, `default` or `alert`.
    """

    type: str
    value: Any
    origin: str

    def typed(self) -> dict[str, Any]:
        """Return `{"type", "value"}`, as requests carry it."""
        return {"type": self.type, "value": self.value}

    def python(self) -> Any:
        """Return the Python value, as a kernel sees it."""
        return decode_value(self.typed())


@dataclass(frozen=True, slots=True)
class Param:
    """One declared parameter. `default` None means that a value must be given.

    Attributes:
        min: smallest value; of text its length, of a list its items, of a timerange its length.
        max: largest value, in the same sense.
        pattern: what the whole text must match.
        values: the words of an enum, or the only values text, targets or list items may have.
        unit: shown beside the value; it converts nothing.
    """

    type: str
    name: str = ""
    default: Any = None
    min: Any = None
    max: Any = None
    pattern: str = ""
    values: tuple[str, ...] = ()
    unit: str = ""
    help: str = ""

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is None

    def read(self, value: object, now: datetime | None = None) -> Any:
        """Return `value` as this parameter's Python type, checked against its range.

        Raises:
            ValueRefusedError: and why.
        """
        read = READERS[self.type](value, now)
        self._check_words(read)
        self._check_range(read)
        return read

    def wire(self, value: object, origin: str, now: datetime | None = None) -> Bound:
        """Return `value` read and typed for the wire.

        Raises:
            ValueRefusedError: and why.
        """
        typed = encode_value(self.read(value, now))
        return Bound(typed["type"], typed["value"], origin)

    def _check_words(self, value: Any) -> None:
        words = value if isinstance(value, list) else [value]
        for word in (word for word in words if isinstance(word, str)):
            if self.values and word not in self.values:
                near = get_close_matches(word[:80], self.values, n=1)
                hint = f"Did you mean {near[0]}?" if near else ""
                raise ValueRefusedError(
                    f"{show(word)} is not one of: {', '.join(self.values)}. {hint}".rstrip()
                )
            if self.pattern:
                self._check_pattern(word)

    def _check_pattern(self, word: str) -> None:
        if len(word) > MAX_MATCHED or not re.fullmatch(self.pattern, word):
            raise ValueRefusedError(f"{show(word)} does not match {self.pattern}.")

    def _check_range(self, value: Any) -> None:
        size = MEASURES.get(self.type)
        if size is None:
            return
        what, measure = size
        for bound, word, sign in (
            (self.min, "below the minimum", -1),
            (self.max, "above the maximum", 1),
        ):
            if bound is None:
                continue
            limit = timedelta_of(bound) if self.type in TIMED else bound
            if (measure(value) - limit) * sign > type(limit)(0):
                raise ValueRefusedError(
                    f"{show(value)}{what} is {word} of {bound}{self.unit and ' ' + self.unit}."
                )


def bind(
    params: Mapping[str, Param],
    given: Mapping[str, object],
    origins: Mapping[str, str],
    now: datetime | None,
    runbook: str,
) -> dict[str, Bound]:
    """Return every declared parameter with its value.

    Raises:
        UsageError: `bad-parameter`: unknown, missing, or a value it does not take.
    """
    for name in given:
        if name not in params:
            raise _bad(_unknown(name, params, runbook))
    return {
        name: _bind_one(param, given, origins.get(name, "person"), now)
        for name, param in params.items()
    }


def _bind_one(
    param: Param, given: Mapping[str, object], origin: str, now: datetime | None
) -> Bound:
    if origin not in ORIGINS:
        raise _bad(f"{origin!r} is not an origin; known: {', '.join(ORIGINS)}.")
    if param.name not in given and param.required:
        raise _bad(f"Parameter {param.name} must be given: {param.help or param.type}")
    value = given.get(param.name, param.default)
    try:
        return param.wire(value, origin if param.name in given else "default", now)
    except ValueRefusedError as error:
        raise _bad(f"Parameter {param.name}: {error}") from None


def _unknown(name: str, params: Mapping[str, Param], runbook: str) -> str:
    near = get_close_matches(str(name)[:80], params, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    takes = f"It takes: {', '.join(params)}." if params else "It takes none."
    return f"{runbook} has no parameter {show(name)}. {hint}{takes}"


def _bad(message: str) -> UsageError:
    return UsageError(message, code="bad-parameter")


# --- declaration ------------------------------------------------------------------------------


_SOME_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
"""Defaults such as `now-15m` are tried against it when they are declared."""


def declare(name: str, param: Param) -> Param:
    """Return `param` under its name, after checking that it makes sense by itself.

    Raises:
        ValueRefusedError: a default, bound, word list or pattern that does not fit the type.
    """
    if param.type == "enum" and not param.values:
        raise ValueRefusedError("An enum needs its values.")
    if param.values and param.type not in ("enum", "string", "target", "service", "list"):
        raise ValueRefusedError(f"values make no sense for a {param.type}.")
    if param.pattern:
        _check_pattern(param)
    for bound in (param.min, param.max):
        _check_bound(param, bound)
    if param.default is not None:
        param.read(param.default, _SOME_MOMENT)
    return Param(**{**_fields(param), "name": name})


def _fields(param: Param) -> dict[str, Any]:
    return {name: getattr(param, name) for name in Param.__slots__}


def _check_bound(param: Param, bound: Any) -> None:
    if bound is None:
        return
    if param.type not in MEASURES:
        raise ValueRefusedError(f"min and max make no sense for a {param.type}.")
    if param.type in TIMED:
        timedelta_of(bound)
    elif isinstance(bound, str):
        raise ValueRefusedError(f"{show(bound)} must be a number.")
    elif param.type == "number":
        number(bound, None)
    else:
        integer(bound, None)


_BRANCHING = re.compile(r"[*+?{|]")
_DANGEROUS = re.compile(r"\)[*+?{]|\(\?|\\\d")
_MAX_BRANCHING = 3
"""At 200 characters a match then takes at most about 200³/6 steps."""


def _check_pattern(param: Param) -> None:
    """Accept only patterns whose matching time is bounded: Python's `re` can take for ever."""
    if param.type not in ("string", "service", "target", "list"):
        raise ValueRefusedError(f"A pattern makes no sense for a {param.type}.")
    branching = len(_BRANCHING.findall(param.pattern))
    if branching > _MAX_BRANCHING or _DANGEROUS.search(param.pattern):
        raise ValueRefusedError(
            f"A pattern may hold at most {_MAX_BRANCHING} of * + ? {{ |, and never repeat a "
            "group, look around or refer back: its matching time must be bounded."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(param.pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueRefusedError(f"The pattern does not compile: {error}.") from None


def described(param: Param) -> str:
    """Return one line that says what the parameter takes: `integer, 0 to 3600 s, default 5`."""
    parts = [param.type]
    if param.values:
        parts.append(" | ".join(param.values))
    if param.min is not None or param.max is not None:
        low = "…" if param.min is None else param.min
        high = "…" if param.max is None else param.max
        parts.append(f"{low} to {high} {param.unit}".rstrip())
    default = "must be given" if param.required else f"default {_default(param.default)}"
    return ", ".join([*parts, default])


def _default(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
