"""An exported page with its proof: rendered, stated in the log, then proven by it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from interlock.export import Postmortem, html, page_digest

from interlock_gateway.service.bundling import Statement
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.timeline import Timeline


class Stating(Protocol):
    """Puts into the log what a page says, and proves it from there: `Bundling`."""

    async def state(self, who: Principal, incident: str, form: str) -> Statement:
        """Record that an incident's record is taken away."""

    async def state_page(
        self, who: Principal, incident: str, page: str, length: int
    ) -> Statement | None:
        """Record what a page says; None where it does not show the newest events."""

    async def block(self, statement: Statement) -> dict[str, Any]:
        """Return the proof of what was stated."""


Told = Callable[[Sequence[Mapping[str, Any]]], Postmortem]
_MOST_TRIES = 5
"""An incident in which something is recorded each time between reading and stating is busy."""


async def page_with_proof(
    who: Principal,
    incident: str,
    timeline: Timeline,
    bundling: Stating,
    told: Told,
    zone: str = "UTC",
) -> str:
    """Return the page of an incident, and in it what proves its events and its words.

    What the page shows is stated in the log before the page leaves. Where newer events come in
    between, it is rendered again; where they keep coming, the page says that it carries no proof.

    Args:
        who: who takes it away.
        incident: the incident that it shows.
        timeline: gives its events.
        bundling: states the page in the log and puts the proof together.
        told: makes a postmortem of the events.
        zone: the time zone that it shows beside UTC.

    Raises:
        InterlockError: `incident-not-found`, `not-on-incident`.
    """
    for _ in range(_MOST_TRIES):
        entries = await timeline.whole(who, incident)
        postmortem = await asyncio.to_thread(told, entries)
        page = await asyncio.to_thread(partial(page_digest, postmortem, zone=zone))
        stated = await bundling.state_page(who, incident, page, len(entries))
        if stated is not None:
            block = await bundling.block(stated)
            return await asyncio.to_thread(partial(html, postmortem, zone=zone, proof=block))
    await bundling.state(who, incident, "html")
    return await asyncio.to_thread(partial(html, postmortem, zone=zone))
