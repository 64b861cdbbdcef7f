"""A runbook: a notebook with an owner, typed parameters and steps, as frozen values.

`load` reads the text of a notebook and gives a `Runbook`, or a `UsageError` that names the file,
the cell and the line. Nothing here touches a file, a clock or a network; the gateway and the
responder's side share it.
"""

from interlock.runbook.loading import load
from interlock.runbook.model import (
    EvidenceFrom,
    Limits,
    Owner,
    Reviewed,
    Runbook,
    Step,
    typed,
)
from interlock.runbook.notebook import MAX_BYTES, Cell, canonical_text
from interlock.runbook.parameters import Bound, Param, described

__all__ = [
    "MAX_BYTES",
    "Bound",
    "Cell",
    "EvidenceFrom",
    "Limits",
    "Owner",
    "Param",
    "Reviewed",
    "Runbook",
    "Step",
    "canonical_text",
    "described",
    "load",
    "typed",
]
