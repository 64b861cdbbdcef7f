"""Targets behind one door: each call goes to the adapter of the target's dialect.

An adapter is imported when somebody first asks for it: some need an extra, and the children of
SQLite and DuckDB, which import this package too, start sooner without the others and the guard.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from interlock_gateway.adapters.targets.values import Typed
from interlock_gateway.core.model import Dialect, Limits, Rows, Statement, Target
from interlock_gateway.service.targets import (
    Actor,
    Deed,
    Proof,
    Reader,
    Secrets,
    TargetError,
    Witness,
)

if TYPE_CHECKING:
    from interlock_gateway.core.statement import Catalogue  # with all its parsers
    from interlock_gateway.service.skew import Clocks

__all__ = ["Targets"]


@dataclass(frozen=True, slots=True)
class _Engine:
    """The doors of one engine.

    Attributes:
        reader, actor: for reads and for deeds.
        describe: tells what the names in a target mean; None for an engine that looks through
            them itself while it prepares a statement.
    """

    reader: Reader
    actor: Actor
    describe: Callable[[Target], Awaitable["Catalogue"]] | None = None


class Targets:
    """Implements the ports of `service.targets` for every dialect that this version runs."""

    def __init__(self, secrets: Secrets, clocks: "Clocks | None" = None) -> None:
        """Connect to nothing yet.

        Args:
            secrets: gives a credential each time a connection is made.
            clocks: is told what the clock of an HTTP target shows.
        """
        self._secrets = secrets
        self._clocks = clocks
        self._engines: dict[Dialect, _Engine] = {}

    async def read(
        self, target: Target, statement: Statement, values: Typed, limits: Limits
    ) -> Rows:
        """Run a proven read under the engine lock; see `service.targets.Reader`."""
        _same_dialect(target, statement)
        return await self._engine(target).reader.read(target, statement, values, limits)

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:
        """Run an approved deed once; see `service.targets.Actor`."""
        _same_dialect(target, deed.statement)
        return await self._engine(target).actor.act(target, deed, limits, witness)

    async def became(self, target: Target, transaction: Mapping[str, str]) -> Proof:
        """Ask what became of a transaction; see `service.targets.Actor`."""
        return await self._engine(target).actor.became(target, transaction)

    async def catalogue(self, target: Target) -> "Catalogue | None":
        """Return what the names in a target mean now; None for an engine that needs no telling."""
        describe = self._engine(target).describe
        return await describe(target) if describe else None

    async def aclose(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            await engine.reader.aclose()
            await engine.actor.aclose()

    def _engine(self, target: Target) -> _Engine:
        """Return the engine of a target; a driver is loaded when somebody first asks for it."""
        if target.dialect not in self._engines:
            try:
                self._engines[target.dialect] = _opened(
                    target.dialect, self._secrets, self._clocks
                )
            except ImportError as error:
                raise TargetError(
                    "target-unreachable",
                    f"Target {target.name} needs the driver {error.name}, which is not installed. "
                    f"Run `pip install 'interlock-runbooks[{_EXTRAS[target.dialect]}]'`.",
                ) from error
        return self._engines[target.dialect]


_EXTRAS = {
    Dialect.POSTGRES: "gateway",
    Dialect.SQLITE: "gateway",
    Dialect.DUCKDB: "duckdb",
    Dialect.MARIADB: "mysql",
    Dialect.MYSQL: "mysql",
}


def _opened(dialect: Dialect, secrets: Secrets, clocks: "Clocks | None") -> _Engine:
    match dialect:
        case Dialect.POSTGRES:
            from interlock_gateway.adapters.targets import postgres  # noqa: PLC0415  start-up

            server = postgres.PostgresReader(secrets)
            return _Engine(server, postgres.PostgresActor(secrets), server.catalogue)
        case Dialect.SQLITE:
            from interlock_gateway.adapters.targets import sqlite  # noqa: PLC0415  start-up

            file = sqlite.SqliteReader(secrets)
            return _Engine(file, sqlite.SqliteActor(secrets), file.catalogue)
        case Dialect.DUCKDB:
            from interlock_gateway.adapters.targets import duck  # noqa: PLC0415  an extra

            files = duck.DuckdbReader(secrets)
            return _Engine(files, duck.DuckdbActor(secrets), files.catalogue)
        case Dialect.MARIADB | Dialect.MYSQL:
            from interlock_gateway.adapters.targets import mysql  # noqa: PLC0415  an extra

            reader = mysql.MysqlReader(secrets)
            return _Engine(reader, mysql.MysqlActor(secrets), reader.catalogue)
        case Dialect.ALERTMANAGER | Dialect.UNLEASH | Dialect.ARGOCD | Dialect.KUBERNETES:
            from interlock_gateway.adapters.targets import exchanges, http  # noqa: PLC0415  start-up

            client = http.GuardedClient(clocks=clocks)
            return _Engine(
                exchanges.ApiReader(secrets, client), exchanges.ApiActor(secrets, client)
            )
        case Dialect.PROMETHEUS:
            raise TargetError("target-failed", "Prometheus has no tables; use `query_metrics`.")
        case Dialect.LOKI:
            raise TargetError("target-failed", "Loki has no tables; use `query_logs`.")
        case _:
            assert_never(dialect)


def _same_dialect(target: Target, statement: Statement) -> None:
    """Refuse a statement that was classified by another engine's rules."""
    if statement.dialect != target.dialect:
        raise TargetError(
            "target-failed",
            f"A {statement.dialect} statement was meant for target {target.name}, which is "
            f"{target.dialect}. Nothing was sent.",
        )
