"""The driver's own connection, inside a transaction that SQLAlchemy has begun.

SQLAlchemy writes the statements, makes connections and ends transactions. On a point query its
own part would take five times as long as SQLite's, so rows go past it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from interlock_gateway.adapters.store.statements import Compiled

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Values = Mapping[str, Any]


class Driver:
    """Runs compiled statements; errors are SQLAlchemy's, whichever driver raised them."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection in a transaction; it stays its owner's to end."""
        self.engine = connection.dialect.name
        self._connection = connection
        self._raw: Any = connection.connection.driver_connection

    def rows(self, statement: Compiled, values: Values) -> list[tuple[Any, ...]]:
        """Return every row of a query, moments as microseconds."""
        with self._told():
            found: list[tuple[Any, ...]] = self._execute(statement, values).fetchall()
            return found

    def one(self, statement: Compiled, values: Values) -> Any:
        """Return the first cell of a query that has exactly one row."""
        return self.rows(statement, values)[0][0]

    def change(self, statement: Compiled, values: Values) -> int:
        """Run a change and return how many rows it touched."""
        with self._told():
            return int(self._execute(statement, values).rowcount)

    def many(self, statement: Compiled, rows: Iterable[Values]) -> None:
        """Run a change once for each of `rows`."""
        with self._told():
            self._raw.cursor().executemany(
                statement.text, [_placed(statement, values) for values in rows]
            )

    def order(self, words: str) -> None:
        """Run words of ours that take no values and answer nothing."""
        with self._told():
            self._raw.execute(words)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise as SQLAlchemy would, and tell it of a connection that is gone, as it would see."""
        try:
            with as_sqlalchemy():
                yield
        except DBAPIError:
            if getattr(self._raw, "closed", False) and not self._connection.invalidated:
                self._connection.invalidate()
            raise

    def _execute(self, statement: Compiled, values: Values) -> Any:
        return self._raw.execute(statement.text, _placed(statement, values))


def moment(microseconds: int) -> datetime:
    """Return the moment that the database holds as microseconds since 1970."""
    return _EPOCH + microseconds * _MICROSECOND


def _placed(statement: Compiled, values: Values) -> Sequence[Any]:
    return [_plain(values[name]) for name in statement.names]


def _plain(value: Any) -> Any:
    return (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value


@contextmanager
def as_sqlalchemy() -> Iterator[None]:
    """Raise what a driver raises as SQLAlchemy would."""
    try:
        yield
    except (sqlite3.Error, psycopg.Error) as error:
        base = sqlite3.Error if isinstance(error, sqlite3.Error) else psycopg.Error
        told = DBAPIError.instance(None, None, error, base, hide_parameters=True)
        raise told from error
