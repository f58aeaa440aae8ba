"""Which addresses of the network the issuer may call for a client (RFC 9700 §4, RFC 7591 §5). Pure.

A client's registration names addresses that this server calls: its keys, its logout endpoint. None of them
may lead to this machine or into the operator's network (server-side request forgery).
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# Most carry another address inside: translation (RFC 6052, RFC 8215), 6to4 and its relays (RFC 3056, RFC
# 7526), Teredo (RFC 4380), IPv4-compatible ones (RFC 4291 §2.5.5.1); site-local ones (§2.5.7) are deprecated.
_CARRIERS: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "192.88.99.0/24",
        "2001::/32",
        "::/96",
        "fec0::/10",
    )
)


def may_call(text: str, networks: Collection[Network] = (), *, loopback: bool = False) -> bool:
    """Return whether the issuer may connect to an address.

    Public unicast addresses are allowed, and those in `networks`, which the operator names; `loopback` allows
    this machine too, for development. Text that is no address, or one with a zone, is refused.
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return loopback
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    if any(address in one for one in _CARRIERS if one.version == address.version):
        return False
    return address.is_global or any(address in one for one in networks if one.version == address.version)
