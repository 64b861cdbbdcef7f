"""A document checked against the record: lines, reasons, exit codes."""

import json
from typing import Any

import pytest
from cyclopts import App
from desk import Desk, Result
from interlock.cli import entry as entering
from interlock.cli.app import VERBS
from interlock.cli.verify_doc import verify_document
from interlock.export import build, render
from sample_incident import INCIDENT, sample


@pytest.fixture
def reader(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with the verb, whoever registers it."""
    verb = App(exit_on_error=False, print_error=False, result_action="return_value")
    verb.command(verify_document, name="check-doc")
    monkeypatch.setattr(entering, "app", verb)
    monkeypatch.setitem(VERBS, "check-doc", "verify_doc:verify_document")
    entries = [{"event": entry.event, "parts": entry.parts} for entry in sample()]
    desk.gateway.routes["GET /v1/incidents/INC-1/timeline"] = {"entries": entries}
    return desk


def checked(desk: Desk, text: str, more: str = "") -> Result:
    (desk.cwd / "pm.md").write_text(text, "utf-8")
    return desk.run(f"check-doc pm.md INC-1 {more}")


def test_what_an_export_wrote_holds(reader: Desk) -> None:
    done = checked(reader, render("md", build(INCIDENT, sample()), marked=True))
    assert done.code == 0
    assert "It knows events up to 37. The record ends at 37." in done.out


def test_each_wrong_sentence_stands_with_its_line_and_the_events(reader: Desk) -> None:
    done = checked(reader, "# x\n\nIt broke `[#99]`.\n\nWe think so.\n\nIt was sev3 `[#1]`.\n")
    assert done.code == 3
    assert "pm.md:3: cites an event that is not there ([#99]): It broke" in done.out
    assert "pm.md:5: unverified: We think so." in done.out


def test_an_uncited_sentence_alone_is_unverified_and_not_wrong(reader: Desk) -> None:
    assert checked(reader, "We think so.\n").code == 0


def test_programs_get_it_as_json(reader: Desk) -> None:
    value: dict[str, Any] = json.loads(checked(reader, "It broke `[#99]`.\n", "--json").out)
    assert value["sentences"][0]["about"] == ["99"]
    assert value["newest"] == 37


def test_a_file_that_is_not_there_is_said(reader: Desk) -> None:
    assert reader.run("check-doc nowhere.md INC-1").code == 2
