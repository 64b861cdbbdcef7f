"""Which approvals changed at other gateways over one PostgreSQL, told by LISTEN and NOTIFY.

A notification is sent by the transaction that makes the change, so it comes with the commit or
not at all. It says only where to look: whoever is woken reads the store. One that is lost costs
the second after which everybody who waits looks anyway.
"""

import asyncio
from collections.abc import Callable, Iterable

import psycopg
import structlog
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from interlock_gateway.adapters.store.driver import Driver
from interlock_gateway.adapters.store.statements import Compiled

CHANNEL = "interlock_approvals"

_AGAIN_S = 1.0
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""A line that went dead without a word is noticed within a minute: nothing is ever sent on it."""

_NOTIFY = Compiled(
    f"SELECT pg_notify('{CHANNEL}', changed) FROM unnest(%s::text[]) AS changed",  # noqa: S608  the channel is the constant above
    ("changed",),
)
_log = structlog.get_logger("interlock.store")


def tell(driver: Driver, approvals: Iterable[str]) -> None:
    """Tell every gateway that these changed, once the transaction is committed."""
    if driver.engine == "postgresql":
        driver.rows(_NOTIFY, {"changed": sorted(approvals)})


class PostgresEchoes:
    """Implements `service.ports.Echoes` on a connection of its own."""

    def __init__(self, url: str) -> None:
        address = make_url(url).set(drivername="postgresql")
        self._conninfo = address.render_as_string(hide_password=False)

    async def run(self, heard: Callable[[str], None]) -> None:
        """Listen for ever; a connection that is lost is made anew."""
        while True:
            try:
                await self._listen(heard)
            except psycopg.Error as error:
                reason = str(error).strip().splitlines()[:1]
                _log.warning("other gateways are not heard; asking each second", reason=reason)
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self, heard: Callable[[str], None]) -> None:
        connection = await psycopg.AsyncConnection.connect(
            make_conninfo(self._conninfo, **_ALIVE), autocommit=True
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            async for notice in connection.notifies():
                heard(notice.payload)
