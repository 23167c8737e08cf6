"""Who is connected: how many connections each address holds, so that nobody takes all of them.

An IPv6 address counts with its whole /64, which is the least that a site is given (RFC 6177) and so within one hand;
an IPv4 address that comes in the clothes of IPv6 (RFC 4291, 2.5.5.2) counts as what it is.
"""

from collections import Counter
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from matinee.settings import HttpSettings

Peer = IPv4Address | IPv6Network


class Peers:
    """Counts the connections of each address but those of trusted proxies, behind which many clients may be."""

    def __init__(self, http: HttpSettings) -> None:
        self._most = http.connections_per_address
        self._trusted = http.trusted_proxies
        self._held: Counter[Peer] = Counter()

    def arrive(self, address: str) -> bool:
        """Count one more connection; False when the address has too many with it. Each has to `leave`."""
        if (peer := self._peer(address)) is None:
            return True
        self._held[peer] += 1
        return self._held[peer] <= self._most

    def leave(self, address: str) -> None:
        """Count one connection less."""
        if (peer := self._peer(address)) is None:
            return
        self._held[peer] -= 1
        if not self._held[peer]:
            del self._held[peer]

    def _peer(self, text: str) -> Peer | None:
        address = _plain(ip_address(text))
        if any(address in network for network in self._trusted):
            return None
        return address if isinstance(address, IPv4Address) else IPv6Network((int(address), 64), strict=False)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
