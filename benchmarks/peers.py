"""What a notebook costs in nbclient and papermill: the peers of our runner.

`python benchmarks/peers.py NAME NOTEBOOK` executes it in a fresh process and prints `first` when
the peer has its first result.
"""
# mypy: disable-error-code="no-untyped-call, import-untyped"
# papermill is not typed.
# ruff: noqa: PLC0415  importing is part of what a cold start measures

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

FIRST = "first"


def notebook(sources: Sequence[str]) -> str:
    """Return a stock notebook of these cells."""
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    return str(nbformat.writes(book))


def nbclient(path: Path, executed: Callable[[], None]) -> None:
    """Execute the notebook; `executed` is called after each cell."""
    import nbformat
    from nbclient import NotebookClient

    def told(**_: Any) -> None:
        executed()

    book = nbformat.reads(path.read_text(), as_version=4)
    NotebookClient(book, on_cell_executed=told).execute()


def papermill(path: Path, *, log_output: bool = False) -> Any:
    """Execute the notebook and return it as written; with `log_output`, cells print at once."""
    from papermill import execute_notebook

    return execute_notebook(
        str(path),
        str(path.with_suffix(".out.ipynb")),
        progress_bar=False,
        log_output=log_output,
        stdout_file=sys.stdout if log_output else None,
    )


def main(name: str, path: Path) -> None:
    """Execute the notebook once; the first result is printed as soon as the peer has it."""
    if name == "nbclient":
        nbclient(path, lambda: print(FIRST, flush=True))
    else:
        papermill(path, log_output=True)  # the cell itself prints the word


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
