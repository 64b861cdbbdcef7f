"""Each form against its golden file, and each form complete and inert.

After a wanted change: `INTERLOCK_REWRITE_GOLDEN=1 pytest tests/library/export`, then read the
difference.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from interlock.export import FORMS, build, build_for, document, html, render
from interlock.export.templates import shipped
from interlock.export.text import json_text, visible
from sample_incident import INCIDENT, Part, Story, call, sample

GOLDEN = Path(__file__).parent / "golden"
FORM_NAMES = sorted(FORMS)
CITATION = re.compile(r"\[#(\d+)\]")

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>"
    '"><svg onload=alert(1)> [x](javascript:alert(1)) ![i](https://evil.example/i.png)\n'
    "```\n~~~\n---\n# heading\n<!-- <!channel> @everyone =cmd|'/C calc'!A0\n"
    "</pre></details></style><style>*{background:url(https://evil.example)}</style>\n"
    "\x1b[2J\x00\u202eevil\u200b | a | b |\n```mermaid\ngraph TD\n"
)


def cited(form: str, text: str) -> set[int]:
    if form == "json":
        moments = json.loads(text)["moments"]
    elif form == "jsonl":
        moments = [json.loads(line) for line in text.splitlines()[1:]]
    else:
        return {int(found) for found in CITATION.findall(text)}
    return {int(event) for moment in moments for event in moment["events"]}


@pytest.mark.parametrize("form", FORM_NAMES)
def test_the_sample_reads_as_its_golden_file(form: str) -> None:
    agrees(GOLDEN / f"incident.{form}", render(form, build(INCIDENT, sample())))


@pytest.mark.parametrize("name", ["sre", "pagerduty"])
def test_the_sample_by_a_template_reads_as_its_golden_file(name: str) -> None:
    text = render("md", build(INCIDENT, sample()), template=shipped(name))
    agrees(GOLDEN / f"template-{name}.md", text)


@pytest.mark.parametrize("profile", ["external", "auditor"])
def test_the_sample_for_other_readers_reads_as_its_golden_file(profile: str) -> None:
    text = render("md", build_for(profile, INCIDENT, sample()))
    agrees(GOLDEN / f"profile-{profile}.md", text)


def agrees(golden: Path, text: str) -> None:
    if os.environ.get("INTERLOCK_REWRITE_GOLDEN") == "1":
        golden.write_bytes(text.encode())
    assert text == golden.read_bytes().decode()


@pytest.mark.parametrize("form", sorted({*FORM_NAMES} - {"ipynb"}))
def test_every_event_is_cited_and_no_other(form: str) -> None:
    text = render(form, build(INCIDENT, sample()))
    assert cited(form, text) == set(range(1, len(sample()) + 1))


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif value is not None:
        yield value if isinstance(value, str) else json.dumps(value)


def test_every_recorded_value_stands_in_the_html_and_in_the_json() -> None:
    page = Page(render("html", build(INCIDENT, sample()))).text
    objects = json_text(document(build(INCIDENT, sample())))
    values = {v for e in sample() for part in e.parts.values() for v in leaves(dict(part))}
    # An interval is shown as hours, minutes, seconds; a column's type when pointing at its name.
    # HTML that a cell displayed beside its text is named, not shown.
    wanted = values - {"", "435000000us", "interval", "boolean", "result", "<b>…</b>"}
    assert {v for v in wanted if squeezed(v) not in squeezed(page)} == set()
    assert {v for v in wanted if json.dumps(v, ensure_ascii=False)[1:-1] not in objects} == set()


def squeezed(text: str) -> str:
    return "".join(text.replace("⏎", "").split())


def test_exact_statements_stand_in_the_markdown() -> None:
    text = render("md", build(INCIDENT, sample()))
    for entry in sample():
        part = entry.event["data"].get("statement")
        if part:
            assert entry.parts[part["$part"]]["text"] in text


class Page(HTMLParser):
    """Reads a page as tags, attributes and text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


