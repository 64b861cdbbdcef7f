"""The forms in which an answer of a target is given: JSON, or an Arrow stream if asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Response
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from interlock import arrow
from interlock.errors import UsageError

Respond = Callable[[Mapping[str, Any]], Awaitable[Response]]


def form(accept: str) -> Respond:
    """Return what makes a response of an answer, before the target is asked for it.

    Args:
        accept: the request's Accept header. Only one that prefers Arrow to JSON gets it.

    Raises:
        HTTPException: 406, where Arrow alone is accepted and pyarrow is not installed.
    """
    if not arrow.is_preferred(accept):
        return _as_json
    try:
        arrow.library()
    except UsageError as error:
        if arrow.is_json_accepted(accept):
            return _as_json
        raise HTTPException(406, f"{error.message} {error.help}".rstrip(".")) from error
    return _as_arrow


async def _as_json(answer: Mapping[str, Any]) -> Response:
    # A response of its own: FastAPI would look through each cell of the answer once more.
    return JSONResponse(answer)


async def _as_arrow(answer: Mapping[str, Any]) -> Response:
    data = await asyncio.to_thread(arrow.stream, answer)
    return Response(data, media_type=arrow.MEDIA_TYPE)
