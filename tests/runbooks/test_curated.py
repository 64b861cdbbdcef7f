"""What holds for every runbook of the catalogue."""

import ast
import os

import pytest
from interlock.catalogue import Catalogue, Entry, catalogue_markdown
from interlock.manifest import Manifest, calls, compute
from interlock.runbook import Runbook, canonical_text
from interlock_gateway.core.model import Effect
from interlock_gateway.core.statement.classify import classify_source
from rehearsal import ACTIONS, RUNBOOKS

ENTRIES = Catalogue(RUNBOOKS).list()
BOOKS = [entry.runbook for entry in ENTRIES if entry.runbook is not None]

each_book = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.id)


def test_none_is_broken_and_none_is_missing() -> None:
    assert [entry.error for entry in ENTRIES] == [""] * len(ENTRIES)
    assert {"pg-lock-contention", "job-queue-check"} <= {entry.id for entry in ENTRIES}


@each_book
def test_it_is_kept_in_the_canonical_form(book: Runbook) -> None:
    """Rewrite with INTERLOCK_REWRITE=1."""
    path = RUNBOOKS / book.path
    text = canonical_text(book.text)
    if os.environ.get("INTERLOCK_REWRITE"):
        path.write_text(text)
    assert path.read_text() == text


@each_book
def test_jupyter_accepts_it(book: Runbook) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(book.text, as_version=4))


@each_book
def test_its_manifest_survives_json(book: Runbook) -> None:
    listed = compute(book)
    assert Manifest.from_json(listed.to_json()) == listed


@each_book
def test_its_defaults_are_enough_to_start(book: Runbook) -> None:
    assert set(book.bind({})) == set(book.params)


@each_book
def test_a_tired_person_can_follow_it(book: Runbook) -> None:
    """Prose first and before each step, whom to wake on the first screen, short cells."""
    kinds = [cell.kind for cell in book.cells]
    assert kinds[0] == "markdown"
    first = book.cells[0].source
    for word in ("What it means", "Impact", "Escalate", "Not this runbook", book.owner.team):
        assert word in first
    assert len(first.splitlines()) <= 25
    for position, kind in enumerate(kinds):
        if kind == "code":
            assert kinds[position - 1] == "markdown"
            assert len(book.cells[position].source.splitlines()) <= 55


@each_book
def test_every_read_concludes_with_a_finding_and_leads_to_a_step_that_exists(
    book: Runbook,
) -> None:
    steps = {step.id for step in book.steps}
    for step in book.steps:
        made = [
            node
            for node in ast.walk(ast.parse(step.source))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "finding"
        ]
        if step.kind in ("query", "verify"):
            assert len(made) == 1, step.id
        for node in made:
            given = {word.arg: word.value for word in node.keywords}
            assert {"ok", "text"} <= set(given), step.id
            following = given.get("next")
            if isinstance(following, ast.Constant):
                assert following.value in steps, step.id


@each_book
def test_its_actions_are_catalogued_and_bound_to_columns_that_are_read(book: Runbook) -> None:
    assert all((ACTIONS / f"{action}.toml").exists() for action in book.actions)
    for step in (step for step in book.steps if step.mutating):
        assert step.evidence_from is not None
        (act,) = [call for call in calls(book, step) if call.function == "act"]
        assert set(step.evidence_from.bind) == set(act.names)
        (read,) = calls(book, book.step(step.evidence_from.step))
        assert all(column in read.what for column in step.evidence_from.bind.values())


@each_book
def test_the_guard_proves_every_statement_a_read(book: Runbook) -> None:
    dialects = {allowed.target: allowed.dialect for allowed in book.targets}
    for step in book.steps:
        for call in calls(book, step):
            if call.function == "query":
                proven = classify_source(dialects[call.target], call.what)
                assert (proven.effect, proven.reasons) == (Effect.READ, ()), step.id


def test_the_gallery_is_what_the_notebooks_say() -> None:
    """Rewrite with INTERLOCK_REWRITE=1."""
    entries: tuple[Entry, ...] = Catalogue(RUNBOOKS).list()
    page = RUNBOOKS / "README.md"
    if os.environ.get("INTERLOCK_REWRITE"):
        page.write_text(catalogue_markdown(entries))
    assert page.read_text() == catalogue_markdown(entries)
