"""A house whose policy lets developers break the glass, and a person who does."""

import httpx

from support.browser import Browser
from support.house import House

WHY = "Nobody of the dbas answers and checkout is down."

_RULE, _GLASS = "one-approver", "one-approver-or-break-glass"


def rewrite(home: House, file: str, *changes: tuple[str, str]) -> None:
    """Change a file of the policy folder, and put it into force."""
    path = home.folder / "policies" / file
    text = path.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    assert home.policies.reload() == ()


def allow_break_glass(home: House, by: str = '["developer"]') -> None:
    """Let the rule for ending sessions in production be broken by these roles."""
    rules = home.folder / "policies" / "approvals.toml"
    more = f"[rule.{_GLASS}]\nbreak_glass_by = {by}\n"
    start = rules.read_text().index(f"[rule.{_RULE}]\n")
    body = rules.read_text()[start:].replace(f"[rule.{_RULE}]\n", more, 1)
    rules.write_text(rules.read_text()[:start] + body)
    rewrite(home, "permissions.csv", (f" {_RULE}, -", f" {_GLASS}, -"))


def confirm_in_web(home: House) -> None:
    """Let every rule want its approvals in the browser."""
    rewrite(home, "approvals.toml", ("\nmax_rows = ", '\nconfirm_in = "web"\nmax_rows = '))


async def breaks(browser: Browser, approval: str, **typed: str) -> httpx.Response:
    """Open an approval's page and break its glass by the form on it."""
    path = f"/approvals/{approval}"
    typed = {"reason": WHY, "target": "orders", **typed}
    return await browser.sends(await browser.page(path), f"{path}/break", **typed)
