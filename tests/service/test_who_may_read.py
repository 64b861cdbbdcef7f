"""What an approval shows may be production data: only those who belong to it see it."""

from support.house import House, RunAt, Someone


async def test_somebody_without_a_role_reads_no_approval(
    home: House, asked: str, incident: str
) -> None:
    stranger = await home.login("stranger")
    for path in (f"/v1/approvals/{asked}", f"/v1/incidents/{incident}/timeline"):
        assert (await stranger.call("GET", path)).json()["code"] == "not-on-incident"
    assert (await stranger.get("/v1/approvals"))["approvals"] == []


async def test_whoever_is_given_a_part_reads_along(
    home: House, asked: str, incident: str, responder: Someone
) -> None:
    guest = await home.login("guest")
    await responder.post(
        f"/v1/incidents/{incident}/roles", {"person": "guest", "role": "observer"}
    )
    assert (await guest.get(f"/v1/approvals/{asked}"))["id"] == asked
    assert [one["id"] for one in (await guest.get("/v1/approvals"))["approvals"]] == [asked]


async def test_nobody_votes_on_what_only_a_run_was_shown(
    asked: str, run: RunAt, approver: Someone
) -> None:
    shown = await run.prompt(asked)
    answer = await approver.vote(asked, prompt_digest=shown["prompt_digest"])
    assert answer.json()["code"] == "approval-changed"
    assert (await approver.vote(asked)).json()["state"] == "approved"
