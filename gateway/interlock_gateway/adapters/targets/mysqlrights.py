"""Which rights make a MySQL login too strong for its purpose. Pure; reads `SHOW GRANTS`."""

import re
from collections.abc import Iterable

_READER_MAY = {
    *("USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "SHOW CREATE ROUTINE", "PROCESS"),
    *("REPLICATION CLIENT", "BINLOG MONITOR", "SLAVE MONITOR", "REPLICA MONITOR"),
}
"""All that a read login may hold: it looks.

EXECUTE is not here, because a procedure can commit and then write with its owner's rights; roles
are not, because what they allow is changed elsewhere.
"""

_ACTOR_NEVER = {
    *("SUPER", "FILE", "SHUTDOWN", "CREATE USER", "GRANT OPTION", "PROXY", "SYSTEM_USER"),
    *("SET USER", "SET_USER_ID", "SET_ANY_DEFINER", "ROLE_ADMIN", "SYSTEM_VARIABLES_ADMIN"),
    *("ALL PRIVILEGES ON *.*", "a role", "a right that is not understood"),
}
"""With any of these a login could give itself all others, read files or stop the server."""

_QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'", re.DOTALL)
_COLUMNS = re.compile(r"\([^()]*\)")
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<on>\S+(?: \S+)?) TO .*?", re.DOTALL)
_EVERYTHING = "ALL PRIVILEGES"


def too_strong(grants: Iterable[str], *, reading: bool) -> list[str]:
    """Return the rights in `grants` that this login must not have, in order, each once.

    What MariaDB's PUBLIC may do with tables counts for no login: it cannot be taken from one
    alone, and the read-only session holds it.

    Args:
        grants: the lines of `SHOW GRANTS`, written with backticks and plain quotes.
        reading: whether the login is for reads, which need still less.
    """
    found: set[str] = set()
    for line in grants:
        rights = _rights(line)
        everybody = line.endswith(" TO PUBLIC")
        found |= rights - _READER_MAY if reading and not everybody else rights & _ACTOR_NEVER
    return sorted(found)


def _rights(line: str) -> set[str]:
    """Return the rights that one line gives; a line that is not understood is one by itself."""
    bare = _QUOTED.sub("``", line)
    if bare.startswith("REVOKE "):  # MySQL's partial revokes only take away
        return set()
    found = _GRANT.fullmatch(bare)
    if not found:
        return {"a role" if re.match(r"GRANT ``", bare) else "a right that is not understood"}
    rights = {part.strip() for part in _COLUMNS.sub("", found["rights"]).split(",")}
    if _EVERYTHING in rights and found["on"] == "*.*":
        rights = {f"{_EVERYTHING} ON *.*"}
    if bare.endswith("WITH GRANT OPTION") or " WITH GRANT OPTION " in bare:
        rights.add("GRANT OPTION")
    return rights
