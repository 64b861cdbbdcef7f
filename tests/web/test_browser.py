"""Pages and the exported file in a real browser: nothing loads or runs, all can be used."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from interlock.export import build, html
from interlock_gateway.web.render import HEADERS, render_approval, render_plan, stylesheet
from playwright.sync_api import Browser, Page, Route
from sample_incident import INCIDENT, Part, Story, sample
from sample_views import STATEMENT, approval, pages, plan
from support.chromium import chromium

pytestmark = pytest.mark.browser

PHONE, DESKTOP = 390, 1280
HOST = "https://interlock.test/"
HOSTILE = (
    "<script>document.title='owned'</script><img src='https://evil.example/x.png'>"
    "<form method=post action=/approvals/A-1/vote><button class=approve>Approve</button></form>"
    "</style><style>body{background:url(https://evil.example/y)}</style>"
    "<meta http-equiv=refresh content='0;url=https://evil.example'>" + "W" * 3_000
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@dataclass(slots=True)
class Visit:
    """A page as somebody sees it, what it asked for, complained about and sent."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)


@contextmanager
def visit(browser: Browser, source: str | Mapping[str, str], *, width: int) -> Iterator[Visit]:
    """Serve `source` with our headers and the one style sheet; nothing else exists.

    A phone is shown the dark colours, a desktop the light ones; several pages are served by name.
    """
    served = source if isinstance(source, Mapping) else {"page": source}
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if width == PHONE else "light",
    )
    seen = Visit(context.new_page())

    def serve(route: Route) -> None:
        request = route.request
        seen.asked.append(request.url)
        if request.method == "POST":
            seen.sent.append(request.post_data or "")
        if request.url.endswith("/static/interlock.css"):
            route.fulfill(body=stylesheet(), content_type="text/css", headers={})
        elif request.url.startswith(HOST):
            body = served.get(request.url.removeprefix(HOST), "sent")
            route.fulfill(body=body, headers={**HEADERS, "Content-Type": "text/html"})
        else:
            route.abort()

    context.route("**/*", serve)
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.goto(HOST + next(iter(served)))
    try:
        yield seen
    finally:
        context.close()


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_every_page_loads_only_its_style_and_fits_the_screen(browser: Browser, width: int) -> None:
    shown = pages()
    with visit(browser, shown, width=width) as seen:
        for name in shown:
            seen.page.goto(HOST + name)
            assert not overflows(seen.page), name
            assert seen.complaints == [], name
    assert {url.removeprefix(HOST) for url in seen.asked} == {*shown, "static/interlock.css"}


def test_what_a_thumb_must_hit_is_large_enough(browser: Browser) -> None:
    with visit(browser, render_approval(approval()), width=PHONE) as seen:
        for name in ("Approve A-1", "Deny A-1"):
            box = seen.page.get_by_role("button", name=name).bounding_box()
            assert box
            assert box["height"] >= 44
            assert box["width"] >= 200


def test_the_vote_can_be_given_by_keyboard_alone_and_focus_is_seen(browser: Browser) -> None:
    with visit(browser, render_approval(approval()), width=DESKTOP) as seen:
        page = seen.page
        page.locator("#approve-reason").focus()
        page.keyboard.type("Same pid")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Approve A-1"
        style = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(style) == "solid"
        page.keyboard.press("Enter")
        page.wait_for_url("**/vote")
        [sent] = seen.sent
        assert "vote=approve" in sent
        assert "proposal_digest=sha256%3A4444" in sent
        assert "reason=Same+pid" in sent


def test_one_press_votes_on_the_whole_plan_once_all_of_it_can_be_read(browser: Browser) -> None:
    with visit(browser, render_plan(plan()), width=PHONE) as seen:
        page = seen.page
        page.get_by_role("button", name="Approve all of P-1").click()
        assert seen.sent == []  # without the tick
        for place, text in ((1, "pg.terminate_backend"), (2, STATEMENT)):
            member = page.locator(f"#member-{place}")
            assert member.is_visible()
            assert text in member.inner_text()
        assert page.locator("form").count() == 2 + 1  # two ballots, and the way out
        page.get_by_label("I have read all 2 of what will run on orders, jobs").check()
        page.get_by_role("button", name="Approve all of P-1").click()
        page.wait_for_url("**/approvals/plan/P-1/vote")
        [sent] = seen.sent
        assert "vote=approve" in sent
        assert "proposal_digest=sha256%3A6666" in sent
        assert "prompt_digest=sha256%3A7777" in sent


