"""Data in Markdown stays data: parsed by a CommonMark parser, it is the same text again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.export.markdown_text import cell, code, fence, prose
from interlock.export.text import block, line, trimmed
from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
INERT = {"text", "code_inline", "softbreak"}

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](https://evil.example/p.png)",
    "[click](javascript:alert(1))",
    "[a]: javascript:alert(1)",
    "<https://evil.example>",
    "https://evil.example/?q=1|2",
    "www.evil.example",
    "``` mermaid",
    "~~~",
    "`code` ``more```",
    "| a | b |",
    "a\\|b `c|d`",
    "# heading",
    "Setext\n====",
    "---\ntitle: front matter\n---",
    "- [ ] task",
    "1. one",
    "> quote",
    "<!channel> @everyone @here #12 GH-3",
    ":smile: $x$ $$y$$ &amp; &#64;",
    "{{ template }} {% raw %} [[wiki]]",
    "*b* **b** _i_ __i__ ~~s~~ snake_case",
    "<details open><img src=x onerror=alert(1)>",
    "ends with \\",
    "=cmd|' /C calc'!A0",
    "a\u202eb\x1b[2J\x00\u200b",
]
pieces = st.lists(
    st.sampled_from([*HOSTILE, *"`|\\[]()<>*_~#!@$&;:.{}-+=1a \n\t", "é"]), max_size=12
)
nasty = pieces.map("".join)


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


def said(tokens: list[Token]) -> str:
    return "".join(token.content for token in inline(tokens))


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_sentence_is_only_text(text: str) -> None:
    tokens = PARSER.parse(f"Note: {prose(text)} end")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {token.type for token in inline(tokens)} <= INERT
    assert squeezed(said(tokens)) == squeezed(f"Note: {line(text, 4_000)} end")


@given(nasty)
def test_any_text_in_a_paragraph_of_its_own_reads_back_unchanged(text: str) -> None:
    tokens = PARSER.parse(prose(text))
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {token.type for token in inline(tokens)} <= INERT
    assert squeezed(said(tokens)) == squeezed(line(text, 4_000))


@given(nasty, nasty)
def test_any_text_in_a_table_stays_in_its_cell(left: str, right: str) -> None:
    tokens = PARSER.parse(f"| a | b |\n|---|---|\n| {cell(left)} | {cell(right)} |\n")
    cells = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"]
    assert [squeezed(said([one])) for one in cells] == [
        squeezed(line(left, 4_000)),
        squeezed(line(right, 4_000)),
    ]
    assert {token.type for one in cells for token in one.children or []} <= INERT


@given(nasty)
def test_any_text_in_a_fence_cannot_close_it(text: str) -> None:
    tokens = PARSER.parse("\n".join([*fence(text, "text", 1_000), "", "after"]))
    assert [token.type for token in tokens][:2] == ["fence", "paragraph_open"]
    assert tokens[0].content == block(trimmed(text), 1_000) + "\n"


@given(nasty)
def test_any_text_in_a_code_span_stays_in_it(text: str) -> None:
    shown = inline(PARSER.parse(f"x {code(text)} y"))
    assert {token.type for token in shown} <= INERT


@pytest.mark.parametrize("risk", ["@here", "#12", ":tada:", "https://e.example", "$x$", "GH-1"])
def test_what_github_would_turn_into_something_stands_in_code(risk: str) -> None:
    assert f"`{risk}`" in prose(f"see {risk}, please").replace("`:tada`:", "`:tada:`")


def test_plain_words_stay_plain() -> None:
    said_plainly = "pid 28073 (checkout-worker) blocks 5 sessions for 412 s: 50 % of pg_locks"
    assert prose(said_plainly) == said_plainly
