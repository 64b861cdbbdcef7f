"""The store over SQLAlchemy Core: SQLite embedded by default, PostgreSQL by URL, one code."""

from interlock_gateway.adapters.store.database import SqlStore, glimpse, open_store

__all__ = ["SqlStore", "glimpse", "open_store"]
