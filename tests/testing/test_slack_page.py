"""The page that looks like Slack, in a real browser: buttons press, and no text is markup."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from interlock.testing.slack import FakeSlack
from playwright.async_api import Browser, Locator, Page, async_playwright
from slack_app import BUTTONS, INCIDENTS, REASON, App, connected, post, until, web

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "\"'><button data-action=approve>Approve</button></pre></div></main><style>*{display:none}"
    "</style><a href=javascript:alert(1)>x</a>`*_~<!channel>&lt;b&gt;&amp;lt; \u202e\u200b"
)
CONFIRM = {
    "title": {"type": "plain_text", "text": "Approve A-1?"},
    "text": {"type": "plain_text", "text": "It ends <one> session."},
    "confirm": {"type": "plain_text", "text": "Yes, approve"},
    "deny": {"type": "plain_text", "text": "Back"},
}


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


class Seen:
    """A page as somebody sees it, what it asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


async def look(browser: Browser, slack: FakeSlack, me: str = "U0ANNA", width: int = 1100) -> Seen:
    page = await browser.new_page(viewport={"width": width, "height": 800})
    seen = Seen(page)
    await page.goto(f"{slack.url}?as={me}")
    return seen


async def shows(place: Locator, words: str) -> None:
    await place.filter(has_text=words).first.wait_for()


@pytest.fixture
async def app(slack: FakeSlack) -> AsyncIterator[App]:
    async with connected(slack) as running:
        yield running


pytestmark = pytest.mark.browser


async def test_a_message_appears_by_itself_and_its_button_presses(
    slack: FakeSlack, app: App, browser: Browser
) -> None:
    seen = await look(browser, slack)
    await shows(seen.page.locator("#channel"), "Nothing was said")
    message = await post(slack)
    await seen.page.get_by_role("button", name="Approve").click()
    await until(lambda: len(app.heard) == 1)
    assert app.payloads[0]["user"]["id"] == "U0ANNA"
    assert app.payloads[0]["actions"][0]["action_id"] == "approve"
    await web(slack).chat_update(
        channel=message.channel, ts=message.ts, text="done", blocks=BUTTONS[:1]
    )
    await seen.page.get_by_role("button", name="Approve").wait_for(state="detached")
    assert await seen.page.locator(".edited").count() == 0  # as Slack has it: blocks, no mark
    await web(slack).chat_update(channel=message.channel, ts=message.ts, text="withdrawn")
    await shows(seen.page.locator(".edited"), "(edited)")
    assert await seen.page.get_by_role("button", name="Approve").count() == 0
    assert seen.complaints == []
    assert all(url.startswith(slack.url) for url in seen.asked)


async def test_a_confirm_dialog_is_asked_first(
    slack: FakeSlack, app: App, browser: Browser
) -> None:
    button = BUTTONS[1]["elements"][0] | {"confirm": CONFIRM}
    await post(slack, blocks=[{"type": "actions", "elements": [button]}])
    page = (await look(browser, slack)).page
    await page.get_by_role("button", name="Approve").click()
    await shows(page.locator("dialog.confirm"), "It ends <one> session.")
    await page.get_by_role("button", name="Back").click()
    assert app.heard == []
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("button", name="Yes, approve").click()
    await until(lambda: len(app.heard) == 1)


async def test_a_button_that_is_a_link_is_told_to_the_app_too(
    slack: FakeSlack, app: App, browser: Browser
) -> None:
    button = {
        "type": "button",
        "action_id": "open",
        "url": f"{slack.url}page.css?a=1&b=2",
        "text": {"type": "plain_text", "text": "Open <A-1>"},
    }
    await post(slack, blocks=[{"type": "actions", "elements": [button]}])
    page = (await look(browser, slack)).page
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="Open <A-1>").click()
    assert (await opened.value).url.endswith("a=1&b=2")
    await until(lambda: len(app.heard) == 1)
    assert app.payloads[0]["actions"][0]["action_id"] == "open"


