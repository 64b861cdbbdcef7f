"""The catalogue lists what is there, honestly, and finds it by words."""

import os
from datetime import date
from pathlib import Path

import pytest
from interlock.catalogue import Catalogue, Found, catalogue_markdown, stale
from interlock.errors import UsageError
from notebooks import cell, notebook, runbook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file(tmp_path, "queues/queue-stuck", notebook(tags=["mail"]))
    file(
        tmp_path,
        "postgres/pg-locks",
        notebook(
            id="pg-locks",
            domain="postgres",
            title="Locks",
            summary="Who blocks whom.",
            impact="Requests hang.",
            when="Requests hang.",
            owner={"team": "db-oncall", "escalation": "Page db-oncall."},
        ),
    )
    return tmp_path


def file(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def ids(catalogue: Catalogue, words: str = "") -> list[str]:
    return [entry.id for entry in catalogue.find(words)]


def test_it_lists_by_domain_and_id(folder: Path) -> None:
    assert [entry.path for entry in Catalogue(folder).list()] == [
        "postgres/pg-locks.ipynb",
        "queues/queue-stuck.ipynb",
    ]


def test_it_gets_a_runbook_with_its_exact_text(folder: Path) -> None:
    book, text, digest = found = Catalogue(folder).get("queue-stuck")
    assert isinstance(found, Found)
    assert text == (folder / "queues/queue-stuck.ipynb").read_text()
    assert (book.id, book.digest) == ("queue-stuck", digest)


def test_line_ends_are_part_of_the_exact_text(folder: Path) -> None:
    text = notebook().replace("\n", "\r\n")
    file(folder, "queues/queue-stuck", text)
    assert Catalogue(folder).get("queue-stuck").text == text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["pg-locks", "queue-stuck"]),
        ("queue", ["queue-stuck"]),
        ("MAIL", ["queue-stuck"]),
        ("blocks postgres", ["pg-locks"]),
        ("lokcs", ["pg-locks"]),
        ("queue postgres", []),
        ("zebra", []),
    ],
)
def test_it_finds_by_words_and_forgives_misspelling(
    folder: Path, words: str, found: list[str]
) -> None:
    assert ids(Catalogue(folder), words) == found


def test_the_best_match_comes_first(folder: Path) -> None:
    text = notebook(id="other", when="When the locks of a door are stuck.")
    file(folder, "queues/other", text)
    assert ids(Catalogue(folder), "locks") == ["pg-locks", "other"]


def test_an_unknown_id_is_answered_with_the_nearest(folder: Path) -> None:
    with pytest.raises(UsageError) as refused:
        Catalogue(folder).get("pg-lock")
    assert refused.value.code == "runbook-not-found"
    assert refused.value.message == "There is no runbook 'pg-lock'. Did you mean pg-locks?"


@pytest.mark.parametrize("name", ["../queues/queue-stuck", "*", "", "queues/queue-stuck", "\0"])
def test_an_id_is_never_a_path(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="There is no runbook"):
        Catalogue(folder).get(name)


def test_no_folder_and_an_empty_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        Catalogue(tmp_path / "nowhere").list()
    assert Catalogue(tmp_path).list() == ()
    with pytest.raises(UsageError, match=r"There are none yet\."):
        Catalogue(tmp_path).get("any")


# --- broken notebooks -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "queues/bad.ipynb, line 1: It is not JSON"),
        (b"\xff", "queues/bad.ipynb: It is not UTF-8"),
        (b"\xc3" * 3_000_000, "queues/bad.ipynb: It is longer than 2,097,152 bytes."),
        (notebook(), "queues/bad.ipynb: It says that it is queues/queue-stuck.ipynb."),
        (notebook(id="bad", domain="other"), "It says that it is other/bad.ipynb."),
        (notebook(cell("look", "query(x, y)"), id="bad"), "cell look, line 1: query: its target"),
    ],
    ids=["json", "utf-8", "long", "id", "domain", "manifest"],
)
def test_a_broken_notebook_is_listed_as_broken_and_hides_no_other(
    folder: Path, text: str | bytes, error: str
) -> None:
    file(folder, "queues/bad", text)
    by_id = {entry.id: entry for entry in Catalogue(folder).list()}
    assert list(by_id) == ["pg-locks", "bad", "queue-stuck"]
    assert by_id["bad"].broken
    assert error in by_id["bad"].error
    assert not by_id["queue-stuck"].broken
    with pytest.raises(UsageError, match="bad"):
        Catalogue(folder).get("bad")


def test_a_broken_notebook_is_found_by_its_id(folder: Path) -> None:
    file(folder, "queues/bad", "{")
    assert ids(Catalogue(folder), "bad") == ["bad"]


def test_an_id_given_twice_is_neither(folder: Path) -> None:
    file(folder, "mails/queue-stuck", notebook(domain="mails"))
    twice = [entry for entry in Catalogue(folder).list() if entry.id == "queue-stuck"]
    assert [entry.broken for entry in twice] == [True, True]
    with pytest.raises(UsageError, match="Another folder holds a queue-stuck"):
        Catalogue(folder).get("queue-stuck")


def test_what_is_no_notebook_is_passed_over(folder: Path) -> None:
    (folder / "README.md").write_text("words")
    (folder / "queues" / "folder.ipynb").mkdir()
    os.mkfifo(folder / "queues" / "pipe.ipynb")
    file(folder, ".ipynb_checkpoints/queue-stuck", "{")
    assert len(Catalogue(folder).list()) == 2


# --- the gallery ------------------------------------------------------------------------------


def test_the_gallery_shows_every_runbook_and_what_is_broken(folder: Path) -> None:
    file(folder, "queues/bad", "{")
    page = catalogue_markdown(Catalogue(folder).list())
    assert page.index("## postgres") < page.index("## queues")
    assert "[queue-stuck](queues/queue-stuck.ipynb)<br>1.0.0, curated" in page
    assert "| read | queue-oncall | 2026-08-02 |" in page
    assert "**broken**: queues/bad.ipynb, line 1" in page


def test_the_gallery_holds_no_markup_of_the_notebooks(folder: Path) -> None:
    file(folder, "queues/queue-stuck", notebook(title="a | b <img src=x>"))
    assert "a \\| b &lt;img src=x>" in catalogue_markdown(Catalogue(folder).list())


def test_a_runbook_is_stale_after_its_review_is_due() -> None:
    assert not stale(runbook(), date(2026, 8, 2))
    assert stale(runbook(), date(2026, 8, 3))
