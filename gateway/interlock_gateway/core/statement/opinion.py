"""What one parser makes of a statement."""

from dataclasses import dataclass
from typing import NoReturn

from interlock_gateway.core.model import Effect, Reason, strongest


@dataclass(frozen=True, slots=True)
class Opinion:
    """One parser's reading of a statement.

    Attributes:
        kind: the statement's kind: `select`, `update`, `explain`, …
        reasons: everything in it that is more than a read.
        tables: tables and views named, as written.
        functions: functions called, lower case.
        bounded: whether the text itself bounds the rows.
        inner: for `explain`, the kind of the statement explained.
        relations: what is read from, as (schema, name) or (name,), CTEs among them.
        types: types that are not the engine's own, as (schema, name) or (name,).
        ctes: names of common table expressions.
    """

    kind: str
    reasons: tuple[Reason, ...] = ()
    tables: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    bounded: bool = False
    inner: str = ""
    relations: tuple[tuple[str, ...], ...] = ()
    types: tuple[tuple[str, ...], ...] = ()
    ctes: frozenset[str] = frozenset()

    @property
    def effect(self) -> Effect:
        """The most dangerous effect of all reasons."""
        return strongest([reason.effect for reason in self.reasons])


class NotUnderstoodError(Exception):
    """A parser cannot make one understood statement of the text.

    Attributes:
        reason: why, with effect unknown.
    """

    def __init__(self, what: str, detail: str, position: int | None = None) -> None:
        super().__init__(detail)
        self.reason = Reason(Effect.UNKNOWN, what, detail, position=position)


def not_understood(what: str, detail: str, position: int | None = None) -> NoReturn:
    """Give up on the statement: it stays unknown.

    Raises:
        NotUnderstoodError: always.
    """
    raise NotUnderstoodError(what, detail, position)
