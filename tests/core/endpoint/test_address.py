"""Which addresses are connected to: a public one, or what the configuration lists."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.endpoint import EndpointError, network, refused_address
from interlock_gateway.core.endpoint.address import METADATA

INWARDS = (
    *("127.0.0.1", "127.8.8.8", "::1", "::", "10.1.2.3", "172.16.0.1"),
    "0.0.0.0",  # noqa: S104  nothing is bound here
    *("192.168.1.1", "100.64.0.1", "169.254.1.1", "fe80::1", "fc00::1", "fd12::1", "192.0.2.1"),
    *("224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "2001:db8::1"),
)
EMBEDDED = (
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",  # IPv4-compatible
    "64:ff9b::127.0.0.1",  # NAT64
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::10.0.0.1",
    "2002:7f00:1::",  # 6to4
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::",  # Teredo, whose server is 127.0.0.1
)


def why(address: str, *listed: str) -> str:
    return refused_address(ip_address(address), tuple(map(network, listed)))


@pytest.mark.parametrize("address", [*INWARDS, *EMBEDDED, *sorted(map(str, METADATA))])
def test_without_a_list_only_public_addresses_are_connected_to(address: str) -> None:
    assert why(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_need_no_list(address: str) -> None:
    assert why(address) == ""


def test_with_a_list_only_what_stands_on_it() -> None:
    assert why("10.20.3.4", "10.20.0.0/16") == ""
    assert why("::ffff:10.20.3.4", "10.20.0.0/16") == ""
    assert why("127.0.0.1", "127.0.0.1/32") == ""
    assert "not among" in why("10.21.3.4", "10.20.0.0/16")
    assert "not among" in why("8.8.8.8", "10.20.0.0/16")


@pytest.mark.parametrize("address", sorted(map(str, METADATA)))
def test_a_metadata_service_is_never_meant_by_a_wide_network(address: str) -> None:
    assert "metadata" in why(address, "0.0.0.0/0", "::/0")
    assert "metadata" in why(
        address, "169.254.0.0/16", "100.64.0.0/10", "fd00::/8", "0.0.0.0/0", "::/0"
    )
    assert why(address, address) == ""


@pytest.mark.parametrize(
    "address", ["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:a9fe:a9fe"]
)
def test_a_metadata_service_behind_ipv6_is_seen(address: str) -> None:
    assert "metadata" in why(address, "::/0", "0.0.0.0/0")


@pytest.mark.parametrize("address", ["::", "224.0.0.1", "255.255.255.255", "ff02::1"])
def test_what_is_not_one_machine_is_never_connected_to(address: str) -> None:
    assert "not the address of one machine" in why(address, "0.0.0.0/0", "::/0")


def test_an_address_of_one_network_card_is_refused() -> None:
    assert why("fe80::1%eth0", "fe80::/10")


@given(st.ip_addresses())
def test_nothing_inward_passes_without_a_list(address: object) -> None:
    found = ip_address(str(address))
    if not refused_address(found, ()):
        assert found.is_global
        assert not found.is_loopback
        assert not found.is_multicast


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "x", "", "::ffff:10.0.0.0/104", "10.0.0.0/33", "10.1"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(EndpointError):
        network(text)
