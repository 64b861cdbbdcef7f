"""Cards as Block Kit: whatever the data, Slack takes them and nothing in them is active."""

from dataclasses import replace
from typing import Any

import pytest
from core.test_approval import PROPOSAL
from hypothesis import given
from hypothesis import strategies as st
from interlock.testing.slack import blocks as kit
from interlock.testing.slack import mrkdwn
from interlock.testing.slack.shown import words
from interlock_gateway.adapters.slack.blocks import escaped, form, key_of, message
from interlock_gateway.core.card import Setting, card, choice
from interlock_gateway.service.chat.protocol import Notice, Question, Words

HOSTILE = (
    "<!channel> <@U0ANNA> <https://evil.test|Approve> *bold* ```\n``` `code` :tada: &lt;!here&gt; "
    "<!subteam^S1> <#C1|x> ~no~ > quote"
)


def notice(tone: str = "waiting", **changes: Any) -> Notice:
    """Return the notice of a proposal that is usual but for `changes`."""
    asked = card(replace(PROPOSAL, **changes), "A-12", Setting("sev2"))
    carried = choice("A-12", PROPOSAL.nonce, asked.digest)
    votable = None if asked.hindrance else carried
    return Notice("A-12", asked, votable, "Waits.", tone, "https://interlock.test/approvals/A-12")


def assert_acceptable(said: dict[str, Any]) -> None:
    """Fail where Slack would refuse it, or where it would ping somebody."""
    assert kit.in_message(said["blocks"]) == []
    assert not kit.is_too_long(said["blocks"])
    assert len(said["text"]) <= 4_000
    assert mrkdwn.pings(said["text"]) == set()
    assert mrkdwn.pings_of_blocks(said["blocks"]) == set()


@pytest.mark.parametrize("field", ["statement", "reason", "undo", "blast_radius", "runbook"])
def test_markup_in_data_is_shown_as_it_is(field: str) -> None:
    change: dict[str, Any] = {field: HOSTILE}
    said = message(notice(**change))
    assert_acceptable(said)
    shown = HOSTILE if field == "statement" else HOSTILE.replace("\n", "⏎")
    assert shown in words(said["blocks"])


@given(st.text(max_size=3_000), st.text(max_size=400), st.text(max_size=200))
def test_no_text_makes_a_message_that_slack_refuses(
    statement: str, reason: str, runbook: str
) -> None:
    assert_acceptable(message(notice(statement=statement, reason=reason, runbook=runbook)))


@given(st.text(max_size=5_000))
def test_words_are_acceptable_whatever_they_are(text: str) -> None:
    assert_acceptable(message(Words("A-12/1", f"said: {text}", button="link")))


def test_a_vote_has_a_second_look_and_a_denial_a_reason() -> None:
    approve, deny, look = message(notice())["blocks"][-1]["elements"]
    assert (approve["action_id"], approve["style"]) == ("approve", "primary")
    assert approve["confirm"]["title"]["text"] == "Approve A-12?"
    assert deny["text"]["text"] == "Deny…"
    assert look["url"] == "https://interlock.test/approvals/A-12"
    assert approve["value"] == deny["value"]
    assert approve["value"].startswith("A-12 ")


def test_where_nobody_can_vote_there_is_only_the_full_text() -> None:
    said = message(notice(statement="x" * 3_000))
    (only,) = said["blocks"][-1]["elements"]
    assert (only["action_id"], only["text"]["text"]) == ("open", "Open the full text")


def test_a_message_of_ours_is_known_by_its_key() -> None:
    assert key_of(message(notice())["blocks"]) == "A-12"
    assert key_of([{"type": "section", "block_id": "other A-12"}]) == ""
    assert key_of([]) == ""


def test_a_form_is_one_that_slack_takes() -> None:
    question = Question(
        "deny", "Deny A-1234567890", "Why?", "Read by all.", "Deny", "A-1 a b", "C1"
    )
    assert kit.in_modal(form(question)) == []


def test_what_begins_markup_is_escaped() -> None:
    assert escaped("<!here> & >") == "&lt;!here&gt; &amp; &gt;"
