"""Opens the store: engines with the right settings, migrations, the writer, a reading pool."""

import asyncio
import fcntl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from interlock_gateway.adapters.store.driver import as_sqlalchemy
from interlock_gateway.adapters.store.erasing import Vacuum
from interlock_gateway.adapters.store.founding import found
from interlock_gateway.adapters.store.heads import BrokenLogError
from interlock_gateway.adapters.store.lending import Lending
from interlock_gateway.adapters.store.migrate import NewerStoreError, migrate
from interlock_gateway.adapters.store.reading import SqlReading
from interlock_gateway.adapters.store.transaction import Recording
from interlock_gateway.adapters.store.writer import Writer, words
from interlock_gateway.core.timeline import Draft
from interlock_gateway.service.ports import (
    Cleaner,
    Clock,
    LogSigner,
    Reading,
    StoreUnwritableError,
    Transaction,
)

T = TypeVar("T")

_READERS = 4


class SqlStore:
    """Implements `service.ports.Store`; close it with `aclose`."""

    def __init__(
        self,
        writer: Writer,
        reader: Engine,
        close: Callable[[], None],
        vacuum: Vacuum | None = None,
    ) -> None:
        self._writer = writer
        self._reading = Lending(reader)
        self._close = close
        self._embedded = vacuum is None
        self._vacuum = vacuum
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")

    async def commit(self, unit: Callable[[Transaction], T]) -> T:
        """Run `unit` as one durable unit of work; see the port."""
        context = copy_context()  # what the request noticed goes along into the writer's thread
        result: T = await self._writer.commit(lambda tx: context.run(unit, tx))
        return result

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer `question` from one consistent state."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, question)

    async def glance(self, question: Callable[[Reading], T]) -> T:
        """Answer a question of a few rows; see the port.

        A reader of the embedded store waits for no writer, and what it asks is in memory: it
        takes less time than waking a thread, in which it would hold the interpreter as well.
        """
        return self._ask(question) if self._embedded else await self.read(question)

    async def clock(self) -> tuple[datetime, datetime, datetime] | None:
        """Return our moment before asking, what the store's server says, and ours after.

        None for the embedded store, which has no clock of its own.
        """
        if self._embedded:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._shown)

    def _shown(self) -> tuple[datetime, datetime, datetime]:
        try:
            with self._reading.begun() as connection:
                began = datetime.now(UTC)
                theirs = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
                return began, theirs, datetime.now(UTC)
        except SQLAlchemyError as error:
            raise StoreUnwritableError(f"The store cannot be read: {words(error)}") from error

    def _ask(self, question: Callable[[Reading], T]) -> T:
        try:
            with self._reading.begun() as connection:
                return question(SqlReading(connection))
        except SQLAlchemyError as error:
            raise StoreUnwritableError(f"The store cannot be read: {words(error)}") from error

    @property
    def untidy(self) -> bool:
        """Whether bytes of what was destroyed may still be in the files; see the port."""
        return self._vacuum.due if self._vacuum is not None else self._writer.untidy

    async def tidy(self, *, wholly: bool) -> bool:
        """Have what was destroyed leave the files; see the port.

        The embedded store's writer does it with the commit that destroys; what a reader kept it
        from is done with the next commit, here an empty one.
        """
        if self._vacuum is not None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, partial(self._vacuum, wholly=wholly))
        if self._writer.untidy:
            with suppress(StoreUnwritableError):
                await self.commit(lambda _tx: None)
        return not self._writer.untidy

    async def aclose(self) -> None:
        """Finish what is queued and close every connection."""
        await asyncio.to_thread(self._writer.close)
        self._threads.shutdown()
        self._reading.close()
        self._close()


