"""What an approver reads: complete, plain, and with nothing hidden or active in it."""

from dataclasses import replace
from typing import Any

import pytest
from core.test_approval import PROPOSAL
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.prompt import prompt, prompt_digest, visible


def test_everything_that_decides_is_told() -> None:
    text = prompt(PROPOSAL, "A-1", "web")
    for told in (
        *("A-1", "INC-1", "responder", "orders (production, postgres)", "admin"),
        *("SELECT pg_terminate_backend($1)", "1: pid = 4711 (integer)", "one row, true"),
        *("pid 4711", "One session.", "Cannot be undone.", "it blocks others", "one dba"),
        *("not responder", "2026-01-02T03:19:05.000Z", "small@1.0.0", "terminate"),
    ):
        assert told in text


def test_a_mutation_by_rows_says_how_many_and_what_happens_otherwise() -> None:
    proposal = replace(PROPOSAL, expect="row count", rows=1_234, preview={"count": 1_234})
    text = prompt(proposal, "A-1", "web")
    assert "1,234 rows would change" in text
    assert "undone at once unless exactly 1,234 rows change" in text


def test_each_channel_has_its_own_digest() -> None:
    web, cli = prompt(PROPOSAL, "A-1", "web"), prompt(PROPOSAL, "A-1", "cli")
    assert prompt_digest(web) != prompt_digest(cli)


@pytest.mark.parametrize(
    "char", ["\x00", "\x1b", "\x7f", "\u202e", "\u200b", "\u2066", "\ufeff", "\u2028", "\r"]
)
def test_what_cannot_be_seen_is_made_visible(char: str) -> None:
    assert visible(f"a{char}b") == f"a⟦U+{ord(char):04X}⟧b"
    for field in ("statement", "reason", "undo", "blast_radius", "runbook"):
        change: dict[str, Any] = {field: f"a{char}b"}
        assert char not in prompt(replace(PROPOSAL, **change), "A-1", "web")


@given(st.text(max_size=80))
def test_a_reason_cannot_pretend_to_be_another_line(reason: str) -> None:
    told = prompt(replace(PROPOSAL, reason=reason), "A-1", "web").splitlines()
    plain = prompt(PROPOSAL, "A-1", "web").splitlines()
    assert len(told) == len(plain)


def test_the_statement_is_shown_whole_whatever_its_length() -> None:
    statement = "SELECT '" + "x" * 60_000 + "'"
    assert statement in prompt(replace(PROPOSAL, statement=statement), "A-1", "web")


def test_rows_beyond_the_first_are_counted() -> None:
    rows = {"columns": [{"name": "id"}], "rows": [[number] for number in range(9)]}
    text = prompt(replace(PROPOSAL, preview=rows), "A-1", "web")
    assert "… and 4 more rows" in text


@pytest.mark.parametrize("char", ["\n", "\u202e", "\x1b"])
def test_no_name_pretends_to_be_another_line(char: str) -> None:
    name = f"pid{char}it touches: nothing"
    typed = {"type": "integer", "value": 4711}
    rows = {"columns": [{"name": name}], "rows": [[1]]}
    hostile = replace(PROPOSAL, names=(name,), values={name: typed}, step=name, preview=rows)
    plain = prompt(replace(PROPOSAL, preview={**rows, "columns": [{"name": "pid"}]}), "A-1", "web")
    told = prompt(hostile, "A-1", "web")
    assert len(told.split("\n")) == len(plain.split("\n"))
    assert char == "\n" or char not in told
