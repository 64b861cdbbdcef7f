"""What a rule of the small grammar takes and gives."""

from collections.abc import Callable
from dataclasses import dataclass

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.lexer import Token
from interlock_gateway.core.statement.opinion import Opinion


@dataclass(frozen=True, slots=True)
class Explained:
    """An EXPLAIN; the statement in it begins at `start`, and `runs` when it is run as well."""

    start: int
    runs: bool = False


Rule = Callable[[Dialect, list[Token]], Opinion | Explained]
"""Reads the tokens behind the first word; raises NotUnderstoodError to give up."""
