"""Pages in the hands of people and of attackers: a vote needs a person, a session and a form."""

import re

import httpx
import pytest
from interlock_gateway.adapters.codes import LocalCodes
from interlock_gateway.core.model import Person
from interlock_gateway.service import inbox as lists
from interlock_gateway.service.records import ApprovalRow
from support.house import TERMINATE, House, RunAt, Someone
from support.plans import asks_for_plan

_OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


async def _browser(home: House, person: str) -> httpx.AsyncClient:
    """Return somebody's browser, logged in."""
    code = f"{person.upper()}-CODE-22"
    LocalCodes(home.folder / "codes").write(Person(person, person.title()), code, home.clock.now())
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(home.app), base_url="http://gateway.test", headers=_OURS
    )
    answer = await browser.post("/login", data={"code": code, "next": "/approvals"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/approvals")
    return browser


def _fields(page: str) -> dict[str, str]:
    """Return the hidden fields of the first ballot on a page."""
    form = page[page.index('action="/approvals/') :]
    found = re.findall(r'name="([a-z_]+)" value="([^"]*)"', form)
    return dict(reversed(found))


async def test_the_session_cookie_is_hard_to_steal(home: House) -> None:
    browser = await _browser(home, "approver")
    cookie = next(iter(browser.cookies.jar))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert str(cookie.get_nonstandard_attr("SameSite")).lower() == "strict"


async def test_an_approver_reads_and_approves(
    home: House, asked: str, run: RunAt, incident: str
) -> None:
    browser = await _browser(home, "approver")
    inbox = (await browser.get("/approvals")).text
    assert f"/approvals/{asked}" in inbox
    page = (await browser.get(f"/approvals/{asked}")).text
    for told in ("pg_terminate_backend", "4711", "it blocks others", "responder", "production"):
        assert told in page

    answer = await browser.post(f"/approvals/{asked}/vote", data={**_fields(page), "reason": ""})

    assert answer.status_code == 303
    assert "Approved" in (await browser.get(f"/approvals/{asked}")).text
    assert (await run.prompt(asked))["state"] == "approved"
    voted = next(e for e in await home.timeline(incident) if e["type"] == "approval.voted")
    assert voted["data"]["channel"] == "web"


async def test_looking_never_votes(home: House, asked: str, run: RunAt) -> None:
    browser = await _browser(home, "approver")
    for path in (f"/approvals/{asked}", f"/approvals/{asked}/vote"):
        await browser.get(path)
        await browser.get(path, params={"vote": "approve"})
    assert (await run.prompt(asked))["votes"] == []


async def test_an_approver_reads_a_plan_and_approves_all_of_it(
    home: House, run: RunAt, incident: str
) -> None:
    await asks_for_plan(run)
    browser = await _browser(home, "approver")
    inbox = (await browser.get("/approvals")).text
    assert "/approvals/A-1" not in inbox
    assert "/approvals/plan/P-1" in inbox
    assert "a plan of 2 actions" in inbox
    assert "/approvals/plan/P-1" in (await browser.get(f"/incidents/{incident}")).text
    page = (await browser.get("/approvals/plan/P-1")).text
    for told in ("pg_terminate_backend", "4711", "UPDATE jobs", "the worker died", "stuck"):
        assert told in page
    alone = (await browser.get("/approvals/A-1")).text
    assert "/approvals/plan/P-1" in alone
    assert "Approve A-1" not in alone

    answer = await browser.post("/approvals/plan/P-1/vote", data={**_fields(page), "reason": ""})

    assert (answer.status_code, answer.headers["location"]) == (303, "/approvals/plan/P-1")
    assert "Approved" in (await browser.get("/approvals/plan/P-1")).text
    voted = [e["data"] for e in await home.timeline(incident) if e["type"] == "approval.voted"]
    assert [(one["approval"], one["channel"]) for one in voted] == [("A-1", "web"), ("A-2", "web")]
    assert "part of P-1" in (await browser.get("/approvals")).text


async def test_a_plan_takes_no_vote_from_elsewhere_and_none_by_looking(
    home: House, run: RunAt
) -> None:
    await asks_for_plan(run)
    browser = await _browser(home, "approver")
    fields = _fields((await browser.get("/approvals/plan/P-1")).text)
    for path in ("/approvals/plan/P-1", "/approvals/plan/P-1/vote"):
        await browser.get(path, params=fields)
    for change in ({"csrf": "x"}, {"proposal_digest": "sha256:0"}, {"prompt_digest": "sha256:0"}):
        answer = await browser.post("/approvals/plan/P-1/vote", data={**fields, **change})
        assert answer.is_error
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = await browser.post("/approvals/plan/P-1/vote", data=fields, headers=elsewhere)
    assert answer.status_code == 403
    assert (await run.get("/v1/plans/P-1"))["votes"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.test"},
    ],
)
async def test_another_site_cannot_vote(
    home: House, asked: str, run: RunAt, headers: dict[str, str]
) -> None:
    browser = await _browser(home, "approver")
    fields = _fields((await browser.get(f"/approvals/{asked}")).text)
    answer = await browser.post(f"/approvals/{asked}/vote", data=fields, headers=headers)
    assert answer.status_code == 403
    assert (await run.prompt(asked))["state"] == "pending"


async def test_a_form_without_the_sessions_token_cannot_vote(
    home: House, asked: str, run: RunAt
) -> None:
    browser = await _browser(home, "approver")
    fields = _fields((await browser.get(f"/approvals/{asked}")).text)
    for csrf in ("", "wrong", "ü"):
        answer = await browser.post(f"/approvals/{asked}/vote", data={**fields, "csrf": csrf})
        assert answer.status_code in (403, 422)
    other = await _browser(home, "colleague")
    stolen = _fields((await other.get(f"/approvals/{asked}")).text)["csrf"]
    answer = await browser.post(f"/approvals/{asked}/vote", data={**fields, "csrf": stolen})
    assert answer.status_code == 403
    assert (await run.prompt(asked))["state"] == "pending"


async def test_the_requester_sees_no_button_but_why(home: House, asked: str) -> None:
    browser = await _browser(home, "responder")
    page = (await browser.get(f"/approvals/{asked}")).text
    assert "<button" not in page[page.index("Your vote") :]
    assert "your own vote cannot count" in page


async def test_a_refused_vote_is_explained_on_the_page(
    home: House, asked: str, approver: Someone
) -> None:
    browser = await _browser(home, "colleague")
    fields = _fields((await browser.get(f"/approvals/{asked}")).text)
    await approver.vote(asked, "deny")
    answer = await browser.post(f"/approvals/{asked}/vote", data=fields)
    assert answer.status_code == 409
    assert "is denied already" in answer.text


async def test_whoever_is_not_logged_in_is_asked_to_and_comes_back(home: House) -> None:
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(home.app), base_url="http://gateway.test", headers=_OURS
    )
    answer = await browser.get("/approvals/A-1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/approvals/A-1")


