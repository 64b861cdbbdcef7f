"""A credential on its way into one header, and out of everything that comes back."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from interlock_gateway.core.model import Scheme
from interlock_gateway.service.targets import TargetError

_MARK = b"[credential]"
_SHORTEST = 8  # characters; of less, taking it out would take out words and numbers
_HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Credential:
    """What goes into the Authorization header; without a secret nothing does.

    Attributes:
        secret: a token, or `user:password`.
        scheme: how it is sent.
    """

    secret: str = field(default="", repr=False)
    scheme: Scheme = Scheme.BEARER

    def __post_init__(self) -> None:
        if self.secret and not _HEADER.fullmatch(self.secret):
            raise TargetError(
                "target-unreachable",
                "The credential holds a line break or a letter beyond ASCII; it must be one line.",
            )
        if self.secret and self.scheme is Scheme.BASIC and ":" not in self.secret:
            raise TargetError("target-unreachable", "A basic credential is `user:password`.")

    @property
    def headers(self) -> Mapping[str, str]:
        """The Authorization header, if there is a secret."""
        if not self.secret:
            return {}
        match self.scheme:
            case Scheme.BASIC:
                word = f"Basic {_base64(self.secret)}"
            case Scheme.BEARER:
                word = f"Bearer {self.secret}"
            case Scheme.PLAIN:
                word = self.secret
        return {"Authorization": word}

    def removed_from(self, body: bytes) -> bytes:
        """Return `body` without the secret, in whichever form a server might repeat it."""
        for form in self._forms():
            body = body.replace(form.encode(), _MARK)
        return body

    def _forms(self) -> Iterator[str]:
        secrets = {self.secret, self.secret.partition(":")[2] or self.secret}
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST:
                yield from dict.fromkeys((secret, _base64(secret), quote(secret, safe="")))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


NO_CREDENTIAL = Credential()
"""Nothing is sent."""
