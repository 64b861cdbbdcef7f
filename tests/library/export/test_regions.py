"""Marked regions: written again between their marks, and not a byte beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock.errors import UsageError
from interlock.export import build, render
from interlock.export.regions import digest, marked, merge, regions
from sample_incident import INCIDENT, Part, Story, sample

FACTS = {"section": "timeline", "incident": "INC-1", "profile": "internal", "until": "37"}


def region(*lines: str, **facts: str) -> str:
    return "\n".join(marked(FACTS | facts, lines)) + "\n"


def wrong(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        regions(text, "pm.md")
    return str(caught.value)


def test_a_region_says_what_it_is_and_reads_back() -> None:
    [found] = regions(f"mine\n\n{region('| a |', 'x')}\nmine\n", "pm.md")
    assert (found.section, found.begin, found.end) == ("timeline", 3, 8)
    assert dict(found.facts)["until"] == "37"
    assert not found.edited


def test_what_stands_outside_stays_byte_for_byte() -> None:
    before, after = "# Mine \t\r\n\x0c\u2028text", "\n\n   trailing  \n~~~\nno end of line"
    old = f"{before}\n{region('old')}{after}"
    [new] = regions(region("new", until="40"), "export")
    merged = merge(old, "pm.md", [new])
    assert merged.text.startswith(f"{before}\n<!-- interlock:begin")
    assert merged.text.endswith(f"-->\n{after}")
    assert "new" in merged.text
    assert "old" not in merged.text
    assert merged.changed == ("timeline",)


def test_writing_the_same_again_changes_nothing() -> None:
    text = f"a\n{region('x')}b\n"
    assert merge(text, "pm.md", regions(region("x"), "export")).text == text


def test_a_region_edited_by_hand_is_refused_with_its_lines() -> None:
    text = "a\n" + region("one", "two").replace("two", "TWO")
    with pytest.raises(UsageError, match=r"pm.md, lines 2 to 7: edited by hand") as caught:
        merge(text, "pm.md", regions(region("new"), "export"))
    assert caught.value.code == "edited-by-hand"
    assert "--force" in str(caught.value.help)


def test_edits_are_written_over_where_that_was_asked_for_and_it_is_said() -> None:
    text = region("one").replace("one", "ONE")
    merged = merge(text, "pm.md", regions(region("new"), "export"), over_edits="replace")
    assert merged.edited == ("timeline",)
    assert "ONE" not in merged.text


def test_spaces_at_the_end_of_a_line_are_no_edit() -> None:
    [found] = regions(region("one", "two").replace("two", "two  "), "pm.md")
    assert not found.edited


def test_two_lines_by_hand_are_a_place_for_a_section() -> None:
    text = "<!-- interlock:begin section=timeline -->\n<!-- interlock:end -->\nmine\n"
    merged = merge(text, "pm.md", regions(region("new"), "export"))
    assert merged.text == region("new") + "mine\n"


def test_a_place_in_which_somebody_wrote_is_refused() -> None:
    text = "<!-- interlock:begin section=timeline -->\nmy words\n<!-- interlock:end -->\n"
    with pytest.raises(UsageError, match="edited by hand"):
        merge(text, "pm.md", regions(region("new"), "export"))


def test_several_regions_are_written_each_with_its_own() -> None:
    text = f"{region('t')}between\n{region('n', section='numbers')}"
    new = regions(region("T") + region("N", section="numbers"), "export")
    merged = merge(text, "pm.md", new)
    assert merged.text == f"{region('T')}between\n{region('N', section='numbers')}"
    assert set(merged.changed) == {"timeline", "numbers"}


def test_a_region_that_was_not_exported_stays_as_it_is() -> None:
    text = f"{region('t').replace('t', 'T', 0)}{region('n', section='numbers')}"
    merged = merge(text, "pm.md", regions(region("N", section="numbers"), "export"))
    assert merged.text.startswith(region("t"))


@pytest.mark.parametrize("fact", ["incident", "profile"])
def test_another_incident_or_profile_is_not_written_over_it(fact: str) -> None:
    text = region("x", **{fact: "external"})
    with pytest.raises(UsageError, match=f"region is of {fact} external"):
        merge(text, "pm.md", regions(region("new"), "export"), over_edits="replace")


def test_lines_end_as_they_do_in_the_file() -> None:
    text = f"mine\n{region('old')}mine\n".replace("\n", "\r\n")
    merged = merge(text, "pm.md", regions(region("new", "lines"), "export"))
    assert merged.text == f"mine\n{region('new', 'lines')}mine\n".replace("\n", "\r\n")
    assert not regions(merged.text, "pm.md")[0].edited


END = region("x").splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (region("x").replace(END, ""), r"line 1: .* has no end"),
        (f"a\n{END}\n", "line 2: A region ends here, and none began"),
        (f"{region('x')}{END}\n", "line 6: A region ends here"),
        (region("x") + region("y"), "line 6: Section timeline stands in line 1 already"),
        ("<!-- interlock:begin -->\n<!-- interlock:end -->", "line 1: This mark names no section"),
        ("<!-- interlock:begin section=Timeline -->", "line 1: This mark names no section"),
        ("a\n<!--interlock:begin section=timeline-->", "line 2: This looks like a mark"),
        ("  <!-- interlock:begin section=timeline -->", "line 1: This looks like a mark"),
        ("<!-- interlock:begin section=a b -->", "line 1: This looks like a mark"),
        (region("x", region("y", section="numbers")).replace("y", "Y"), "line 4: .* within the"),
    ],
)
def test_damaged_marks_are_refused_with_their_line(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        regions(text, "pm.md")


def test_a_mark_in_what_was_recorded_ends_no_region() -> None:
    evil = "<!-- interlock:end -->\n<!-- interlock:begin section=numbers -->"
    known = region("```", evil, f"<!-- interlock:end {digest(('x',))[7:23]} -->", "```")
    [found] = regions(f"{known}\nmine\n", "pm.md")
    assert not found.edited
    merged = merge(f"{known}mine\n", "pm.md", regions(region("new"), "export"))
    assert merged.text == region("new") + "mine\n"


lines = st.lists(
    st.text(st.sampled_from([*"ab `#|<>-! \t", "\r"]), max_size=6)
    | st.sampled_from(["<!-- interlock:end -->", "<!-- interlock:begin section=x -->", END, ""]),
    max_size=6,
)


@given(lines, lines)
def test_any_section_is_written_over_by_any_other(old: list[str], new: list[str]) -> None:
    text = f"before\n{region(*(old or ['']))}after"
    fresh = regions(region(*(new or [""])), "export")
    merged = merge(text, "pm.md", fresh)
    assert merged.text.startswith("before\n<!-- interlock:begin")
    assert merged.text.endswith("-->\nafter")
    [found] = regions(merged.text, "pm.md")
    assert digest(found.lines) == digest(fresh[0].lines)


def test_a_marked_document_is_all_regions_and_the_authors_own_text() -> None:
    text = render("md", build(INCIDENT, sample()), marked=True)
    found = regions(text, "it")
    assert {"about", "timeline", "approvals", "followups"} <= {r.section for r in found}
    inside = {n for r in found for n in range(r.begin, r.end + 1)}
    own = [line for n, line in enumerate(text.splitlines(), 1) if n not in inside and line]
    assert all(line.startswith(("#", "✎", "What the", "Nothing ran")) for line in own), own


def test_an_empty_section_keeps_its_place_in_a_file_that_is_written_again() -> None:
    story = Story().tell("incident.declared", 0, {"title": Part("x"), "severity": "sev2"})
    first = render("md", build(INCIDENT, story.entries), marked=True)
    later = regions(render("md", build(INCIDENT, sample()), marked=True), "export")
    merged = merge(first, "pm.md", later)
    assert "not-read-only" in merged.text
    assert {int(n) for r in later for n in [r.facts["until"]]} == {37}
