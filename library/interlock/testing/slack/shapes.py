"""What a Block Kit value must look like, and what Slack says when it does not.

A shape is a frozen value; `faults(value, shape, pointer)` yields what Slack would list in
`response_metadata.messages`, with a JSON pointer to the place. The words are those that Slack's
API answers with, as quoted in public bug reports (for instance slackapi/java-slack-sdk#1017);
where none was found for a case, the words are ours and in the same tone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Flag", "Many", "Number", "Record", "Shape", "Union", "Words", "faults"]


@dataclass(frozen=True, slots=True)
class Words:
    """A string of so many characters; `one_of` lists what else is refused."""

    most: int = 3000
    least: int = 1
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """An integer between two bounds."""

    least: int = 0
    most: int = 2**53


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list of things of one shape."""

    of: "Shape"
    most: int = 100
    least: int = 1


@dataclass(frozen=True, slots=True)
class Record:
    """An object: what it must have, what it may have; anything else is refused.

    Attributes:
        either: names of which one at least must be there.
        several: whether Slack tries several schemas here and says that all of them failed.
    """

    needs: Mapping[str, "Shape"] = field(default_factory=dict)
    may: Mapping[str, "Shape"] = field(default_factory=dict)
    either: tuple[str, ...] = ()
    several: bool = False


@dataclass(frozen=True, slots=True)
class Union:
    """An object whose `type` says which record it is."""

    kinds: Mapping[str, Record]


Shape: TypeAlias = Words | Number | Flag | Many | Record | Union


def faults(value: Any, shape: Shape, pointer: str) -> Iterator[str]:
    """Yield what is wrong with `value`, in Slack's words."""
    match shape:
        case Words():
            yield from _in_words(value, shape, pointer)
        case Number():
            yield from _in_number(value, shape, pointer)
        case Flag():
            if not isinstance(value, bool):
                yield _at("must be a boolean", pointer)
        case Many():
            yield from _in_many(value, shape, pointer)
        case Record():
            yield from _in_record(value, shape, pointer)
        case Union():
            yield from _in_union(value, shape, pointer)


def _at(words: str, pointer: str) -> str:
    return f"{words} [json-pointer:{pointer}]"


def _in_words(value: Any, shape: Words, pointer: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _at("must be a string", pointer)
    elif len(value) < shape.least:
        yield _at(f"must be more than {shape.least - 1} characters", pointer)
    elif len(value) > shape.most:
        yield _at(f"must be less than {shape.most + 1} characters", pointer)
    elif shape.one_of and value not in shape.one_of:
        yield _at("must be a valid enum value", pointer)


def _in_number(value: Any, shape: Number, pointer: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield _at("must be an integer", pointer)
    elif value < shape.least:
        yield _at(f"must be greater than {shape.least - 1}", pointer)
    elif value > shape.most:
        yield _at(f"must be less than {shape.most + 1}", pointer)


def _in_many(value: Any, shape: Many, pointer: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _at("must be an array", pointer)
        return
    if len(value) < shape.least:
        yield _at(f"no fewer than {shape.least} items allowed", pointer)
    if len(value) > shape.most:
        yield _at(f"no more than {shape.most} items allowed", pointer)
        return
    for number, each in enumerate(value):
        yield from faults(each, shape.of, f"{pointer}/{number}")


def _in_record(value: Any, shape: Record, pointer: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _at("must provide an object", pointer)
        return
    found = list(_in_fields(value, shape, pointer))
    if found and shape.several:
        yield _at("failed to match all allowed schemas", pointer)
    yield from found


def _in_fields(value: dict[str, Any], shape: Record, pointer: str) -> Iterator[str]:
    known = {**shape.needs, **shape.may}
    for name in shape.needs:
        if name not in value:
            yield _at(f"missing required field: {name}", pointer)
    if shape.either and not any(name in value for name in shape.either):
        names = " or ".join(f"`{name}`" for name in shape.either)
        yield _at(f"must define either {names}", f"{pointer}/type")
    for name, each in value.items():
        if name not in known:
            yield _at(f"invalid additional property: {name}", pointer)
        else:
            yield from faults(each, known[name], f"{pointer}/{name}")


def _in_union(value: Any, shape: Union, pointer: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _at("must provide an object", pointer)
    elif "type" not in value:
        yield _at("missing required field: type", pointer)
    elif not isinstance(value["type"], str) or value["type"] not in shape.kinds:
        yield _at(f"unsupported type: {value['type']}", f"{pointer}/type")
    else:
        yield from _in_record(value, shape.kinds[value["type"]], pointer)
