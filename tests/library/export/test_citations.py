"""A document against the record: cited, uncited, wrong, destroyed, overtaken."""

import pytest
from interlock.errors import UsageError
from interlock.export import build, render
from interlock.export.citations import Sentence, State, check
from sample_incident import INCIDENT, Part, Story, sample


def states(document: str, story: Story | None = None) -> list[tuple[int, State, tuple[str, ...]]]:
    entries = story.entries if story else sample()
    return [(one.line, one.state, one.about) for one in check(document, entries).sentences]


def only(document: str, story: Story | None = None) -> Sentence:
    [sentence] = check(document, story.entries if story else sample()).sentences
    return sentence


def test_a_sentence_with_a_citation_is_cited_and_one_without_is_unverified() -> None:
    text = "Sessions piled up `[#12]`. It was the deploy.\n"
    assert states(text) == [(1, State.CITED, ()), (1, State.UNVERIFIED, ())]


def test_a_citation_behind_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    text = "Sessions piled up. `[#12]` We ended one backend. [#28]"
    assert [(s.state, s.cites) for s in check(text, sample()).sentences] == [
        (State.CITED, ("12",)),
        (State.CITED, ("28",)),
    ]


def test_an_event_that_is_not_there_is_named() -> None:
    assert states("It was fixed `[#12] [#99]`.") == [(1, State.MISSING, ("99",))]


def test_lines_are_counted_through_paragraphs_lists_tables_and_quotations() -> None:
    text = (
        "# A heading. With a full stop.\n\nOne line\nand another. Then\nmore.\n\n- first\n"
        "- second [#5]\n\n| a | b |\n|---|---|\n| x | `[#2]` |\n\n> quoted\n"
    )
    assert [(line, state) for line, state, _ in states(text)] == [
        (3, State.UNVERIFIED),
        (4, State.UNVERIFIED),
        (7, State.UNVERIFIED),
        (8, State.CITED),
        (12, State.CITED),
        (14, State.UNVERIFIED),
    ]


def test_code_and_places_still_to_be_written_are_no_sentences() -> None:
    text = "```sql\nSELECT 1. FROM x\n~~~\n```\n\n✎ **To write:** who was affected.\n\n---\n"
    assert states(text) == []


def test_an_event_whose_content_was_destroyed_is_redacted() -> None:
    story = Story().tell("note.observation", 0, {"text": Part("a secret")})
    [entry] = story.entries
    [part] = entry.parts
    entry.parts[part] = {"redacted": {"reason": "personal data"}}  # type: ignore[index]  # the sample's own dict
    assert only("She said so `[#1]`.", story).state is State.REDACTED


def test_a_later_attempt_makes_a_sentence_about_an_earlier_one_stale() -> None:
    story = Story()
    for attempt in (1, 2):
        about = {"run": "R-1", "step": "x", "attempt": attempt}
        story.tell("step.started", attempt, about)
        story.tell("step.completed", attempt, about | {"state": "ok"})
    assert only("It failed `[#2]`.", story).about == ("4",)
    assert only("It worked `[#4]`.", story).state is State.CITED


def approval() -> Story:
    story = Story().tell("approval.requested", 0, {"approval": "A-1", "operation": "x"})
    story.tell("approval.approved", 1, {"approval": "A-1", "by": ["colleague"]})
    return story.tell("action.outcome_unknown", 2, {"approval": "A-1"})


def test_a_later_event_about_the_same_approval_makes_a_sentence_stale() -> None:
    found = only("A-1 was approved `[#2]`.", approval())
    assert (found.state, found.about) == (State.STALE, ("3",))
    assert only("A-1 was approved `[#2]`; nobody knows `[#3]`.", approval()).state is State.CITED


def test_what_the_documents_own_export_knew_is_not_new() -> None:
    mark = "<!-- interlock:begin section=numbers until=3 -->\n<!-- interlock:end -->\n"
    text = f"{mark}\nA-1 was approved `[#2]`.\n"
    assert check(text, approval().entries).having(State.STALE) == ()
    later = approval().tell("action.resolved", 3, {"approval": "A-1", "outcome": "failed"})
    [stale] = check(text, later.entries).having(State.STALE)
    assert stale.about == ("4",)


def test_a_correction_makes_a_sentence_stale_however_old_it_is() -> None:
    story = Story().tell("note.observation", 0, {"text": Part("at 10:40")})
    story.tell("note.correction", 1, {"corrects": "1", "text": Part("at 10:45")})
    mark = "<!-- interlock:begin section=numbers until=2 -->\n<!-- interlock:end -->\n"
    [found] = check(f"{mark}\nIt began at 10:40 `[#1]`.", story.entries).sentences
    assert (found.state, found.about) == (State.STALE, ("2",))


def test_a_severity_that_changed_later_makes_a_sentence_stale() -> None:
    assert states("It was sev3 `[#1]`.")[0][1:] == (State.STALE, ("4",))
    assert states("It was sev3 `[#1]`; then sev2 `[#4]`.")[0][1] is State.CITED


def test_what_an_export_wrote_is_told_apart_from_what_a_person_wrote() -> None:
    text = render("md", build(INCIDENT, sample()), marked=True)
    mine = text.replace("## Impact\n", "## Impact\n\nNobody could pay.\n")
    found = check(mine, sample())
    assert [s.text for s in found.having(State.UNVERIFIED) if "pay" in s.text]
    assert not found.having(State.MISSING)
    assert not found.having(State.STALE)
    assert len(found.having(State.EXPORTED)) > 10
    assert (found.until, found.newest) == (37, 37)


def test_a_region_edited_by_hand_is_read_as_a_persons_words() -> None:
    text = render("md", build(INCIDENT, sample()), marked=True)
    forged = text.replace("nothing was redacted or omitted", "everything is proven")
    unverified = check(forged, sample()).having(State.UNVERIFIED)
    assert [s for s in unverified if "everything is proven" in s.text]


def test_damaged_marks_are_refused() -> None:
    with pytest.raises(UsageError, match="line 1"):
        check("<!-- interlock:begin section=timeline -->\n", sample())


def test_leading_zeros_and_long_numbers_cite_no_other_event() -> None:
    assert only("x [#0012]").cites == ("12",)
    assert check("x [#9999999999999999999]", sample()).sentences[0].state is State.UNVERIFIED