def open_store(
    url: str,
    clock: Clock,
    identifier: Callable[[str], str],
    random_bytes: Callable[[int], bytes],
    signer: LogSigner,
    clean: Cleaner | None = None,
) -> SqlStore:
    """Open the store at `url` (`sqlite:///path` or `postgresql://…`), migrating it first.

    Args:
        url: where it is.
        clock: the gateway's.
        identifier: gives a fresh random identifier with a prefix.
        random_bytes: gives so many random bytes, for salts.
        signer: signs the log's checkpoints; a new store's first key is made by it.
        clean: masks secrets in whatever is written; without one nothing is masked, which is for
            whoever stores no words of people.

    Raises:
        StoreUnwritableError: it cannot be opened for writing, or another gateway owns it.
    """
    address = make_url(url)
    engines, recording = (
        None,
        Recording(clock, identifier, random_bytes, signer, clean or _Verbatim()),
    )
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreUnwritableError(
            f"{address.drivername} cannot be a store: use sqlite:///file or postgresql://…"
        )
    try:
        embedded = address.get_backend_name() == "sqlite"
        engines = _sqlite(address) if embedded else _postgresql(address)
        migrate(engines.writing)
        found(engines.writing, recording, random_bytes)
    except (SQLAlchemyError, OSError, NewerStoreError, BrokenLogError) as error:
        if engines is not None:
            engines.close()
        raise StoreUnwritableError(
            f"The store {address.render_as_string()} cannot be opened: {words(error)}"
        ) from error
    writer = Writer(engines.writing, recording)
    vacuum = None if embedded else Vacuum(engines.writing.url)
    return SqlStore(writer, engines.reading, engines.close, vacuum)


class _Verbatim:
    """Masks nothing."""

    def draft(self, draft: Draft) -> Draft:
        """Return it as it is."""
        return draft

    def row(self, values: Mapping[str, object], words: Sequence[str]) -> dict[str, object]:  # noqa: ARG002  the port's own
        """Return it as it is."""
        return dict(values)


def glimpse(url: str, question: Callable[[Reading], T]) -> T:
    """Answer a question to the store at `url`, which a gateway may own meanwhile.

    Nothing is migrated, locked or made; a store that is not there yet is one that cannot be read.

    Raises:
        StoreUnwritableError: it cannot be read.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = _sqlite_reader(Path(address.database or ""))
    else:
        engine = _postgresql_reader(address.set(drivername="postgresql+psycopg"))
    try:
        with engine.begin() as connection:
            return question(SqlReading(connection))
    except SQLAlchemyError as error:
        raise StoreUnwritableError(f"The store cannot be read: {words(error)}") from error
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class _Engines:
    """The one writing connection, the readers, and what must be let go of at the end."""

    writing: Engine
    reading: Engine
    lock: IO[str] | None = None

    def close(self) -> None:
        self.reading.dispose()
        self.writing.dispose()
        if self.lock is not None:
            self.lock.close()


def _sqlite(address: URL) -> _Engines:
    if not address.database or address.database == ":memory:":
        raise StoreUnwritableError("The store must be a file: nothing may be lost on a restart.")
    path = Path(address.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _own(path)
    path.touch(mode=0o600)  # it holds what the timeline holds; SQLite's other files follow it
    writing = create_engine(
        address, pool_size=1, max_overflow=0, poolclass=QueuePool, hide_parameters=True
    )
    event.listen(writing, "connect", _prepare_writer)
    event.listen(writing, "begin", partial(_begin, how="BEGIN IMMEDIATE"))
    return _Engines(writing, _sqlite_reader(path), lock)


def _sqlite_reader(path: Path) -> Engine:
    read_only = URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    reading = create_engine(
        read_only,
        pool_size=_READERS,
        poolclass=QueuePool,
        hide_parameters=True,
        connect_args={"check_same_thread": False},
    )
    event.listen(reading, "connect", _prepare_reader)
    event.listen(reading, "begin", partial(_begin, how="BEGIN"))
    return reading


def _own(path: Path) -> IO[str]:
    """Hold the store for this process: two writers could corrupt a WAL database."""
    lock = path.with_name(path.name + ".lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreUnwritableError(
            f"Another gateway owns {path}. Stop it, or use PostgreSQL for several gateways."
        ) from None
    return lock


def _begin(connection: Connection, how: str) -> None:
    with as_sqlalchemy():
        driver: Any = connection.connection.driver_connection
        driver.execute(how)


def _prepare_writer(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "secure_delete=ON",
        "busy_timeout=5000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_reader(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("query_only=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _postgresql(address: URL) -> _Engines:
    psycopg = address.set(drivername="postgresql+psycopg")
    writing = create_engine(
        psycopg, pool_size=1, max_overflow=0, pool_pre_ping=True, hide_parameters=True
    )
    return _Engines(writing, _postgresql_reader(psycopg))


def _postgresql_reader(address: URL) -> Engine:
    return create_engine(
        address,
        pool_size=_READERS,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        connect_args={"options": "-c default_transaction_read_only=on"},
    )
