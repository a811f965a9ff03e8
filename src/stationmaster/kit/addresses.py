"""Network addresses, cut so far that they tell what is asked: the network and not the person, or one customer's line."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IPV4_BITS = 24
IPV6_BITS = 48
IPV6_LINE_BITS = 64
"""A line has at least so many IPv6 addresses to choose from (RFC 6177)."""


def truncate_address(text: str) -> str | None:
    """Return the network an address lies in: its first 24 bits (IPv4) or 48 bits (IPv6), the rest zero.

    An IPv4 address in IPv6 form counts as IPv4. None for a text that is no address (a Unix socket, a test client).
    """
    try:
        address = _unwrap(ip_address(text.partition("%")[0]))
    except ValueError:
        return None
    bits = IPV4_BITS if address.version == 4 else IPV6_BITS
    return str(ip_network((address, bits), strict=False).network_address)


def line_of(text: str) -> str | None:
    """Return what one customer cannot change at will: an IPv4 address, or the /64 of an IPv6 address.

    An IPv4 address in IPv6 form counts as IPv4. None for a text that is no address.
    """
    try:
        address = _unwrap(ip_address(text.partition("%")[0]))
    except ValueError:
        return None
    return str(address if address.version == 4 else ip_network((address, IPV6_LINE_BITS), strict=False))


def _unwrap(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
