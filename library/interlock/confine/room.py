"""What a confined process may have of the files of a machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Room:
    """Files and folders of one process, beside what Python itself reads.

    Attributes:
        own: folders in which it may do as it likes.
        sockets: folders in which it may make sockets. Nothing in them can be removed or put in
            another's place: whoever connects there means what was made first.
        reading: files and folders that it may read.
    """

    own: Sequence[Path] = ()
    sockets: Sequence[Path] = ()
    reading: Sequence[Path] = ()
