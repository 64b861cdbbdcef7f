r"""Statements that earlier hunts found, one file per dialect, replayed before every hunt.

One statement per line. A character that would break the line stands as Python writes it (`\n`,
`\u00a0`, `\\`), and a leading `-` as `\x2d`, for lines that begin with `--` are remarks.
"""

from pathlib import Path

from interlock_gateway.core.model import Dialect

_FOLDER = Path(__file__).parent / "seeds"


def seeds(dialect: Dialect) -> list[str]:
    """Return the statements of the dialect's file, oldest first."""
    lines = _file(dialect).read_text("ascii").splitlines()
    return [_read(line) for line in lines if line and not line.startswith("--")]


def keep(dialect: Dialect, text: str, why: str) -> None:
    """Add a statement to the dialect's file, with what it did, unless it is there already."""
    if text not in seeds(dialect):
        with _file(dialect).open("a", encoding="ascii") as file:
            file.write(f"\n-- {_written(why)}\n{_written(text)}\n")


def _file(dialect: Dialect) -> Path:
    return _FOLDER / f"{dialect.value}.sql"


def _written(text: str) -> str:
    line = text.encode("unicode_escape").decode("ascii")
    return f"\\x2d{line[1:]}" if line.startswith("-") else line


def _read(line: str) -> str:
    return line.encode("ascii").decode("unicode_escape")
