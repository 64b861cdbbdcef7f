"""One request to a target that keeps metrics or logs: its door, its credential, its limits."""

from collections.abc import Mapping

from interlock_gateway.adapters.targets.http.client import Answer, Caps, Door, GuardedClient
from interlock_gateway.adapters.targets.http.credential import Credential
from interlock_gateway.core.endpoint import Route, RouteError
from interlock_gateway.core.model import Limits, Target
from interlock_gateway.service.targets import Secrets, TargetError


class Asker:
    """Sends what a route and its values make to a target, through the guarded client."""

    def __init__(
        self,
        secrets: Secrets,
        client: GuardedClient | None = None,
        types: tuple[str, ...] = ("application/json",),
    ) -> None:
        """Connect to nothing yet.

        Args:
            secrets: gives a credential each time one is sent.
            client: what sends; tests bring one that looks names up otherwise.
            types: media types of an answer that is understood.
        """
        self._secrets = secrets
        self._client = client or GuardedClient()
        self._types = types

    async def ask(
        self, target: Target, route: Route, values: Mapping[str, str], limits: Limits
    ) -> Answer:
        """Return the answer, of whatever status but a redirect.

        Raises:
            TargetError: unreachable, timed out, or larger than `limits`.
        """
        if target.endpoint is None:
            raise TargetError("target-unreachable", f"{target.name} has no `url`.")
        try:
            request = route.request(target.endpoint.base, values)
        except RouteError as error:
            raise TargetError("target-failed", str(error)) from error
        caps = Caps(bytes=limits.bytes, seconds=limits.seconds, types=self._types)
        return await self._client.send(self._door(target), request, caps)

    def _door(self, target: Target) -> Door:
        endpoint = target.endpoint
        if endpoint is None:
            raise TargetError("target-unreachable", f"{target.name} has no `url`.")
        secret = self._secrets.resolve(target.read) if target.read else ""
        # Only `path:` gives the place of a file; `file:` is one too, and a certificate no secret.
        ca = self._secrets.resolve("path:" + endpoint.ca.partition(":")[2]) if endpoint.ca else ""
        credential = Credential(secret, endpoint.scheme)
        addresses, tenant = endpoint.addresses, endpoint.tenant
        return Door(target.name, endpoint.base, addresses, credential, ca, tenant=tenant)
