"""What was asked and how it was decided, out of the journal, for whoever changes a policy."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from interlock.errors import refusal

from interlock_gateway.core.simulation import DENY, EXECUTE, QUERY, Recorded
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import Clock, PolicySource, Reading, Store

TYPES = ("query.started", "query.denied", "action.requested", "action.denied")
"""The events with which a decision about a request is recorded."""

PAGE = 500


class RecordedRequests:
    """Gives people with a standing role what was asked in all incidents."""

    def __init__(self, store: Store, policy: PolicySource, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    async def page(
        self, who: Principal, within: timedelta, *, after: int = 0, limit: int = PAGE
    ) -> tuple[list[dict[str, Any]], int]:
        """Return a page of requests in the order of the journal, and where the next one begins.

        The second is 0 where nothing follows.

        Raises:
            InterlockError: `no-permission`; the policy in force gives this person no role.
        """
        if not self._policy.current.roles_of(who.person.id):
            message = f"{who.person.id} holds no standing role, so reads no other's requests."
            raise refusal("no-permission", message, line="roles.csv: no line names you")
        since, most = self._clock.now() - within, max(1, min(limit, PAGE))

        def question(tx: Reading) -> list[tuple[int, bytes]]:
            return list(tx.journal(TYPES, since=since, after=after, limit=most))

        found = await self._store.read(question)
        requests = [asdict(_request(json.loads(body))) for _, body in found]
        return requests, found[-1][0] if len(found) == most else 0


def _request(event: Mapping[str, Any]) -> Recorded:
    """Return the request that an event tells of; what an old one lacks is empty."""
    data = event["data"]
    basis = data.get("basis", {})
    denied = event["type"].endswith("denied")

    def word(name: str) -> str:
        return str(basis.get(name, data.get(name, "")))

    return Recorded(
        event=event["id"],
        time=event["recordedtime"],
        incident=event.get("incident", ""),
        call=event.get("subject", ""),
        kind=_kind(event["type"], str(data.get("operation", ""))),
        **{name: str(basis.get(name, "")) for name in ("person", "part", "mode", "severity")},
        target=str(data.get("target", "")),
        tier=word("tier"),
        bearing=word("bearing"),
        operation=str(basis.get("operation", "")),
        max_rows=int(data.get("max_rows", 0)),
        decision=DENY if denied else word("decision"),
        needs="" if denied else word("needs"),
        code=str(data.get("code", "")),
        line=str(data.get("line", "")),
        text=word("text"),
        policy=word("policy"),
    )


def _kind(event: str, operation: str) -> str:
    if event.startswith("query."):
        return QUERY
    return EXECUTE if operation == EXECUTE else "action"
