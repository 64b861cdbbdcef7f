"""Where an incident stands: computed from the record, and kept with each handover."""

from support.house import House, RunAt, Someone


async def test_whoever_takes_over_is_told_what_is_open(
    run: RunAt, responder: Someone, approver: Someone, incident: str
) -> None:
    at = f"/v1/incidents/{incident}"
    finding = {"status": "bad", "text": "pid 4711 blocks 5", "next": "terminate"}
    end = {"state": "bad", "elapsed_ms": 5, "finding": finding}
    await run.post(f"/v1/runs/{run.id}/steps/activity/1/end", end)
    await responder.post(f"{at}/hypotheses", {"text": "the deploy holds it"})
    await responder.post(f"{at}/hypotheses", {"text": "the disk is full"})
    ended = {"outcome": "refuted", "reason": "40 GB are free"}
    await responder.post(f"{at}/hypotheses/H-2/close", ended)
    asked = await responder.post(f"{at}/notes", {"text": "who deployed?", "kind": "question"})
    await responder.post(f"{at}/notes", {"text": "why now?", "kind": "question"})
    await responder.post(f"{at}/notes", {"text": "ann", "answers": asked["sequence"]})
    await responder.post(f"{at}/followups", {"text": "limit the pool"})
    await run.starts("terminate")
    await run.post("/v1/actions", run.wishes())

    now = await responder.get(f"{at}/sheet")
    await approver.post(f"{at}/take")

    entry = (await responder.get(f"{at}/timeline"))["entries"][-1]
    assert entry["event"]["type"] == "incident.handover"
    kept = entry["parts"][entry["event"]["data"]["sheet"]["$part"]]["json"]
    assert kept == now
    assert [one["hypothesis"] for one in kept["hypotheses"]] == ["H-1"]
    assert [one["text"] for one in kept["questions"]] == ["why now?"]
    assert [one["approval"] for one in kept["waiting"]] == ["A-1"]
    assert [one["text"] for one in kept["follow_ups"]] == ["limit the pool"]
    assert [one["text"] for one in kept["findings"]] == ["pid 4711 blocks 5"]
    assert all(one["sequence"] for one in kept["hypotheses"] + kept["findings"])
    assert (kept["unknown"], kept["left_out"]) == ([], {})


async def test_a_long_list_is_cut_and_says_so(responder: Someone, incident: str) -> None:
    at = f"/v1/incidents/{incident}"
    for number in range(23):
        await responder.post(f"{at}/notes", {"text": f"why {number}?", "kind": "question"})
    await responder.post(f"{at}/followups", {"text": "x" * 10_000})
    sheet = await responder.get(f"{at}/sheet")
    assert len(sheet["questions"]) == 20
    assert sheet["left_out"] == {"questions": 3}
    assert len(sheet["follow_ups"][0]["text"]) == 300


async def test_a_stranger_is_not_told(home: House, incident: str) -> None:
    stranger = await home.login("stranger")
    answer = await stranger.call("GET", f"/v1/incidents/{incident}/sheet")
    assert answer.json()["code"] == "not-on-incident"