@pytest.mark.parametrize(
    "path", ["https://evil.test", "//evil.test", "/\\evil.test", "/a\nb", "evil", "/\t/evil.test"]
)
async def test_the_login_never_leads_elsewhere(home: House, path: str) -> None:
    code = "SOME-CODE-22"
    codes = LocalCodes(home.folder / "codes")
    codes.write(Person("approver", "Approver"), code, home.clock.now())
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(home.app), base_url="http://gateway.test", headers=_OURS
    )
    answer = await browser.post("/login", data={"code": code, "next": path})
    assert answer.headers["location"] == "/"


async def test_hostile_text_is_shown_as_data(home: House, run: RunAt, incident: str) -> None:
    await run.starts("terminate")
    reason = '<script>alert(1)</script><form action="/approvals/A-1/vote">\u202e'
    asked = (await run.post("/v1/actions", run.wishes(reason=reason)))["approval"]["id"]
    browser = await _browser(home, "approver")
    for path in (f"/approvals/{asked}", f"/incidents/{incident}"):
        page = (await browser.get(path)).text
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert "\u202e" not in page


async def test_an_approval_that_cannot_be_read_does_not_hide_the_others(
    home: House, asked: str, run: RunAt
) -> None:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, asked))
    assert row is not None
    await home.store.commit(lambda tx: tx.change(row, sealed=b"damaged"))
    args = {**TERMINATE, "pid": {"type": "integer", "value": 1}}
    other = (await run.post("/v1/actions", run.wishes(ordinal=1, args=args)))["approval"]["id"]
    browser = await _browser(home, "approver")
    inbox = (await browser.get("/approvals")).text
    assert f"/approvals/{other}" in inbox
    assert f"/approvals/{asked}" not in inbox
    assert (await browser.get(f"/approvals/{asked}")).status_code == 409


async def test_an_inbox_that_does_not_hold_all_says_how_many_more_wait(
    home: House, asked: str, run: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = {**TERMINATE, "pid": {"type": "integer", "value": 1}}
    await run.post("/v1/actions", run.wishes(ordinal=1, args=args))
    browser = await _browser(home, "approver")
    page = (await browser.get("/approvals")).text
    assert "Shown are the oldest" not in page
    assert '<span class="waiting-count">2<' in page
    monkeypatch.setattr(lists, "MOST_WAITING", 1)
    page = (await browser.get("/approvals")).text
    assert f"/approvals/{asked}" in page
    assert "Shown are the oldest 1 of 2." in page
    assert '<span class="waiting-count">1+<' in page


async def test_logging_out_ends_the_session(home: House) -> None:
    browser = await _browser(home, "approver")
    page = (await browser.get("/")).text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    cookie = browser.cookies.get("interlock_session")
    await browser.post("/logout", data={"csrf": csrf})
    browser.cookies.set("interlock_session", str(cookie))
    assert (await browser.get("/")).status_code == 303


async def test_every_page_is_there(home: House, asked: str, incident: str) -> None:
    browser = await _browser(home, "approver")
    for path in ("/", "/approvals", f"/incidents/{incident}", f"/approvals/{asked}"):
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        assert "script" not in answer.headers["content-security-policy"]
    for form in ("md", "html", "json", "jsonl", "csv"):
        answer = await browser.get(f"/incidents/{incident}/export", params={"as": form})
        assert answer.status_code == 200
        assert asked in answer.text
    assert (await browser.get("/nowhere")).status_code == 404
