"""The door at which words come in: what people and programs say is masked before it is used.

A field of a body, or of a form, says in its annotation what it is. `SAID` is kept as it is
masked. `RUN` is executed as it is: of it the record alone is masked. A route of these classes
sees to both before its use case is called, so that none can forget it.
"""

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from typing import Any, get_args, get_type_hints

from fastapi import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from interlock_gateway.service.redaction import Redaction

HEADER = "Interlock-Masked"
"""How often each rule masked something in what was sent, where an answer is no JSON object."""

Endpoint = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Words:
    """What a field holds: words that are kept, or (`executed`) something that is run."""

    executed: bool = False


SAID, RUN = Words(), Words(executed=True)


class WordsRoute(APIRoute):
    """A route whose words are masked before its use case sees them."""

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, masking(endpoint), **options)


def masking(endpoint: Endpoint) -> Endpoint:
    """Return `endpoint`, given its words masked; whoever sent them is told what was."""
    hints = get_type_hints(endpoint, include_extras=True)
    fields = {name: words for name, hint in hints.items() if (words := words_of(hint))}
    bodies = [name for name, hint in hints.items() if _is_body(hint)]
    if not fields and not bodies:
        return endpoint

    @wraps(endpoint)
    async def masked(**given: Any) -> Any:
        door = _Door(given["gateway"].redaction)
        for name, words in fields.items():
            given[name] = await door.taken(given[name], words)
        for name in bodies:
            given[name] = await door.body(given[name])
        with ExitStack() as recording:
            if door.executed:
                recording.enter_context(await door.redaction.noticing(*door.executed))
            return _told(await endpoint(**given), door.found)

    return masked


def words_of(hint: Any) -> Words | None:
    """Return what a field is marked as, also where it is optional."""
    for part in get_args(hint):
        if isinstance(part, Words):
            return part
        if (inner := words_of(part)) is not None:
            return inner
    return None


class _Door:
    """Takes the words of one request."""

    def __init__(self, redaction: Redaction) -> None:
        self.redaction = redaction
        self.found: Counter[str] = Counter()
        self.executed: list[Any] = []

    async def taken(self, value: Any, words: Words) -> Any:
        """Return a field as its use case may have it."""
        if words.executed:
            self.executed.append(_plain(value))
            return value
        if not value:
            return value
        kept = await self.redaction.masked(list(value) if isinstance(value, tuple) else value)
        self.found += kept.rules
        return tuple(kept.value) if isinstance(value, tuple) else kept.value

    async def body(self, body: BaseModel) -> BaseModel:
        """Return a body with its words masked, and those of the bodies in it."""
        changed = {}
        for name, field in type(body).model_fields.items():
            value = getattr(body, name)
            words = next((one for one in field.metadata if isinstance(one, Words)), None)
            if words is not None:
                changed[name] = await self.taken(value, words)
            elif isinstance(value, BaseModel):
                changed[name] = await self.body(value)
            elif isinstance(value, list) and any(isinstance(one, BaseModel) for one in value):
                changed[name] = [await self.body(one) for one in value]
        return body.model_copy(update=changed) if changed else body


def _plain(value: Any) -> Any:
    """Return a value as JSON, with the bodies in it taken apart."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return value


def _told(answer: Any, found: Counter[str]) -> Any:
    """Say in the answer what was masked: how often, by which rule."""
    if not found:
        return answer
    if isinstance(answer, Response):
        told = ", ".join(f"{rule}={number}" for rule, number in sorted(found.items()))
        answer.headers[HEADER] = told
        return answer
    return {**answer, "masked": dict(sorted(found.items()))}


def _is_body(hint: Any) -> bool:
    return inspect.isclass(hint) and issubclass(hint, BaseModel)
