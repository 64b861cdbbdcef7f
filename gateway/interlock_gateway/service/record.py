"""What every row of the store is."""

from typing import ClassVar


class Record:
    """A row: `TABLE` is its table and `KEY` the columns that identify it.

    `WORDS` are the columns that repeat what people, targets or programs said; secrets are masked
    in them as they are in events.
    """

    __slots__ = ()
    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    WORDS: ClassVar[tuple[str, ...]] = ()
