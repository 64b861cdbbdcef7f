"""What pages need to know of a request: whose cookie it carries, and that a form is our own."""

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import Request
from interlock.errors import refusal

from interlock_gateway.service.identity import Principal
from interlock_gateway.web.auth import COOKIE, gateway_of

_OURS = frozenset({"same-origin", "none"})


async def visitor(request: Request) -> Principal:
    """Return who the cookie belongs to, or refuse with `not-logged-in`."""
    token = request.cookies.get(COOKIE, "")
    if not token:
        raise refusal("not-logged-in", "This page needs a login.")
    return await gateway_of(request).identity.authenticate_page(token)


def csrf_of(request: Request) -> str:
    """Return the token that this session's forms must bring back."""
    token = request.cookies.get(COOKIE, "")
    return hmac.new(token.encode(), b"interlock-csrf/v1", hashlib.sha256).hexdigest()


def must_be_ours(request: Request, csrf: str | None = None) -> None:
    """Refuse a form that another site, or nobody we know, has sent.

    Args:
        request: the POST.
        csrf: the token it brought; None before the login, when there is no session yet.

    Raises:
        InterlockError: `cross-site`.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:
        origin = request.headers.get("origin")
        ours = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    else:
        ours = site in _OURS
    if csrf is not None:
        ours = ours and hmac.compare_digest(csrf.encode(), csrf_of(request).encode())
    if not ours:
        raise refusal("cross-site", "This form was not sent from a page of this gateway.")


def local_path(path: str) -> str:
    """Return `path` if it leads to a page of ours, else the first page."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if plain and path.isprintable() and "\\" not in path else "/"
