"""The base URL of an HTTP target, in the one way of writing that everybody reads alike.

A resolver takes `2130706433`, `0x7f.1` and `127.1` for 127.0.0.1, and parsers of URLs disagree
about `@`, the backslash and a trailing dot (Orange Tsai, "A New Era of SSRF", 2017). None of it
is taken.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_URL = re.compile(r"(https?)://(\[[^\]/]*\]|[^/:]*)(?::([^/]*))?(/.*)?", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_LONGEST_NAME = 253
_PORTS = {"http": 80, "https": 443}

_NEVER = (
    (r"[\x00-\x20\x7f-\U0010ffff]", "has a blank, a control character or a letter beyond ASCII"),
    (r"@", "names a user; a credential is a reference under `read`"),
    (r"[?#]", "has a query or a fragment; what is asked is not the configuration's"),
    (r"[\\%]", "has a backslash or a percent sign, which parsers read differently"),
)


class EndpointError(ValueError):
    """This is no base URL or network that could be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Base:
    """Where an HTTP target answers.

    Attributes:
        scheme: `http` or `https`.
        host: a name in lower case, or an address in its one canonical form.
        port: the TCP port.
        path: what stands before every path that is asked, without a slash at its end.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def authority(self) -> str:
        """The value of the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether what is sent is encrypted."""
        return self.scheme == "https"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def base_url(text: str) -> Base:
    """Return the base URL that `text` writes.

    Raises:
        EndpointError: written in a way that two programs could read differently.
    """
    for pattern, why in _NEVER:
        if re.search(pattern, text):
            raise EndpointError(f"The URL {why}.")
    found = _URL.fullmatch(text)
    if found is None:
        raise EndpointError("The URL must begin with https:// or http:// and name a host.")
    scheme, host, port, path = found[1], found[2].lower(), found[3], found[4] or ""
    path = path.removesuffix("/")
    if not _PATH.fullmatch(path):
        raise EndpointError(f"The URL's path {path!r} must be plain: /word/word, without dots.")
    return Base(scheme, _host(host), _port(scheme, port), path)


def _port(scheme: str, text: str | None) -> int:
    if text is None:
        return _PORTS[scheme]
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) >= 2**16:
        raise EndpointError(f"{text!r} is no port: write a number from 1 to 65535.")
    return int(text)


def _host(host: str) -> str:
    if host.startswith("["):
        return _version_6(host[1:-1])
    labels = host.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        return _version_4(host)
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise EndpointError(
            f"{host!r} is no host name: letters, digits and hyphens between single dots, and no "
            "dot at its end."
        )
    return host


def _version_4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise EndpointError(
            f"{host!r} could be read as several addresses; write four decimal numbers."
        ) from None


def _version_6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise EndpointError(f"{host!r} is no IPv6 address.") from None
    if address.scope_id:
        raise EndpointError("An IPv6 address with a zone means another machine on each machine.")
    return str(address)
