"""Names of things in a statement, where an argument says which: quoted, never pasted."""

from collections.abc import Mapping

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.errors import StatementError
from interlock_gateway.core.statement.lexer import Mark, landmarks

_LONGEST = 63
"""Bytes of a name in PostgreSQL, which cuts a longer one and so means another."""


def with_names(source: str, names: Mapping[str, str]) -> str:
    """Return a statement of PostgreSQL with a quoted identifier where `:name` stood.

    Args:
        source: the author's text.
        names: parameter → identifier, exactly as the catalogue has it; others stay parameters.

    Raises:
        StatementError: something that cannot be such a name.
    """
    pieces = []
    for landmark in landmarks(Dialect.POSTGRES, source):
        piece = source[landmark.start : landmark.end]
        known = landmark.mark is Mark.PARAMETER and piece[1:] in names
        pieces.append(_quoted(names[piece[1:]]) if known else piece)
    return "".join(pieces)


def _quoted(name: str) -> str:
    if not name or not name.isprintable() or len(name.encode()) > _LONGEST:
        words = f"{name[:_LONGEST]!r} cannot be the name of a thing in PostgreSQL."
        help_ = "Copy it from the catalogue, without quotes."
        raise StatementError("bad-sql-parameters", words, position=None, help=help_)
    return '"' + name.replace('"', '""') + '"'
