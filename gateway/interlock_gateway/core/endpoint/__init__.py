"""HTTP targets as values: where one answers, which addresses that may be, what may be asked.

    base = base_url("https://metrics.example.com/prometheus")
    refused_address(ip_address("169.254.169.254"), ())     # why it is not connected to
    route.request(base, {"query": "up"})                    # bytes in which no value is syntax

Nothing here touches the network; the guarded client in the adapters does what this decides.
"""

from interlock_gateway.core.endpoint.address import Network, network, refused_address
from interlock_gateway.core.endpoint.route import (
    Request,
    Route,
    RouteError,
    Slot,
    encoded,
    segment,
)
from interlock_gateway.core.endpoint.url import Base, EndpointError, base_url

__all__ = [
    "Base",
    "EndpointError",
    "Network",
    "Request",
    "Route",
    "RouteError",
    "Slot",
    "base_url",
    "encoded",
    "network",
    "refused_address",
    "segment",
]
