"""Statements that stand in results: what other people asked, without the values in it.

`pg_stat_activity.query` and its like hold passwords, names and card numbers as literals. A lexer
takes them out, not a parser: such a text is often cut off in the middle, and a parser's tree is
known to forget `$$…$$` and `PASSWORD '…'`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock_gateway.core.model import Classification, Column, Dialect, Rows
from interlock_gateway.core.statement.lexer import COMMENTS, Landmark, Mark, landmarks
from interlock_gateway.core.statement.rules import rules

_NUMBER = re.compile(r"(?<![\w.$])(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NAME = re.compile(r"[^\W\d][\w$]*")
_LETTER = re.compile(r"[A-Za-z]")  # `{23102,23104}` is no statement
_TEXTS = frozenset({"text", "json", "bytes"})
"""Wire types that can hold a statement; numbers, times and flags cannot."""
_HIDDEN = "Pw=="
"""A `?` as bytes go over the wire. Bytes can be a statement compressed: none of them is shown."""


def scrubbed_rows(dialect: Dialect, found: Classification, rows: Rows) -> Rows:
    """Return the answer with the values taken out of statements that stand in it.

    Only where the statement reaches a relation that holds statements. There a column of such
    statements is scrubbed, and so is every text whose origin is not known: `left(query, 60)`, a
    whole row, a column of a view.
    """
    lists = rules(dialect)
    holders = lists.syntax.get("scrubbed", {})
    named = {name.lower() for name in (*found.reached, *found.tables)}
    named |= {f"{schema}.{name}" for schema in lists.own_schemas for name in named}
    called = {f"{name}()" for name in found.functions}
    if holders.keys().isdisjoint(named | called | {found.kind}):
        return rows
    if found.kind in holders:
        texts = [column.name.lower() in holders[found.kind].split() for column in rows.columns]
    else:
        plain = {name for name in named if name.partition(".")[0] in lists.own_schemas}
        texts = [_holds(holders, plain, column) for column in rows.columns]
    scrubs = {
        place: _Scrub(dialect, column.type, whole=_known(holders, found, column))
        for place, (column, holds) in enumerate(zip(rows.columns, texts, strict=True))
        if holds
    }
    return replace(rows, rows=tuple(_scrubbed_row(row, scrubs) for row in rows.rows))


def scrubbed(dialect: Dialect, text: str, *, whole: bool = True) -> str:
    """Return a statement with `?` for its strings and numbers, and without its comments.

    Args:
        dialect: whose statement.
        text: perhaps cut off at its end.
        whole: whether it is known to be a statement and nothing else. In any other text what
            stands in double quotes and looks unlike a name can be a statement in its turn, as in
            a row printed as text.
    """
    pieces: list[str] = []
    for landmark in landmarks(dialect, text):
        if landmark.mark is Mark.ODD and text[landmark.start] == "$":
            pieces.append("$…")  # a dollar quote that the text was cut in: nothing more is shown
            break
        piece = _piece(text, landmark)
        named = landmark.mark is not Mark.IDENTIFIER or whole or _NAME.fullmatch(piece[1:-1])
        pieces.append(piece if named else '"?"')
    return "".join(pieces)


def _known(holders: Mapping[str, str], found: Classification, column: Column) -> bool:
    """Tell whether a column is one of statements, not one that perhaps holds some."""
    return found.kind in holders or column.origin.rpartition(".")[0] in holders


def _holds(holders: Mapping[str, str], plain: Collection[str], column: Column) -> bool:
    """Tell whether a column can hold statements.

    Args:
        holders: relation to its columns of statements.
        plain: relations of the engine's own that the statement names: their other columns hold
            none. What an engine calls the origin in a subquery is no such relation.
        column: of the result.
    """
    relation, _, name = column.origin.rpartition(".")
    if column.type not in _TEXTS:
        return False
    if relation in holders:
        return name in holders[relation].split()
    return relation not in plain


@dataclass(frozen=True, slots=True)
class _Scrub:
    """How the cells of one column are scrubbed."""

    dialect: Dialect
    type: str
    whole: bool

    def cell(self, cell: Any) -> Any:
        """Scrub a text, the texts inside a JSON value, or bytes as they go over the wire."""
        match cell:
            case str() if self.type == "bytes":
                return _HIDDEN
            case str() if _LETTER.search(cell):
                return scrubbed(self.dialect, cell, whole=self.whole)
            case list():
                return [self.cell(inner) for inner in cell]
            case dict():
                return {name: self.cell(inner) for name, inner in cell.items()}
            case _:
                return cell


def _scrubbed_row(row: tuple[Any, ...], scrubs: Mapping[int, _Scrub]) -> tuple[Any, ...]:
    cells = list(row)
    for place, scrub in scrubs.items():
        cells[place] = scrub.cell(cells[place])
    return tuple(cells)


def _piece(text: str, landmark: Landmark) -> str:
    piece = text[landmark.start : landmark.end]
    if landmark.mark is Mark.STRING:
        return f"{piece[0]}?{piece[-1]}"
    if landmark.mark is Mark.DOLLAR:
        return "$$?$$"
    if landmark.mark in COMMENTS:
        return "/* … */" if piece.startswith("/*") else "-- …"
    if landmark.mark is Mark.UNTERMINATED:
        return f"{piece[:2] if piece.startswith('/*') else piece[0]}…"
    return _NUMBER.sub("?", piece) if landmark.mark is Mark.PLAIN else piece
