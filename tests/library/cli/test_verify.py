"""`interlock verify` and `interlock log`: what a reader of a record sees, and the exit code."""

import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from desk import Desk
from interlock.export import build, html, page_digest
from sample_incident import INCIDENT, sample
from support import page_proofs, proofs

_EVENTS = proofs.bodies(5)


def _log(
    desk: Desk, events: list[str], entries: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    status: dict[str, Any] = {
        "origin": proofs.ORIGIN,
        "size": len(events),
        "checkpoint": proofs.checkpoint(events),
        "signed_at": "2026-01-02T03:04:05.000Z",
        "keys": [{"id": "x", "key": proofs.KEY, "since": 0, "at": None}],
        "anchors": [],
        "clocks": [{"source": "slack", "offset_s": 2.5, "uncertainty_s": 0.1, "off": True}],
    }
    desk.gateway.routes["GET /v1/log"] = status
    pages = [{"entries": entries or proofs.entries(events)}, {"entries": []}]
    desk.gateway.routes["GET /v1/log/entries"] = lambda _: httpx.Response(200, json=pages.pop(0))
    return status


def _bundle(desk: Desk, content: bytes) -> Path:
    path = desk.cwd / "INC-1.bundle.zip"
    path.write_bytes(content)
    return path


def test_a_bundle_that_holds_says_so_and_what_was_not_compared(desk: Desk) -> None:
    _bundle(desk, proofs.bundled(_EVENTS))
    result = desk.run("verify INC-1.bundle.zip")
    assert result.code == 0
    assert "✔ length: INC-1 had 5 events; the log states it." in result.out
    assert "✔ anchors: Not compared. Give --anchor" in result.out
    assert result.out.endswith("✔ Everything in it holds.\n")
    assert max(map(len, result.out.splitlines())) <= 110


def test_one_that_was_changed_names_what_and_is_an_exit_code_of_its_own(desk: Desk) -> None:
    content = proofs.bundled(_EVENTS)
    changed = [*_EVENTS[:2], _EVENTS[2].replace("note.", "nota."), *_EVENTS[3:]]
    _bundle(desk, content)
    with zipfile.ZipFile(desk.cwd / "INC-1.bundle.zip") as packed:
        packed.extractall(desk.cwd / "open")
    lines = "".join(f"{event}\n" for event in changed[:-1])
    (desk.cwd / "open" / "timeline.jsonl").write_text(lines)
    result = desk.run("verify open")
    assert result.code == 1
    assert "✖ event #3: It is not what the log holds at its place" in result.out
    told = json.loads(desk.run("verify open --json").out)
    assert {"about": "event #3", "holds": False} in [
        {key: one[key] for key in ("about", "holds")} for one in told
    ]


def test_keys_and_checkpoints_of_the_readers_own_are_compared(desk: Desk) -> None:
    _bundle(desk, proofs.bundled(_EVENTS))
    (desk.cwd / "kept.txt").write_text(f"from Slack:\n\n{proofs.checkpoint(_EVENTS)}")
    result = desk.run(f"verify INC-1.bundle.zip --key {proofs.KEY} --anchor kept.txt")
    assert result.code == 0
    assert "which you gave" in result.out
    assert "✔ anchor of 6 events: The log of this bundle goes on from it." in result.out
    other = proofs.checkpoint(proofs.bodies(5, "INC-2"))
    (desk.cwd / "kept.txt").write_text(other)
    assert desk.run("verify INC-1.bundle.zip --anchor kept.txt").code == 1


def test_the_whole_log_holds(desk: Desk) -> None:
    _log(desk, _EVENTS)
    result = desk.run("verify --log")
    assert result.code == 0, result.out + result.err
    assert "✔ checkpoint: The first 6 events are those that key" in result.out
    assert "The gateway itself named" in result.out


def test_an_event_of_the_log_that_was_changed_is_named(desk: Desk) -> None:
    entries = proofs.entries(_EVENTS)
    entries[3]["body"] = entries[3]["body"].replace("note.", "nota.")
    _log(desk, _EVENTS, entries)
    result = desk.run("verify --log")
    assert result.code == 1
    assert "✖ event 3 of the log: It is not what was put into the tree" in result.out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("verify", "Name a bundle or a page, ask for the whole log"),
        ("verify INC-1.bundle.zip --log", "Name a bundle or a page, ask for the whole log"),
        ("verify --doc postmortem.md", "name a document and its incident"),
        ("verify -i INC-1 INC-1.bundle.zip", "name a document and its incident"),
        ("verify nothing.zip", "There is no "),
        ("verify --log --key nonsense", "is no log's key"),
        ("verify --log --anchor nothing.txt", "cannot be read"),
    ],
)
def test_misuse_says_what_to_write(desk: Desk, line: str, told: str) -> None:
    result = desk.run(line)
    assert (result.code, result.out) == (2, "")
    assert told in result.err


def test_what_is_no_bundle_is_said(desk: Desk) -> None:
    _bundle(desk, b"PK nonsense")
    result = desk.run("verify INC-1.bundle.zip")
    assert result.code == 2
    assert "cannot be read as a bundle" in result.err


def test_the_log_says_how_far_it_is_anchored(desk: Desk) -> None:
    status = _log(desk, _EVENTS)
    result = desk.run("log")
    assert proofs.KEY in result.out
    assert "It is anchored nowhere" in result.err
    assert "✖ slack +2.500 s ± 0.100" in result.out
    at = "2026-01-02T03:04:05.000Z"
    status["anchors"] = [
        {"anchor": "file", "size": 6, "at": at, "receipt": "f at byte 0", "trouble": ""},
        {"anchor": "slack", "size": 5, "at": at, "receipt": "", "trouble": ""},
        {"anchor": "share", "size": 0, "at": None, "receipt": "", "trouble": "away"},
    ]
    result = desk.run("log")
    assert "file: up to event 6 at 2026-01-02T03:04:05.000Z" in result.out
    assert "slack: up to event 5 at 2026-01-02T03:04:05.000Z" in result.out
    assert "share: ✖ away" in result.out
    assert "anchored nowhere" not in result.err


def test_a_new_key_is_shown_to_be_published(desk: Desk) -> None:
    made = {"id": "77e5e260", "key": proofs.KEY, "since": 6, "at": None}
    desk.gateway.routes["POST /v1/log/key"] = made
    result = desk.run("log rotate-key 'the old one was lost'")
    assert "✔ Key 77e5e260 signs from event 6 on." in result.out
    assert proofs.KEY in result.out


def _page(desk: Desk, page: str) -> None:
    (desk.cwd / "INC-1.html").write_text(page, encoding="utf-8")


def test_a_page_is_checked_from_its_text_and_a_changed_word_is_named(desk: Desk) -> None:
    told = build(INCIDENT, sample())
    page = html(told, proof=page_proofs.proof(sample(), page=page_digest(told)))
    _page(desk, page)
    result = desk.run(f"verify INC-1.html --key {page_proofs.public()}")
    assert result.code == 0
    assert "✔ text: Every word is what the log states was exported." in result.out
    _page(desk, page.replace("blocks 5 sessions", "blocks 6 sessions", 1))
    result = desk.run("verify INC-1.html")
    assert result.code == 1
    assert "✖ event 13: What is shown is not what was exported." in result.out


def test_a_page_without_a_proof_proves_nothing(desk: Desk) -> None:
    _page(desk, html(build(INCIDENT, sample())))
    result = desk.run("verify INC-1.html")
    assert result.code == 1
    assert "It carries no proof that can be read" in result.out
