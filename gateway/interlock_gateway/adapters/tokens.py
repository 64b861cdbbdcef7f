"""Run tokens: short-lived JWTs signed with Ed25519 (RFC 9864), read with one algorithm only."""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jwt import JWTClaimsRegistry

_ISSUER = "interlock"
_LIFE = timedelta(hours=2)
_ALGORITHM = "Ed25519"
_REMEMBERED = 1_000


class SignedRunTokens:
    """Implements `service.ports.RunTokens`; `seed` is 32 secret bytes.

    A signature that was right stays right, so it is computed once for each token, known by its
    digest. Everything that changes with time is looked at each time.
    """

    def __init__(self, seed: bytes) -> None:
        private = Ed25519PrivateKey.from_private_bytes(seed)
        self._key = OKPKey.import_key(
            private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self._signed: OrderedDict[bytes, dict[str, Any]] = OrderedDict()

    def issue(self, run: str, digest: str, now: datetime) -> tuple[str, datetime]:
        """Return a token for `run` of the runbook with `digest`, and when it ends."""
        ends = now + _LIFE
        claims = {
            "iss": _ISSUER,
            "sub": run,
            "runbook": digest,
            "iat": int(now.timestamp()),
            "exp": int(ends.timestamp()),
        }
        token = jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])
        return token, ends

    def read(self, token: str, now: datetime) -> tuple[str, str] | None:
        """Return (run, runbook digest) of a valid token, or None."""
        try:
            claims = self._claims(token)
            registry = JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=0,
                iss={"essential": True, "value": _ISSUER},
                exp={"essential": True},
            )
            registry.validate(claims)
            return str(claims["sub"]), str(claims["runbook"])
        except (JoseError, ValueError, KeyError, TypeError):
            return None

    def _claims(self, token: str) -> dict[str, Any]:
        """Return what a token says, or raise if it was not signed here."""
        known = hashlib.sha256(token.encode()).digest()
        if known not in self._signed:
            self._signed[known] = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
        self._signed.move_to_end(known)
        if len(self._signed) > _REMEMBERED:
            self._signed.popitem(last=False)
        return self._signed[known]
