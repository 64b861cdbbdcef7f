"""A proxy that lets everything through: the same HTTP stack and driver, no guard, no journal.

`TARGET=DSN python benchmarks/pass_through.py PORT` serves until it is ended. What a query costs
here is what any service in this place would cost; the rest is the price of the guards.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

_CONNECTIONS = 4


class Query(BaseModel):
    """What is asked, in the driver's own placeholders."""

    sql: str
    params: dict[str, Any] = {}


class Proxy:
    """Four connections, lent as they are and taken back as they are."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._idle: asyncio.LifoQueue[psycopg.AsyncConnection[Any]] = asyncio.LifoQueue()

    @asynccontextmanager
    async def life(self, _app: FastAPI) -> AsyncIterator[None]:
        """Hold the connections while the proxy serves."""
        connect = psycopg.AsyncConnection.connect
        opened = [await connect(self._dsn, autocommit=True) for _ in range(_CONNECTIONS)]
        for connection in opened:
            self._idle.put_nowait(connection)
        yield
        for connection in opened:
            await connection.close()

    async def ask(self, body: Query) -> dict[str, Any]:
        """Send a statement on and answer its rows."""
        connection = await self._idle.get()
        try:
            cursor = await connection.execute(body.sql.encode(), body.params)
            columns = [
                {"name": one.name, "type": one.type_code} for one in cursor.description or ()
            ]
            return {"columns": columns, "rows": await cursor.fetchall()}
        finally:
            self._idle.put_nowait(connection)


def application(dsn: str) -> FastAPI:
    """Return the proxy over one target."""
    proxy = Proxy(dsn)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=proxy.life)
    app.post("/v1/queries")(proxy.ask)
    return app


if __name__ == "__main__":
    uvicorn.run(
        application(os.environ["TARGET"]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )
