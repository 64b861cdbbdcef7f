"""The guarded client: the gateway's only way to an HTTP target."""

from interlock_gateway.adapters.targets.http.asking import Asker
from interlock_gateway.adapters.targets.http.client import Answer, Caps, Door, GuardedClient

__all__ = ["Answer", "Asker", "Caps", "Door", "GuardedClient"]
