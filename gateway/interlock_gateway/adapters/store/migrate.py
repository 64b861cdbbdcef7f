"""Brings a store to this version's schema with alembic, under one transaction."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

_PACKAGE = "interlock_gateway.adapters.store"
_MIGRATION_LOCK = 0x1A7E_10C6


class NewerStoreError(Exception):
    """The store is at a revision that this version does not know."""


def migrate(engine: Engine, to: str = "head") -> None:
    """Upgrade the store at `engine` to the newest revision, or to an older one, if it is behind.

    Raises:
        NewerStoreError: it was made by a newer version.
    """
    config = Config()
    config.set_main_option("script_location", str(files(_PACKAGE) / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    with engine.begin() as connection:
        _one_at_a_time(connection)
        now = MigrationContext.configure(connection).get_current_revision()
        if now is not None and now not in known:
            raise NewerStoreError(f"a newer Interlock made it (revision {now}); run that one")
        if now != scripts.get_current_head():
            config.attributes["connection"] = connection
            command.upgrade(config, to)


def _one_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
