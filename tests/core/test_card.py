"""What an approver reads in a chat: a dozen lines, whole, with nothing active; or no button."""

from dataclasses import replace
from typing import Any

import pytest
from core.test_approval import PROPOSAL
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.card import (
    Card,
    Setting,
    card,
    choice,
    escaped_length,
    lasting,
    names,
    plan_card,
    read_choice,
)

SEV2 = Setting("sev2")


def shown(setting: Setting = SEV2, **changes: Any) -> Card:
    """Return the card of a proposal that is usual but for `changes`."""
    return card(replace(PROPOSAL, **changes), "A-12", setting)


def test_a_dozen_lines_say_what_runs_who_asks_what_it_touches_and_how_to_undo_it() -> None:
    text = shown().text
    assert len(text.splitlines()) <= 11  # and one that says where it stands
    for told in (
        *("A-12", "INC-1", "sev2", "orders (production, postgres)"),
        *("Asked by responder: pg.terminate_backend (admin)", "small@1.0.0", "terminate"),
        *("SELECT pg_terminate_backend($1)", "1: pid = 4711 (integer)"),
        *("Would change: ", "pid 4711", "Touches: One session.", "Undo: Cannot be undone."),
        "Reason: it blocks others",
    ):
        assert told in text
    assert shown().hindrance == ""


def test_rows_beyond_the_first_two_are_counted_and_can_be_opened() -> None:
    preview = {"columns": [{"name": "id"}], "rows": [[n] for n in range(7)], "count": 7}
    text = shown(preview=preview, expect="row count", rows=7).text
    assert "7 rows would change; id 0; id 1; … and 5 more rows; open the full text" in text


@pytest.mark.parametrize(
    "change",
    [
        {"statement": "x" * 2_500},
        {"statement": "x\n" * 30},
        {"statement": "<" * 700},
        {"undo": "u" * 400},
        {"reason": "r" * 400},
        {"blast_radius": "b" * 400},
        {"step": "s" * 400},
        {"names": ("a",), "values": {"a": {"type": "text", "value": "v" * 2_500}}},
    ],
)
def test_what_does_not_fit_is_cut_visibly_and_takes_the_vote_away(change: dict[str, Any]) -> None:
    found = shown(**change)
    assert "too long" in found.hindrance
    assert found.hindrance in found.text
    assert "in all" in found.text
    assert len(found.text) < 12_000


@pytest.mark.parametrize("letters", ["שלום", "سلام", "١٢٣"])
def test_text_that_a_screen_may_reorder_takes_the_vote_away(letters: str) -> None:
    found = shown(statement=f"CALL greet('{letters}') -- x")
    assert "right to left" in found.hindrance
    assert letters in found.exact


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\u2066", "\x1b", "\u2028", "\ufeff"])
@pytest.mark.parametrize("field", ["statement", "reason", "undo", "blast_radius", "runbook"])
def test_what_cannot_be_seen_is_made_visible(char: str, field: str) -> None:
    change: dict[str, Any] = {field: f"a{char}b"}
    assert char not in shown(**change).text
    assert f"⟦U+{ord(char):04X}⟧" in shown(**change).text


def test_a_rule_that_is_confirmed_on_the_web_takes_no_vote_here() -> None:
    assert "browser alone" in shown(replace(SEV2, web_only=True)).hindrance


def test_what_is_decided_needs_no_word_about_voting() -> None:
    assert shown(replace(SEV2, is_open=False), statement="x" * 9_000).hindrance == ""


@given(st.text(max_size=3_000), st.text(max_size=400))
def test_a_card_with_a_vote_shows_every_character_of_what_will_run(
    statement: str, reason: str
) -> None:
    found = shown(statement=statement, reason=reason)
    assert escaped_length(found.exact) < 2_600
    if not found.hindrance:
        assert _read(found.exact.rsplit("\n1: pid", 1)[0]) == statement
        assert len(found.text.splitlines()) <= 30


def _read(exact: str) -> str:
    """Return the text whose invisible characters were made visible."""
    import re  # noqa: PLC0415  only this check reads a card back

    return re.sub(r"⟦U\+([0-9A-F]{4,6})⟧", lambda found: chr(int(found[1], 16)), exact)


@given(st.text(max_size=60))
def test_nothing_in_a_field_can_pretend_to_be_another_line(text: str) -> None:
    plain = len(shown().text.splitlines())
    assert len(shown(reason=text, undo=text, runbook=text).text.splitlines()) == plain


def test_each_rendering_has_a_digest_of_its_own() -> None:
    other = replace(PROPOSAL, reason="another")
    assert card(other, "A-12", SEV2).digest != shown().digest


def test_a_button_names_the_approval_what_was_proposed_and_what_was_seen() -> None:
    proposal, prompt = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
    carried = str(choice("A-12", proposal, prompt))
    assert carried == "A-12 abababababababab cdcdcdcdcdcdcdcd"
    read = read_choice(carried)
    assert read is not None
    assert read.fits(proposal, prompt)
    assert not read.fits(prompt, prompt)
    assert not read.fits(proposal, proposal)


@pytest.mark.parametrize("text", ["", "A-12", "A-12 ab", "A-12  cd", "A-12 ab cd ef"])
def test_what_no_button_of_ours_carries_is_no_choice(text: str) -> None:
    assert read_choice(text) is None


def planned(**changes: Any) -> Card:
    """Return the card of a plan of two, the second of which is usual but for `changes`."""
    named = {"id": "P-1", "of": 2, "reason": "free it, then feed it", "wish": "sha256:00"}
    first = replace(PROPOSAL, plan={**named, "place": 1})
    second = replace(PROPOSAL, plan={**named, "place": 2}, target="jobs", **changes)
    return plan_card([("A-1", first), ("A-2", second)], SEV2)


def test_a_plan_shows_each_of_its_actions_whole() -> None:
    text = planned(statement="UPDATE jobs SET state = 'queued'").text
    for told in (
        *(
            "P-1 · INC-1 sev2 · orders (production), jobs (production)",
            "2 actions, decided on as one",
        ),
        *("-- 1. A-1 pg.terminate_backend on orders (admin)", "SELECT pg_terminate_backend($1)"),
        *("-- 2. A-2 pg.terminate_backend on jobs (admin)", "UPDATE jobs SET state = 'queued'"),
        *("1 undo: ", "2 undo: ", "1 touches: ", "2 would change: ", "each as it was before any"),
        "Reason: free it, then feed it",
    ):
        assert told in text
    assert planned().hindrance == ""


@pytest.mark.parametrize(
    "change",
    [{"statement": "x" * 2_400}, {"statement": "x\n" * 40}, {"undo": "u" * 400}],
)
def test_a_plan_of_which_one_part_does_not_fit_has_no_vote(change: dict[str, Any]) -> None:
    assert "too long" in planned(**change).hindrance


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (41, "41 s"), (60, "1 min"), (185, "3 min 5 s"), (3_720, "1 h 2 min")],
)
def test_durations_are_words(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_many_people_are_the_first_six_and_a_number() -> None:
    assert names([]) == "nobody now"
    assert names([str(n) for n in range(8)]) == "0, 1, 2, 3, 4, 5 and 2 more"
