"""Whatever stands in a record, each form shows it as data; the cases are in hostile.toml."""
# ruff: noqa: RUF001  wide and curly signs are what is tested

import csv
import io
import json
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest
from interlock.export import build, render
from interlock.export.regions import regions
from interlock.export.to_csv import COLUMNS, plain_cell
from markdown_it import MarkdownIt
from sample_incident import INCIDENT, Part, Story, call

CASES = {
    case["name"]: case["text"] * case.get("times", 1)
    for case in tomllib.loads((Path(__file__).parent / "hostile.toml").read_text("utf-8"))["case"]
}
EVERY = pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())
INERT = {"text", "code_inline", "softbreak", "strong_open", "strong_close", "em_open", "em_close"}


def planted(text: str) -> dict[str, Any]:
    """Return an incident with `text` wherever text can be, for each form."""
    story = Story().tell("incident.declared", 0, {"title": Part(text), "severity": text})
    run = {"run": "R-1", "runbook": text, "version": text, "mode": text, "requester": text}
    story.tell("run.started", 1, run | {"params": Part({text: {"type": text, "value": text}})})
    about = {"run": "R-1", "step": text, "attempt": 1, "title": text}
    story.tell("step.started", 2, about | {"source": Part(text)}, by="run:R-1")
    asked = call(text) | {"statement": Part(text), "params": Part({text: text}), "line": text}
    story.tell("query.started", 3, asked, by="run:R-1")
    grid = {"columns": [{"name": text, "type": text}], "rows": [[text]]}
    story.tell("query.completed", 4, call(text) | {"result": Part(grid), "rows": 1}, by="run:R-1")
    outputs = [
        {"kind": "stream", "name": text, "text": text},
        {"kind": "display", "data": {"text/html": text, "image/svg+xml": text}},
        {"kind": "result", "data": {"text/plain": text, "application/javascript": text}},
    ]
    finding = {"status": "bad", "text": text, "next": text, "data": {text: text}}
    ended = about | {"state": text, "finding": Part(finding), "outputs": Part(outputs)}
    story.tell("step.completed", 5, ended, by="run:R-1")
    story.tell("note.decision", 6, {"text": Part(text)}, by=f"person:{text}")
    story.tell("incident.closed", 7, {"reason": Part(text)})
    incident = {**INCIDENT, "title": text, "commander": text, "roles": {text: text}}
    return {"incident": incident, "entries": story.entries}


def rendered(form: str, text: str, **options: Any) -> str:
    told = planted(text)
    return render(form, build(told["incident"], told["entries"]), **options)


@EVERY
def test_markdown_shows_it_as_text_and_code(text: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(rendered("md", text))
    assert {child.type for token in tokens for child in token.children or []} <= INERT
    assert "html_block" not in {token.type for token in tokens}
    headings = [tokens[at + 1].content for at, t in enumerate(tokens) if t.type == "heading_open"]
    assert "heading" not in headings
    assert {t.info for t in tokens if t.type == "fence"} <= {"sql", "python", "json", "text"}


@EVERY
def test_a_region_ends_where_it_was_ended(text: str) -> None:
    document = rendered("md", text, marked=True)
    found = regions(document, "it")
    assert not [region.section for region in found if region.edited]
    assert [r.section for r in found if r.section == "timeline"] == ["timeline"]
    assert "\n## Lessons\n" in document


STARTS = "=+-@|%＝＋－＠\t\r\n"


@EVERY
def test_no_cell_of_a_spreadsheet_begins_like_a_formula(text: str) -> None:
    source = rendered("csv", text)
    rows = list(csv.reader(io.StringIO(source, newline="")))
    assert rows[0] == list(COLUMNS)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    # However a spreadsheet splits: at commas as it should, or at semicolons or tabs.
    pieces = [p for row in rows for c in row for p in c.replace("\t", ";").split(";")]
    for piece in pieces:
        begins = piece.lstrip(' "“”‘’`')[:1]
        assert piece.startswith("'") or not begins or begins not in STARTS, piece


@EVERY
def test_what_a_cell_held_can_be_had_back(text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(rendered("csv", text), newline="")))
    for row in rows:
        guarded = row["guarded"].split()
        assert all(row[name] != plain_cell(row[name]) for name in guarded)
        assert all(row[n] == plain_cell(row[n]) for n in COLUMNS if n not in guarded)


@EVERY
@pytest.mark.parametrize("form", ["json", "ipynb"])
def test_json_reads_back_and_moves_no_terminal(form: str, text: str) -> None:
    source = rendered(form, text)
    assert all(character.isprintable() or character == "\n" for character in source)
    value = json.loads(source)
    if form == "json" and text.isascii():
        assert value["title"] == text


@EVERY
def test_every_line_of_json_lines_is_an_object(text: str) -> None:
    lines = rendered("jsonl", text).split("\n")
    assert lines.pop() == ""
    kinds = [json.loads(line)["line"] for line in lines]
    assert kinds[0] == "about"
    assert set(kinds[1:]) == {"moment"}


@EVERY
def test_a_notebook_holds_text_and_nothing_that_runs_by_itself(text: str) -> None:
    source = rendered("ipynb", text)
    book: Any = nbformat.reads(source, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    nbformat.validate(book)
    shown = {mime for cell in book.cells for out in cell.get("outputs", []) for mime in out.data}
    assert shown <= {"text/plain", "image/png"}
    assert "kernelspec" not in book.metadata
    assert not [cell for cell in book.cells if cell.metadata.get("trusted")]
    markdown = "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    tokens = MarkdownIt("commonmark", {"html": True}).parse(markdown)
    assert {child.type for token in tokens for child in token.children or []} <= INERT
