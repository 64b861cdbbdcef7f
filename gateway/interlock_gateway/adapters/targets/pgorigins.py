"""Which column of which relation a result's column comes from, by name.

PostgreSQL says it with each answer, by number, also through subqueries and common table
expressions. Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
(RowDescription).
"""

from collections.abc import Iterable

from psycopg.pq import TransactionStatus

from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgwire import Answer, Cap, ask

_NAMES = b"""
SELECT a.attrelid::pg_catalog.text, a.attnum::pg_catalog.text, n.nspname, c.relname, a.attname
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE a.attrelid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])"""
_MOST = Cap(rows=100_000, bytes=1 << 24)
_KEPT = 10_000


class Origins:
    """Names of columns by number, asked once for each relation of a connection pool."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[tuple[int, int], str] = {}
        self._relations: set[int] = set()

    async def of(self, connection: Connection, answer: Answer) -> list[str]:
        """Return `schema.relation.column` for each column of an answer; "" for a computed one.

        After an early stop the transaction is aborted: what is not known yet stays "".

        Args:
            connection: in the transaction that gave the answer, so that the names are of then.
            answer: to the statement.
        """
        if connection.info.transaction_status == TransactionStatus.INTRANS:
            await self._learn(connection, {relation for relation, _ in answer.sources if relation})
        return [self._known.get(source, "") for source in answer.sources]

    async def _learn(self, connection: Connection, relations: Iterable[int]) -> None:
        wanted = sorted(set(relations) - self._relations)
        if not wanted:
            return
        if len(self._known) > _KEPT:
            self._known.clear()
            self._relations.clear()
        for row in (await ask(connection, _NAMES, [list(map(str, wanted))], _MOST)).rows:
            relation, number, *names = map(str, row)
            self._known[int(relation), int(number)] = ".".join(names)
        self._relations.update(wanted)
