"""References to credentials, resolved at the moment of use. Values never reach a message."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

from interlock_gateway.adapters.clock import SystemClock
from interlock_gateway.adapters.vault import Vault, VaultAt
from interlock_gateway.core.policy.references import VAULT
from interlock_gateway.service.targets import TargetError


class References:
    """Resolves `env:NAME`, `file:PATH`, `path:PATH` and `vault:MOUNT/PATH#FIELD`.

    Implements `service.targets.Secrets`.

    `env:` and `file:` name where a secret is kept; `path:` names a database file itself, for
    targets whose only credential is that they can be opened. Relative paths count from the
    configuration's folder. Nothing is remembered: a rotated secret counts from the next use on,
    one in a Vault from the next time it is fetched.
    """

    def __init__(
        self,
        folder: Path,
        vault: VaultAt | None = None,
        watch: Callable[..., None] | None = None,
    ) -> None:
        """Take where secrets are, and who is told of each that is resolved.

        Args:
            folder: what relative paths count from.
            vault: where a Vault is, if any.
            watch: is called with a value and the passwords in it, so that they can be masked.
        """
        self._folder = folder
        self._watch = watch
        self.vault = Vault(vault, self.resolve, SystemClock()) if vault else None

    def resolve(self, reference: str) -> str:
        """Return what `reference` points at.

        Raises:
            TargetError: `target-unreachable`; the message names the reference, never a value.
        """
        value = self._resolved(reference)
        if self._watch is not None and not reference.startswith("path:"):
            self._watch(*secrets_in(value))
        return value

    def _resolved(self, reference: str) -> str:
        scheme, colon, rest = reference.partition(":")
        if VAULT.fullmatch(reference):
            return self._in_vault(reference)
        if not colon or not rest or scheme not in ("env", "file", "path"):
            raise TargetError(
                "target-unreachable",
                "A credential in targets.toml is not a reference. Write env:NAME or file:PATH "
                "there, and keep the secret itself out of the configuration.",
            )
        if scheme == "env":
            return _environment(rest)
        path = self._folder / rest
        return str(path) if scheme == "path" else _content(path, reference)

    def _in_vault(self, reference: str) -> str:
        if self.vault is None:
            raise TargetError(
                "target-unreachable",
                f"The credential {reference} is in a Vault, and the gateway's settings name none. "
                "Set vault.url and vault.token.",
            )
        return self.vault.value(reference)


def secrets_in(credential: str) -> Iterator[str]:
    """Yield what of a credential is secret: all of it, or the passwords in an address.

    An address without a password is none: its words stand in messages that people need.
    """
    passwords = [
        _UNQUOTE.sub(r"\1", found) for groups in _PASSWORD.findall(credential) for found in groups
    ]
    found = [unquote(one) for one in passwords if one] + [one for one in passwords if one]
    if not found and _ADDRESS.search(credential):
        return
    yield credential
    yield from found


_PASSWORD = re.compile(
    r"""(?:password|pwd)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s'&;]+))|://[^\s:/@]*:([^\s@]+)@"""
    r"""|\A[^\s:/@]+:([^\s/]+)\Z""",
    re.IGNORECASE,
)
_UNQUOTE = re.compile(r"\\(.)")
_ADDRESS = re.compile(r"://|\b(?:host|hostaddr|dbname|service)\s*=|\A/")


def _environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise TargetError(
            "target-unreachable",
            f"The environment variable {name} is not set where the gateway runs.",
        )
    return value


def _content(path: Path, reference: str) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TargetError(
            "target-unreachable", f"The credential {reference} cannot be read: {why}."
        ) from None
    if not value:
        raise TargetError("target-unreachable", f"The credential {reference} is empty.")
    return value
