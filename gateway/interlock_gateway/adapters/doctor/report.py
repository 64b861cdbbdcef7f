"""What doctor found, as JSON Lines: one object as soon as it is known."""

import json
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict

from interlock_gateway.adapters.doctor.check import Check, Outcome
from interlock_gateway.adapters.doctor.examining import examine
from interlock_gateway.adapters.doctor.statements import logins_sql
from interlock_gateway.core.model import Target
from interlock_gateway.service.targets import Secrets


async def print_checks(
    targets: Iterable[Target], secrets: Secrets, *more: AsyncIterator[Check]
) -> int:
    """Print each check of each target, then `more`; return 0 if nothing fails, else 1."""
    failed = False
    async for check in _every(targets, secrets, *more):
        failed = failed or check.outcome is Outcome.FAILS
        _say(asdict(check))
    return int(failed)


async def _every(
    targets: Iterable[Target], secrets: Secrets, *more: AsyncIterator[Check]
) -> AsyncIterator[Check]:
    for target in targets:
        async for check in examine(target, secrets):
            yield check
    for others in more:
        async for check in others:
            yield check


def print_sql(targets: Iterable[Target], secrets: Secrets) -> int:
    """Print the statements that create each target's logins; return 0."""
    for target in targets:
        for login in logins_sql(target, secrets):
            _say(asdict(login))
    return 0


def _say(item: object) -> None:
    sys.stdout.write(json.dumps(item) + "\n")
    sys.stdout.flush()
