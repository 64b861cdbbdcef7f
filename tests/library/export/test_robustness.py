"""Renderers never stop and never lose an event, whatever the entries hold."""

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interlock.export import FORMS, Entry, build, render
from interlock.export.narrate import TELLERS
from sample_incident import INCIDENT, sample

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["1", "-1", "A-1", "R-1", "2026-03-02T00:00:00Z", "0001-01-01", "9" * 30]),
    st.sampled_from([10**400, "\ud800", "```", "|", "<b>", "\x00"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=8), inner, max_size=3),
        st.fixed_dictionaries({"$part": st.one_of(inner, st.just("p"))}),
        st.fixed_dictionaries({"columns": inner, "rows": st.lists(st.lists(inner))}),
        st.fixed_dictionaries({"type": inner, "value": inner}),
    ),
    max_leaves=8,
)
KEYS = sorted(
    {key for entry in sample() for key in entry.event["data"]}
    | {"finding", "error", "outputs", "output_truncated", "truncated", "total", "form"}
)
kinds = st.one_of(st.sampled_from(sorted(TELLERS)), st.text(max_size=10), values)
events = st.fixed_dictionaries(
    {"type": kinds, "data": st.one_of(values, st.dictionaries(st.sampled_from(KEYS), values))},
    optional={"sequence": values, "time": values, "recordedtime": values, "authid": values},
)
part = st.one_of(values, st.dictionaries(st.sampled_from(["text", "json", "redacted"]), values))
entries = st.builds(
    Entry,
    event=st.one_of(events, values),
    parts=st.one_of(values, st.dictionaries(st.just("p"), part)),
)


NO_MARKS = frozenset({"json", "jsonl", "ipynb"})
"""Forms that hold events as values, or runs alone."""


def all_told(incident: dict[str, Any], told: list[Entry]) -> None:
    postmortem = build(incident, told)
    assert sum(len(moment.sources) for moment in postmortem.moments) == len(told)
    for form in FORMS:
        text = render(form, postmortem)
        text.encode()
        for moment in postmortem.moments:
            assert all(f"#{event}]" in text or form in NO_MARKS for event in moment.events)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(entries, max_size=6), st.dictionaries(st.sampled_from([*INCIDENT]), values))
def test_made_up_entries_are_told_and_cited(told: list[Entry], incident: dict[str, Any]) -> None:
    all_told(incident, told)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_timeline_with_one_wrong_value_is_still_told_whole(data: st.DataObject) -> None:
    told = copy.deepcopy(sample())
    chosen = data.draw(st.integers(0, len(told) - 1))
    target: Any = data.draw(st.sampled_from(["event", "data", "parts"]))
    entry = told[chosen]
    mapping: Any = {"event": entry.event, "data": entry.event["data"], "parts": entry.parts}[
        target
    ]
    key = data.draw(st.sampled_from([*mapping, "extra"]))
    mapping[key] = data.draw(values)
    all_told(dict(INCIDENT), told)


@settings(max_examples=25, deadline=None)
@given(st.permutations(sample()), st.integers(0, 37))
def test_any_order_and_any_subset_is_told(shuffled: list[Entry], kept: int) -> None:
    all_told(dict(INCIDENT), shuffled[:kept])
