"""The exact statements that create a right-sized MySQL or MariaDB login. Text in, text out.

They only ever grant to the login itself and take nothing from anybody. What a SELECT-only login
can still do here (GET_LOCK, SLEEP, SET inside its session) is the classifier's to refuse; what
MariaDB's PUBLIC or an anonymous user may do in a database named `test` stays as it is.
"""

from collections.abc import Iterable, Mapping

from interlock_gateway.core.model import Dialect

_KILL = {Dialect.MARIADB: "CONNECTION ADMIN", Dialect.MYSQL: "CONNECTION_ADMIN"}
_GRANTABLE = {"SELECT", "INSERT", "UPDATE", "DELETE"}


def read_login_sql(
    name: str,
    *,
    database: str,
    host: str = "%",
    password: str = "",
) -> list[str]:
    """Return the statements that create a login which can read and do nothing else.

    PROCESS shows other sessions' statements and locks, as lock runbooks need.

    Args:
        name: the login.
        database: the one database it may read.
        host: where it may come from; `%` is anywhere.
        password: when empty the account stays locked; open it with
            `ALTER USER NAME IDENTIFIED BY 'PASSWORD' ACCOUNT UNLOCK` then.
    """
    login = _login(name, host)
    return [
        _create(login, password, connections=8),
        f"GRANT PROCESS ON *.* TO {login}",
        f"GRANT SELECT, SHOW VIEW ON {_every_table(database)} TO {login}",
    ]


def action_login_sql(
    name: str,
    *,
    dialect: Dialect,
    database: str,
    tables: Mapping[str, Iterable[str]] | None = None,
    host: str = "%",
    password: str = "",
) -> list[str]:
    """Return the statements that create a login which can kill sessions and little else.

    Without a right on any table the engine does not let it enter `database`: its address then
    ends in `/information_schema`, which everybody may enter.

    Args:
        name: the login.
        dialect: MariaDB (from 10.5.2) or MySQL (from 8.0), which call the right to kill
            other logins' sessions by different names.
        database: where tables without a database name are.
        tables: `table` or `database.table` to the rights it gets, such as
            `{"orders": ["SELECT", "UPDATE"]}`; default: no table at all.
        host: where it may come from; `%` is anywhere.
        password: when empty the account stays locked, as for `read_login_sql`.
    """
    login = _login(name, host)
    return [
        _create(login, password, connections=4),
        f"GRANT PROCESS, {_KILL[dialect]} ON *.* TO {login}",
        *(
            f"GRANT {_rights(rights)} ON {_table(table, database)} TO {login}"
            for table, rights in (tables or {}).items()
        ),
    ]


def _create(login: str, password: str, *, connections: int) -> str:
    """Return CREATE USER; without a password it would let everybody in, so it is locked then."""
    word = f" IDENTIFIED BY {_text(password)}" if password else ""
    lock = "" if password else " ACCOUNT LOCK"
    return f"CREATE USER {login}{word} WITH MAX_USER_CONNECTIONS {connections}{lock}"


def _rights(rights: Iterable[str]) -> str:
    words = sorted({right.upper() for right in rights})
    unknown = set(words) - _GRANTABLE
    if unknown:
        raise ValueError(f"Only SELECT, INSERT, UPDATE and DELETE are granted, not {unknown}.")
    return ", ".join(words)


def _login(name: str, host: str) -> str:
    return f"{_text(name)}@{_text(host)}"


def _table(table: str, database: str) -> str:
    schema, _, name = table.rpartition(".")
    return f"{_name(schema or database)}.{_name(name)}"


def _every_table(database: str) -> str:
    r"""Return all tables of a database: GRANT reads `_` and `%` in this place as wildcards."""
    return _name(database.replace("_", r"\_").replace("%", r"\%")) + ".*"


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(text: str) -> str:
    if "\\" in text:
        raise ValueError("A backslash means different things to different servers: choose none.")
    return "'" + text.replace("'", "''") + "'"
