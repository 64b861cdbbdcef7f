"""Pages on which people write and make views: forms alone, nothing lost, nothing obeyed."""

import re

import pytest
from support.browser import Browser, browser, hidden
from support.house import House, Someone

HOSTILE = "<script>alert(1)</script>\u202eevil [x](javascript:1)"


@pytest.fixture
async def page(home: House, incident: str) -> Browser:
    """The responder's browser."""
    assert incident
    return await browser(home, "responder")


async def _sends(page: Browser, incident: str, what: str, **typed: str) -> int:
    path = f"/incidents/{incident}/write"
    answer = await page.sends(await page.page(path), f"{path}/{what}", **typed)
    if answer.status_code == 303:
        assert answer.headers["location"] == f"/incidents/{incident}#latest"
    return answer.status_code


async def test_every_form_writes_its_event(home: House, page: Browser, incident: str) -> None:
    sent = [
        ("note", {"text": "who deployed?", "kind": "question", "evidence": "#1, 2"}),
        ("note", {"text": "ann did", "kind": "answer", "answers": "3"}),
        ("note", {"text": "pid 21", "kind": "correction", "corrects": "3"}),
        ("hypothesis", {"text": "the deploy", "confidence": "low", "evidence": "1"}),
        (
            "decision",
            {"choice": "fail over", "options": "wait\r\n\r\nrestart", "reason": "orders"},
        ),
        ("milestone", {"milestone": "detected", "event": "1"}),
        ("milestone", {"milestone": "impact_started", "time": "2026-01-02T03:00", "about": "yes"}),
        ("pin", {"event": "1", "text": "it began here", "turn": "pin"}),
        ("pin", {"event": "1", "turn": "unpin"}),
        ("follow-up", {"text": "limit the pool", "owner": "approver", "due": "2026-12-01"}),
    ]
    for what, typed in sent:
        assert await _sends(page, incident, what, **typed) == 303, what
    for what, typed in (
        ("update", {"for": "1", "against": "2", "confidence": "high"}),
        ("close", {"outcome": "refuted", "reason": "no deploy"}),
    ):
        assert await _sends(page, incident, what, **typed) == 303
    assert (await home.kinds(incident))[2:] == [
        *("note.question", "note.answer", "note.correction", "note.hypothesis_opened"),
        *("note.decision", "milestone.detected", "milestone.impact_started", "pin.added"),
        *("pin.removed", "followup.opened", "note.hypothesis_updated", "note.hypothesis_closed"),
    ]
    started = (await home.timeline(incident))[8]
    assert (started["time"], started["timeaccuracy"]) == ("2026-01-02T03:00:00.000Z", "PT300S")


@pytest.mark.parametrize(
    ("what", "typed"),
    [
        ("note", {"text": "kept words", "kind": "answer"}),
        ("note", {"text": "kept words", "kind": "observation", "evidence": "evt_1"}),
        ("note", {"text": "kept words", "kind": "observation", "time": "2199-01-01T00:00"}),
        ("decision", {"choice": "kept words", "by": "nobody-here"}),
        ("hypothesis", {"text": "kept words", "confidence": "low", "evidence": "99"}),
        ("milestone", {"milestone": "detected", "text": "kept words"}),
        ("pin", {"event": "99", "text": "kept words", "turn": "pin"}),
        ("follow-up", {"text": "kept words", "due": "soon"}),
    ],
)
async def test_a_refusal_keeps_what_was_typed(
    home: House, page: Browser, incident: str, what: str, typed: dict[str, str]
) -> None:
    before = await home.kinds(incident)
    path = f"/incidents/{incident}/write"
    answer = await page.sends(await page.page(path), f"{path}/{what}", **typed)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "kept words" in answer.text
    assert await home.kinds(incident) == before


async def test_a_form_from_elsewhere_writes_nothing(
    home: House, page: Browser, incident: str
) -> None:
    path = f"/incidents/{incident}/write"
    fields = {"text": "x", "kind": "observation"}
    before = await home.kinds(incident)
    assert (await page.http.post(f"{path}/note", data=fields)).status_code == 403
    good = hidden(await page.page(path), f"{path}/note")
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    for where in (f"{path}/note", f"/incidents/{incident}/views/story"):
        answer = await page.http.post(where, data={**good, **fields}, headers=elsewhere)
        assert answer.status_code == 403
    assert (await page.http.post(f"{path}/seal", data=good)).status_code == 422
    assert await home.kinds(incident) == before


async def test_words_of_people_are_data_on_every_page(
    page: Browser, responder: Someone, incident: str
) -> None:
    at = f"/v1/incidents/{incident}"
    await responder.post(f"{at}/hypotheses", {"text": HOSTILE})
    asked = await responder.post(f"{at}/notes", {"text": HOSTILE, "kind": "question"})
    await responder.post(f"{at}/notes", {"text": HOSTILE, "answers": asked["sequence"]})
    await responder.post(f"{at}/notes", {"text": HOSTILE, "kind": "question"})
    decision = {"choice": HOSTILE, "options": [HOSTILE], "reason": HOSTILE}
    await responder.post(f"{at}/decisions", decision)
    await responder.post(
        f"{at}/milestones", {"milestone": "detected", "event": 1, "text": HOSTILE}
    )
    await responder.post(f"{at}/pins", {"event": 1, "text": HOSTILE})
    await responder.post(f"{at}/followups", {"text": HOSTILE})
    items = [{"heading": HOSTILE[:190], "text": HOSTILE}, {"event": 3, "text": HOSTILE}]
    await responder.post(f"{at}/views/story", {"items": items})
    for path in ("", "/write", "/views/story", "/export?as=html&view=story@1"):
        source = await page.page(f"/incidents/{incident}{path}")
        assert "<script>alert" not in source, path
        assert "\u202e" not in source, path
        assert 'href="javascript' not in source, path


