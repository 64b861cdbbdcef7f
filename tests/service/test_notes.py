"""Notes: back-dated with both times, answers that name their question, corrections that stay."""

from datetime import timedelta
from typing import Any

import pytest
from support.house import House, RunAt, Someone


async def _noted(who: Someone, incident: str, text: str, **more: Any) -> int:
    answer = await who.post(f"/v1/incidents/{incident}/notes", {"text": text, **more})
    return int(answer["sequence"])


async def _last(home: House, incident: str) -> dict[str, Any]:
    return (await home.timeline(incident))[-1]


async def test_a_note_says_its_number(home: House, responder: Someone, incident: str) -> None:
    sequence = await _noted(responder, incident, "worker 3 hangs")
    assert (await _last(home, incident))["sequence"] == str(sequence)


async def test_a_note_about_an_earlier_moment_keeps_both_times(
    home: House, responder: Someone, incident: str
) -> None:
    then = home.clock.now() - timedelta(minutes=20)
    body = {"time": then.isoformat(), "accuracy_s": 300}
    await _noted(responder, incident, "the page came", **body)
    event = await _last(home, incident)
    assert event["time"].startswith("2026-01-02T02:44:05")
    assert event["recordedtime"].startswith("2026-01-02T03:04:05")
    assert (event["timesource"], event["timeaccuracy"]) == ("claimed", "PT300S")


@pytest.mark.parametrize(
    "then",
    [
        "2026-01-02T03:04:06Z",
        "2026-01-02T03:04:05.001Z",
        "2124-01-01T00:00:00Z",
        "2024-12-31T00:00:00Z",
        "0001-01-01T00:00:00Z",
    ],
)
async def test_the_future_and_a_mistyped_year_are_refused(
    home: House, responder: Someone, incident: str, then: str
) -> None:
    before = await home.kinds(incident)
    body = {"text": "x", "time": then}
    assert await responder.refused(f"/v1/incidents/{incident}/notes", body) == "bad-request"
    assert await home.kinds(incident) == before


async def test_an_answer_names_its_question_and_only_a_question(
    home: House, responder: Someone, incident: str
) -> None:
    path = f"/v1/incidents/{incident}/notes"
    first = await _noted(responder, incident, "who deployed?", kind="question")
    second = await _noted(responder, incident, "is it DNS?", kind="question")
    lost = await responder.call("POST", path, {"text": "ann", "kind": "answer"})
    assert f"#{first}, #{second}" in lost.json()["help"]
    assert await responder.refused(path, {"text": "ann", "answers": 1}) == "bad-request"
    await _noted(responder, incident, "ann did", answers=first)
    event = await _last(home, incident)
    assert event["type"] == "note.answer"
    assert event["data"]["answers"]["sequence"] == first
    assert event["causationid"] == event["data"]["answers"]["event"]
    lost = await responder.call("POST", path, {"text": "no", "kind": "answer"})
    assert lost.json()["help"] == f"Open questions: #{second}."


async def test_a_correction_is_a_new_event_and_what_it_corrects_stays(
    home: House, responder: Someone, incident: str
) -> None:
    wrong = await _noted(responder, incident, "pid 12 blocks")
    was = (await home.timeline(incident))[wrong - 1]
    await _noted(responder, incident, "pid 21 blocks", corrects=wrong)
    event = await _last(home, incident)
    assert event["type"] == "note.correction"
    assert event["data"]["corrects"] == {"event": was["id"], "sequence": wrong}
    assert (await home.timeline(incident))[wrong - 1] == was
    path = f"/v1/incidents/{incident}/notes"
    assert await responder.refused(path, {"text": "x", "kind": "correction"}) == "bad-request"
    both = {"text": "x", "answers": wrong, "corrects": wrong}
    assert await responder.refused(path, both) == "bad-request"
    odd = {"text": "x", "kind": "surprise", "corrects": wrong}
    assert await responder.refused(path, odd) == "bad-request"


@pytest.mark.parametrize("field", ["answers", "corrects"])
@pytest.mark.parametrize("sequence", [99, 2**52])
async def test_an_entry_points_at_no_event_that_is_not_there(
    responder: Someone, incident: str, field: str, sequence: int
) -> None:
    body = {"text": "x", field: sequence}
    assert await responder.refused(f"/v1/incidents/{incident}/notes", body) == "bad-request"


async def test_an_entry_points_at_events_of_its_own_incident_alone(
    home: House, responder: Someone, incident: str
) -> None:
    other = await responder.declares("Another one")
    for _ in range(3):
        there = await _noted(responder, other, "in the other one")
    mine = len(await home.timeline(incident))
    assert there > mine
    path = f"/v1/incidents/{incident}"
    for body in ({"corrects": there}, {"evidence": [there]}):
        assert await responder.refused(f"{path}/notes", {"text": "x", **body}) == "bad-request"
    assert await responder.refused(f"{path}/pins", {"event": there}) == "bad-request"
    mark = {"milestone": "detected", "event": there}
    assert await responder.refused(f"{path}/milestones", mark) == "bad-request"
    shared = 1  # both have it, and each means its own
    await _noted(responder, incident, "x", evidence=[shared])
    event = await _last(home, incident)
    assert event["data"]["evidence"][0]["event"] == (await home.timeline(incident))[0]["id"]


