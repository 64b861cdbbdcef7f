"""What a page says is stated in the log before it leaves; nothing newer slips in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interlock.export import Entry, Postmortem, build
from interlock.export.html_check import page_findings
from interlock_gateway.service.bundling import Bundling, Statement
from interlock_gateway.service.identity import Principal
from interlock_gateway.web.exported import page_with_proof
from support.house import House, Someone


def told(entries: Sequence[Mapping[str, Any]]) -> Postmortem:
    return build({"id": "INC-1"}, [Entry(one["event"], one["parts"]) for one in entries])


@dataclass(slots=True)
class Busy:
    """States pages, but something is recorded first each of so many times."""

    bundling: Bundling
    times: int
    asked: list[int] = field(default_factory=list)

    async def state_page(
        self, who: Principal, incident: str, page: str, length: int
    ) -> Statement | None:
        self.asked.append(length)
        if len(self.asked) <= self.times:
            await self.bundling.state(who, incident, "bundle")
        return await self.bundling.state_page(who, incident, page, length)

    async def state(self, who: Principal, incident: str, form: str) -> Statement:
        return await self.bundling.state(who, incident, form)

    async def block(self, statement: Statement) -> dict[str, Any]:
        return await self.bundling.block(statement)


async def page(home: House, someone: Someone, incident: str, busy: Busy) -> str:
    who = await home.gateway.identity.authenticate(someone.token)
    return await page_with_proof(who, incident, home.gateway.timeline, busy, told)


async def test_what_came_in_between_is_shown_too_and_the_page_proves_itself(
    home: House, responder: Someone, incident: str
) -> None:
    busy = Busy(home.gateway.proof.bundling, times=2)
    text = await page(home, responder, incident, busy)
    assert busy.asked == [busy.asked[0], busy.asked[0] + 1, busy.asked[0] + 2]
    assert [one for one in page_findings(text, incident) if not one.holds] == []


async def test_where_no_page_is_ever_whole_it_says_that_it_carries_no_proof(
    home: House, responder: Someone, incident: str
) -> None:
    busy = Busy(home.gateway.proof.bundling, times=99)
    text = await page(home, responder, incident, busy)
    assert "This page carries no proof" in text
