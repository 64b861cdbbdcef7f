"""Evidence on an incident's page: listed, opened as a file, and said where it is gone."""

from support.browser import browser
from support.house import House, RunAt, Someone
from support.large import SECRET, chart, many_rows


async def _kept(home: House, look: RunAt, who: Someone, incident: str) -> str:
    home.target.answer = many_rows
    await look.post("/v1/queries", look.asks("SELECT 1"))
    listed = (await who.get(f"/v1/incidents/{incident}/evidence"))["evidence"]
    return str(next(one["id"] for one in listed if one["artifact"]))


async def test_the_page_lists_it_and_a_click_is_recorded_and_gives_a_file(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await _kept(home, look, responder, incident)
    at = await browser(home, "responder")
    page = await at.page(f"/incidents/{incident}")
    assert f'href="/evidence/{name}"' in page
    assert "1,000 rows" in page
    assert "artifact.accessed" not in await home.kinds(incident)
    given = await at.http.get(f"/evidence/{name}")
    assert SECRET in given.text
    assert given.headers["content-disposition"] == f'attachment; filename="{name}.json"'
    assert "sandbox" in given.headers["content-security-policy"]
    assert given.headers["cache-control"] == "no-store"
    assert (await home.timeline(incident))[-1]["data"]["by"] == "responder"


async def test_a_key_or_nobody_opens_no_page_of_evidence(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await _kept(home, look, responder, incident)
    for who in (responder, Someone(responder.http, "")):
        answer = await who.call("GET", f"/evidence/{name}")
        assert SECRET not in answer.text
        assert answer.status_code in {303, 401}
    stranger = await browser(home, "stranger")
    answer = await stranger.http.get(f"/evidence/{name}")
    assert (answer.status_code, SECRET in answer.text) == (403, False)


async def test_what_was_redacted_says_so_on_the_page(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await _kept(home, look, responder, incident)
    reason = {"reason": "<b>a password</b>"}
    await responder.post(f"/v1/evidence/{name}/redact", reason)
    at = await browser(home, "responder")
    page = await at.page(f"/incidents/{incident}")
    assert f'href="/evidence/{name}"' not in page
    assert "redacted by responder, 2026-01-02 03:04Z: &lt;b&gt;a password&lt;/b&gt;" in page
    assert SECRET not in page
    assert (await at.http.get(f"/evidence/{name}")).status_code == 410


async def test_a_hold_and_a_chart_are_on_the_page(
    look: RunAt, responder: Someone, incident: str, home: House
) -> None:
    end = {"state": "ok", "outputs": [chart()]}
    await look.post(f"/v1/runs/{look.id}/steps/look/1/end", end)
    hold = {"reason": "the lawyers ask for it"}
    await responder.post(f"/v1/incidents/{incident}/evidence/hold", hold)
    page = await (await browser(home, "responder")).page(f"/incidents/{incident}")
    assert "Held by responder: the lawyers ask for it" in page
    assert "data:image/png;base64," in page
