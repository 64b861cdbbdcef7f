"""Templates: what they may say, what is refused with its line, and what never gets out of hand."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.errors import UsageError
from interlock.export import build, render
from interlock.export.templates import NAMES, SHIPPED, WORDS, Template, parse, shipped
from markdown_it import MarkdownIt
from sample_incident import INCIDENT, Part, Story, sample

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def filled(text: str, title: str = "Checkout stalls", **options: Any) -> str:
    story = Story().tell("incident.declared", 0, {"title": Part(title), "severity": "sev2"})
    about = {**INCIDENT, "title": title}
    template = parse(text, "ours")
    return render("md", build(about, story.entries), template=template, **options)


def refused(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(text, "ours")
    assert caught.value.code == "template-invalid"
    return str(caught.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_template_has_every_section_and_cites_every_event(name: str) -> None:
    template = shipped(name)
    assert set(template.sections()) == set(NAMES)
    text = render("md", build(INCIDENT, sample()), template=template)
    assert {int(n) for n in re.findall(r"\[#(\d+)\]", text)} == set(range(1, len(sample()) + 1))
    assert "Not in this template" not in text


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_template_leaves_no_heading_without_anything_below_it(name: str) -> None:
    text = render("md", build(INCIDENT, []), template=shipped(name))
    lines = [line for line in text.splitlines() if line]
    for line, after in zip(lines, [*lines[1:], "## the end"], strict=True):
        level, below = len(line) - len(line.lstrip("#")), len(after) - len(after.lstrip("#"))
        assert not level or not below or below > level, line


def test_words_are_filled_in_and_escaped() -> None:
    text = filled("# {{ id }}: {{ title }}\n{{ section about }}\n", title="<b> @all #12 *x*")
    assert text.splitlines()[0] == "# INC-1: `<b>` `@all` `#12` \\*x\\*"


def test_words_in_a_table_stay_in_their_cell() -> None:
    text = filled("| {{ title }} | x |\n|---|---|\n\n{{ section about }}\n", title="a | b")
    tokens = PARSER.parse(text)
    assert sum(token.type == "th_open" for token in tokens) == 2


def test_lines_are_kept_only_where_a_section_says_something() -> None:
    text = (
        "{{ section about }}\n{{ when refused }}\n## Refused\n{{ section refused }}\n{{ end }}\n"
    )
    assert "## Refused" not in filled(text)
    assert "none" in filled("{{ section about }}\n{{ unless refused }}\nnone\n{{ end }}\n")


def test_what_a_template_leaves_out_stands_at_the_top() -> None:
    text = filled("{{ section about }}\n")
    assert "> - **Not in this template:** people, timeline" in text


def test_what_is_filled_in_is_never_read_as_a_template() -> None:
    text = filled("{{ section about }}\n\n{{ title }}\n", title="{{ section audit }} {{ id }}")
    assert "`{{` section audit" in text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{{ section timelime }}", "no section 'timelime'"),
        ("{{ titel }}", "no word 'titel'"),
        ("{{ section timeline }} and more", "surround a word, or stand alone"),
        ("{{ title | upper }}", "surround a word"),
        ("{{ title.__class__ }}", "surround a word"),
        ("{{ incident.commander }}", "surround a word"),
        ("{% include '/etc/passwd' %} {{ id", "surround a word"),
        ("{{ section }}", "{{ end }}, or {{ section NAME }}"),
        ("{{ end }}", "Nothing is open here"),
        ("{{ when refused }}", "no {{ end }}"),
        ("<b>{{ id }}</b>", "HTML is not used"),
        ("<!-- interlock:begin section=timeline -->", "HTML is not used"),
        ("<https://example.org>", "HTML is not used"),
        ("`{{ title }}`", "between spaces or punctuation"),
        ("[{{ title }}](https://example.org)", "between spaces or punctuation"),
        ("[x](https://example.org/{{ id }})", "between spaces or punctuation"),
        ("@{{ commander }}", "between spaces or punctuation"),
        ("#{{ severity }}", "between spaces or punctuation"),
        ("www.{{ id }}", "between spaces or punctuation"),
        ("{{ id }}{{ title }}", "between spaces or punctuation"),
        ("$ {{ title }} $", "between spaces or punctuation"),
        ("    {{ title }}", "within a code block"),
        ("```\n{{ title }}\n```", "within a code block"),
        ("```\n{{ section timeline }}\n```", "within a code block"),
        ("```", "not closed"),
        ("~~~\n```", "not closed"),
        ("{{ section about }}", "stands in line 1 already"),
        ("{{ when refused }}\n{{ when runs }}\n{{ end }}\n{{ end }}", "has no {{ end }} yet"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(line: str, why: str) -> None:
    told = refused(f"{{{{ section about }}}}\n{line}\n")
    assert why in told
    assert re.match(r"exports/ours\.md, line [2-5]: ", told)


def test_a_template_without_the_section_about_is_refused() -> None:
    assert "no {{ section about }}" in refused("{{ section timeline }}\n")
    assert "outside of" in refused("{{ when runs }}\n{{ section about }}\n{{ end }}\n")


def test_a_template_that_is_too_long_is_refused() -> None:
    assert "longer than" in refused("{{ section about }}\n" + "x" * 60_000)
    assert "longer than" in refused("{{ section about }}\n" + "\n" * 2_000)


nasty = st.lists(
    st.sampled_from(
        [*"`|\\[]()<>*_~#!@$&;:.{}-+=1a \n", "{{ title }}", " {{ id }} ", "{{ section runs }}\n",
         "\n{{ when runs }}\n", "\n{{ end }}\n", "```", "](", "<!--"]
    ),
    max_size=10,
)  # fmt: skip
HOSTILE = "<script>x</script> @all #12 `` ](javascript:1) | *b* $x$"


@given(
    nasty.map("".join), st.sampled_from([HOSTILE, "]( ", "`", "> x", "- x", "www.evil.example"])
)
def test_no_template_turns_data_into_markup(text: str, title: str) -> None:
    try:
        template = parse("{{ section about }}\n\n" + text, "ours")
    except UsageError:
        return
    data = shown(template, title)
    assert data - shown(template, "quite harmless") <= {"code_inline", "text"}


def shown(template: Template, title: str) -> set[str]:
    story = Story().tell("incident.declared", 0, {"title": Part(title), "severity": "sev2"})
    made = render("md", build({**INCIDENT, "title": title}, story.entries), template=template)
    tokens = PARSER.parse(made)
    kinds = {child.type for token in tokens for child in token.children or []}
    return kinds | {token.type for token in tokens}


def test_the_words_are_those_that_are_documented() -> None:
    line = " ".join(f"{{{{ {word} }}}}" for word in WORDS)
    assert "{{" not in filled(f"{{{{ section about }}}}\n\n{line}\n")
