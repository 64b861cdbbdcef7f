"""A small language for the shape of metadata: what keys there are and what they hold.

The schema is data made of these values, so that the JSON Schema and the reference page can be
generated from what is enforced. Each shape reads one JSON value and returns it frozen.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.runbook.notebook import unknown

# Control characters, and those that reorder the text around them: metadata is shown in
# terminals and approval prompts, where it must not pretend to be something else.
_DECEIVING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


class ShapeError(ValueError):
    """A value does not have its shape; `keys` is the path down to it."""

    def __init__(self, message: str, keys: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.keys = keys

    def under(self, key: str) -> "ShapeError":
        """Return the same error seen from one level further out."""
        return ShapeError(self.message, (key, *self.keys))


class Shape(Protocol):
    """Something that reads one JSON value."""

    def read(self, value: Any) -> Any:
        """Return the value, checked and frozen.

        Raises:
            ShapeError: the value does not have this shape.
        """
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Text of bounded length, matching `pattern` where there is one."""

    most: int = 2_000
    pattern: str = ""
    such_as: str = ""

    def read(self, value: Any) -> str:
        """Return the text."""
        if not isinstance(value, str) or not value.strip():
            raise ShapeError("It must be text that says something.")
        if len(value) > self.most:
            raise ShapeError(f"It is longer than {self.most:,} characters.")
        if _DECEIVING.search(value):
            raise ShapeError("It holds control or text-direction characters.")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise ShapeError(f"{value[:80]!r} does not fit; write it like {self.such_as!r}.")
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number in a range."""

    least: int
    most: int

    def read(self, value: Any) -> int:
        """Return the number."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ShapeError("It must be a whole number.")
        if not self.least <= value <= self.most:
            raise ShapeError(f"It must be from {self.least:,} to {self.most:,}.")
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, value: Any) -> bool:
        """Return the flag."""
        if not isinstance(value, bool):
            raise ShapeError("It must be true or false.")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: Sequence[str]

    def read(self, value: Any) -> str:
        """Return the word."""
        if not isinstance(value, str) or value not in self.words:
            raise ShapeError(f"It must be one of: {', '.join(self.words)}.")
        return value


@dataclass(frozen=True, slots=True)
class Scalar:
    """A parameter's default or bound; what it means depends on the parameter's type."""

    def read(self, value: Any) -> Any:
        """Return the value."""
        if isinstance(value, list):
            return ListOf(Text(most=200)).read(value)
        if not isinstance(value, str | int | float):
            raise ShapeError("It must be text, a number, true, false or a list of texts.")
        return value


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of bounded length, all of one shape."""

    item: Shape
    most: int = 50

    def read(self, value: Any) -> tuple[Any, ...]:
        """Return the items as a tuple."""
        if not isinstance(value, list) or len(value) > self.most:
            raise ShapeError(f"It must be a list of at most {self.most}.")
        return tuple(_inside(str(n), self.item, item) for n, item in enumerate(value))


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with names of the author's choosing and values of one shape."""

    item: Shape
    name: str = r"[a-z][a-z0-9_]{0,63}"
    most: int = 50

    def read(self, value: Any) -> dict[str, Any]:
        """Return the entries, each name checked."""
        if not isinstance(value, dict) or len(value) > self.most:
            raise ShapeError(f"It must be an object of at most {self.most} entries.")
        for name in value:
            if not re.fullmatch(self.name, name):
                raise ShapeError(
                    f"{name[:80]!r} is not a name: lower-case letters, digits and underscores, "
                    "the first a letter."
                )
        return {name: _inside(name, self.item, item) for name, item in value.items()}


@dataclass(frozen=True, slots=True)
class Record:
    """An object with exactly these keys; a key that is not known is an error.

    Attributes:
        name: what messages call it.
        fields: key → shape, in the order of the reference page.
        needed: keys that must be there.
        build: makes the frozen value out of the fields that were given.
    """

    name: str
    fields: Mapping[str, Shape]
    needed: Sequence[str] = ()
    build: Any = field(default=dict)

    def read(self, value: Any) -> Any:
        """Return what `build` makes of the fields."""
        if not isinstance(value, dict):
            raise ShapeError("It must be a JSON object.")
        for key in value:
            if key not in self.fields:
                raise ShapeError(unknown(key, tuple(self.fields), self.name))
        missing = [key for key in self.needed if key not in value]
        if missing:
            raise ShapeError(f"{', '.join(missing)} must be given in {self.name}.")
        return self.build(
            **{key: _inside(key, shape, value[key]) for key, shape in self._given(value)}
        )

    def _given(self, value: Mapping[str, Any]) -> list[tuple[str, Shape]]:
        return [(key, shape) for key, shape in self.fields.items() if key in value]


def _inside(key: str, shape: Shape, value: Any) -> Any:
    try:
        return shape.read(value)
    except ShapeError as error:
        raise error.under(key) from None
