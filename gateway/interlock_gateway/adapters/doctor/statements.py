"""The exact statements that create right-sized logins for a target; no password is in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Error, conninfo

from interlock_gateway.adapters.targets import logins, mysql_logins
from interlock_gateway.adapters.targets.mysqladdress import address
from interlock_gateway.core.model import Dialect, Target
from interlock_gateway.service.targets import Secrets, TargetError

_READ, _ACT = "interlock_read", "interlock_act"
_PSQL = "\\password {} in psql"
_PROXY = "it has no logins; let a proxy in front of it ask for a token, and allow GET alone"
_RIGHTS = "no SQL makes it; docs/guide.md says which rights it needs, for each kind"
_UNLOCK = "ALTER USER '{}'@'%' IDENTIFIED BY '…' ACCOUNT UNLOCK"


@dataclass(frozen=True, slots=True)
class Login:
    """What to run to create one login of a target.

    Attributes:
        target: its name.
        login: what it is for.
        database: what the login enters, and so how its address ends.
        credential: the reference under which the gateway looks for its address.
        statements: in order; empty for an engine without logins.
        password: how it gets one; without statements, what to do instead.
    """

    target: str
    login: str
    database: str
    credential: str
    statements: tuple[str, ...]
    password: str = ""


def logins_sql(target: Target, secrets: Secrets) -> list[Login]:
    """Return what creates the logins of a target; it need not be reachable."""
    match target.dialect:
        case Dialect.POSTGRES:
            database = _database(target, secrets) or target.name
            schemas = _schemas(target)
            read = logins.read_login_sql(_READ, database=database, schemas=schemas)
            act = logins.action_login_sql(_ACT, database=database, schemas=schemas)
            return _both(target, database, read, act)
        case Dialect.MARIADB | Dialect.MYSQL:
            database = _database(target, secrets) or target.name
            read = mysql_logins.read_login_sql(_READ, database=database)
            act = mysql_logins.action_login_sql(_ACT, dialect=target.dialect, database=database)
            return _both(target, database, read, act)
        case Dialect.PROMETHEUS | Dialect.LOKI:
            return [Login(target.name, "read login", "", target.read, (), _PROXY)]
        case Dialect.SQLITE | Dialect.DUCKDB:
            return [Login(target.name, "read login", "", target.read, ())]
        case _:
            both = (("read login", target.read), ("action login", target.act))
            return [Login(target.name, login, "", key, (), _RIGHTS) for login, key in both if key]


def _both(target: Target, database: str, read: Sequence[str], act: Sequence[str]) -> list[Login]:
    postgres = target.dialect is Dialect.POSTGRES
    how = _PSQL if postgres else _UNLOCK
    enters = database if postgres else "information_schema"  # no table of its own, no way in
    given = [
        ("read login", _READ, target.read, database, read),
        ("action login", _ACT, target.act, enters, act),
    ]
    return [
        Login(target.name, login, enters, credential, tuple(statements), how.format(name))
        for login, name, credential, enters, statements in given
        if credential
    ]


def _schemas(target: Target) -> list[str]:
    own = ("pg_catalog", "information_schema")
    return [name for name in target.reads.schemas if name not in own] or ["public"]


def _database(target: Target, secrets: Secrets) -> str:
    """Return the database that the read login enters; "" where its credential does not tell."""
    try:
        credential = secrets.resolve(target.read)
        if target.dialect is Dialect.POSTGRES:
            return str(conninfo.conninfo_to_dict(credential).get("dbname") or "")
        return address(credential, f"read login of target {target.name}").database
    except (TargetError, Error):
        return ""
