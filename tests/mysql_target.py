"""A MariaDB target with right-sized logins, and the reader under test asking it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import mariadb_server
import pytest
from interlock.wire import encode_value
from interlock_gateway.adapters.targets import mysqlsession
from interlock_gateway.adapters.targets.mysql import MysqlReader
from interlock_gateway.adapters.targets.mysql_logins import action_login_sql, read_login_sql
from interlock_gateway.adapters.targets.mysqlwire import Connection
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import TargetError
from mariadb_server import Login, MariaDatabase

ROOMY = Limits(rows=1_000, bytes=1 << 20, seconds=5)


class AsWritten:
    """Credentials that are their own reference."""

    def resolve(self, reference: str) -> str:
        return reference


@dataclass(frozen=True, slots=True)
class Maria:
    """A database to throw away, with logins as `mysql_logins` makes them."""

    database: MariaDatabase
    read: str
    act: str
    owner: str

    @property
    def name(self) -> str:
        """The database's name."""
        return self.database.name

    def run(self, *statements: str) -> None:
        """Run statements as the administrator, inside this database."""
        mariadb_server.run(self.database.server, [f"USE `{self.name}`", *statements])

    def url(self, login: Login, database: str = "") -> str:
        """Return the credential of a login."""
        server, name = self.database.server, database or self.name
        return f"mysql://{login.user}:{login.password}@{server.host}:{server.port}/{name}"

    def login(self, kind: str) -> Login:
        """Return a login named after the database."""
        return Login(f"{self.name}_{kind}", f"pw{self.name}")


@contextmanager
def maria(tables: Sequence[str] = ()) -> Iterator[Maria]:
    """Create a database; drop it and all of its logins in the end."""
    with mariadb_server.throw_away_database(mariadb_server.server()) as made:
        server = made.server
        reader, actor = Login(f"{made.name}_r", made.read.password), Login(f"{made.name}_a", "pw")
        rights = {table: ["SELECT", "INSERT", "UPDATE", "DELETE"] for table in tables}
        named = Maria(made, "", "", "")
        enters = "" if tables else "information_schema"
        found = Maria(made, named.url(reader), named.url(actor, enters), named.url(made.owner))
        found.run(
            *(f"CREATE TABLE {table} (id INT)" for table in tables)
        )  # granted on: must exist
        try:
            mariadb_server.run(
                server, read_login_sql(reader.user, database=made.name, password=reader.password)
            )
            mariadb_server.run(
                server,
                action_login_sql(
                    actor.user,
                    dialect=Dialect.MARIADB,
                    database=made.name,
                    tables=rights,
                    password=actor.password,
                ),
            )
            yield found
        finally:
            drop = [f"DROP USER IF EXISTS '{who.user}'@'%'" for who in (reader, actor)]
            mariadb_server.run(server, drop)


@asynccontextmanager
async def session(url: str, *, reading: bool = False) -> AsyncIterator[Connection]:
    """Open a session of our own, past reader and actor; close it in the end."""
    connection = await mysqlsession.connect(url, "test", Dialect.MARIADB, reading=reading)
    try:
        yield connection
    finally:
        await connection.close()


@dataclass(slots=True)
class Orders:
    """A target and the reader under test."""

    url: str
    dialect: Dialect = Dialect.MARIADB
    reader: MysqlReader = field(default_factory=lambda: MysqlReader(AsWritten()))
    generation: str = "1"

    async def ask(
        self, sql: str, limits: Limits = ROOMY, names: tuple[str, ...] = (), **params: Any
    ) -> Rows:
        """Run `sql` as a read; `names` says which parameter each `?` is, if not one each."""
        target = Target("orders", self.dialect, "prod", self.url, generation=self.generation)
        statement = Statement(self.dialect, sql, names or tuple(params), sql)
        typed = {name: encode_value(value) for name, value in params.items()}
        return await self.reader.read(target, statement, typed, limits)

    async def cell(self, sql: str, **params: Any) -> tuple[str, Any]:
        """Return the type and value of the first cell."""
        rows = await self.ask(sql, **params)
        return rows.columns[0].type, rows.rows[0][0]

    async def refusal(self, sql: str, limits: Limits = ROOMY, **params: Any) -> TargetError:
        """Return why `sql` was refused."""
        with pytest.raises(TargetError) as caught:
            await self.ask(sql, limits, **params)
        return caught.value
