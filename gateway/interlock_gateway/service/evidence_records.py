"""The rows of evidence: what was destroyed, and what is to become of the rest."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from interlock_gateway.service.record import Record


@dataclass(frozen=True, slots=True)
class TombstoneRow(Record):
    """That a part or an artifact was destroyed: by whom, when and why; never changed.

    `kind` is redacted or expired. `covers` names, between `|`, each row that held a copy, such as
    `votes/A-1/you`: the database lets go of a copy in a frozen row only where a tombstone does.
    """

    TABLE: ClassVar[str] = "tombstones"
    KEY: ClassVar[tuple[str, ...]] = ("part",)
    part: str
    event: str
    incident: str
    kind: str
    by: str
    at: datetime
    reason: str
    covers: str = ""


@dataclass(frozen=True, slots=True)
class RetentionRow(Record):
    """What is to become of an incident's evidence: whether it is held, and how far it expired.

    `held_by` is "" where nobody holds it; `reason` says why somebody does. Everything up to the
    sequence `expired_to` was looked at; `done_at` is when all of it was.
    """

    TABLE: ClassVar[str] = "retention"
    KEY: ClassVar[tuple[str, ...]] = ("incident",)
    incident: str
    held_by: str = ""
    reason: str = ""
    held_at: datetime | None = None
    expired_to: int = 0
    done_at: datetime | None = None
