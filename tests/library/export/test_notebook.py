"""The replayable notebook: valid, inert, the same cells with their recorded answers."""

import json
from typing import Any

import nbformat
import pytest
from interlock.errors import UsageError
from interlock.export import build, render
from sample_incident import BLOCKERS, INCIDENT, Part, Story, sample

Cell = dict[str, Any]


def book(run: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render("ipynb", build(INCIDENT, sample()), run=run))
    return found


def code(notebook: dict[str, Any]) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_nbformat_takes_it_as_valid_and_needs_not_mend_it() -> None:
    text = render("ipynb", build(INCIDENT, sample()))
    nbformat.validate(json.loads(text))
    again: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    assert [cell.id for cell in again.cells] == [cell["id"] for cell in json.loads(text)["cells"]]


def test_each_step_is_a_cell_with_its_text_and_in_order() -> None:
    steps = [cell["metadata"]["interlock"]["step"] for cell in code(book("R-1"))]
    assert steps == ["activity", "blockers", "terminate-root", "verify"]
    assert 'query("orders"' in code(book())[0]["source"]


def test_a_cell_names_run_attempt_events_and_evidence() -> None:
    told = code(book())[1]["metadata"]["interlock"]
    assert (told["run"], told["attempt"], told["state"]) == ("R-1", "1", "bad")
    assert told["events"] == ["10", "11", "12", "13"]
    assert {part["key"] for part in told["evidence"]} >= {"source", "statement", "result"}
    assert all(part["commitment"].startswith("sha256:") for part in told["evidence"])
    assert all(part["id"].startswith("part_") for part in told["evidence"])


def test_what_was_asked_and_answered_stands_with_the_cell_whole() -> None:
    [call] = code(book())[1]["metadata"]["interlock"]["calls"]
    assert call["asked"]["statement"] == BLOCKERS
    assert call["answer"]["result"]["rows"][0][0] == 28073
    assert call["kind"] == "query.completed"


def test_opening_it_runs_nothing() -> None:
    found = book()
    assert "kernelspec" not in found["metadata"]
    assert all(cell["execution_count"] is None for cell in code(found))


def test_one_run_alone_or_all_in_order() -> None:
    runs = [cell["metadata"]["interlock"]["run"] for cell in code(book())]
    assert runs == ["R-1"] * 4 + ["R-2"]
    assert {run["run"] for run in book("R-2")["metadata"]["interlock"]["runs"]} == {"R-2"}
    with pytest.raises(UsageError, match="no run 'R-9'") as caught:
        book("R-9")
    assert "R-1, R-2" in str(caught.value.help)


def test_each_attempt_is_a_cell_of_its_own_with_its_own_id() -> None:
    story = Story()
    for attempt in (1, 2):
        about = {"run": "R-1", "step": "x", "attempt": attempt}
        story.tell("step.started", attempt, about | {"source": Part(f"attempt = {attempt}")})
        story.tell("step.failed", attempt, about | {"state": "failed"})
    cells = code(json.loads(render("ipynb", build(INCIDENT, story.entries))))
    assert [cell["source"] for cell in cells] == ["attempt = 1", "attempt = 2"]
    assert len({cell["id"] for cell in cells}) == 2


def test_html_is_named_and_left_out_and_text_stands() -> None:
    outputs = [
        {"kind": "display", "data": {"text/html": "<script>x</script>", "text/plain": "plain"}},
        {"kind": "display", "data": {"image/svg+xml": "<svg onload=alert(1)>"}},
    ]
    done = {"run": "R-1", "step": "x", "attempt": 1, "outputs": Part(outputs)}
    story = Story().tell("step.completed", 0, done)
    [cell] = code(json.loads(render("ipynb", build(INCIDENT, story.entries))))
    texts = [output["data"]["text/plain"] for output in cell["outputs"]]
    assert "plain" in texts[0]
    assert "HTML of 18 characters, not shown" in texts[0]
    assert "image/svg+xml" in texts[1]
    assert "script" not in str(cell["outputs"])


def test_a_cell_whose_text_was_destroyed_says_so() -> None:
    story = Story().tell("step.started", 0, {"run": "R-1", "step": "x", "source": Part("secret")})
    [entry] = story.entries
    [name] = entry.parts
    entry.parts[name] = {"redacted": {"reason": "a password"}}  # type: ignore[index]  # the sample's own dict
    [cell] = code(json.loads(render("ipynb", build(INCIDENT, story.entries))))
    assert cell["source"] == "[redacted: a password]"
