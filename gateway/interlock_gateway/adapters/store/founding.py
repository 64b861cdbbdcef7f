"""What a log has from its first day: a name that no other log has, and a key that signs for it."""

from collections.abc import Callable

from interlock.proof import read_key
from sqlalchemy import Engine

from interlock_gateway.adapters.store.driver import Driver
from interlock_gateway.adapters.store.heads import Heads, signed
from interlock_gateway.adapters.store.reading import SqlReading
from interlock_gateway.adapters.store.transaction import Recording, SqlTransaction
from interlock_gateway.service.log_records import LogKeyRow

REPLICA_LOCK = 0x1A7E_10C5
"""Held by whichever gateway writes to a PostgreSQL store."""

_NAME_BYTES = 8


def found(engine: Engine, recording: Recording, random_bytes: Callable[[int], bytes]) -> None:
    """Name a new log and make its key; of one that has both, check that it can go on.

    Raises:
        BrokenLogError: its end is not what it was, or its key is not here.
        OSError: a key cannot be kept.
    """
    with engine.begin() as connection:
        driver = Driver(connection)
        if driver.engine == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({REPLICA_LOCK})")
        heads = Heads(SqlReading(connection), driver)
        if heads.row.key:
            signed(heads.row, recording.signer, heads.row.key)
            return
        origin = f"interlock/{random_bytes(_NAME_BYTES).hex()}"
        text = recording.signer.make(origin)
        tx = SqlTransaction(connection, heads, recording)
        tx.add(LogKeyRow(read_key(text).id, text, heads.row.size, tx.now))
        tx.change(heads.row, origin=origin, key=read_key(text).id)
