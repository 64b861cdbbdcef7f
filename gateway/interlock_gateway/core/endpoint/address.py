"""Which addresses an HTTP target may turn out to have.

Without a list only public addresses are connected to: not this machine, not its network, not the
neighbour that hands out credentials to whoever asks. With a list, only what stands on it.
"""

from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from interlock_gateway.core.endpoint.url import EndpointError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Google Cloud, Azure, OpenStack and many others
            "169.254.170.2",  # AWS: credentials of a container
            "169.254.170.23",  # AWS: credentials of a pod
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure's platform; a public address by its number
            "192.0.0.192",  # Oracle Cloud, older
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",  # AWS: credentials of a pod
            "fd20:ce::254",  # Google Cloud
        ),
    )
)
"""Where clouds hand out credentials to the machine that asks; from the vendors' documents."""

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")


def network(text: str) -> Network:
    """Return the network, or the single address, that `text` writes.

    Raises:
        EndpointError: no network, or one with bits of a host.
    """
    try:
        found = ip_network(text)
    except ValueError as error:
        raise EndpointError(f"{text!r} is no network such as 10.20.0.0/16: {error}.") from None
    if isinstance(found, IPv6Network) and found.network_address.ipv4_mapped:
        raise EndpointError(f"{text!r} is IPv4 written as IPv6; write the IPv4 network.")
    return found


def refused_address(address: Address, allowed: Sequence[Network]) -> str:
    """Return why `address` is not connected to, "" where it may be.

    Args:
        address: what the target's name was resolved to.
        allowed: the target's `addresses`; empty for public ones.
    """
    if isinstance(address, IPv6Address) and address.scope_id:
        return f"{address} is an address of one network card"
    return next(filter(None, (_refused(face, allowed) for face in _faces(address))), "")


def _refused(address: Address, allowed: Sequence[Network]) -> str:
    if address.is_unspecified or address.is_multicast or _broadcast(address):
        return f"{address} is not the address of one machine"
    listed = [network for network in allowed if address in network]
    if address in METADATA and not any(one.num_addresses == 1 for one in listed):
        return f"{address} is a metadata service, which hands out credentials"
    if allowed:
        return "" if listed else f"{address} is not among the target's `addresses`"
    if address.is_loopback:
        return f"{address} is the gateway's own machine"
    if address.is_link_local:
        return f"{address} is link-local"
    return "" if address.is_global else f"{address} is a private address"


def _broadcast(address: Address) -> bool:
    return isinstance(address, IPv4Address) and address.is_reserved


def _faces(address: Address) -> Iterator[Address]:
    """Yield every address that a packet for `address` may reach in the end."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped:  # the kernel sends IPv4; there is no other address
        yield address.ipv4_mapped
        return
    yield address
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if any(address in one for one in _NAT64) or (
        address in _COMPATIBLE and int(address) > 1  # :: and ::1 are themselves
    ):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
