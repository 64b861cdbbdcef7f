"""What a statement would do at a target, for a person who has not asked for it yet.

It decides nothing, is no event and runs nothing: the target is asked what its names mean, as
often as it may be asked for that anyhow. Whoever is logged in may know what the guard makes of
the names they wrote themselves; what stands behind those names is told only to a responder whose
query was refused, and recorded with it.
"""

import re
from dataclasses import replace
from typing import Any

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.model import Classification, Reason, Target
from interlock_gateway.core.statement import NOT_IN_CATALOGUE, Explanation, classify_source
from interlock_gateway.service.ports import Guard, PolicySource

_WORD = re.compile(r"\w+")
_BEHIND = (
    "What stands behind it is not known to only read. When a run's query is refused for it, "
    "the refusal names it."
)


class Explaining:
    """Explains statements."""

    def __init__(self, policy: PolicySource, guard: Guard) -> None:
        self._policy = policy
        self._guard = guard

    async def explain(self, target: str, sql: str) -> dict[str, Any]:
        """Return what a person is told, as JSON.

        Raises:
            InterlockError: there is no such target, or it does not tell what its names mean.
        """
        policy = self._policy.current
        known = policy.targets.get(target)
        if known is None:
            raise refusal("unknown-target", f"There is no target named {target!r}.")
        found = await self._explanation(known, sql)
        return replace(found, target=target, actions=policy.actions).as_json()

    async def _explanation(self, target: Target, sql: str) -> Explanation:
        dialect = target.dialect.value
        try:
            statement = self._guard.translate(dialect, sql)
        except InterlockError:
            return Explanation(dialect, sql, classify_source(dialect, sql))
        alone = await self._guard.classify(statement)
        found = await self._guard.classify_at(target, statement)
        told = _discreet(sql, found, alone)
        forbidden = tuple(filter(target.reads.forbids, found.relations or ()))
        return Explanation(dialect, sql, told, statement, forbidden=forbidden)


def _discreet(sql: str, found: Classification, alone: Classification) -> Classification:
    """Return what was found without what stands behind names: that is not the asker's own."""
    reasons = [
        reason
        if reason.position is not None or _is_own(reason, alone)
        else Reason(reason.effect, _named(sql, reason.what), _BEHIND)
        for reason in found.reasons
    ]
    return replace(found, reasons=tuple(dict.fromkeys(reasons)))


def _is_own(reason: Reason, alone: Classification) -> bool:
    return reason in alone.reasons or reason.what.startswith(NOT_IN_CATALOGUE)


def _named(sql: str, what: str) -> str:
    """Return a thing by the name that the asker wrote, or by none."""
    name = what.rpartition(" ")[2].rpartition(".")[2]
    return what if name.lower() in _WORD.findall(sql.lower()) else "a name in it"
