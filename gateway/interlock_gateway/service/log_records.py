"""The rows about the log itself: where it ends, its keys, its checkpoints and their anchors."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from interlock_gateway.service.record import Record

LOG = "log"
"""The key of the one row of `LogRow`."""


@dataclass(frozen=True, slots=True)
class LogRow(Record):
    """Where the log ends; written with the events, by the store alone.

    Attributes:
        origin: the log's name in checkpoints, made once.
        size: how many events it has.
        peaks: the frontier of its tree, 32 bytes for each complete subtree, largest first.
        key: identifies the key that signs now.
    """

    TABLE: ClassVar[str] = "log"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    origin: str
    size: int
    peaks: bytes
    key: str


@dataclass(frozen=True, slots=True)
class NodeRow(Record):
    """The root of a complete subtree of 2**level events; levels are 8, 16, 24 and so on."""

    TABLE: ClassVar[str] = "log_nodes"
    KEY: ClassVar[tuple[str, ...]] = ("level", "place")
    level: int
    place: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class LogKeyRow(Record):
    """A key of the log, as it is published, and since which size it signs.

    `note` is the checkpoint with which it began, signed by the key before it as well; "" for the
    first one.
    """

    TABLE: ClassVar[str] = "log_keys"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    text: str
    since: int
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointRow(Record):
    """A signed checkpoint, as a C2SP note."""

    TABLE: ClassVar[str] = "checkpoints"
    KEY: ClassVar[tuple[str, ...]] = ("size",)
    size: int
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AnchoringRow(Record):
    """That a checkpoint was laid down outside the store, and how to find it there."""

    TABLE: ClassVar[str] = "anchorings"
    KEY: ClassVar[tuple[str, ...]] = ("anchor", "size")
    anchor: str
    size: int
    at: datetime
    receipt: str


LOG_ROWS: tuple[type[Record], ...] = (LogRow, NodeRow, LogKeyRow, CheckpointRow, AnchoringRow)
