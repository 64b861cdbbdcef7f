"""Whatever a target or a stranger wrote, an exported page shows it as data and does nothing."""

import re
from pathlib import Path

import pytest
from interlock.export import build, html, page_digest
from interlock.export.text import visible
from playwright.sync_api import Browser, expect
from sample_incident import INCIDENT, Part, Story, sample
from support.exported import opened, tools, verdict
from support.hostile import CASES, incident, planted
from support.page_proofs import proof

pytestmark = pytest.mark.browser

ELEMENTS = "script,iframe,object,embed,form,link,base,svg,video,audio,math,template,img"
OURS = 4
"""The three blocks of data and the script at the end of the page."""


@pytest.mark.parametrize("case", CASES)
def test_what_is_hostile_is_shown_as_data_in_every_field_and_does_nothing(
    browser: Browser, tmp_path: Path, case: str
) -> None:
    text = CASES[case]
    entries = planted(text)
    hostile = build(incident(text), entries)
    source = html(hostile, proof=proof(entries, page=page_digest(hostile)))
    with opened(browser, tmp_path, source) as seen:
        page = tools(seen.page)
        assert page.title().startswith("INC-1")
        assert page.evaluate("window.owned") is None
        assert page.locator(ELEMENTS).count() == OURS
        links = page.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert all(re.fullmatch(r"#[A-Za-z0-9?-]+", link) for link in links)
        assert squeezed(visible(text)) in squeezed(page.locator("#timeline").inner_text())
        page.locator("#known").fill(str(len(entries) // 2))
        expect(page.locator("#then")).to_contain_text("As it was known")
        page.locator("#known").fill(str(len(entries)))
        expect(page.locator("#then")).to_have_text("")
        said = verdict(page)
        assert "Every word shown is what the log states was exported." in said
        assert "differs" not in said


def squeezed(text: str) -> str:
    return "".join(text.replace("⏎", "").replace("⇥", "").split())


def test_lines_of_five_megabytes_are_cut_and_open_at_once(
    browser: Browser, tmp_path: Path
) -> None:
    story = Story(sample())
    endless = "A" * 5_000_000
    outputs = [{"kind": "stream", "name": "stdout", "text": endless}]
    story.tell("note.observation", 200, {"text": Part(endless)})
    story.tell("step.completed", 201, {"run": "R-1", "step": "x", "outputs": Part(outputs)})
    story.tell("query.denied", 202, {"statement": Part(endless), "code": endless, "line": endless})
    source = html(build({**INCIDENT, "title": endless}, story.entries))
    assert len(source) < 1_000_000
    with opened(browser, tmp_path, source) as seen:
        assert "more characters" in seen.page.locator("#timeline").inner_text()
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
