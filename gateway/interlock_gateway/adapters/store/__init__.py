"""The store over SQLAlchemy Core: SQLite embedded by default, PostgreSQL by URL, one code."""

from interlock_gateway.adapters.store.database import SqlStore, open_store
from interlock_gateway.adapters.store.echoes import PostgresEchoes

__all__ = ["PostgresEchoes", "SqlStore", "open_store"]
