"""The store over SQLAlchemy Core: SQLite embedded by default, PostgreSQL by URL, one code."""

from interlock_gateway.adapters.store.database import SqlStore, glimpse, open_store
from interlock_gateway.adapters.store.echoes import PostgresEchoes

__all__ = ["PostgresEchoes", "SqlStore", "glimpse", "open_store"]
