"""A bundle proves by itself that an incident's record is complete and unchanged."""

import asyncio
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from interlock.proof import read_key
from interlock.proof.bundle_checks import bundle_findings
from support.bundles import taken, unpacked, wrong
from support.house import House, RunAt, Someone


@pytest.mark.usefixtures("asked")
async def test_all_of_it_holds(responder: Someone, incident: str) -> None:
    files = unpacked(await taken(responder, incident))
    found = list(bundle_findings(files))
    assert [one for one in found if not one.holds] == []
    lines = files["timeline.jsonl"].decode().splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [
        str(number) for number in range(1, len(lines) + 1)
    ]
    assert any(one.about == "length" and f"{len(lines)} events" in one.text for one in found)


async def _run(script: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run it as a reader would, with nothing of ours to import."""
    command = [sys.executable, "-I", str(script), *options]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("asked")
async def test_its_own_verifier_says_the_same_without_interlock(
    responder: Someone, incident: str, tmp_path: Path
) -> None:
    packed = tmp_path / "INC-1.bundle.zip"
    packed.write_bytes(await taken(responder, incident))
    with zipfile.ZipFile(packed) as content:
        content.extractall(tmp_path / "open")
    key = (await responder.get("/v1/log"))["keys"][0]["key"]
    script = tmp_path / "open" / "verify.py"
    assert b"interlock.proof" not in b"".join(
        line for line in script.read_bytes().splitlines() if line.startswith((b"import", b"from"))
    )
    done = await _run(script, "--key", key)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "Everything in it holds" in done.stdout
    assert f"key {read_key(key).id}, which you gave" in done.stdout

    (tmp_path / "open" / "timeline.jsonl").write_bytes(
        (tmp_path / "open" / "timeline.jsonl").read_bytes().replace(b"sev2", b"sev4", 1)
    )
    again = await _run(script)
    assert again.returncode == 1
    assert "event #" in again.stdout


async def test_taking_it_is_itself_an_event_that_states_the_length(
    responder: Someone, incident: str
) -> None:
    first = unpacked(await taken(responder, incident))
    second = unpacked(await taken(responder, incident))
    length = json.loads(first["manifest.json"])["length"]
    assert json.loads(second["manifest.json"])["length"] == length + 1
    last = json.loads(second["timeline.jsonl"].decode().splitlines()[-1])
    assert last["type"] == "log.exported"
    assert last["data"] == {"form": "bundle", "of": incident, "length": length}


async def test_a_stranger_gets_none(home: House, incident: str) -> None:
    stranger = await home.login("stranger")
    for path in ("bundle", "anchored"):
        answer = await stranger.call("GET", f"/v1/incidents/{incident}/{path}")
        assert answer.json()["code"] == "not-on-incident"


async def test_a_run_gets_none(run: RunAt, incident: str) -> None:
    answer = await run.call("GET", f"/v1/incidents/{incident}/bundle")
    assert answer.json()["code"] == "not-a-person"


@pytest.mark.parametrize("name", ["timeline.jsonl", "log.json", "parts.jsonl", "manifest.json"])
async def test_a_file_that_is_missing_or_nonsense_is_named(
    responder: Someone, incident: str, name: str
) -> None:
    files = unpacked(await taken(responder, incident))
    without = {key: value for key, value in files.items() if key != name}
    assert any(name in line for line in wrong(without))
    assert wrong({**files, name: b"\xff{"}) != []
    assert wrong({**files, name: b"[]"}) != []
    assert wrong({**files, name: b""}) != []


async def test_what_is_long_stands_in_a_file_of_its_own(responder: Someone, incident: str) -> None:
    text = "x" * 9_000
    await responder.post(f"/v1/incidents/{incident}/notes", {"text": text})
    files = unpacked(await taken(responder, incident))
    [name] = [name for name in files if name.startswith("evidence/")]
    assert files[name] == text.encode()
    assert wrong(files) == []
    assert any("commits to" in one for one in wrong({**files, name: b"y" * 9_000}))
    without = {key: value for key, value in files.items() if key != name}
    assert any(f"Its file {name} is missing." in one for one in wrong(without))
