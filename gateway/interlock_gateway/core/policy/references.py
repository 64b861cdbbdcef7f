"""References to credentials, as the configuration writes them."""

import re

from interlock_gateway.core.strict import Table

_WORD = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
VAULT = re.compile(
    rf"vault:(?P<mount>{_WORD})/(?P<path>{_WORD}(?:/{_WORD})*)#(?P<field>[A-Za-z0-9_.-]+)"
)
"""A field of a secret in a Vault's KV store, version 2."""

REFERENCE = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00-\x1f]+|path:[^\x00-\x1f]+|" + VAULT.pattern
)
"""A secret is named, never written: the variable or the absolute path that holds it."""

_REFERENCES = (
    "`env:NAME`, `file:/path` or `vault:MOUNT/PATH#FIELD` (for a database file, `path:FILE`)"
)


def reference(table: Table, key: str) -> str:
    """Return a reference; what else stands there is not repeated, since it may be a secret."""
    value = table.text(key)
    if value and not REFERENCE.fullmatch(value):
        table.problem(key, f"`{key}` must be a reference, {_REFERENCES}, no secret.")
        return ""
    return value
