"""A run is what was asked for, and its record says no more of it than the gateway knows."""

import pytest
from support.house import House, Someone


async def test_a_key_starts_one_run_and_never_hands_out_another(
    responder: Someone, incident: str
) -> None:
    body = {"incident": incident, "runbook": "small", "key": "k"}
    await responder.post("/v1/runs", body)
    other = await responder.declares("Another one")
    for changed in ({"incident": other}, {"runbook": ""}):
        assert await responder.refused("/v1/runs", body | changed) == "idempotency-conflict"


async def test_a_curated_run_has_no_other_notebook_beside_it(
    responder: Someone, incident: str
) -> None:
    body = {"incident": incident, "runbook": "small", "notebook": "something else"}
    assert await responder.refused("/v1/runs", body) == "bad-request"


@pytest.mark.parametrize("claim", [{"kind": "agent"}, {"confinement": "landlock"}])
async def test_a_person_cannot_claim_an_agent_or_a_confinement_that_there_is_not(
    home: House, responder: Someone, incident: str, claim: dict[str, str]
) -> None:
    body = {"incident": incident, "runbook": "small", "runner": claim}
    assert await responder.refused("/v1/runs", body) == "bad-request"
    assert "run.started" not in await home.kinds(incident)
