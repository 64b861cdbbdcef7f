"""Pasted into GitHub, Confluence or Notion, data is the text that it was; cases in paste.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.export import build, render
from interlock.export.markdown_text import cell, prose
from markdown_it import MarkdownIt
from markdown_it.token import Token
from sample_incident import INCIDENT, Part, Story

CASES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "paste.toml").read_text("utf-8")
)["case"]
EVERY = pytest.mark.parametrize("case", CASES, ids=[case["text"][:30] for case in CASES])
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

REACTIONS = {
    "a mention": re.compile(r"(?:^|[^\w/])@\w"),
    "a mail address": re.compile(r"[\w.]@\w"),
    "an issue": re.compile(r"(?:^|[^\w&])[\w/-]*[#!]\d|\bGH-\d", re.IGNORECASE),
    "a link": re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,30}:(?://|\S*[(,])|www\.\w"),
    "an emoji": re.compile(r":[a-z+][\w+-]*:", re.IGNORECASE),
    "mathematics": re.compile(r"\$\S[^$]*\$"),
    "a commit": re.compile(r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,40}\b"),
    "a macro": re.compile(r"\{\{|\{[a-z]+[:}]"),
}
"""What the tools look for in running text, written anew: not the pattern of the code tested."""

# A backslash keeps CommonMark's marks from meaning anything, and Confluence's, not these.
OUTSIDE_CODE = [name for name in REACTIONS if name != "a macro"]


def inline(source: str) -> list[Token]:
    return [child for token in PARSER.parse(source) for child in token.children or []]


def squeezed(text: str) -> str:
    return "".join(text.split())


def as_a_paragraph(text: str) -> list[Token]:
    return inline(prose(text))


def as_a_cell(text: str) -> list[Token]:
    tokens = PARSER.parse(f"| a | b |\n|---|---|\n| {cell(text)} | end |\n")
    bodies = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "td_open"]
    assert [body.content for body in bodies][1:] == ["end"]
    return bodies[0].children or []


@EVERY
@pytest.mark.parametrize("place", [as_a_paragraph, as_a_cell])
def test_the_text_shown_is_the_data_and_nothing_else_is_made_of_it(
    case: dict[str, Any], place: Any
) -> None:
    tokens = place(case["text"])
    assert {token.type for token in tokens} <= {"text", "code_inline"}
    assert squeezed("".join(token.content for token in tokens)) == squeezed(
        case.get("shown", case["text"])
    )


@EVERY
def test_nothing_outside_of_code_is_what_a_tool_reacts_to(case: dict[str, Any]) -> None:
    running = " ".join(t.content for t in as_a_paragraph(case["text"]) if t.type == "text")
    made = [name for name in OUTSIDE_CODE if REACTIONS[name].search(running)]
    assert not made, running


@EVERY
def test_a_macro_of_confluence_is_code_or_has_its_brace_escaped(case: dict[str, Any]) -> None:
    source = re.sub(r"`[^`]*`", "", prose(case["text"]))
    assert not re.search(r"(?<!\\)[{}]", source)


def test_the_cases_show_that_the_tools_would_react() -> None:
    """Else the patterns above would find nothing because they look for nothing."""
    found = {name for name, p in REACTIONS.items() for c in CASES if p.search(c["text"])}
    assert found == set(REACTIONS)


pieces = st.sampled_from(
    [*"@#!:$|`*_~<>[](){}\\&-. a1", "@me", "#12", "GH-1", ":tada:", "https://e.example",
     "www.e.example", "$x$", "5a3785e"]
)  # fmt: skip


@given(st.lists(pieces, max_size=10).map("".join))
def test_no_text_is_what_a_tool_reacts_to(text: str) -> None:
    running = "\0".join(t.content for t in as_a_paragraph(text) if t.type == "text")
    made = [name for name in OUTSIDE_CODE if REACTIONS[name].search(running)]
    assert not made, (running, prose(text))


@EVERY
def test_a_whole_document_has_no_link_image_or_html(case: dict[str, Any]) -> None:
    text = case["text"]
    story = Story().tell("incident.declared", 0, {"title": Part(text), "severity": text})
    story.tell("note.observation", 1, {"text": Part(text)}, by=f"person:{text}")
    source = render("md", build({**INCIDENT, "title": text}, story.entries))
    kinds = {token.type for token in inline(source)}
    assert not kinds & {"link_open", "image", "html_inline", "s_open"}
    assert "html_block" not in {token.type for token in PARSER.parse(source)}
    running = "\n".join(token.content for token in inline(source) if token.type == "text")
    assert not [name for name in OUTSIDE_CODE if REACTIONS[name].search(running)]
