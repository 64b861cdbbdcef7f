"""The runbooks in a folder: list them, find one by words, get one by its id.

A notebook that cannot be read is listed as broken, with its error; it never hides the others.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import NamedTuple

from interlock.errors import UsageError
from interlock.manifest import compute
from interlock.runbook import MAX_BYTES, Runbook, load

_NEAR = 0.8
"""How alike two words must be to count as the same, mistyped."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One notebook of the catalogue: a runbook, or what is wrong with it.

    Attributes:
        id: the runbook's id, which is also the file's name.
        path: relative to the catalogue's folder, with slashes.
        runbook: None when the notebook is broken.
        error: why it is broken, as a sentence that names the place; else "".
    """

    id: str
    path: str
    runbook: Runbook | None
    error: str = ""

    @property
    def broken(self) -> bool:
        """Whether it cannot be run."""
        return self.runbook is None


class Found(NamedTuple):
    """A runbook with the exact text it was read from and that text's digest."""

    runbook: Runbook
    text: str
    digest: str


class Catalogue:
    """The runbooks in `folder`, as `<domain>/<id>.ipynb`. Every call reads the folder afresh."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def find(self, words: str | Iterable[str] = "") -> tuple[Entry, ...]:
        """Return the notebooks that fit every word, the best first; without words, all.

        Args:
            words: parts of the id, title, summary, tags or `when`; small misspellings are fine.
        """
        wanted = (words if isinstance(words, str) else " ".join(words)).lower().split()
        scored = [(_score(entry, wanted), entry) for entry in self.list()]
        kept = [(score, entry) for score, entry in scored if score > 0 or not wanted]
        kept.sort(key=lambda pair: -pair[0])
        return tuple(entry for _, entry in kept)

    def get(self, name: str) -> Found:
        """Return the runbook with this id.

        Raises:
            UsageError: `runbook-not-found` with the nearest ids, or `runbook-invalid`.
        """
        paths = [path for path in self._paths() if path.stem == name]
        if not paths:
            raise UsageError(self._unknown(name), code="runbook-not-found")
        if len(paths) > 1:
            raise _invalid(_twice(Entry(name, self._name(paths[0]), None)).error)
        runbook = self._load(paths[0])
        return Found(runbook, runbook.text, runbook.digest)

    def _unknown(self, name: str) -> str:
        known = [path.stem for path in self._paths()]
        near = get_close_matches(name[:80], known, n=3, cutoff=0.5)
        near += [one for one in known if name and name in one and one not in near]
        hint = f"Did you mean {' or '.join(near[:3])}?" if near else _there_are(known)
        return f"There is no runbook {name[:80]!r}. {hint}"

    def _paths(self) -> list[Path]:
        if not self._folder.is_dir():
            raise UsageError(
                f"There is no folder {self._folder} to find runbooks in.",
                code="runbook-not-found",
                help="Name the folder that holds <domain>/<id>.ipynb.",
            )
        return sorted(
            path
            for path in self._folder.glob("*/*.ipynb")
            if path.is_file() and not path.parent.name.startswith(".")
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _entry(self, path: Path) -> Entry:
        try:
            return Entry(path.stem, self._name(path), self._load(path))
        except UsageError as error:
            return Entry(path.stem, self._name(path), None, error.message)

    def _load(self, path: Path) -> Runbook:
        """Return the runbook in a file, which must be named and filed as it says."""
        runbook = load(self._read(path), self._name(path))
        where = (runbook.domain, runbook.id)
        if where != (path.parent.name, path.stem):
            raise _invalid(
                f"{self._name(path)}: It says that it is {'/'.join(where)}.ipynb. "
                "Rename the file or mend metadata.runbook.id and domain."
            )
        compute(runbook)
        return runbook

    def _read(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            return data.decode()
        except UnicodeDecodeError as error:
            cut = len(data) > MAX_BYTES  # a character may be cut in two; the size is the fault
            why = f"It is longer than {MAX_BYTES:,} bytes" if cut else f"It is not UTF-8: {error}"
            raise _invalid(f"{self._name(path)}: {why}.") from None
        except OSError as error:
            raise _invalid(f"{self._name(path)}: It cannot be read: {error.strerror}.") from error

    def list(self) -> tuple[Entry, ...]:
        """Return every notebook, broken ones too, by domain and id.

        Raises:
            UsageError: `runbook-not-found`; there is no such folder.
        """
        entries = [self._entry(path) for path in self._paths()]
        count = Counter(entry.id for entry in entries)
        return tuple(_twice(entry) if count[entry.id] > 1 else entry for entry in entries)


def _invalid(message: str) -> UsageError:
    return UsageError(message, code="runbook-invalid")


def _twice(entry: Entry) -> Entry:
    error = f"{entry.path}: Another folder holds a {entry.id}.ipynb too; an id is given once."
    return Entry(entry.id, entry.path, None, error)


def _there_are(known: list[str]) -> str:
    return f"There are: {', '.join(known[:20])}." if known else "There are none yet."


# --- finding by words -------------------------------------------------------------------------


def _score(entry: Entry, wanted: list[str]) -> float:
    """Return how well `entry` fits; 0 when a word fits nothing in it."""
    fields = list(_weighted(entry))
    each = [max(weight * _likeness(word, text) for weight, text in fields) for word in wanted]
    return sum(each) if all(each) else 0


def _weighted(entry: Entry) -> Iterator[tuple[float, str]]:
    yield 4, entry.id
    if entry.runbook is not None:
        book = entry.runbook
        yield 3, book.title
        yield 3, " ".join(book.tags)
        yield 2, f"{book.summary} {book.domain}"
        yield 1, f"{book.when} {book.impact} {book.owner.team}"


def _likeness(word: str, text: str) -> float:
    """Return 1 for a word that stands in the text, less for one that is nearly there, else 0."""
    text = text.lower()
    if word in text:
        return 1
    parts = text.replace("-", " ").replace(",", " ").replace(".", " ").split()
    best = max((SequenceMatcher(None, word, part).ratio() for part in parts), default=0)
    return best / 2 if best >= _NEAR else 0


# --- the gallery ------------------------------------------------------------------------------

_HEAD = """# Runbooks

