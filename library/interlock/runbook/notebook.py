"""Read a notebook file strictly: bounded, no duplicate keys, nothing that cannot be shown.

The standard library alone reads it; a hostile text gives a `UsageError` and never another
exception. Every error names the file, the cell and the line.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from interlock.errors import UsageError
from interlock.wire import digest

MAX_BYTES = 2 * 1024 * 1024
"""Bytes in one notebook file; a longer one is refused before it is parsed."""

MAX_CELLS = 100
MAX_DEPTH = 32
MAX_SOURCE = 64 * 1024
"""Characters in one cell."""

SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""What a runbook or step is called: lower-case words joined by hyphens."""

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NOTEBOOK_KEYS = ("cells", "metadata", "nbformat", "nbformat_minor")
_METADATA_KEYS = ("runbook", "kernelspec", "language_info")
_CELL_KEYS = {
    "markdown": ("cell_type", "id", "metadata", "source"),
    "code": ("cell_type", "execution_count", "id", "metadata", "outputs", "source"),
}
_CELL_METADATA_KEYS = ("step", "tags")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a notebook and what it is called in messages."""

    text: str
    path: str

    def error(
        self, message: str, *, keys: Sequence[str] = (), cell: str = "", line: int = 0
    ) -> UsageError:
        """Return `runbook-invalid`, naming the file, the cell and the line.

        Args:
            message: what is wrong, and what would be right.
            keys: the path of metadata keys down to the fault.
            cell: id of the cell that holds the fault.
            line: line of the cell's source, from 1.
        """
        path = self.path or "notebook"
        where = [path]
        if cell:
            where.append(f"cell {_short(cell)}")
        if line:
            where.append(f"line {line}")
        if keys:
            where.append(_short(".".join(("metadata", *keys)), 200))
        at = f"{path}:{self._file_line(keys, cell, line)}"
        return UsageError(f"{', '.join(where)}: {message}", code="runbook-invalid", line=at)

    def _file_line(self, keys: Sequence[str], cell: str, line: int) -> int:
        """Return the line of the file, found by looking for the keys one after the other."""
        wanted = [f'"id": {json.dumps(cell)}'] if cell else []
        wanted += [f"{json.dumps(key)}:" for key in keys]
        wanted += ['"source":'] if line else []
        position = 0
        for text in wanted:
            position = max(position, self.text.find(text, position))
        return self.text.count("\n", 0, position) + 1 + line


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as written.

    Attributes:
        id: unique in the notebook; of a code cell, the step's id.
        kind: `markdown` or `code`.
        source: the exact text.
        step: the cell's `metadata.step`, or None where there is none.
    """

    id: str
    kind: str
    source: str
    step: Mapping[str, Any] | None = None

    @property
    def source_digest(self) -> str:
        """The SHA-256 of the source, by which a manifest knows the cell."""
        return digest(self.source.encode())


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook whose structure holds; what its metadata means is not yet known."""

    source: Source
    digest: str
    runbook: Mapping[str, Any] | None
    cells: tuple[Cell, ...]


def read(text: str, path: str, *, adhoc: bool) -> Notebook:
    """Return the notebook in `text`.

    Args:
        text: the whole file.
        path: what messages call it.
        adhoc: tolerate what Jupyter writes while people work: outputs, other cell ids, other
            metadata. A curated notebook may hold none of it.

    Raises:
        UsageError: `runbook-invalid`.
    """
    source = Source(text, path)
    data = _parse(source)
    top = _object(source, data, "A notebook")
    _known(source, top, _NOTEBOOK_KEYS, "a notebook")
    _version(source, top)
    metadata = _object(source, top.get("metadata"), "The notebook's metadata")
    if not adhoc:
        _known(source, metadata, _METADATA_KEYS, "the notebook's metadata")
    about = metadata.get("runbook")
    if about is not None:
        about = _object(source, about, "metadata.runbook")
    return Notebook(
        source, digest(text.encode()), about, tuple(_cells(source, top.get("cells"), adhoc=adhoc))
    )


def canonical_text(text: str) -> str:
    """Return the notebook in the one form in which it is committed.

    Keys sorted, indented by one, sources as lists of lines, one newline at the end: what
    nbformat writes, so that an editor's save gives no diff.
    """
    data = _parse(Source(text, ""))
    cells = data.get("cells") if isinstance(data, dict) else None
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and isinstance(cell.get("source"), str):
            cell["source"] = cell["source"].splitlines(keepends=True)
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _short(text: str, most: int = 80) -> str:
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= most else shown[: most - 1] + "…"


# --- JSON -------------------------------------------------------------------------------------


class _RefusedJsonError(ValueError):
    """Well-formed JSON that a notebook may not be."""


def _parse(source: Source) -> Any:
    text = source.text
    if _SURROGATE.search(text):
        raise Source("", source.path).error("It is not UTF-8: it holds a lone surrogate.")
    size = len(text) if len(text) > MAX_BYTES else len(text.encode())
    if size > MAX_BYTES:
        raise Source("", source.path).error(
            f"It is {size:,} bytes long; the limit is {MAX_BYTES:,}. Strip its outputs."
        )
    try:
        data = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refused, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        at = f"{source.path or 'notebook'}:{error.lineno}"
        raise UsageError(
            f"{source.path or 'notebook'}, line {error.lineno}: It is not JSON: {error.msg}.",
            code="runbook-invalid",
            line=at,
        ) from None
    except RecursionError:
        raise source.error(f"It is nested more than {MAX_DEPTH} deep.") from None
    except ValueError as error:
        raise source.error(f"It is not acceptable JSON: {_short(str(error), 200)}.") from error
    _bounded(source, data)
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add returns None, which is the point
        raise _RefusedJsonError(f"the key {json.dumps(twice)} stands twice in one object")
    return result


def _refused(word: str) -> NoReturn:
    raise _RefusedJsonError(f"{word} is not a JSON number")


def _finite(word: str) -> float:
    number = float(word)
    return number if math.isfinite(number) else _refused(word)


def _bounded(source: Source, data: Any) -> None:
    """Refuse deep nesting and text that is not Unicode, without recursion."""
    level = [data]
    for _ in range(MAX_DEPTH):
        for text in (item for item in level if isinstance(item, str)):
            if _SURROGATE.search(text):
                raise source.error(f"It holds text that is not Unicode: {_short(text)}.")
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise source.error(f"It is nested more than {MAX_DEPTH} deep.")


def _children(item: Any) -> Iterator[Any]:
    if isinstance(item, dict):
        yield from item.keys()
        yield from item.values()
    elif isinstance(item, list):
        yield from item


# --- structure --------------------------------------------------------------------------------


def _object(source: Source, value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise source.error(f"{what} must be a JSON object.")
    return value


def _known(
    source: Source, value: Mapping[str, Any], known: Sequence[str], what: str, cell: str = ""
) -> None:
    for key in value:
        if key not in known:
            raise source.error(unknown(key, known, what), cell=cell)


def unknown(key: str, known: Sequence[str], what: str) -> str:
    """Return the sentence that refuses `key` and suggests the nearest known one."""
    near = get_close_matches(key[:80], known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
    return f"{_short(key)!r} is not a key of {what}. {hint}"


def _version(source: Source, top: Mapping[str, Any]) -> None:
    major, minor = top.get("nbformat"), top.get("nbformat_minor")
    if major != 4 or not isinstance(minor, int) or minor < 5:  # noqa: PLR2004  nbformat 4.5 is the first with cell ids
        raise source.error("It must say nbformat 4 and nbformat_minor 5 or higher.")


def _cells(source: Source, cells: Any, *, adhoc: bool) -> Iterator[Cell]:
    if not isinstance(cells, list) or len(cells) > MAX_CELLS:
        raise source.error(f"Its cells must be a list of at most {MAX_CELLS}.")
    seen: set[str] = set()
    for number, raw in enumerate(cells, start=1):
        cell = _cell(source, _object(source, raw, f"Cell number {number}"), number, adhoc=adhoc)
        if cell is None:
            continue
        if cell.id in seen:
            raise source.error("Another cell has the same id; each needs its own.", cell=cell.id)
        seen.add(cell.id)
        yield cell


def _cell(source: Source, raw: Mapping[str, Any], number: int, *, adhoc: bool) -> Cell | None:
    name = _cell_id(source, raw.get("id"), number, adhoc=adhoc)
    kind = raw.get("cell_type")
    if adhoc and kind == "raw":
        return None
    if not isinstance(kind, str) or kind not in _CELL_KEYS:
        raise source.error("A cell is either markdown or code.", cell=name)
    metadata = raw.get("metadata", {})
    if not isinstance(metadata, dict):
        raise source.error("Its metadata must be a JSON object.", cell=name)
    if not adhoc:
        _known(source, raw, _CELL_KEYS[kind], f"a {kind} cell", name)
        _known(source, metadata, _CELL_METADATA_KEYS, "a cell's metadata", name)
        if raw.get("outputs") or raw.get("execution_count") is not None:
            raise source.error("It holds outputs. Clear them before committing.", cell=name)
    step = metadata.get("step")
    if step is not None and not isinstance(step, dict):
        raise source.error("It must be a JSON object.", keys=("step",), cell=name)
    return Cell(name, kind, _text(source, raw.get("source"), name), step)


def _cell_id(source: Source, name: Any, number: int, *, adhoc: bool) -> str:
    pattern = _CELL_ID if adhoc else SLUG
    if not isinstance(name, str) or len(name) > 64 or not pattern.fullmatch(name):  # noqa: PLR2004  nbformat's own limit
        shown = _short(json.dumps(name, ensure_ascii=False))
        raise source.error(
            f"Cell number {number} has the id {shown}. "
            "An id is lower-case words joined by hyphens, such as blocking-tree."
        )
    return name


def _text(source: Source, value: Any, cell: str) -> str:
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise source.error("Its source must be text or a list of lines.", cell=cell)
    text = "".join(lines)
    if len(text) > MAX_SOURCE:
        raise source.error(f"Its source is longer than {MAX_SOURCE:,} characters.", cell=cell)
    if _SURROGATE.search(text):  # two halves from two lines; the digest needs UTF-8
        raise source.error("Its source is not Unicode.", cell=cell)
    return text
