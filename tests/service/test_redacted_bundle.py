"""A bundle taken after a redaction: nothing of it is in there, and all that is left is proven."""

import json

from support.bundles import taken, unpacked, wrong
from support.house import House, RunAt, Someone
from support.large import SECRET, many_rows
from support.traces import pieces_with

WHY = "It holds a customer's password."


async def _asked(home: House, look: RunAt) -> str:
    """Ask what has a thousand rows, a secret in them; return the artifact."""
    home.target.answer = many_rows
    await look.post("/v1/queries", look.asks("SELECT 1"))
    return next(one.id for one in await pieces_with(home, SECRET) if one.part == "result")


async def test_an_artifact_is_in_the_bundle_whole_and_proven_as_its_preview_is(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await _asked(home, look)
    files = unpacked(await taken(responder, incident))
    assert wrong(files) == []
    assert len(json.loads(files[f"evidence/{name}"])["rows"]) == 1_000
    swapped = {**files, f"evidence/{name}": files[f"evidence/{name}"].replace(b"shop", b"shed")}
    assert any("result" in line for line in wrong(swapped))


async def test_after_a_redaction_the_log_verifies_and_the_bundle_says_what_is_left_out(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await _asked(home, look)
    await responder.post(f"/v1/evidence/{name}/redact", {"reason": WHY})
    content = await taken(responder, incident)
    files = unpacked(content)
    assert wrong(files) == []
    assert SECRET.encode() not in b"".join(files.values())
    left = json.loads(files["manifest.json"])["left_out"]
    assert left[name] == f"redacted by responder, 2026-01-02T03:04:05.000Z: {WHY}"
    assert f"evidence/{name}" not in files
