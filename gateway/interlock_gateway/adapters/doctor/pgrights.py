"""Whether a PostgreSQL login is right-sized: what it is, what it owns, what it may change.

What PUBLIC may do is told and never counted: taking a right from PUBLIC would take it from
applications.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from psycopg import sql

from interlock_gateway.adapters.doctor.check import NO_RIGHTS_LOST, Check, Notes, some
from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pglogin import too_strong
from interlock_gateway.adapters.targets.pgwire import Cap, ask

_RIGHTS = (resources.files(__package__) / "pgrights.sql").read_text("utf-8").encode()
_MANY = Cap(rows=10_000, bytes=1 << 22)
_SUPERUSER = "superuser"
_MAKES = frozenset({"CREATE", "TEMPORARY", "CREATEDB", "CREATEROLE"})


@dataclass(frozen=True, slots=True)
class _Right:
    """One row of pgrights.sql."""

    right: str
    kind: str
    name: tuple[str, ...]
    holder: str

    @property
    def what(self) -> str:
        return " ".join([self.right, *(["on", self.where] if self.name else [])])

    @property
    def where(self) -> str:
        return f"{self.kind.lower()} {'.'.join(self.name)}"

    def revoked(self, login: str) -> str:
        """Return the statement that takes it from `login`, and from nobody else."""
        if not self.name:
            return f"ALTER ROLE {quoted(login)} NO{self.right}"
        if self.holder != login:
            return f"REVOKE {quoted(self.holder)} FROM {quoted(login)}"
        names, columns = self.name, ""
        if self.kind == "COLUMN":
            names, columns = self.name[:-1], f" ({quoted(self.name[-1])})"
        kind = "TABLE" if columns else self.kind
        return f"REVOKE {self.right}{columns} ON {kind} {quoted(*names)} FROM {quoted(login)}"


async def rights(connection: Connection, login: str, notes: Notes) -> list[Check]:
    """Return what a read login is and holds; the connection is in a read-only transaction."""
    strong = await too_strong(connection, reading=True)
    rows = (await ask(connection, _RIGHTS, cap=_MANY)).rows
    found = [_Right(str(a), str(b), tuple(json.loads(str(c))), str(d)) for a, b, c, d in rows]
    first = strength(strong, "no stronger than reading", login, notes)
    if _SUPERUSER in strong.split(", "):
        return [first]  # nobody asks what it may do besides
    return [first, *_held(found, login, notes), *_everybody(found, notes)]


def _held(found: Sequence[_Right], login: str, notes: Notes) -> Iterator[Check]:
    """Yield what a login owns and may change; of an owner only what it was granted besides."""
    owned = [one for one in found if one.right == "OWNER"]
    held = [one for one in found if one not in owned and one.holder != "PUBLIC"]
    makes = [one for one in held if one.right in _MAKES]
    writes = [one for one in held if one not in makes]
    yield _owns_nothing(owned, login, notes)
    if makes or not owned:
        yield _none_of(makes, "may create nothing", "no CREATE, no TEMPORARY", login, notes)
    if writes or not owned:
        yield _none_of(writes, "may change no table", "no such right", login, notes)


def _everybody(found: Sequence[_Right], notes: Notes) -> Iterator[Check]:
    everybody = [one.what for one in found if one.holder == "PUBLIC"]
    if everybody:
        said = f"PUBLIC has {some(everybody)}; the read-only transaction holds it"
        yield notes.noted("what everybody may", "rights of PUBLIC", said)


def strength(found: str, check: str, login: str, notes: Notes) -> Check:
    """Return whether `found`, attributes and roles, is nothing."""
    tried = f"attributes and roles of {login}"
    if not found:
        return notes.holds(check, tried, f"{login} has no such attribute and no such role")
    if _SUPERUSER in found.split(", "):
        found = _SUPERUSER  # who is that has every role besides
    said, then = f"{login} has {found}", f"Take {found} from {login}. {NO_RIGHTS_LOST}"
    return notes.fails(check, tried, said, then)


def _owns_nothing(owned: list[_Right], login: str, notes: Notes) -> Check:
    if not owned:
        return notes.holds("owns nothing", f"owned by {login}", "nothing")
    names = [one.where for one in owned]
    then = f"An owner can give itself any right. Do not read as {login}. {NO_RIGHTS_LOST}"
    return notes.fails("owns nothing", f"owned by {login}", f"{login} owns {some(names)}", then)


def _none_of(found: list[_Right], check: str, none: str, login: str, notes: Notes) -> Check:
    if not found:
        return notes.holds(check, f"rights of {login}", none)
    said = f"{login} has {some([one.what for one in found])}"
    statements = list(dict.fromkeys(one.revoked(login) for one in found))
    return notes.fails(check, f"rights of {login}", said, "; ".join(statements[:3]))


def quoted(*parts: str) -> str:
    """Return a name as PostgreSQL reads it."""
    return sql.Identifier(*parts).as_string(None)
