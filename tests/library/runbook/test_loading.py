"""A notebook becomes a runbook, or an error that names file, cell and line."""

import dataclasses
import json
from typing import Any

import pytest
from interlock import wire
from interlock.errors import UsageError
from interlock.runbook import canonical_text, load
from notebooks import ACTION, LOOK, QUERY, VERIFY, acting, cell, notebook, prose, runbook


def refusal(text: str, **how: Any) -> UsageError:
    with pytest.raises(UsageError) as refused:
        load(text, "queues/queue-stuck.ipynb", **how)
    assert refused.value.code == "runbook-invalid"
    assert refused.value.message.startswith("queues/queue-stuck.ipynb")
    return refused.value


def test_a_good_notebook_is_a_runbook_with_its_steps_in_order() -> None:
    book = runbook(prose("about"), cell("look", LOOK), cell("again", LOOK, VERIFY))
    assert (book.id, book.version, book.status) == ("queue-stuck", "1.0.0", "curated")
    assert [step.id for step in book.steps] == ["look", "again"]
    assert [each.kind for each in book.cells] == ["markdown", "code", "code"]
    assert book.step("look").effect == "read"
    assert str(book.reviewed.due) == "2026-08-02"


def test_its_digest_is_that_of_the_exact_bytes() -> None:
    text = notebook()
    assert load(text).digest == wire.digest(text.encode())
    assert load(text + "\n").digest != load(text).digest


def test_a_steps_digest_is_that_of_its_source_however_the_lines_are_kept() -> None:
    whole = runbook(cell("look", "a = 1\nb = 2"))
    lines = runbook(cell("look", ["a = 1\n", "b = 2"]))  # type: ignore[arg-type]  # as nbformat keeps it
    assert whole.steps == lines.steps
    assert whole.step("look").source_digest == wire.digest(b"a = 1\nb = 2")


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        runbook().id = "other"  # type: ignore[misc]  # that it is refused is what is tested


def test_a_step_asked_for_by_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"has no step 'lock'. Did you mean look\?"):
        runbook().step("lock")


# --- file, cell and line ----------------------------------------------------------------------


def test_broken_json_names_the_line() -> None:
    error = refusal('{\n "cells": [,]}')
    assert "line 2: It is not JSON" in error.message
    assert error.line == "queues/queue-stuck.ipynb:2"


def test_a_metadata_error_names_the_key_and_the_line_of_the_file() -> None:
    text = notebook(owner={"team": "queue-oncall", "escalation": "Page.", "slak": "#q"})
    error = refusal(text)
    assert "metadata.runbook.owner: 'slak' is not a key of owner. Did you mean 'slack'?" in str(
        error
    )
    line = int(error.line.rsplit(":", 1)[1])
    assert '"owner"' in text.splitlines()[line - 1]


def test_a_step_error_names_the_cell_and_the_line_of_the_file() -> None:
    text = notebook(cell("look", LOOK), cell("more", LOOK, {**QUERY, "retries": 99}))
    error = refusal(text)
    assert "cell more, metadata.step.retries: It must be from 0 to 5." in error.message
    line = int(error.line.rsplit(":", 1)[1])
    assert '"retries": 99' in text.splitlines()[line - 1]


# --- structure --------------------------------------------------------------------------------


def with_top(**change: Any) -> str:
    return json.dumps({**json.loads(notebook()), **change})


