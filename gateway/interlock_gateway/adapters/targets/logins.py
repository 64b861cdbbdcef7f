"""The exact statements that create a right-sized PostgreSQL login. Text in, text out.

They only ever grant to the login itself. What PUBLIC may do stays as it is: taking a right from
PUBLIC would take it from applications, and what the engine therefore cannot stop (advisory
locks, NOTIFY, a TEMP right that PUBLIC has) is the classifier's to refuse.
"""

from collections.abc import Iterable, Mapping

from psycopg import sql

STATISTICS = "pg_read_all_stats"
"""Lets a login see other sessions' statements and start times, as lock runbooks need."""

SIGNALS = "pg_signal_backend"
"""Lets a login cancel and terminate sessions of logins that are not superusers."""

_ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def read_login_sql(
    name: str,
    *,
    database: str,
    schemas: Iterable[str] = ("public",),
    owner: str = "",
    password: str = "",
) -> list[str]:
    r"""Return the statements that create a login which can read and do nothing else.

    Args:
        name: the login; it owns nothing.
        database: the one database it may connect to through this grant.
        schemas: schemas whose tables it may read.
        owner: whose later tables it may read too; default: of the login that runs these.
        password: left out when empty; set it with `\password NAME` in psql then.
    """
    login = _name(name)
    return [
        _create(name, password, connections=8),
        f"ALTER ROLE {login} SET default_transaction_read_only = on",
        f"ALTER ROLE {login} SET statement_timeout = '60s'",
        f"ALTER ROLE {login} SET idle_in_transaction_session_timeout = '60s'",
        f"GRANT CONNECT ON DATABASE {_name(database)} TO {login}",
        f"GRANT {STATISTICS} TO {login}",
        *(line for schema in schemas for line in _read_schema(login, _name(schema), owner)),
    ]


def action_login_sql(
    name: str,
    *,
    database: str,
    tables: Mapping[str, Iterable[str]] | None = None,
    schemas: Iterable[str] = ("public",),
    password: str = "",
) -> list[str]:
    r"""Return the statements that create a login which can signal sessions and little else.

    Args:
        name: the login; it owns nothing.
        database: the one database it may connect to through this grant.
        tables: `table` or `schema.table` to the rights it gets, such as
            `{"public.orders": ["SELECT", "UPDATE"]}`; default: no table at all.
        schemas: schemas whose tables it may name.
        password: left out when empty; set it with `\password NAME` in psql then.
    """
    login = _name(name)
    return [
        _create(name, password, connections=4),
        f"ALTER ROLE {login} SET idle_in_transaction_session_timeout = '60s'",
        f"GRANT CONNECT ON DATABASE {_name(database)} TO {login}",
        f"GRANT {STATISTICS}, {SIGNALS} TO {login}",
        *(f"GRANT USAGE ON SCHEMA {_name(schema)} TO {login}" for schema in schemas),
        *(_grant(login, table, rights) for table, rights in (tables or {}).items()),
    ]


def _create(name: str, password: str, *, connections: int) -> str:
    word = f" PASSWORD {sql.Literal(password).as_string(None)}" if password else ""
    return f"CREATE ROLE {_name(name)} {_ATTRIBUTES} CONNECTION LIMIT {connections}{word}"


def _read_schema(login: str, schema: str, owner: str) -> list[str]:
    whose = f"FOR ROLE {_name(owner)} " if owner else ""
    return [
        f"GRANT USAGE ON SCHEMA {schema} TO {login}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {login}",
        f"ALTER DEFAULT PRIVILEGES {whose}IN SCHEMA {schema} GRANT SELECT ON TABLES TO {login}",
    ]


def _grant(login: str, table: str, rights: Iterable[str]) -> str:
    words = sorted({right.upper() for right in rights})
    unknown = set(words) - {"SELECT", "INSERT", "UPDATE", "DELETE"}
    if unknown:
        raise ValueError(f"Only SELECT, INSERT, UPDATE and DELETE are granted, not {unknown}.")
    return f"GRANT {', '.join(words)} ON TABLE {_name(*table.split('.'))} TO {login}"


def _name(*parts: str) -> str:
    return sql.Identifier(*parts).as_string(None)
