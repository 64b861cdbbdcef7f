"""The manifest: everything a curated run may ask the gateway for, computed from its notebook.

    manifest = compute(runbook)
    manifest.allows("blockers", target="orders", sql="SELECT …", names=["min"], params=bound)

A call that the manifest does not list is refused at the gateway (`not-in-manifest`), so even a
compromised kernel cannot ask what was not reviewed.
"""

from interlock.manifest.cell import Call
from interlock.manifest.computing import calls, compute
from interlock.manifest.model import ActionGrant, Manifest, MutationGrant, StepGrant

__all__ = [
    "ActionGrant",
    "Call",
    "Manifest",
    "MutationGrant",
    "StepGrant",
    "calls",
    "compute",
]