TAGS = """
html head meta title style body a header main section article h1 h2 h3 p b i em span time
ul ol li dl dt dd div table thead tbody tr th td details summary pre code img
nav label input select option output script
"""
ATTRIBUTES = """
lang charset http-equiv content name href class id datetime aria-hidden aria-label
aria-labelledby role tabindex scope title open src alt
hidden for type value min max step autocomplete selected aria-describedby
data-unit data-event data-since data-place data-type data-id data-run
"""


def hostile_everywhere() -> Story:
    story = Story().tell("incident.declared", 0, {"title": Part(HOSTILE), "severity": HOSTILE})
    result = {"columns": [{"name": HOSTILE, "type": HOSTILE}], "rows": [[HOSTILE]]}
    known = call("activity") | {"target": HOSTILE, "line": HOSTILE, "code": HOSTILE, "rows": 1}
    parts = {"statement": Part(HOSTILE), "message": Part(HOSTILE), "result": Part(result)}
    for kind in ("query.started", "query.completed", "query.denied", "query.failed"):
        story.tell(kind, 1, known | parts, by=f"person:{HOSTILE}")
    bundle = {"text/html": HOSTILE, "image/svg+xml": HOSTILE, "image/png": HOSTILE}
    outputs = [
        {"kind": "stream", "name": HOSTILE, "text": HOSTILE},
        {"kind": "display", "data": bundle},
        {"kind": "result", "mimetype": "text/html", "data": HOSTILE},
        {"kind": "result", "mimetype": HOSTILE, "data": HOSTILE},
    ]
    finding = Part(
        {"status": HOSTILE, "text": HOSTILE, "next": HOSTILE, "data": {HOSTILE: HOSTILE}}
    )
    ended = {"run": HOSTILE, "step": HOSTILE, "attempt": 1, "state": HOSTILE, "finding": finding}
    story.tell("step.completed", 2, ended | {"outputs": Part(outputs), "title": HOSTILE})
    asked = {
        "approval": HOSTILE,
        "operation": HOSTILE,
        "eligible": [HOSTILE],
        "undo": Part(HOSTILE),
    }
    story.tell("approval.requested", 3, asked | {"args": Part({HOSTILE: {"value": HOSTILE}})})
    story.tell(
        "approval.voted", 4, {"approval": HOSTILE, "person": HOSTILE, "reason": Part(HOSTILE)}
    )
    run = {"run": HOSTILE, "runbook": HOSTILE, "host": HOSTILE, "confinement": HOSTILE}
    story.tell("run.started", 5, run | {"params": Part({HOSTILE: HOSTILE})})
    return story.tell(HOSTILE, 6, {HOSTILE: HOSTILE, "more": {HOSTILE: [HOSTILE]}})


def hostile_incident() -> dict[str, Any]:
    return {**INCIDENT, "id": HOSTILE, "title": HOSTILE, "roles": {HOSTILE: HOSTILE}}


def test_hostile_content_adds_no_element_attribute_or_link_to_the_page() -> None:
    page = Page(html(build(hostile_incident(), hostile_everywhere().entries)))
    assert {name for name, _ in page.tags} <= set(TAGS.split())
    assert {key for _, attributes in page.tags for key in attributes} <= set(ATTRIBUTES.split())
    links = [attributes.get("href") or "" for name, attributes in page.tags if name == "a"]
    assert all(re.fullmatch(r"#[A-Za-z0-9?-]+", link) for link in links)
    assert sum(name == "style" for name, _ in page.tags) == 1
    assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize("form", FORM_NAMES)
def test_no_form_writes_a_character_that_cannot_be_seen(form: str) -> None:
    text = render(form, build(hostile_incident(), hostile_everywhere().entries))
    assert visible(text) == text.replace("\r\n", "\n")  # as CSV ends its lines


