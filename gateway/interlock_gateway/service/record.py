"""What every row of the store is."""

from typing import ClassVar


class Record:
    """A row: `TABLE` is its table and `KEY` the columns that identify it."""

    __slots__ = ()
    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