async def test_a_modal_opens_is_refused_and_submitted(
    slack: FakeSlack, app: App, browser: Browser
) -> None:
    await post(slack)
    page = (await look(browser, slack)).page
    await page.get_by_role("button", name="Deny").click()
    await until(lambda: len(app.heard) == 1)
    await web(slack).views_open(trigger_id=app.payloads[0]["trigger_id"], view=REASON)
    modal = page.locator("#modal")
    app.answers["view_submission"] = {
        "response_action": "errors",
        "errors": {"reason": "Name the backup."},
    }
    await modal.locator("input").fill("no backup")
    await post(slack, text="another message meanwhile")  # what was typed stays
    await shows(page.locator(".message"), "28073")
    assert await modal.locator("input").input_value() == "no backup"
    await modal.get_by_role("button", name="Deny").click()
    await shows(modal, "Name the backup.")
    app.answers.clear()
    await modal.locator("input").fill("no backup since Tuesday")
    await modal.get_by_role("button", name="Deny").click()
    await modal.wait_for(state="hidden")
    state = app.payloads[-1]["view"]["state"]["values"]
    assert state["reason"]["why"]["value"] == "no backup since Tuesday"


async def test_each_person_sees_what_is_theirs(slack: FakeSlack, browser: Browser) -> None:
    slack.add_channel("secret", "interlock", "anna", private=True)
    channel = slack.channel(INCIDENTS).id
    await web(slack).chat_postEphemeral(channel=channel, user="U0ANNA", text="Not you, anna.")
    anna, ben = await look(browser, slack), await look(browser, slack, "U0BEN")
    await shows(anna.page.locator(".ephemeral"), "Only visible to you")
    assert "secret" in await anna.page.locator("nav").inner_text()
    assert "Not you" not in await ben.page.content()
    assert "secret" not in await ben.page.content()
    await ben.page.locator("#me").select_option("U0ANNA")
    await shows(ben.page.locator(".ephemeral"), "Not you, anna.")


async def test_people_write_and_react_on_the_page(slack: FakeSlack, browser: Browser) -> None:
    page = (await look(browser, slack)).page
    await page.locator("#write").fill("load is <b>normal</b> & <!channel>")
    await page.locator("#write").press("Enter")
    await shows(page.locator(".message"), "load is <b>normal</b> & <!channel>")
    [message] = slack.channel(INCIDENTS).messages
    assert message.pings == set()
    await page.locator(".message").hover()
    await page.get_by_role("button", name="React: eyes").click()
    await shows(page.locator(".chip"), "1")
    assert message.reactions == {"eyes": ["U0ANNA"]}


async def test_a_click_that_nobody_takes_is_said(slack: FakeSlack, browser: Browser) -> None:
    await post(slack)
    page = (await look(browser, slack)).page
    await shows(page.locator(".state"), "not connected")
    await page.get_by_role("button", name="Approve").click()
    await shows(page.locator(".notice"), "did not answer in time")


def hostile() -> list[dict[str, Any]]:
    """Return a block of every kind with the hostile text wherever a text may stand."""

    def text(kind: str, most: int = 3000) -> dict[str, Any]:
        return {"type": kind, "text": HOSTILE[:most]}

    button = {
        "type": "button",
        "action_id": HOSTILE[:255],
        "value": HOSTILE,
        "text": text("plain_text", 75),
        "confirm": {
            "title": text("plain_text", 100),
            "text": text("mrkdwn", 300),
            "confirm": text("plain_text", 30),
            "deny": text("plain_text", 30),
        },
    }
    pieces = [
        {"type": "text", "text": HOSTILE},
        {"type": "link", "url": f"javascript:{HOSTILE}", "text": HOSTILE},
        {"type": "user", "user_id": HOSTILE[:255]},
        {"type": "emoji", "name": HOSTILE[:255]},
    ]
    kinds = ("rich_text_section", "rich_text_preformatted", "rich_text_quote")
    return [
        {"type": "header", "text": text("plain_text", 150)},
        {
            "type": "section",
            "text": text("mrkdwn"),
            "fields": [text("mrkdwn"), text("plain_text")],
        },
        {"type": "section", "text": text("plain_text"), "accessory": button},
        {"type": "context", "elements": [text("mrkdwn"), text("plain_text")]},
        {"type": "rich_text", "elements": [{"type": kind, "elements": pieces} for kind in kinds]},
        {"type": "image", "image_url": HOSTILE, "alt_text": HOSTILE},
        {"type": "markdown", "text": HOSTILE},
        {"type": "actions", "block_id": HOSTILE[:255], "elements": [button]},
    ]


