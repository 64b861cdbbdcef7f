"""People in a browser without pixels: a cookie, the pages' own forms, and what they send."""

import re
from dataclasses import dataclass

import httpx
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.adapters.randomness import SystemRandomness
from interlock_gateway.core.model import Person

from support.house import House

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass(slots=True)
class Browser:
    """Somebody's browser; `http` holds its cookie."""

    home: House
    http: httpx.AsyncClient

    async def logs_in(self, person: str, goal: str = "/") -> httpx.Response:
        """Log somebody in, also where somebody is logged in already."""
        code = SystemRandomness().code()
        codes = LocalCodes(self.home.folder / "codes")
        codes.write(Person(person, person.title()), code, self.home.clock.now())
        return await self.http.post("/login", data={"code": code, "next": goal})

    async def page(self, path: str) -> str:
        """Return a page that must be there."""
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def sends(self, page: str, action: str, **typed: str) -> httpx.Response:
        """Send the form of `page` that goes to `action`, with what a person types into it."""
        return await self.http.post(action, data={**hidden(page, action), **typed})


def hidden(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the first form on a page that goes to `action`."""
    form = page.split(f'action="{action}"', 1)[1].split("</form>", 1)[0]
    return dict(re.findall(r'type="hidden" name="([a-z_]+)" value="([^"]*)"', form))


async def browser(home: House, person: str) -> Browser:
    """Return somebody's browser, freshly logged in."""
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(home.app), base_url="http://gateway.test", headers=OURS
    )
    opened = Browser(home, http)
    await opened.logs_in(person)
    return opened
