"""Whether an HTTP target is what was meant, as far as its certificate says so."""

from interlock_gateway.adapters.doctor.check import Check, Notes
from interlock_gateway.core.model import Target


def told_by_tls(target: Target, notes: Notes) -> Check:
    """Return whether the target's certificate names it."""
    if target.endpoint and target.endpoint.base.secure:
        return notes.holds("is who it says", "TLS", "its certificate names it")
    then = "Use https:// where the network between is not the gateway's own."
    return notes.noted("is who it says", "http", "whoever is in between could answer", then)
