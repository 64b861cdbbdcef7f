"""Profiles: readers outside see what a table names, in the shape it gives, and nothing else."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interlock.errors import UsageError
from interlock.export import FORMS, Entry, build, build_for, render
from interlock.export.allowed import EXTERNAL, ON_PUBLIC_LINES
from interlock.export.narrate import TELLERS
from sample_incident import INCIDENT, Part, Story, sample

MARK = "ZZTOP-4711"
OUTSIDE = sorted(name for name, form in FORMS.items() if "external" in form.profiles)
KEYS = sorted(
    {key for entry in sample() for key in entry.event["data"]}
    | {key for rules in EXTERNAL.values() for key in rules}
    | {*ON_PUBLIC_LINES, "handle", "author", "account", "permalink", "channel", "basis", "host"}
)
KINDS = sorted({*TELLERS, *EXTERNAL, "log.checkpoint", "note.edited", "something.new"})


def everywhere(kind: str, value: Any) -> Entry:
    """Return an event of a kind with `value` in every attribute and under every key."""
    names = ("id", "source", "subject", "authid", "incident", "correlationid", "traceparent")
    data = dict.fromkeys(KEYS, value) | {MARK: value, "more": {MARK: [value]}}
    parts: dict[str, dict[str, Any]] = {
        "p1": {"text": str(value)},
        "p2": {"json": {MARK: value, "text": value}},
    }
    data |= {"statement": {"$part": "p1"}, "finding": {"$part": "p2"}, "result": {"$part": "p2"}}
    event = dict.fromkeys(names, value) | {"type": kind, "sequence": "1", "data": data}
    return Entry(event | {"authid": f"person:{value}", "time": "2026-03-02T00:00:00Z"}, parts)


def texts(incident: dict[str, Any], entries: list[Entry], **how: Any) -> str:
    told = build_for("external", incident, entries, **how)
    return "\n".join(render(form, told) for form in OUTSIDE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_marker_in_every_field_of_a_kind_is_not_shown_outside(kind: str) -> None:
    incident = {**dict.fromkeys(INCIDENT, MARK), "roles": {MARK: MARK}}
    assert MARK not in texts(incident, [everywhere(kind, MARK)])
    assert MARK in render("json", build(incident, [everywhere(kind, MARK)]))


@pytest.mark.parametrize("kind", ["run.started", "query.denied", "approval.voted"])
@pytest.mark.parametrize("shape", ["list", "object", "part"])
def test_a_marker_in_another_shape_is_not_shown_either(kind: str, shape: str) -> None:
    value: Any = {"list": [MARK], "object": {"value": MARK}, "part": {"$part": "p1"}}[shape]
    entry = everywhere(kind, value)
    assert MARK not in texts({}, [Entry({**entry.event, "type": kind}, {"p1": {"text": MARK}})])


@pytest.mark.parametrize("begins", ["sev1", "R-1", "A-1", "P-1", "INC-1", "ok\n", "1", "1.0e"])
def test_a_marker_behind_what_a_shape_allows_is_not_shown(begins: str) -> None:
    value = f"{begins}{MARK}"
    entries = [everywhere(kind, value) for kind in EXTERNAL]
    assert MARK not in texts(dict.fromkeys(INCIDENT, value), entries)


words = st.one_of(st.just(MARK), st.just(f"sev1 {MARK}"), st.just(f"R-1{MARK}"), st.integers())
values = st.recursive(
    words,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["text", "status", MARK, "$part"]), inner, max_size=2),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS), values, max_size=6))
def test_no_made_up_event_shows_a_marker_outside(kind: str, data: dict[str, Any]) -> None:
    entry = Entry({"type": kind, "sequence": "1", "data": data}, {MARK: {"text": MARK}})
    told = build_for("external", {}, [entry])
    assert MARK not in render("json", told)


def test_the_sample_tells_nothing_of_names_statements_targets_or_hosts() -> None:
    outside = texts(dict(INCIDENT), sample())
    for secret in (
        "colleague", "approver", "pg_stat_activity", "pg.terminate_backend", " orders", "laptop",
        "28073", "checkout-worker", "permissions.csv", "Checkout", "pg-lock-contention",
        *digests(),
    ):  # fmt: skip
        assert secret not in outside, secret
    assert "responder 2" in outside
    assert "approved by responder 2 after 41 s" in outside


def digests() -> set[str]:
    """Return every digest in the sample's events."""
    found = json.dumps([entry.event for entry in sample()])
    return set(re.findall(r"sha256:[0-9a-f]{8,}", found))


def test_the_same_person_is_the_same_outside_wherever_they_appear() -> None:
    told = build_for("external", INCIDENT, sample())
    assert told.commander == "responder 1"
    assert {person.id for person in told.people} == {"responder 1", "responder 2"}


def test_what_was_left_out_is_counted_at_the_top() -> None:
    text = render("md", build_for("external", INCIDENT, sample()))
    assert "readers outside (external)" in text
    assert "4 whole events, " in text
    assert "3 people's names by the profile external" in text


def test_what_the_profile_left_out_is_not_called_missing() -> None:
    told = build_for("external", INCIDENT, sample())
    assert told.record.missing == ()
    gap = [entry for entry in sample() if entry.event["sequence"] != "7"]
    assert build_for("external", INCIDENT, gap).record.missing == ("7",)


def test_a_kind_nobody_wrote_into_the_table_is_left_out_and_counted() -> None:
    story = Story().tell("something.new", 0, {"severity": "sev1"})
    told = build_for("external", {}, story.entries)
    assert told.moments == ()
    assert told.record.withheld == ("1 whole event by the profile external",)


def note(**attributes: str) -> list[Entry]:
    data = {"text": Part("Payments are back"), "host": "db-1", "permalink": "https://x.example"}
    [entry] = Story().tell("note.observation", 0, data).entries
    return [Entry({**entry.event, **attributes}, entry.parts)]


def test_a_line_that_a_person_marked_as_public_tells_in_words() -> None:
    assert "Payments are back" not in texts({}, note())
    for outside in (
        texts({}, note(), public={"1"}),
        texts({}, note(dataclassification="public")),
    ):
        assert "Payments are back" in outside
        assert "responder 1" in outside
        assert "db-1" not in outside
        assert "x.example" not in outside


def test_a_public_line_shows_its_sentence_and_not_what_backs_it() -> None:
    finding = {"status": "bad", "text": "the pool is empty", "next": MARK, "data": {"k": MARK}}
    step = {"run": "R-1", "step": MARK, "attempt": 1, "state": "bad", "outputs": Part(MARK)}
    story = Story().tell("step.completed", 0, step | {"finding": Part(finding)})
    outside = texts({}, story.entries, public={"1"})
    assert "the pool is empty" in outside
    assert MARK not in outside


def test_an_auditor_reads_indexes_digests_and_commitments() -> None:
    text = render("md", build_for("auditor", INCIDENT, sample()))
    assert "## For the auditor" in text
    rows = [line for line in text.split("## For the auditor")[1].splitlines() if "`[#" in line]
    assert len(rows) == len(sample())
    assert "policy_digest=sha256:" + "1" * 64 in text
    assert "committed `sha256:" + "0" * 64 in text


def test_the_profile_internal_is_the_record_as_it_is() -> None:
    assert build_for("internal", INCIDENT, sample()) == build(INCIDENT, sample())


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UsageError, match="no profile 'public'"):
        build_for("public", INCIDENT, sample())


def test_no_notebook_is_made_for_readers_outside() -> None:
    with pytest.raises(UsageError, match="not made for 'external' readers"):
        render("ipynb", build_for("external", INCIDENT, sample()))
