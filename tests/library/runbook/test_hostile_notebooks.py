"""Whatever stands in a file, the answer is a runbook or a UsageError, and soon."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from interlock.errors import UsageError
from interlock.manifest import compute
from interlock.runbook import canonical_text, load
from notebooks import ABOUT, CANCEL, LOOK, QUERY, notebook

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, categories=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SOURCES = st.text() | st.sampled_from(
    [
        *(LOOK, CANCEL, "%%sql orders\nSELECT 1", "%%sql", "%%bash\nls", "!ls", "%time 1"),
        *("(" * 5000, "-" * 50_000 + "1", "1" + "+1" * 20_000, "a" + ".b" * 20_000),
        *("\0", "'\\d'", "x = [" * 3000, "query", "def query(): pass", "f'{query}'", "\ufeffx"),
        *("query(*a)", "query(**a)", "query('orders', f'{x}')", "lambda query: 1", "9" * 9999),
    ]
)


def survives(text: str) -> None:
    for adhoc in (False, True):
        try:
            compute(load(text, "a.ipynb", adhoc=adhoc))
        except UsageError as error:
            error.message.encode()  # it can be shown


@given(st.text(st.characters(codec=None, categories=None)))
@example("\ud800")
def test_any_text(text: str) -> None:
    survives(text)


@given(JSON)
def test_any_json(value: Any) -> None:
    survives(json.dumps(value))


@given(st.sampled_from([*ABOUT, "alerts", "limits", "tests", "next", "links", "tags"]), JSON)
def test_any_value_in_any_place_of_the_metadata(key: str, value: Any) -> None:
    survives(notebook(**{key: value}))


@given(st.sampled_from(["kind", "effect", "needs", "evidence", "evidence_from", "verify"]), JSON)
def test_any_value_in_any_place_of_a_step(key: str, value: Any) -> None:
    step = {**QUERY, key: value}
    survives(notebook({**_cell("look"), "metadata": {"step": step}}))


@given(JSON)
def test_any_parameter(value: Any) -> None:
    for key in ("type", "default", "min", "max", "pattern", "values"):
        survives(notebook(params={"it": {"type": "string", "help": "x", key: value}}))


@given(st.sampled_from(["cell_type", "id", "metadata", "outputs", "source"]), JSON)
def test_any_value_in_any_place_of_a_cell(key: str, value: Any) -> None:
    survives(notebook({**_cell("look"), key: value}))


@settings(deadline=None)
@given(SOURCES)
def test_any_source(source: str) -> None:
    survives(notebook({**_cell("look"), "source": source}))


@given(st.text(st.characters(codec=None, categories=None)) | JSON.map(json.dumps))
def test_the_canonical_form_of_anything(text: str) -> None:
    with suppress(UsageError):
        assert canonical_text(canonical_text(text)) == canonical_text(text)


@given(st.text(), st.sampled_from(["integer", "number", "duration", "time", "timerange", "list"]))
def test_any_text_for_a_parameter(value: str, kind: str) -> None:
    book = load(notebook(params={"it": {"type": kind, "help": "x"}}, targets=[]))
    with suppress(UsageError):
        book.bind({"it": value})


@pytest.mark.parametrize(
    "text",
    [
        " " * 100_000_000,
        "[" * 2_000_000,
        '{"a":' * 300_000,
        "[" + "[],".join([""] * 600_000) + "[]]",
        '{"cells": ' + "9" * 1_000_000 + "}",
        notebook(params={"it": {"type": "string", "help": "x", "pattern": "a*" * 90 + "b"}}),
    ],
    ids=["100 MB", "brackets", "objects", "many", "digits", "pattern"],
)
def test_a_bomb_is_refused_before_it_costs_much_work(text: str) -> None:
    started = time.process_time()
    with pytest.raises(UsageError):
        load(text)
    assert time.process_time() - started < 6  # seconds of our own; unbounded it would be minutes


def _cell(name: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {"step": QUERY},
        "outputs": [],
        "source": LOOK,
    }
