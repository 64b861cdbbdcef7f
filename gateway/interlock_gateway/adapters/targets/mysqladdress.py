"""A MySQL or MariaDB credential: one URL, read strictly, never quoted in a message."""

import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from interlock_gateway.service.targets import TargetError

_SCHEMES = ("mysql", "mariadb")
_OPTIONS = {"socket", "ssl-ca", "ssl-cert", "ssl-key", "ssl-mode"}
_MODES = ("verify-identity", "disabled")
_ENCODED = re.compile(r"(?:[^%\s]|%[0-9A-Fa-f]{2})*")
_HOST = re.compile(r"[^@/\s%]*")
_DATABASE = re.compile(r"/[^@/\s]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens and who may enter; its representation holds no password.

    Attributes:
        user: the login's name.
        password: its password, or "".
        host: name or address; "" with a socket.
        port: TCP port.
        database: the database that names without one belong to.
        socket: path of a Unix socket, or "".
        tls: verified TLS, or None for a line without it.
    """

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    database: str
    socket: str = ""
    tls: ssl.SSLContext | None = None


def address(url: str, where: str) -> Address:
    """Read `mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-ca=PATH`.

    Args:
        url: the credential; special characters in it are percent-encoded. `socket=PATH` names a
            Unix socket instead of a host; `ssl-ca`, `ssl-cert` and `ssl-key` name PEM files;
            `ssl-mode` is `verify-identity` (with the system's authorities unless `ssl-ca` names
            others) or `disabled`. There is no TLS that does not verify: it stops nobody.
        where: what to call it in messages, such as `read login of target orders`.

    Raises:
        TargetError: `target-unreachable`; the message quotes no part of the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:  # its words may hold a piece of the password
        raise _malformed(where) from None
    if not _is_well_formed(parts, options):
        raise _malformed(where)
    return Address(
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=parts.hostname or "",
        port=port,
        database=unquote(parts.path[1:]),
        socket=options.get("socket", ""),
        tls=_tls(options, where),
    )


def _is_well_formed(parts: SplitResult, options: dict[str, str]) -> bool:
    """Tell whether each piece is where it belongs.

    A password with a bare `/`, `@`, `?` or `#` would leave its pieces in host, path or options.
    """
    login = parts.netloc.rpartition("@")[0]
    return bool(
        parts.scheme in _SCHEMES
        and parts.username
        and not parts.fragment
        and "@" not in login
        and _ENCODED.fullmatch(login)
        and _HOST.fullmatch(parts.hostname or "")
        and _DATABASE.fullmatch(parts.path)
        and _ENCODED.fullmatch(parts.path)
        and bool(parts.hostname) is not bool(options.get("socket"))
        and set(options) <= _OPTIONS
        and options.get("ssl-mode", _MODES[0]) in _MODES
    )


def _malformed(where: str) -> TargetError:
    return TargetError(
        "target-unreachable",
        f"The credential for the {where} is not a MySQL address with a user and a database name. "
        "Write mysql://USER:PASSWORD@HOST:PORT/DATABASE (or mysql://USER:PASSWORD@/DATABASE"
        "?socket=PATH), percent-encode special characters, and add no other options than "
        f"{', '.join(sorted(_OPTIONS))}; ssl-mode is {' or '.join(_MODES)}.",
    )


def _tls(options: dict[str, str], where: str) -> ssl.SSLContext | None:
    """Return what verifies the server by authority and by name, if any TLS option is given."""
    wanted = {name for name in options if name.startswith("ssl-")}
    if not wanted or options.get("ssl-mode") == "disabled":
        return None
    try:
        context = ssl.create_default_context(cafile=options.get("ssl-ca"))
        if "ssl-cert" in options:
            context.load_cert_chain(options["ssl-cert"], options.get("ssl-key"))
    except (OSError, ValueError) as error:
        raise TargetError(
            "target-unreachable",
            f"The TLS files of the {where} cannot be used ({error}). Name readable PEM files in "
            "ssl-ca, ssl-cert and ssl-key.",
        ) from None
    return context
