"""Looks for a word in everything that a store holds: each column, and what is sealed in it."""

import json
from collections.abc import Iterator
from typing import Any

from interlock_gateway.adapters.seal import KeySeal
from interlock_gateway.adapters.store.schema import metadata
from interlock_gateway.core.piece import Piece, pieces
from interlock_gateway.service.ports import Reading
from sqlalchemy import create_engine, make_url, select

from support.house import KEY, House

_SEALED = {
    ("approvals", "sealed"): "{id}",
    ("deeds", "undo"): "{approval}/undo",
    ("inbox", "content"): "{id}",
}
"""Columns whose bytes are sealed, and the label by which they are opened."""


def traces(home: House, word: str, store_url: str) -> set[str]:
    """Return each `table.column` that holds the word, plainly or sealed."""
    url = make_url(store_url or f"sqlite:///{home.folder}/store.db")
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {
                f"{table.name}.{name}"
                for table in metadata.sorted_tables
                for row in connection.execute(select(table)).mappings()
                for name, value in row.items()
                if word.encode() in _bytes(table.name, name, value, dict(row))
            }
    finally:
        engine.dispose()


def _bytes(table: str, column: str, value: Any, row: dict[str, Any]) -> bytes:
    if isinstance(value, bytes) and (label := _SEALED.get((table, column))):
        return KeySeal(KEY).open(value, label.format(**row)) if value else b""
    return value if isinstance(value, bytes) else str(value).encode()


async def pieces_with(home: House, word: str) -> list[Piece]:
    """Return each piece of evidence, of any incident, that holds the word."""

    def question(tx: Reading) -> list[Piece]:
        found = [piece for book in ("", "INC-1") for piece in _pieces(tx, book)]
        there = tx.contents([name for piece in found for name in piece.ids])
        return [
            piece
            for piece in found
            if any(word.encode() in there.get(name, ("", b""))[1] for name in piece.ids)
        ]

    return await home.store.read(question)


def _pieces(tx: Reading, book: str) -> Iterator[Piece]:
    for event in tx.events(book):
        yield from pieces(json.loads(event.body))
