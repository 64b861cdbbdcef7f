"""The page /slack, for real: a browser, a gateway, and a Slack in which a code is typed."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from interlock.testing.slack import FakeSlack
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.core.model import Person
from playwright.async_api import Browser, Page, async_playwright, expect
from support.chat import ChatAt, in_slack
from support.house import House

pytestmark = pytest.mark.browser
PHONE, DESKTOP = 375, 1280


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None and os.environ.get("CI") != "true":
        pytest.skip("needs Chromium: apt-get install chromium")  # in CI it fails, below
    assert chromium, "CI must have Chromium: apt-get install chromium"
    async with async_playwright() as playwright:
        arguments = ["--headless", "--no-sandbox", "--disable-gpu"]
        launched = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        await launched.close()


@asynccontextmanager
async def served(home: House) -> AsyncIterator[str]:
    """Serve a gateway on the loopback and yield its address."""
    door = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(home.app, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        door.close()


@dataclass
class Seat:
    """Somebody in front of two pages: the gateway's and Slack's."""

    home: House
    browser: Browser
    address: str
    shots: Path
    width: int = DESKTOP

    async def opens(self, address: str) -> tuple[Page, list[str]]:
        """Open a page of one's own, and remember what it complains about."""
        size = {"width": self.width, "height": 760}
        page = await self.browser.new_page(viewport={"width": size["width"], "height": 760})
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(address)
        return page, complaints

    async def logs_in(self, person: str) -> tuple[Page, list[str]]:
        """Log in and look at the first page."""
        code = f"CODE-{person.upper()}"
        now = self.home.clock.now()
        LocalCodes(self.home.folder / "codes").write(Person(person, person.title()), code, now)
        page, complaints = await self.opens(f"{self.address}/login")
        await page.get_by_label("One-time code").fill(code)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("navigation")).to_be_visible()
        return page, complaints

    async def keeps(self, page: Page, name: str) -> None:
        """Keep a picture, and see that nothing has to be scrolled sideways."""
        wide = "document.documentElement.scrollWidth > window.innerWidth"
        assert not await page.evaluate(wide), name
        await page.screenshot(path=self.shots / f"{name}-{self.width}.png")


@pytest.fixture(params=[PHONE, DESKTOP])
async def seat(
    request: pytest.FixtureRequest, home: House, browser: Browser, tmp_path: Path
) -> AsyncIterator[Seat]:
    """A seat at a phone, and one at a desk."""
    shots = Path(os.environ.get("INTERLOCK_SCREENSHOTS") or tmp_path)
    async with served(home) as address:
        yield Seat(home, browser, address, shots, request.param)


async def _links(slack: Page, code: str) -> None:
    """Press Approve, be told that one is unknown, and type a code."""
    await slack.get_by_role("button", name="Approve").first.click()
    await slack.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await slack.get_by_role("button", name="Link my account").click()
    dialog = slack.get_by_role("dialog")
    await dialog.get_by_label("Code").fill(code)
    await dialog.get_by_role("button", name="Link", exact=True).click()


async def test_a_person_links_their_account_by_a_code_and_ends_the_link_again(
    seat: Seat, asked: str
) -> None:
    home = seat.home
    async with FakeSlack() as slack, in_slack(home, slack, accounts={}) as chat:
        await chat.shows(asked)
        page, complaints = await seat.logs_in("approver")
        await page.get_by_role("link", name="Slack").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your Slack account")
        await seat.keeps(page, "unlinked")
        button = page.get_by_role("button", name="Show a code")
        await button.focus()
        await page.keyboard.press("Enter")
        code = str(await page.locator("code.one-time").text_content())
        await seat.keeps(page, "code")
        there, _ = await seat.opens(f"{slack.url}?as=U0ANNA")
        await _links(there, code)
        await expect(there.get_by_text("This account is linked to approver now")).to_be_visible()
        await page.goto(f"{seat.address}/slack")
        await expect(page.get_by_text("You vote in Slack with 1 account:")).to_be_visible()
        await seat.keeps(page, "linked")
        await _votes(there, chat, asked)
        await page.get_by_role("button", name="Unlink U0ANNA").click()
        await expect(page.get_by_text("No Slack account is linked to you")).to_be_visible()
    assert complaints == []


async def _votes(there: Page, chat: ChatAt, asked: str) -> None:
    await there.get_by_role("button", name="Approve").first.click()
    await there.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(there.get_by_text("Approved by approver").first).to_be_visible()
    assert await chat.state(asked) == "approved"


async def test_the_page_has_the_headers_of_every_other_and_is_reached_by_tab(
    seat: Seat,
) -> None:
    async with FakeSlack() as slack, in_slack(seat.home, slack):
        page, complaints = await seat.logs_in("you")
        answer = await page.goto(f"{seat.address}/slack")
        assert answer is not None
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        reached = []
        for _ in range(8):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
        assert "Slack" in reached
        assert "Show a code" in reached
    assert complaints == []


async def test_without_slack_no_page_leads_there(seat: Seat) -> None:
    page, _ = await seat.logs_in("you")
    assert await page.get_by_role("link", name="Slack").count() == 0
    await page.goto(f"{seat.address}/slack")
    await expect(page.get_by_text("This gateway is not connected to Slack.")).to_be_visible()


async def test_a_drills_page_says_so_first_and_is_voted_on(seat: Seat) -> None:
    you = await seat.home.login("you")
    drill = await you.post("/v1/drills", {"rule": "one-dba"})
    asked = drill["rules"][0]["approval"]
    page, complaints = await seat.logs_in("approver")
    await page.goto(f"{seat.address}/approvals")
    await seat.keeps(page, "inbox")
    await page.get_by_role("link", name=f"{asked}: DRILL, nothing runs").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        f"DRILL · {asked}: nothing runs"
    )
    await seat.keeps(page, "drill")
    await page.get_by_label("I know that this is a drill").check()
    await page.get_by_role("button", name=f"Approve {asked}").click()
    await seat.home.gateway.drills.sweep()
    await page.goto(f"{seat.address}/approvals/{asked}")
    await expect(page.get_by_text("It is a drill: nothing runs.")).to_be_visible()
    await seat.keeps(page, "drill-over")
    assert complaints == []
