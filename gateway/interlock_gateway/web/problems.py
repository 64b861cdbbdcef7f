"""Errors as RFC 9457 problem details: what happened, which line, what to do next."""

from collections.abc import Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from interlock.errors import InterlockError, problem_from_error, refusal
from starlette.exceptions import HTTPException

from interlock_gateway.service.ports import ConflictError, StoreUnwritableError

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger("interlock.web")
_BY_STATUS = {404: "bad-request", 405: "bad-request", 413: "bad-request"}


def problem(error: InterlockError, *, status: int = 0) -> Response:
    """Return `error` as a response; `status` overrides the one of its code."""
    content = problem_from_error(error)
    content["status"] = status or content["status"]
    headers = {"WWW-Authenticate": "Bearer"} if content["status"] == 401 else {}  # noqa: PLR2004  HTTP's own number
    return JSONResponse(content, content["status"], headers, media_type=MEDIA_TYPE)


def invalid(errors: Any) -> InterlockError:
    """Return what is wrong with a request's fields as one sentence each."""
    told = [
        f"{'.'.join(str(part) for part in error['loc'][1:]) or 'body'}: {error['msg']}"
        for error in errors
    ]
    return refusal("bad-request", "; ".join(told[:5]) + ".")


def install(app: FastAPI, page: Callable[[Request, Exception, int], Response]) -> None:
    """Let every error of `app` leave it as a problem: a page for people, JSON for programs."""

    async def known(request: Request, error: Exception) -> Response:
        if _for_a_person(request):
            return page(request, error, 0)
        return problem(as_known(error))

    async def framework(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        detail = str(error.detail) if isinstance(error, HTTPException) else "Internal error"
        code = _BY_STATUS.get(status, "internal" if status >= 500 else "bad-request")  # noqa: PLR2004  HTTP's own number
        told = refusal(code, f"{detail}.")
        if _for_a_person(request):
            return page(request, told, status)
        return problem(told, status=status)

    for kind in (InterlockError, StoreUnwritableError, ConflictError, UnicodeEncodeError):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(RequestValidationError, known)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Exception, known)


def _for_a_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(
        ("/v1/", "/metrics", "/healthz")
    )


def as_known(error: Exception) -> InterlockError:
    """Return any exception as one of the tree; what is not expected says nothing of itself."""
    match error:
        case InterlockError():
            return error
        case StoreUnwritableError():
            return refusal("store-unwritable", str(error))
        case ConflictError():
            return refusal("incident-state", "Somebody else changed this first; look again.")
        case RequestValidationError():
            return invalid(error.errors())
        case UnicodeEncodeError():
            return refusal("bad-request", "The request holds half of a surrogate pair.")
    _log.error("unexpected", kind=type(error).__name__, exc_info=error)
    return refusal("internal", "The gateway met something it did not expect.")
