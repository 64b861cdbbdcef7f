"""The sample in the docs is what the demo exported: it proves itself, and its citations hold."""

import json
import re

import pytest
from house.documents import ROOT
from interlock.export.html_check import page_findings
from interlock.proof.bundle_checks import bundle_findings, files_of

SAMPLE = ROOT / "docs" / "sample"


def test_the_bundle_holds() -> None:
    found = list(bundle_findings(files_of(SAMPLE / "INC-1.bundle.zip")))
    assert [one for one in found if not one.holds] == []
    assert {"length", "checkpoint", "manifest.json"} <= {one.about for one in found}


def test_the_page_holds_word_by_word() -> None:
    found = list(page_findings((SAMPLE / "INC-1.html").read_text("utf-8"), "INC-1"))
    assert [one for one in found if not one.holds] == []


def test_a_changed_word_of_the_page_is_found() -> None:
    page = (SAMPLE / "INC-1.html").read_text("utf-8")
    forged = page.replace("forgot to commit", "never saw it coming")
    assert forged != page
    assert [one for one in page_findings(forged, "INC-1") if not one.holds] != []


def test_every_citation_of_the_markdown_stands_in_the_bundle() -> None:
    text = (SAMPLE / "INC-1.md").read_text("utf-8")
    lines = files_of(SAMPLE / "INC-1.bundle.zip")["timeline.jsonl"].decode().splitlines()
    known = {json.loads(line)["sequence"] for line in lines}
    cited = set(re.findall(r"\[#([0-9]+)\]", text))
    assert len(cited) > 20
    assert cited <= known


@pytest.mark.parametrize("name", ["INC-1.md", "INC-1.html"])
def test_it_reads_as_the_demo_tells_it(name: str) -> None:
    text = (SAMPLE / name).read_text("utf-8")
    for told in ("Checkout hangs", "not-read-only", "nobody is blocked any more", "colleague"):
        assert told in text


def test_every_source_in_the_markdown_is_as_the_bundle_has_it() -> None:
    """A formatter of this repository once laid hands on it."""
    blocks = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
    signed = files_of(SAMPLE / "INC-1.bundle.zip")["postmortem.md"].decode()
    shown = blocks.findall((SAMPLE / "INC-1.md").read_text("utf-8"))
    assert len(shown) > 5
    assert shown == blocks.findall(signed)
