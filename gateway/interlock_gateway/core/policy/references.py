"""References to credentials, as the configuration writes them."""

import re

from interlock_gateway.core.strict import Table

REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00-\x1f]+|path:[^\x00-\x1f]+")
"""A secret is named, never written: the variable or the absolute path that holds it."""

_REFERENCES = "`env:NAME` or `file:/path` (for a database file, `path:FILE`)"


def reference(table: Table, key: str) -> str:
    """Return a reference; what else stands there is not repeated, since it may be a secret."""
    value = table.text(key)
    if value and not REFERENCE.fullmatch(value):
        table.problem(key, f"`{key}` must be a reference, {_REFERENCES}, no secret.")
        return ""
    return value
