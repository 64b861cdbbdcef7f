"""Connections to the store, each lent in a transaction of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine


class Lending:
    """Lends connections of one engine.

    Those of the embedded store stay open between two loans: SQLAlchemy's pool takes longer over
    each than SQLite over the answer, and has nothing to find out about a file that is this
    process's own. A server may have gone away, so its connections are looked at each time.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._keeps = engine.dialect.name == "sqlite"
        self._kept: list[Connection] = []

    @contextmanager
    def begun(self) -> Iterator[Connection]:
        """Lend a connection in a transaction, committed at the end or rolled back by an error."""
        connection = self._kept.pop() if self._kept else self._engine.connect()
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.close()
            raise
        if self._keeps:
            self._kept.append(connection)
        else:
            connection.close()

    @contextmanager
    def idle(self) -> Iterator[Any]:
        """Lend a driver's own connection outside any transaction."""
        connection = self._kept.pop() if self._kept else self._engine.connect()
        try:
            yield connection.connection.driver_connection
        except BaseException:
            connection.close()
            raise
        if self._keeps:
            self._kept.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close what is kept."""
        while self._kept:
            self._kept.pop().close()
