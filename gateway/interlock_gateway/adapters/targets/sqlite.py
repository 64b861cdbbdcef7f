"""SQLite as a target; the gateway itself opens no target's file, its children do."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from interlock_gateway.adapters.targets import sqlite_catalogue
from interlock_gateway.adapters.targets.file_calls import Engine, FileActor, FileReader
from interlock_gateway.core.model import Limits, Rows, Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.targets import Deed, Secrets, TargetError, Witness

_ENGINE = Engine(
    "SQLite",
    "interlock_gateway.adapters.targets.sqlite_child",
    tuple(sorted(sqlite_catalogue.EPONYMOUS)),
)
_NOTHING = {"text": "SELECT 1", "names": (), "given": {}}


class SqliteReader(FileReader):
    """Reads a file that is opened read-only, with an authorizer that only knows reads."""

    def __init__(self, secrets: Secrets) -> None:
        """Open no file yet; `secrets` gives the file's path at each call."""
        super().__init__(secrets, _ENGINE)

    async def catalogue(self, target: Target) -> Catalogue:
        """Return what the names in the file mean; see `service.targets.Catalogues`."""
        return sqlite_catalogue.catalogue(await self.facts(target))


class SqliteActor(FileActor):
    """Changes a file in one transaction that stands only if its result is the approved one."""

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the file's path at each call."""
        super().__init__(secrets, _ENGINE)

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:
        """Run `deed` once; see `service.targets.Actor.act`. Shield the awaiting task."""
        try:
            return await super().act(target, deed, limits, witness)
        except BaseException:
            await self._mended(target)
            raise

    async def _mended(self, target: Target) -> None:
        """Have SQLite undo what a child left that was ended in the middle of a deed.

        Pages of it may be in the file already, and reads, which may not write, are refused until
        somebody who may has put them back. That is done by whoever begins a transaction.
        """
        if not target.act:
            return
        with suppress(TargetError):  # then the next deed does it, and reads say what is wrong
            if await asyncio.to_thread(_journal_is_there, self._secrets.resolve(target.act)):
                async with self._begun(target, _NOTHING, Limits()):
                    pass


def _journal_is_there(path: str) -> bool:
    return Path(os.path.realpath(path) + "-journal").exists()