async def test_hostile_text_is_shown_and_does_nothing(
    slack: FakeSlack, app: App, browser: Browser
) -> None:
    slack.channel(INCIDENTS).topic = HOSTILE
    await post(slack, blocks=hostile())
    slack.person("ben").writes(INCIDENTS, HOSTILE)
    modal = {**REASON, "blocks": [*hostile()[:6], *REASON["blocks"]]}
    modal["title"] = {"type": "plain_text", "text": HOSTILE[:24]}
    slack.workspace.open_view("U0ANNA", modal)
    seen = await look(browser, slack)
    page = seen.page
    await page.locator("#modal[open]").wait_for()
    for tag in ("img", "main style", "article script", "dialog script", "a[href^=java]"):
        assert await page.locator(tag).count() == 0, tag
    assert await page.title() == "#incidents — pretend Slack"
    assert "<script>document.title='owned'</script>" in await page.locator("main").inner_text()
    await page.locator("#modal .close").click()
    await page.locator(".message .button").first.click()
    await shows(page.locator("dialog.confirm"), "<img src=x")
    assert await page.locator("img").count() == 0
    assert seen.complaints == []
    assert all(url.startswith(slack.url) for url in seen.asked)
    assert app.heard[0].type == "events_api"  # ben's message; nothing pressed itself


async def test_a_phone_shows_all_of_it(slack: FakeSlack, browser: Browser) -> None:
    await post(slack, blocks=[*BUTTONS, {"type": "header", "text": {
        "type": "plain_text", "text": "W" * 150}}])  # fmt: skip
    page = (await look(browser, slack, width=390)).page
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    assert await page.get_by_role("button", name="Approve").is_visible()


def ask(url: str, body: bytes | None = None, **headers: str) -> int:
    """Return the status of a request that is not the page's own."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(url, body, given)  # noqa: S310  our own loopback
    try:
        with urlopen(request) as answer:  # noqa: S310  our own loopback
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


PRESS = b'{"as": "U0ANNA", "channel": "incidents", "kind": "write", "text": "x"}'


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/json", "Sec_Fetch_Site": "cross-site"},
        {"Content_Type": "application/json", "Host": "evil.example:80"},
    ],
)
async def test_no_other_site_acts_for_somebody(slack: FakeSlack, headers: dict[str, str]) -> None:
    assert await answered(lambda: ask(f"{slack.url}page/do", PRESS, **headers)) == 403
    assert slack.channel(INCIDENTS).messages == []
    good = {"Content_Type": "application/json"}
    assert await answered(lambda: ask(f"{slack.url}page/do", PRESS, **good)) == 200


async def test_other_names_and_nobody_get_no_page(slack: FakeSlack) -> None:
    assert await answered(lambda: ask(slack.url, Host="evil.example:80")) == 421
    assert await answered(lambda: ask(f"{slack.url}?as=nobody")) == 404
    assert await answered(lambda: ask(f"{slack.url}?channel=%3Cscript%3E")) == 404


async def answered(work: Callable[[], int]) -> int:
    return await asyncio.to_thread(work)
