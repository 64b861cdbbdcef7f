"""JSON bodies that every reader reads alike, and that can be written down and read back.

Python's own parser takes more than JSON: NaN and infinities, numbers that overflow to one, halves
of surrogate pairs, other encodings, a name twice. What came in that way once could never be
answered again: one such value in an event, and its timeline could not be read any more.
Source: https://www.rfc-editor.org/rfc/rfc8259 (sections 4, 6, 8) and RFC 7493 (I-JSON).
"""

import json
import math
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from interlock_gateway.core.limits import MAX_DEPTH, deeper
from interlock_gateway.web.said import WordsRoute


class StrictRoute(WordsRoute):
    """A route whose JSON bodies are read strictly, and whose words are masked."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the usual handler, given a request that reads strictly."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


class _StrictRequest(Request):
    async def json(self) -> Any:
        """Return the body's value, or refuse it saying what is wrong with it."""
        return read(await self.body())


def read(body: bytes) -> Any:
    """Return the value in `body`.

    Raises:
        HTTPException: the body is JSON to some readers only.
        json.JSONDecodeError, UnicodeDecodeError, RecursionError: it is not JSON to any.
    """
    text = body.decode()
    value = json.loads(
        text, parse_constant=_constant, parse_float=_finite, object_pairs_hook=_each_once
    )
    if deeper(value):
        _refuse(f"nests deeper than {MAX_DEPTH} levels")
    if "\\ud" in text.lower():
        _whole_characters(value)
    return value


def _constant(name: str) -> NoReturn:
    _refuse(f"holds {name}, which JSON does not have")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse(f"holds {text[:40]}, which is too large a number")
    return number


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("gives a name twice in one object")
    return found


def _whole_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        _refuse("holds half of a surrogate pair")


def _refuse(why: str) -> NoReturn:
    raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"The body {why}")
