"""Whoever changes a bundle is found out, by exactly what they changed.

The attacker here holds the bundle and nothing else. One who holds the log's key as well can write
another log; the last tests show what finds that out, and what cannot.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interlock.proof import note_of, read_checkpoint, read_key
from interlock.proof.bundle import bundle
from interlock.proof.bundle_checks import bundle_findings
from interlock_gateway.adapters.log_keys import LogKeys
from support.bundles import Files, lines_of, taken, unpacked, with_json, with_lines, wrong
from support.house import Someone


@pytest.fixture
async def files(asked: str, responder: Someone, incident: str) -> Files:
    """A bundle of an incident in which something was asked for and noted."""
    await responder.post(f"/v1/incidents/{incident}/notes", {"text": "CPU is flat"})
    await responder.post(f"/v1/incidents/{incident}/notes", {"text": "it was the deploy"})
    found = unpacked(await taken(responder, incident))
    assert wrong(found) == []
    assert asked.encode() in found["timeline.jsonl"]
    return found


def _relisted(files: Files) -> Files:
    """Return the bundle with a manifest that fits its files; nobody signed it."""

    def change(manifest: Any) -> None:
        for name in manifest["files"]:
            if name in files:
                manifest["files"][name]["sha256"] = hashlib.sha256(files[name]).hexdigest()

    return with_json(files, "manifest.json", change)


def test_an_edited_event_is_named(files: Files) -> None:
    lines = lines_of(files)
    lines[2] = lines[2].replace("person:", "person:not-")
    found = wrong(with_lines(files, lines))
    assert "event #3: It is not what the log holds at its place: its text was changed." in found


def test_it_is_named_even_where_the_files_are_listed_anew(files: Files) -> None:
    lines = lines_of(files)
    lines[2] = lines[2].replace("person:", "person:not-")
    found = wrong(_relisted(with_lines(files, lines)))
    assert any(one.startswith("event #3: ") for one in found)
    assert any(one.startswith("manifest.json: ") for one in found)
    assert not any(one.startswith("event #4") for one in found)


def test_a_dropped_event_is_named(files: Files) -> None:
    lines = lines_of(files)
    del lines[4]
    assert "event #5: It is missing." in wrong(with_lines(files, lines))


def test_a_cut_tail_is_named(files: Files) -> None:
    lines = lines_of(files)
    found = wrong(with_lines(files, lines[:-2]))
    assert f"event #{len(lines)}: It is missing." in found
    assert f"event #{len(lines) - 1}: It is missing." in found


def test_a_cut_tail_with_a_shorter_length_is_found_out_by_the_stated_one(files: Files) -> None:
    lines = lines_of(files)
    shorter = with_lines(files, lines[:-2])

    def change(block: Any) -> None:
        block["events"] = block["events"][:-2]
        block["length"] -= 2

    found = wrong(_relisted(with_json(shorter, "log.json", change)))
    assert any(one.startswith("length: The log does not say that") for one in found)


def test_swapped_events_are_named(files: Files) -> None:
    lines = lines_of(files)
    lines[1], lines[2] = lines[2], lines[1]
    assert "timeline: The events are not in the order of their numbers." in wrong(
        with_lines(files, lines)
    )


def test_events_that_swapped_their_numbers_are_named(files: Files) -> None:
    lines = lines_of(files)
    one, other = lines[1], lines[2]
    lines[1] = other.replace('"sequence":"3"', '"sequence":"2"')
    lines[2] = one.replace('"sequence":"2"', '"sequence":"3"')
    found = wrong(with_lines(files, lines))
    assert {"event #2", "event #3"} <= {one.partition(":")[0] for one in found}


def test_an_inserted_event_is_named(files: Files) -> None:
    lines = lines_of(files)
    number = len(lines) + 1
    made = json.loads(lines[-1]) | {"sequence": str(number), "id": "evt_made"}
    found = wrong(with_lines(files, [*lines, json.dumps(made)]))
    assert any("timeline" in one or f"#{number}" in one or "event #0" in one for one in found)


def test_an_event_of_another_incident_is_named(files: Files) -> None:
    """Its place in the log and its path are right; it is not of this incident."""
    lines = lines_of(files)
    block = json.loads(files["log.json"])
    stated = block["also"][0]
    lines[0] = stated["body"].replace('"incident":"INC-1"', '"incident":"INC-2"')
    assert any(one.startswith("event #") for one in wrong(with_lines(files, lines)))


def _with_parts(files: Files, change: Callable[[dict[str, dict[str, Any]]], None]) -> Files:
    """Return the bundle with its parts changed, given by their texts."""
    parts = [json.loads(line) for line in files["parts.jsonl"].decode().splitlines()]
    named = {part["text"]: part for part in parts if "text" in part}
    change(named)
    lines = "".join(f"{json.dumps(part)}\n" for part in parts if part)
    return {**files, "parts.jsonl": lines.encode()}


def test_a_changed_part_is_named_with_its_event(files: Files) -> None:
    found = wrong(
        _with_parts(files, lambda parts: parts["CPU is flat"].update(text="CPU is high"))
    )
    assert any("text: It is not what the event commits to" in one for one in found)
    assert "parts.jsonl: The file is not what the manifest lists: it was changed." in found


def test_swapped_parts_are_named_even_where_the_files_are_listed_anew(files: Files) -> None:
    def change(parts: dict[str, dict[str, Any]]) -> None:
        one, other = parts["CPU is flat"], parts["it was the deploy"]
        one["id"], other["id"] = other["id"], one["id"]

    named = [text for text in wrong(_relisted(_with_parts(files, change))) if "commits to" in text]
    assert len(named) == 2


def test_a_part_that_is_gone_without_a_word_is_named(files: Files) -> None:
    found = wrong(_relisted(_with_parts(files, lambda parts: parts["CPU is flat"].clear())))
    assert any("It is missing, and nothing says why" in one for one in found)


def test_a_salt_that_was_changed_with_its_part_helps_nobody(files: Files) -> None:
    salt = base64.b64encode(bytes(32)).decode()

    def change(parts: dict[str, dict[str, Any]]) -> None:
        parts["CPU is flat"].update(text="CPU is high", salt=salt)

    assert any("commits to" in one for one in wrong(_relisted(_with_parts(files, change))))


def test_an_added_file_is_named(files: Files) -> None:
    added = {**files, "evidence/more.txt": b"believe me"}
    assert "evidence/more.txt: The manifest does not list this file: it was added." in wrong(added)


@pytest.mark.parametrize("name", ["postmortem.md", "postmortem.html", "verify.py", "README.txt"])
def test_a_changed_document_is_named(files: Files, name: str) -> None:
    changed = {**files, name: files[name] + b" nothing happened"}
    assert f"{name}: The file is not what the manifest lists: it was changed." in wrong(changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda block: block.update(checkpoint=block["checkpoint"].replace("\n", "0\n", 1)),
        lambda block: block.update(nodes=["A" * 43 + "="] * len(block["nodes"])),
        lambda block: block.update(keys=[]),
        lambda block: block.update(schema="interlock-proof/v0"),
        lambda block: block.update(statement=0),
        lambda block: block.update(also=[]),
        lambda block: block.update(length=-1),
        lambda block: block.update(length="many"),
        lambda block: block["events"][0].update(path=[10**9]),
        lambda block: block["events"][0].update(logindex=10**18),
        lambda block: block.update(events="none"),
        lambda block: block.update(growth=None),
        lambda block: block.update(rotations=["", ""]),
    ],
)
def test_a_proof_that_was_touched_proves_nothing(
    files: Files, change: Callable[[Any], None]
) -> None:
    assert wrong(_relisted(with_json(files, "log.json", change))) != []


def test_a_key_of_the_attackers_own_is_not_the_one_that_the_reader_knows(
    files: Files, tmp_path: Path
) -> None:
    """Everything is signed anew with another key, under the same name; it holds by itself."""
    block = json.loads(files["log.json"])
    real = read_key(block["keys"][0])
    keys = LogKeys(tmp_path / "own")
    text = keys.make(real.name)
    forged = read_key(text)
    body = block["checkpoint"].partition("\n\n")[0] + "\n"
    block |= {"keys": [text], "checkpoint": note_of(body, keys.sign(forged.id, body))}
    content = {
        **{name: one for name, one in files.items() if not name.startswith("manifest")},
        "log.json": json.dumps(block).encode(),
    }
    for made in ("README.txt", "verify.py"):
        del content[made]
    manifest = json.loads(files["manifest.json"])
    about = {name: manifest[name] for name in ("incident", "length", "checkpoint", "left_out")}
    packed = unpacked(bundle(content, about, lambda one: note_of(one, keys.sign(forged.id, one))))
    assert wrong(packed) == []
    found = [one for one in bundle_findings(packed, [real]) if not one.holds]
    assert {one.about for one in found} >= {"checkpoint", "manifest.json"}


def test_a_log_rewritten_with_the_stolen_key_is_found_out_by_an_anchor_alone(
    files: Files,
) -> None:
    """The bundle holds by itself; what somebody else kept says that it is another log."""
    block = json.loads(files["log.json"])
    said = read_checkpoint(block["checkpoint"])
    elsewhere = block["checkpoint"]
    assert [one for one in bundle_findings(files, outside=elsewhere) if not one.holds] == []
    root = base64.b64encode(said.root).decode()
    other = elsewhere.replace(root, base64.b64encode(bytes(32)).decode())
    found = [one for one in bundle_findings(files, outside=other) if not one.holds]
    assert [one.about for one in found] == [f"anchor of {said.size} events"]


def test_a_file_without_any_checkpoint_is_no_anchor(files: Files) -> None:
    found = [one for one in bundle_findings(files, outside="nothing") if not one.holds]
    assert [one.about for one in found] == ["anchors"]