<!-- Generated from the notebooks, and compared by a test. To rewrite it:
     INTERLOCK_REWRITE=1 pytest tests/runbooks/test_curated.py -->

Run one in an open incident: `interlock run ID -i INC-1`. Write your own: docs/first-runbook.md.
"""


def catalogue_markdown(entries: Iterable[Entry]) -> str:
    """Return the page that lists the runbooks, one table for each domain."""
    listed = sorted(entries, key=lambda entry: entry.path)
    parts = [_HEAD]
    for domain in sorted({entry.path.split("/")[0] for entry in listed}):
        rows = [entry for entry in listed if entry.path.split("/")[0] == domain]
        parts.append(_table(domain, rows))
    return "\n".join(parts)


def _table(domain: str, rows: list[Entry]) -> str:
    lines = [f"## {domain}", "", "| runbook | what it is for | effects | owner | review due |"]
    lines.append("|---|---|---|---|---|")
    lines += [_row(entry) for entry in rows]
    return "\n".join(lines) + "\n"


def _row(entry: Entry) -> str:
    if entry.runbook is None:
        return f"| [{entry.id}]({entry.path}) | **broken**: {_cell(entry.error)} | | | |"
    book = entry.runbook
    name = f"[{book.id}]({entry.path})<br>{book.version}, {book.status}"
    what = f"**{_cell(book.title)}**<br>{_cell(book.summary)}"
    effects = ", ".join(book.effects) or "none"
    return f"| {name} | {what} | {effects} | {_cell(book.owner.team)} | {book.reviewed.due} |"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def stale(runbook: Runbook, today: date) -> bool:
    """Say whether the runbook's review is overdue."""
    return runbook.reviewed.due < today