async def test_a_corrected_line_is_struck_and_both_lead_to_each_other(
    page: Browser, responder: Someone, incident: str
) -> None:
    at = f"/v1/incidents/{incident}/notes"
    wrong = (await responder.post(at, {"text": "pid 12 blocks"}))["sequence"]
    right = (await responder.post(at, {"text": "pid 21 blocks", "corrects": wrong}))["sequence"]
    source = await page.page(f"/incidents/{incident}")
    [line] = re.findall(r'<li class="moment [a-z]+ corrected">.*?</li>', source, re.DOTALL)
    assert "pid 12 blocks" in line
    assert f'corrected by <span class="cited"><a href="#e{right}">' in line
    assert f'corrects <span class="cited"><a href="#e{wrong}">' in source


# --- views -------------------------------------------------------------------------------------


async def test_a_view_is_picked_ordered_annotated_and_exported(
    page: Browser, responder: Someone, incident: str
) -> None:
    path = f"/incidents/{incident}/views/story"
    await responder.post(f"/v1/incidents/{incident}/notes", {"text": "worker 3 hangs"})
    picks = {"pick-3": "yes", "pick-1": "yes", "new-heading": "Detection"}
    assert (await page.sends(await page.page(path), path, **picks)).status_code == 303
    saved = await responder.get(f"/v1{path}")
    assert [one.get("sequence") or one["heading"] for one in saved["items"]] == ["Detection", 1, 3]
    typed = {
        "event-0": "", "heading-0": "Detection", "order-0": "10", "text-0": "",
        "event-1": "1", "heading-1": "", "order-1": "", "text-1": "",
        "event-2": "3", "heading-2": "", "order-2": "5", "text-2": "It hung.\r\n\r\nLong.",
        "hide-timeline": "yes",
    }  # fmt: skip
    assert (await page.sends(await page.page(path), path, **typed)).status_code == 303
    saved = await responder.get(f"/v1{path}")
    assert saved["version"] == 2
    assert [one.get("sequence") or one["heading"] for one in saved["items"]] == [3, "Detection"]
    assert saved["items"][0]["text"] == "It hung.\n\nLong."
    assert saved["hide"] == ["timeline"]
    told = (await page.http.get(f"/incidents/{incident}/export?as=md&view=story")).text
    assert "It hung." in told
    assert "**View:** version 2 of story, by responder" in told
    refused = await page.http.get(f"/incidents/{incident}/export?as=md&view=none")
    assert refused.status_code == 422


async def test_saving_over_a_newer_version_keeps_what_was_typed(
    page: Browser, responder: Someone, incident: str
) -> None:
    path = f"/incidents/{incident}/views/story"
    await responder.post(f"/v1{path}", {"items": [{"event": 1}]})
    opened = await page.page(path)
    await responder.post(f"/v1{path}", {"items": [{"event": 2}], "base": 1})
    typed = {"event-0": "1", "heading-0": "", "order-0": "10", "text-0": "my long words"}
    answer = await page.sends(opened, path, **typed)
    assert answer.status_code == 409
    assert "responder saved it" in answer.text
    assert "my long words" in answer.text
    assert (await responder.get(f"/v1{path}"))["version"] == 2


@pytest.mark.parametrize("order", ["first", "nan", "inf", "1e9"])
async def test_what_is_no_number_orders_nothing(
    page: Browser, responder: Someone, incident: str, order: str
) -> None:
    path = f"/incidents/{incident}/views/story"
    typed = {"event-0": "1", "heading-0": "", "order-0": order, "text-0": "my long words"}
    answer = await page.sends(await page.page(path), path, **typed)
    assert answer.status_code == 422
    assert "my long words" in answer.text
    assert (await responder.get(f"/v1/incidents/{incident}/views"))["views"] == []


async def test_a_stranger_reads_and_writes_nothing(home: House, incident: str) -> None:
    stranger = await browser(home, "stranger")
    for path in (f"/incidents/{incident}/write", f"/incidents/{incident}/views/story"):
        assert (await stranger.http.get(path)).status_code == 403


async def test_a_secret_that_is_typed_into_a_form_is_masked_before_it_is_kept(
    page: Browser, responder: Someone, incident: str
) -> None:
    secret = "correct-horse-battery"
    said = f"password={secret}"
    assert await _sends(page, incident, "note", text=said, kind="observation") == 303
    where = f"/incidents/{incident}/views/story"
    typed = {"base": "0", "new-heading": said, "new-order": "1"}
    assert (await page.sends(await page.page(where), where, **typed)).status_code == 303
    timeline = (await responder.get(f"/v1/incidents/{incident}/timeline"))["entries"]
    assert secret not in str(timeline)
    assert str(timeline).count("⟦masked:") >= 2
    body = {"choice": "wait", "options": [said], "reason": "r"}
    await responder.post(f"/v1/incidents/{incident}/decisions", body)
    items = [{"heading": said, "text": said}]
    await responder.post(f"/v1/incidents/{incident}/views/other", {"items": items})
    timeline = (await responder.get(f"/v1/incidents/{incident}/timeline"))["entries"]
    assert secret not in str(timeline)