def test_hostile_content_in_markdown_is_text_and_code_alone() -> None:
    from markdown_it import MarkdownIt  # noqa: PLC0415  only this test parses a whole document

    text = render("md", build(hostile_incident(), hostile_everywhere().entries))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    kinds = {child.type for token in tokens for child in token.children or []}
    assert kinds <= {
        "text",
        "code_inline",
        "softbreak",
        "strong_open",
        "strong_close",
        "em_open",
        "em_close",
    }
    assert {token.info for token in tokens if token.type == "fence"} <= {
        "sql",
        "text",
        "json",
        "python",
    }
    assert "html_block" not in {token.type for token in tokens}


def test_the_page_allows_its_own_style_and_script_by_digest_and_nothing_else() -> None:
    source = html(build(INCIDENT, sample()))
    [css] = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    policy = next(a["content"] for n, a in Page(source).tags if a.get("http-equiv"))
    assert policy == (
        f"default-src 'none'; style-src '{digest(css)}'; img-src data:; "
        f"script-src '{digest(script)}'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert "<" not in css
    assert not re.search(
        r"innerHTML|insertAdjacent|\beval\b|\bfetch\(|import\(|\bon[a-z]+=", script
    )


def digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
).decode()


def output(mimetype: str, data: Any) -> str:
    outputs = [{"kind": "display", "mimetype": mimetype, "data": data}]
    story = Story().tell(
        "step.completed", 0, {"run": "R-1", "step": "x", "outputs": Part(outputs)}
    )
    return html(build(INCIDENT, story.entries))


def test_a_png_is_shown_from_within_the_file() -> None:
    images = [a["src"] for n, a in Page(output("image/png", PNG)).tags if n == "img"]
    assert images == [f"data:image/png;base64,{PNG}"]


@pytest.mark.parametrize(
    ("mimetype", "data"),
    [
        ("image/png", "https://evil.example/i.png"),
        ("image/png", base64.b64encode(b"<svg onload=alert(1)>").decode()),
        ("image/png", PNG[:20]),
        ("image/png", 7),
        ("image/svg+xml", "<svg onload=alert(1)>"),
        ("text/html", "<img src=https://evil.example>"),
    ],
)
def test_what_is_no_png_becomes_no_image(mimetype: str, data: Any) -> None:
    assert "img" not in {name for name, _ in Page(output(mimetype, data)).tags}


@pytest.mark.parametrize("form", ["md", "html"])
def test_a_line_of_five_megabytes_is_cut_and_the_cut_is_said(form: str) -> None:
    outputs = [{"kind": "stream", "name": "stdout", "text": "x" * 5_000_000}]
    story = Story().tell(
        "step.completed", 0, {"run": "R-1", "step": "x", "outputs": Part(outputs)}
    )
    text = render(form, build(INCIDENT, story.entries))
    assert len(text) < 60_000
    assert "more characters" in text


@pytest.mark.parametrize("form", ["md", "html", "json", "jsonl"])
def test_a_note_from_slack_says_who_wrote_it_and_where_it_stands(form: str) -> None:
    address = "https://interlock.slack.test/archives/C01/p1767323045000000"
    where = {"source": "slack", "channel": "C01", "ts": "1767323045.000000"}
    author = {"author": "slack:U0GUEST", "account": "U0GUEST", "handle": Part("anna (approver)")}
    story = Story().tell(
        "note.observation", 0, {"text": Part("the pool is empty"), **where, **author,
                                "permalink": address},
    )  # fmt: skip
    story.tell("note.edited", 1, {"text": Part("nothing happened"), "note": "evt_1", **where})
    story.tell("note.source_deleted", 2, {"note": "evt_1", **where})
    text = render(form, build(INCIDENT, story.entries))
    plain = text.replace("`", "")  # Markdown sets a name that begins with a letter and a colon so
    for shown in (address, "written in Slack by slack:U0GUEST", "not linked", "the pool is empty",
                  "was edited: “nothing happened”", "the note stays"):  # fmt: skip
        assert shown in plain, shown