NOT_NOTEBOOKS = [
    ("[]", "A notebook must be a JSON object."),
    ("", "It is not JSON"),
    ('{"cells": [], "cells": []}', 'the key "cells" stands twice'),
    ('{"cells": NaN}', "NaN is not a JSON number"),
    ('{"cells": 1e999}', "1e999 is not a JSON number"),
    ("[" * 40 + "]" * 40, "nested more than 32 deep"),
    ("[" * 100_000, "nested more than 32 deep"),
    ('"\\ud800"', "not Unicode"),
    ('"\ud800"', "It is not UTF-8"),
    (" " * 100_000_000, "It is 100,000,000 bytes long; the limit is 2,097,152."),
    (with_top(nbformat=3), "It must say nbformat 4 and nbformat_minor 5 or higher."),
    (with_top(nbformat_minor=4), "It must say nbformat 4"),
    (with_top(widgets={}), "'widgets' is not a key of a notebook"),
    (with_top(metadata={}), "metadata.runbook is missing"),
    (with_top(metadata={"runbok": {}}), "Did you mean 'runbook'?"),
    (with_top(cells={}), "Its cells must be a list of at most 100."),
    (notebook(*[prose(f"p{n}") for n in range(101)]), "a list of at most 100"),
    (notebook(prose("a"), prose("a")), "Another cell has the same id"),
    (notebook(prose("Bad Id")), 'has the id "Bad Id". An id is lower-case words'),
    (notebook({**prose("a"), "cell_type": "raw"}), "A cell is either markdown or code."),
    (notebook({**prose("a"), "attachments": {}}), "'attachments' is not a key"),
    (notebook({**prose("a"), "metadata": {"jupyter": {}}}), "'jupyter' is not a key"),
    (notebook({**prose("a"), "metadata": {"step": QUERY}}), "Only code cells are steps"),
    (notebook(cell("a", LOOK, outputs=[{"text": "1"}])), "It holds outputs."),
    (notebook(cell("a", LOOK, execution_count=3)), "It holds outputs."),
    (notebook(cell("a", LOOK, metadata={})), "metadata.step is missing"),
    (notebook(cell("a", "x" * 70_000)), "longer than 65,536 characters"),
    (notebook(cell("a", ["x", 1])), "Its source must be text or a list of lines."),  # type: ignore[arg-type]  # hostile
    (notebook(cell("a", ["\\ud83d", "\\ude00"])).replace("\\\\u", "\\u"), "not Unicode"),  # type: ignore[arg-type]  # hostile
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"), NOT_NOTEBOOKS, ids=[case[1] for case in NOT_NOTEBOOKS]
)
def test_a_notebook_that_is_not_one_is_refused(text: str, message: str) -> None:
    assert message in refusal(text).message


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"id": None}, "id must be given in metadata.runbook."),
        ({"schema": "runbook/v2"}, "It must be one of: runbook/v1."),
        ({"id": "Queue Stuck"}, "write it like 'pg-lock-contention'"),
        ({"version": "1"}, "write it like '1.0.0'"),
        ({"title": "\x1b[2Jcleared"}, "control or text-direction characters"),
        ({"title": "abc\u202ecba"}, "control or text-direction characters"),
        ({"summary": "  "}, "text that says something"),
        ({"summary": "x" * 3000}, "longer than 200 characters"),
        ({"severity": "sev9"}, "It must be one of: sev1, sev2, sev3, sev4."),
        ({"reviewed": {"at": "soon", "by": "you"}}, "reviewed.at: 'soon' is not a date"),
        ({"replaced_by": "other"}, "Only a deprecated runbook is replaced."),
        ({"targets": [{"target": "params.nope", "dialect": "postgres"}]}, "is not a parameter"),
        ({"targets": [{"target": "orders", "dialect": "oracle"}]}, "one of: postgres, sqlite"),
        ({"limits": {"rows": 0}}, "It must be from 1 to 100,000."),
        ({"limits": {"rows": True}}, "It must be a whole number."),
        ({"links": [{"title": "x", "url": "javascript:alert(1)"}]}, "https://example.org/"),
        ({"alerts": [{"matchers": ["a=b"], "params": {"nope": "x"}}]}, "no parameter nope."),
        ({"tags": "locks"}, "It must be a list of at most 50."),
        ({"params": {"Db": {"type": "target", "help": "x"}}}, "'Db' is not a name"),
        ({"params": {"db": {"type": "txt", "help": "x"}}}, "It must be one of: string, integer"),
        ({"params": {"db": {"type": "target"}}}, "help must be given in a parameter."),
    ],
)  # fmt: skip
def test_metadata_that_does_not_hold_is_refused(about: dict[str, Any], message: str) -> None:
    assert message in refusal(notebook(**about)).message


# --- steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": "read"}, "An action says which effect it has: admin, ddl, lock, write."),
        ({"auto": True}, "An action never runs by itself."),
        ({"retries": 1}, "An action is never retried by itself."),
        ({"verify": "look"}, "look is not a later step of kind verify. There are: after."),
        ({"verify": "aftr"}, "Did you mean after?"),
        ({"evidence_from": {"step": "after"}}, "after is not an earlier step."),
        ({"needs": ["after"]}, "after is not an earlier step."),
    ],
)
def test_an_action_that_is_not_safe_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        acting(**change)
    assert message in refused.value.message
    assert "cell cancel, metadata.step." in refused.value.message


@pytest.mark.parametrize("key", ["verify", "undo"])
def test_an_action_without_proof_or_undo_is_refused(key: str) -> None:
    step = {name: value for name, value in ACTION.items() if name != key}
    assert "An action" in refusal(notebook(cell("cancel", LOOK, step))).message


@pytest.mark.parametrize(
    "more",
    [
        {"effect": "write"},
        {"undo": "some way"},
        {"evidence_from": {"step": "look"}},
    ],
)
def test_what_only_actions_have_is_refused_elsewhere(more: dict[str, Any]) -> None:
    text = notebook(cell("look", LOOK), cell("more", LOOK, {**QUERY, **more}))
    assert "Only an action" in refusal(text).message


# --- ad-hoc notebooks -------------------------------------------------------------------------


def test_an_adhoc_notebook_may_be_as_jupyter_saves_it() -> None:
    raw = json.loads(
        notebook(cell("8f3A_x", "1 + 1", execution_count=1, metadata={"jupyter": {}}))
    )
    raw["metadata"] = {"kernelspec": {"name": "python3"}, "vscode": {}}
    raw["cells"].append({"cell_type": "raw", "id": "r", "metadata": {}, "source": ""})
    book = load(json.dumps(raw), adhoc=True)
    assert (book.id, book.status) == ("ad-hoc", "draft")
    assert [(step.id, step.kind, step.title) for step in book.steps] == [
        ("8f3A_x", "query", "8f3A_x")
    ]


def test_an_adhoc_notebook_that_says_what_it_is_must_say_it_right() -> None:
    assert "id must be given" in refusal(notebook(id=None), adhoc=True).message


# --- the canonical form -----------------------------------------------------------------------


def test_the_canonical_form_is_what_nbformat_writes() -> None:
    nbformat = pytest.importorskip("nbformat")
    text = notebook(prose("about", "Grüße\nfrom here"), cell("look", LOOK + "\n"))
    written = nbformat.writes(nbformat.reads(text, as_version=4)) + "\n"
    assert canonical_text(text) == written
    assert canonical_text(written) == written
