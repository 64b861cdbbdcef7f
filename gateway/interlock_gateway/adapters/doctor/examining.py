"""One target's checks, in order; what fails in one login hides nothing of the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import assert_never

from interlock_gateway.adapters.doctor import postgres, sqlite
from interlock_gateway.adapters.doctor.check import Check, Notes, Outcome
from interlock_gateway.core.model import Dialect, Target
from interlock_gateway.service.targets import Secrets, TargetError

_Examination = Callable[[Target, Secrets, Notes], AsyncIterator[Check]]

_RESOLVE = "Set it where the gateway runs, and run doctor in the same environment."
_REACH = "Start the target, or mend its address; the other checks of this login need it."


@dataclass(frozen=True, slots=True)
class _Engine:
    reading: _Examination
    acting: _Examination


async def examine(
    target: Target, secrets: Secrets, patience_s: float = 30.0
) -> AsyncIterator[Check]:
    """Yield the checks of one target as they are made; nothing is raised.

    Args:
        target: what the policy says about it.
        secrets: gives the credentials; none of them is ever in a check.
        patience_s: seconds after which a target that does not answer is given up.
    """
    notes = Notes(target.name)
    try:
        engine = _engine(target.dialect)
    except ImportError as error:
        then = f"Install {error.name}: docs/guide.md names the extra."
        yield notes.fails("driver", target.dialect, f"{error.name} is not installed", then)
        return
    checks = _each(engine.reading(target, secrets, notes), patience_s)
    async for check in _login("read login", target.read, secrets, notes, checks):
        yield check
    if not target.act:
        said = "none: nothing can be changed here through Interlock"
        yield notes.noted("action login", "targets.toml", said)
        return
    checks = _each(engine.acting(target, secrets, notes), patience_s)
    async for check in _login("action login", target.act, secrets, notes, checks):
        yield check


async def _each(checks: AsyncIterator[Check], patience_s: float) -> AsyncIterator[Check]:
    """Yield checks, and wait for none of them for ever."""
    while True:
        async with asyncio.timeout(patience_s):
            check = await anext(checks, None)
        if check is None:
            return
        yield check


async def _login(
    login: str, reference: str, secrets: Secrets, notes: Notes, checks: AsyncIterator[Check]
) -> AsyncIterator[Check]:
    """Yield that a credential is there, and then what its login is."""
    resolved = _resolved(login, reference, secrets, notes)
    yield resolved
    if resolved.outcome is Outcome.FAILS:
        return
    try:
        async for check in checks:
            yield check
    except TargetError as error:
        yield notes.fails(f"{login} reachable", "connect", error, _REACH)
    except TimeoutError:
        yield notes.fails(f"{login} reachable", "the next check", "no answer in time", _REACH)
    except Exception as error:  # noqa: BLE001  its words could quote anything; the next goes on
        said = f"it ended with {type(error).__name__}"
        yield notes.fails(login, "the checks above", said, "Run it again; report it if it stays.")


def _resolved(login: str, reference: str, secrets: Secrets, notes: Notes) -> Check:
    if not reference:  # of a target that speaks HTTP; the loader demands one of all others
        return notes.noted(login, "targets.toml", "none: it is asked without a credential")
    try:
        secrets.resolve(reference)
    except TargetError as error:
        return notes.fails(login, _shown(reference), error, _RESOLVE)
    return notes.holds(login, _shown(reference), f"{_shown(reference)} resolves")


def _shown(reference: str) -> str:
    """Return a reference; what is none may be a credential by mistake and is not repeated."""
    known = reference.partition(":")[0] in {"env", "file", "path"}
    return reference if known else "a credential in the open"


def _engine(dialect: Dialect) -> _Engine:
    match dialect:
        case Dialect.POSTGRES:
            return _Engine(postgres.reading, postgres.acting)
        case Dialect.SQLITE:
            return _Engine(sqlite.reading, sqlite.acting)
        case Dialect.DUCKDB:
            from interlock_gateway.adapters.doctor import duck  # noqa: PLC0415  an extra

            return _Engine(duck.reading, duck.acting)
        case Dialect.ALERTMANAGER | Dialect.UNLEASH | Dialect.ARGOCD | Dialect.KUBERNETES:
            from interlock_gateway.adapters.doctor import vendor  # noqa: PLC0415  start-up

            return _Engine(vendor.reading, vendor.acting)
        case Dialect.PROMETHEUS | Dialect.LOKI:
            from interlock_gateway.adapters.doctor import prometheus  # noqa: PLC0415  start-up

            return _Engine(prometheus.reading, prometheus.acting)
        case Dialect.MARIADB | Dialect.MYSQL:
            from interlock_gateway.adapters.doctor import mysql  # noqa: PLC0415  an extra

            return _Engine(mysql.reading, mysql.acting)
        case _:
            assert_never(dialect)
