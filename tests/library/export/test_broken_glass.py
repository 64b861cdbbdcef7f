"""Broken glass in a record: told wherever an approval is told, with what is owed for it."""

import json

import pytest
from interlock.export import Postmortem, Tone, build, html, markdown, render
from sample_incident import INCIDENT, Part, Story, sample

WHY = "Nobody of the dbas answers; checkout is down"
BREAK = {
    "approval": "A-2",
    "person": "you",
    "requester": "you",
    "own_request": True,
    "told": ["approver", "colleague"],
    "reason": Part(WHY),
}


def story(*, answered: bool = False) -> Postmortem:
    told = Story(sample())
    asked = {"approval": "A-2", "operation": "pg.vacuum", "target": "orders", "requester": "you"}
    told.tell("approval.requested", 200, asked)
    told.tell("approval.glass_broken", 230, BREAK)
    granted = {"approval": "A-2", "by": ["you"], "break_glass": True, "after_s": 30.0}
    told.tell("approval.approved", 230, granted, by="system")
    owed = {"followup": "F-1", "approval": "A-2", "owner": "you", "text": Part("Was it right?")}
    told.tell("followup.opened", 230, owed)
    if answered:
        closed = {"followup": "F-1", "approval": "A-2", "person": "colleague"}
        told.tell("followup.closed", 900, closed | {"answer": Part("Yes; pagers mended")})
    return build(INCIDENT, told.entries)


def test_the_timeline_says_who_broke_it_who_was_told_and_why() -> None:
    moments = {moment.type: moment for moment in story().moments}
    broken = moments["approval.glass_broken"]
    assert broken.tone is Tone.BAD
    assert broken.what == (
        "you broke the glass for A-2 (pg.vacuum on orders), their own request; "
        f"told: approver, colleague: “{WHY}”"
    )
    granted = next(
        m for m in story().moments if m.what.startswith("A-2 (pg.vacuum on orders) app")
    )
    assert "by you by break-glass, not by an approver after 30 s" in granted.what


def test_an_approval_by_break_glass_is_told_apart_from_one_by_people() -> None:
    people, glass = story().approvals
    assert people.broken is None
    assert people.ending == "succeeded"
    assert glass.broken
    assert (glass.broken.person, glass.broken.reason, glass.votes) == ("you", WHY, ())
    assert glass.ending == "approved, by break-glass of you"
    you = next(person for person in story().people if person.id == "you")
    assert any("broke the glass for A-2" in deed for deed in you.did)


@pytest.mark.parametrize("write", [markdown, html])
def test_documents_say_it_in_the_title_the_facts_and_the_follow_ups(write: object) -> None:
    text = write(story(answered=True))  # type: ignore[operator]  # each of the two writes a text
    for words in (
        *("approved, by break-glass of you", "Glass broken", "no approver decided"),
        *(
            "their own request",
            "F-1",
            "Was it right?",
            "Closed by colleague",
            "Yes; pagers mended",
        ),
    ):
        assert words in text


def test_markdown_ticks_what_was_answered() -> None:
    assert "- [ ] F-1, about A-2: Was it right? Owner: you. Open." in markdown(story())
    assert "- [x] F-1, about A-2" in markdown(story(answered=True))


def test_the_document_for_machines_holds_both() -> None:
    found = json.loads(render("json", story()))
    assert found["approvals"][1]["broken"]["person"] == "you"
    assert found["owed"][0]["id"] == "F-1"
