"""Whose accounts in Slack are whose: listed, and ended."""

from dataclasses import dataclass

from fastapi import APIRouter
from interlock.errors import refusal

from interlock_gateway.service.chat.links import OPERATOR, Links
from interlock_gateway.service.gateway import Gateway
from interlock_gateway.web.auth import Asking, PersonOnly
from interlock_gateway.web.strict_json import StrictRoute
from interlock_gateway.web.views import Json

routes = APIRouter(prefix="/v1/links", tags=["links"], route_class=StrictRoute)


@dataclass(frozen=True, slots=True)
class _Link:
    person: str
    account: str
    how: str

    def as_json(self) -> Json:
        how = "settings" if self.how == OPERATOR else self.how
        return {"person": self.person, "account": self.account, "how": how}


@routes.get("")
async def listed(who: PersonOnly, gateway: Asking) -> Json:
    """List one's own links; everybody's, for whoever holds the stewards' role."""
    everybodys = gateway.stewards.has(who)
    found = [_Link(*one) for one in await _links(gateway).listed()]
    shown = [each for each in found if everybodys or each.person == who.person.id]
    return {"links": [each.as_json() for each in shown], "everybodys": everybodys}


@routes.delete("/{account}")
async def unlink(account: str, who: PersonOnly, gateway: Asking) -> Json:
    """End a link: one's own; anybody's, for whoever holds the stewards' role."""
    links, everybodys = _links(gateway), gateway.stewards.has(who)
    found = [_Link(*one) for one in await links.listed()]
    link = next((each for each in found if each.account == account), None)
    if link is not None and link.person != who.person.id and not everybodys:
        gateway.stewards.must_have(who, "unlink another's account")
    if link is None:
        raise refusal("bad-request", f"No account {account[:40]!r} is linked to anybody.")
    if link.how == OPERATOR:
        message = f"{account} is {link.person}'s because slack.people in the settings says so."
        raise refusal("bad-request", message, help="Take it out there and restart the gateway.")
    await links.unlink(who, account, anybodys=everybodys)
    return {"links": [], "unlinked": link.as_json()}


def _links(gateway: Gateway) -> Links:
    if gateway.chat is None:
        raise refusal("bad-request", "This gateway is not connected to Slack.")
    return gateway.chat.links
