"""A deed that PostgreSQL takes outside a transaction alone: VACUUM. It commits by itself."""

import asyncio

from psycopg.errors import Diagnostic

from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgtransaction import SEARCH_PATH
from interlock_gateway.adapters.targets.pgwire import Answer, Saying, ask
from interlock_gateway.core.model import Limits
from interlock_gateway.service.targets import TargetError

_LIMITED = b"""
SELECT pg_catalog.set_config('statement_timeout', $1, false),
  pg_catalog.set_config('lock_timeout', $2, false),
  pg_catalog.set_config('search_path', $3, false),
  pg_catalog.set_config('client_min_messages', 'warning', false)"""


async def alone(connection: Connection, asked: Saying, limits: Limits, grace_s: float) -> Answer:
    """Run a statement by itself; one that was only warned about is a failure.

    The server skips a table that its login may not vacuum, or that has gone, with a warning, and
    answers as if all was well.

    Raises:
        TargetError: it was skipped, or something else was wrong. No row of any table changed.
        psycopg.Error, TimeoutError: as for every statement.
    """
    warnings: list[str] = []

    def note(diagnostic: Diagnostic) -> None:
        warnings.append(diagnostic.message_primary or "a warning without words")

    milliseconds = max(1, int(limits.seconds * 1000))
    times = [str(milliseconds), str(min(milliseconds // 2 + 1, 5_000)), SEARCH_PATH]
    async with asyncio.timeout(limits.seconds + grace_s):
        await ask(connection, _LIMITED, times)
        connection.add_notice_handler(note)
        answer = await ask(connection, asked.text, asked.parameters, asked.cap)
    if warnings:
        words = f"The server only warned: {'; '.join(warnings)}. No row was changed."
        raise TargetError("target-failed", words)
    return answer
