"""An approver in a browser: a code, the inbox, what will run, one button, and what came of it.

The pages of a real gateway process, over HTTP with a cookie.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest
from support.counting import Counters, asks
from support.house import RunAt, Someone
from support.processes import Gateway

pytestmark = pytest.mark.postgres
_OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser with one cookie; it follows nothing by itself."""

    http: httpx.Client

    def opens(self, path: str) -> httpx.Response:
        """Open a page."""
        return self.http.get(path)

    def sends(self, path: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send a form."""
        return self.http.post(path, data=fields)

    def page(self, path: str) -> str:
        """Return the text of a page that opens."""
        answer = self.opens(path)
        assert answer.status_code == httpx.codes.OK, answer.text
        return html.unescape(answer.text)

    def ballot(self, approval: str) -> dict[str, str]:
        """Return the fields of an approval's ballot, filled in with a yes."""
        text = self.page(f"/approvals/{approval}")
        form = text[text.index('action="/approvals/') :]
        fields = re.findall(r'name="([a-z_]+)" value="([^"]*)"', form)
        return dict(fields) | {"vote": "approve"}

    def votes(self, approval: str, fields: Mapping[str, str]) -> httpx.Response:
        """Press a button of the ballot."""
        return self.sends(f"/approvals/{approval}/vote", fields)


@pytest.fixture(scope="module")
def browser(counting_gateway: Gateway) -> Iterator[Browser]:
    """The approver's browser: they opened a link, were asked to log in, and came back."""
    url = counting_gateway.home.url
    with httpx.Client(base_url=url, headers=_OURS, timeout=30) as opened:
        window = Browser(opened)
        asked = window.opens("/approvals")
        assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/approvals")
        assert 'name="code"' in window.page(asked.headers["location"])
        said = {"code": counting_gateway.code("approver"), "next": "/approvals"}
        answer = window.sends("/login", said)
        assert (answer.status_code, answer.headers["location"]) == (303, "/approvals")
        yield window


@pytest.fixture
async def run(responder: Someone) -> RunAt:
    """A run that is about to ask for something."""
    return await responder.runs(await responder.declares("Numbers stand still"), "counting")


async def test_approves_what_they_have_read_and_it_runs_once(
    browser: Browser, run: RunAt, counters: Counters
) -> None:
    approval = await asks(run, 11)
    assert f"/approvals/{approval}" in browser.page("/approvals")
    shown = browser.page(f"/approvals/{approval}")
    for word in ("UPDATE counters SET n = n + 1", "it counts", "responder", "production", "11"):
        assert word in shown
    assert counters.n(11) == 0

    answer = browser.votes(approval, browser.ballot(approval))

    assert (answer.status_code, answer.headers["location"]) == (303, f"/approvals/{approval}")
    assert "Approved" in browser.page(f"/approvals/{approval}")
    assert counters.n(11) == 0  # a yes is not yet a deed
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"
    assert counters.n(11) == 1
    assert "ucceeded" in browser.page(f"/approvals/{approval}")


async def test_says_no_and_why_and_nothing_runs(
    browser: Browser, run: RunAt, counters: Counters
) -> None:
    approval = await asks(run, 12)
    fields = browser.ballot(approval)
    no = {**fields, "vote": "deny", "reason": ""}
    answer = browser.votes(approval, no)
    assert (answer.status_code, "A denial says why" in answer.text) == (422, True)
    answer = browser.votes(approval, {**no, "reason": "the wrong counter"})
    assert answer.status_code == 303
    assert await run.refused(f"/v1/approvals/{approval}/execute") == "approval-denied"
    assert "the wrong counter" in browser.page(f"/approvals/{approval}")
    late = browser.votes(approval, fields)
    assert (late.status_code, "is denied already" in late.text) == (409, True)
    assert counters.n(12) == 0


async def test_stays_logged_in_while_the_gateway_is_killed_and_started_again(
    browser: Browser, run: RunAt, counting_gateway: Gateway, counters: Counters
) -> None:
    approval = await asks(run, 13)
    fields = browser.ballot(approval)  # the page stands open in the browser
    counting_gateway.kill()
    with pytest.raises(httpx.TransportError):
        browser.opens("/approvals")
    counting_gateway.start()

    answer = browser.votes(approval, fields)

    assert answer.status_code == 303
    assert "Approved" in browser.page(f"/approvals/{approval}")
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"
    assert counters.n(13) == 1


async def test_does_not_vote_by_looking_nor_with_a_stale_text(
    browser: Browser, run: RunAt, responder: Someone
) -> None:
    approval, other = await asks(run, 14), await asks(run, 15)
    browser.page(f"/approvals/{approval}")
    mixed = browser.ballot(approval) | {
        name: value for name, value in browser.ballot(other).items() if "digest" in name
    }
    answer = browser.votes(approval, mixed)
    assert answer.status_code == 409
    assert (await responder.prompt(approval))["votes"] == []


async def test_logs_out_and_the_old_cookie_opens_nothing(browser: Browser) -> None:
    kept = browser.http.cookies.get("interlock_session")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.page("/"))[0]
    assert browser.sends("/logout", {"csrf": csrf}).status_code == 303
    browser.http.cookies.set("interlock_session", str(kept))
    assert browser.opens("/approvals").status_code == 303
