"""An exported page as somebody opens it: a file, a browser, and no network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

PHONE, DESKTOP = 375, 1280


@dataclass(slots=True)
class Opened:
    """A page, every request it made and everything it complained about."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser, folder: Path, source: str, *, width: int = DESKTOP, zone: str = "UTC"
) -> Iterator[Opened]:
    """Open `source` as a file without a network, on a device in `zone`; it must not complain."""
    path = folder / "incident.html"
    path.write_text(source, encoding="utf-8")
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if width == PHONE else "light",
        timezone_id=zone,
        offline=True,
    )
    seen = Opened(context.new_page())
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
    seen.page.goto(path.as_uri())
    try:
        yield seen
        assert seen.asked == [path.as_uri()]
        assert seen.complaints == []
    finally:
        context.close()


def tools(page: Page) -> Page:
    """Open the tools above the timeline."""
    page.locator("#tools summary").click()
    return page


def verdict(page: Page, trusted: str = "") -> str:
    """Press the button, and return what the page says of itself."""
    page.locator("#trusted").fill(trusted)
    page.locator("#verify").click()
    expect(page.locator("#verdict > p.told")).to_be_visible()
    return page.locator("#verdict").inner_text()