async def test_evidence_is_named_once_and_bounded(
    home: House, responder: Someone, incident: str
) -> None:
    await _noted(responder, incident, "see these", evidence=[2, 1, 2])
    event = await _last(home, incident)
    assert [one["sequence"] for one in event["data"]["evidence"]] == [2, 1]
    path = f"/v1/incidents/{incident}/notes"
    many = {"text": "x", "evidence": list(range(1, 60))}
    assert await responder.refused(path, many) == "bad-request"


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\u202eevil", "=1+1"])
async def test_words_are_kept_as_they_are_written(
    responder: Someone, incident: str, text: str
) -> None:
    await _noted(responder, incident, text)
    page = await responder.get(f"/v1/incidents/{incident}/timeline")
    assert list(page["entries"][-1]["parts"].values()) == [{"text": text}]


async def test_a_long_note_is_kept_whole_behind_its_beginning(
    responder: Someone, incident: str
) -> None:
    await _noted(responder, incident, "x" * 10_000)
    page = await responder.get(f"/v1/incidents/{incident}/timeline")
    (shown,) = page["entries"][-1]["parts"].values()
    assert shown["text"].startswith("xxx")
    assert shown["text"].endswith("x…")
    assert shown["more"]["size"] == 10_000
    whole = await responder.call("GET", f"/v1/evidence/{shown['more']['artifact']}")
    assert whole.text == "x" * 10_000


async def test_nobody_without_a_part_in_it_writes(approver: Someone, incident: str) -> None:
    path = f"/v1/incidents/{incident}/notes"
    assert await approver.refused(path, {"text": "x"}) == "not-on-incident"


async def test_nothing_of_any_kind_is_added_to_a_sealed_record(
    home: House, responder: Someone, incident: str
) -> None:
    at = f"/v1/incidents/{incident}"
    await responder.post(f"{at}/hypotheses", {"text": "the deploy"})
    await responder.post(f"{at}/close", {"reason": "over"})
    await responder.post(f"{at}/seal")
    before = await home.kinds(incident)
    wanted: dict[str, dict[str, Any]] = {
        "notes": {"text": "x"},
        "hypotheses": {"text": "the disk"},
        "hypotheses/H-1/update": {"confidence": "high"},
        "hypotheses/H-1/close": {"outcome": "refuted", "reason": "it was not"},
        "decisions": {"choice": "wait"},
        "milestones": {"milestone": "resolved", "event": 1},
        "pins": {"event": 1},
        "followups": {"text": "mend it"},
        "views/postmortem": {"items": [{"event": 1}]},
    }
    for path, body in wanted.items():
        assert await responder.refused(f"{at}/{path}", body) == "incident-state", path
    assert await home.kinds(incident) == before


# --- runs --------------------------------------------------------------------------------------


async def _run_note(run: RunAt, kind: str, **more: Any) -> Any:
    place = {"step": "activity", "attempt": 1}
    return await run.call(
        "POST", f"/v1/runs/{run.id}/notes", {**place, "text": "it hangs", "kind": kind, **more}
    )


@pytest.mark.parametrize("kind", ["decision", "answer", "correction"])
async def test_a_run_decides_answers_and_corrects_nothing(
    home: House, run: RunAt, incident: str, kind: str
) -> None:
    answer = await _run_note(run, kind)
    assert answer.json()["code"] == "not-a-person"
    assert f"--kind {kind}" in answer.json()["help"]
    assert f"note.{kind}" not in await home.kinds(incident)


async def test_a_run_marks_pins_and_keeps_no_account(run: RunAt, incident: str) -> None:
    at = f"/v1/incidents/{incident}"
    wanted: dict[str, dict[str, Any]] = {
        "notes": {"text": "x"},
        "hypotheses": {"text": "the disk"},
        "decisions": {"choice": "wait"},
        "milestones": {"milestone": "resolved", "event": 1},
        "pins": {"event": 1},
        "followups": {"text": "mend it"},
        "views/postmortem": {"items": [{"event": 1}]},
    }
    for path, body in wanted.items():
        assert await run.refused(f"{at}/{path}", body) == "not-a-person", path


async def test_a_step_may_note_about_an_answer_that_it_got(
    home: House, run: RunAt, incident: str
) -> None:
    got = await run.post("/v1/queries", run.asks("SELECT 1 AS one", "activity"))
    assert (await _run_note(run, "observation", about=got["event"])).is_success
    event = await _last(home, incident)
    assert event["authid"] == f"run:{run.id}"
    assert event["data"]["evidence"][0]["event"] == got["event"]


async def test_a_step_points_at_no_event_of_another_incident(
    home: House, run: RunAt, responder: Someone
) -> None:
    other = await responder.declares("Another one")
    foreign = (await home.timeline(other))[0]["id"]
    assert (await _run_note(run, "observation", about=foreign)).json()["code"] == "bad-request"
    assert (await _run_note(run, "observation", about="evt_x")).json()["code"] == "bad-request"


async def test_a_step_opens_a_hypothesis_and_asks_a_question(
    run: RunAt, responder: Someone, incident: str
) -> None:
    assert (await _run_note(run, "hypothesis")).is_success
    assert (await _run_note(run, "question")).is_success
    shown = await responder.get(f"/v1/incidents/{incident}/hypotheses")
    assert [(one["id"], one["text"]) for one in shown["hypotheses"]] == [("H-1", "it hangs")]
    sheet = await responder.get(f"/v1/incidents/{incident}/sheet")
    assert [one["text"] for one in sheet["questions"]] == ["it hangs"]
