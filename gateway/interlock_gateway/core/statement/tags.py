"""Which columns are masked, as values: the tags of a relation, of a source, of a result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Output = tuple[str, str]
"""A result column's name, "" where the engine makes one up, and its tag, "" for one to show."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Which columns of a relation are masked.

    Attributes:
        columns: column, in lower case, to its tag.
        every: the tag of all others; "" when they may be shown.
    """

    columns: dict[str, str] = field(default_factory=dict)
    every: str = ""

    def of(self, column: str) -> str:
        """Return a column's tag, or ""."""
        return self.columns.get(column.casefold(), self.every)

    @property
    def first(self) -> str:
        """Any tag there is, or ""."""
        return self.every or next(iter(self.columns.values()), "")


@dataclass(frozen=True, slots=True)
class Source:
    """A relation that a statement names, as the catalogue knows it.

    Attributes:
        tags: which of its columns are masked.
        columns: all of them in order; empty when they are not known.
        keeps: whether it keeps its rows itself, so that what has a tag is a masked value and
            nothing else; a view may mix it with others.
    """

    tags: Tags = field(default_factory=Tags)
    columns: tuple[str, ...] = ()
    keeps: bool = True

    def has(self, column: str) -> bool:
        """Tell whether it may have a column of that name."""
        return not self.columns or column.casefold() in map(str.casefold, self.columns)


Lookup = Callable[[Sequence[str]], Source]
"""Finds a relation by its name as written, schema first."""