def test_the_glass_is_broken_by_keyboard_alone_after_words_and_a_name(browser: Browser) -> None:
    with visit(browser, pages()["approval-glass"], width=PHONE) as seen:
        page = seen.page
        page.locator("#glass-reason").focus()
        page.keyboard.type("Too short")
        page.keyboard.press("Tab")
        page.keyboard.type("orders")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Break the glass for A-1"
        page.keyboard.press("Enter")
        assert seen.sent == []
        page.locator("#glass-reason").fill("Nobody of the dbas answers.")
        page.get_by_role("button", name="Break the glass for A-1").press("Enter")
        page.wait_for_url("**/break")
        [sent] = seen.sent
        assert "reason=Nobody+of+the+dbas+answers." in sent
        assert "target=orders" in sent


def test_the_way_to_a_fresh_login_is_a_link_a_thumb_can_hit(browser: Browser) -> None:
    with visit(browser, pages()["approval-stale"], width=PHONE) as seen:
        link = seen.page.get_by_role("link", name="Log in again")
        box = link.bounding_box()
        assert box
        assert box["height"] >= 44
        link.click()
        assert seen.page.url == HOST + "login?again=1&next=/approvals/A-1"


def test_approving_without_the_tick_sends_nothing(browser: Browser) -> None:
    with visit(browser, render_approval(approval()), width=PHONE) as seen:
        seen.page.get_by_role("button", name="Approve A-1").click()
        seen.page.get_by_role("button", name="Deny A-1").click()
        assert seen.sent == []


def test_the_exact_statement_is_seen_whole_on_a_phone(browser: Browser) -> None:
    long = STATEMENT + "\n-- " + "x" * 2_000
    with visit(browser, render_approval(approval(statement=long)), width=PHONE) as seen:
        pre = seen.page.locator("pre.exact")
        assert pre.inner_text() == long
        assert not overflows(seen.page)
        assert pre.evaluate(
            "e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight"
        )


def test_an_injected_approve_button_stays_text(browser: Browser) -> None:
    view = approval(reason=HOSTILE, statement=HOSTILE, undo=HOSTILE, may_vote=False)
    with visit(browser, render_approval(view), width=PHONE) as seen:
        assert seen.page.locator("button.approve").count() == 0
        assert seen.page.title() == "A-1 pg.terminate_backend · Interlock"
        assert not [url for url in seen.asked if "evil" in url]
        assert not overflows(seen.page)


def hostile_file(folder: Path) -> Path:
    story = Story(sample())
    outputs = Part([{"kind": "display", "data": {"text/html": HOSTILE}, "text": HOSTILE}])
    story.tell("step.completed", 1, {"run": "R-1", "step": HOSTILE, "outputs": outputs})
    path = folder / "incident.html"
    path.write_text(html(build({**INCIDENT, "title": HOSTILE}, story.entries)), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_an_exported_file_opens_offline_without_a_request_or_a_complaint(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    path = hostile_file(tmp_path)
    context = browser.new_context(viewport={"width": width, "height": 844}, offline=True)
    seen = Visit(context.new_page())
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.goto(path.as_uri())
    assert seen.page.title().startswith("INC-1")
    assert seen.asked == [path.as_uri()]
    assert seen.complaints == []
    assert not overflows(seen.page)
    context.close()


def test_an_exported_file_leads_from_a_citation_to_its_event(
    browser: Browser, tmp_path: Path
) -> None:
    path = hostile_file(tmp_path)
    page = browser.new_page()
    page.goto(path.as_uri())
    page.locator("section#summary").get_by_role("link", name="[#28]").first.click()
    assert page.url.endswith("#e28")
    assert page.locator("li:has(#e28)").count() == 1
    page.close()


def test_paper_shows_what_is_folded_on_the_screen(browser: Browser, tmp_path: Path) -> None:
    path = hostile_file(tmp_path)
    page = browser.new_page()
    page.goto(path.as_uri())
    folded = page.locator(".moment pre.sql").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    box = folded.bounding_box()
    assert box
    assert box["height"] > 20
    assert re.search(r"FROM pg_stat_activity", folded.inner_text())
    page.close()
