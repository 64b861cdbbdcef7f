"""Reads the project's own pages and sources: tables, code blocks, links, functions."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_OURS = ("library", "gateway", "tests", "benchmarks", "docs", "policies", "runbooks", ".ci")
_GENERATED = {"__pycache__", "interlock_runbooks.egg-info"}
_FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"\[(?:[^\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def files(*suffixes: str, below: tuple[str, ...] = _OURS) -> list[Path]:
    """Return our files with one of `suffixes` ("" for all), those at the top included."""
    top = [path for path in ROOT.iterdir() if path.is_file() and not path.is_symlink()]
    deep = [path for folder in below for path in (ROOT / folder).rglob("*")]
    ours = [path for path in (*top, *deep) if path.is_file() and not _GENERATED & {*path.parts}]
    return sorted(path for path in ours if not suffixes or path.suffix in suffixes)


def name(path: Path) -> str:
    """Return how a message names `path`."""
    return path.relative_to(ROOT).as_posix()


def pages() -> list[Path]:
    """Return every Markdown page."""
    return files(".md", below=("docs", "runbooks"))


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text)


def blocks(text: str, *languages: str) -> list[str]:
    """Return the fenced blocks of a page in one of `languages`."""
    return [block[2] for block in _FENCE.findall(text) if block[1] in languages]


def spans(text: str) -> list[str]:
    """Return what stands in single backticks on a page, outside its fenced blocks."""
    return [" ".join(span.split()) for span in _CODE.findall(prose(text))]


def links(text: str) -> list[str]:
    """Return where a page's links and images lead, comments left out."""
    return _LINK.findall(_COMMENT.sub("", _CODE.sub("", prose(text))))


def table(text: str, first: str) -> list[dict[str, str]]:
    """Return the rows of every table whose first column is headed `first`."""
    rows: list[dict[str, str]] = []
    heads: list[str] = []
    for line in text.splitlines():
        cells = _cells(line)
        if not cells:
            heads = []
        elif not heads:
            heads = cells
        elif heads[0] == first and set(line) - set("|-: "):
            rows.append(dict(zip(heads, cells, strict=True)))
    return rows


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the project: where it stands and how long it is."""

    place: str
    lines: int


def functions(*folders: str) -> Iterator[Function]:
    """Yield every function below `folders`, decorators counted."""
    for path in files(".py", below=folders):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                length = (node.end_lineno or first) - first + 1
                yield Function(f"{name(path)}:{first} {node.name}", length)
