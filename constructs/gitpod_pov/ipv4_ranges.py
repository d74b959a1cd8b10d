"""The IPv4 ranges that Google Cloud accepts, for subnetworks and for authorized networks.

Owns: which ranges are private, which ones a subnetwork cannot have, and which ones can be an authorized network. Leaves to others:
the form of a range (`gcp_names.Cidr`), its size, and its distance from other ranges.

A public range is accepted unless it is Google's: a VPC network may use public addresses of other owners as its own ("privately
used public IP addresses"), but not those of Google's services and of Google Cloud.

Source: https://cloud.google.com/vpc/docs/subnets#ipv4-ranges
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, collapse_addresses

from gitpod_pov.faults import Fault

PRIVATE = tuple(
    map(
        IPv4Network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
            "100.64.0.0/10",  # RFC 6598, shared address space
            "192.0.0.0/24",  # RFC 6890, IETF protocol assignments
            *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),  # RFC 5737, documentation
            "192.88.99.0/24",  # RFC 7526, IPv6 to IPv4 relay
            "198.18.0.0/15",  # RFC 2544, benchmarks
            "240.0.0.0/4",  # RFC 1112, class E
        ),
    )
)
"""The private ranges of which a subnetwork can have a part: https://cloud.google.com/vpc/docs/subnets#valid-ranges"""

UNUSABLE = {
    IPv4Network("0.0.0.0/8"): "the current network (RFC 1122)",
    IPv4Network("127.0.0.0/8"): "loopback (RFC 1122)",
    IPv4Network("169.254.0.0/16"): "link-local (RFC 3927)",
    IPv4Network("224.0.0.0/4"): "multicast (RFC 5771)",
    IPv4Network("255.255.255.255/32"): "the limited broadcast address (RFC 919)",
}
"""Ranges that cannot be addresses of machines in a network."""

PROHIBITED = {
    **UNUSABLE,
    IPv4Network("199.36.153.4/30"): "restricted.googleapis.com, for Private Google Access",
    IPv4Network("199.36.153.8/30"): "private.googleapis.com, for Private Google Access",
}
"""Ranges that no subnetwork can have, apart from Google's own: https://cloud.google.com/vpc/docs/subnets#prohibited-ipv4-ranges"""

_EVERY_NETWORK = IPv4Network("0.0.0.0/0")
_BROADCAST = IPv4Network("255.255.255.255/32")
_REMEDY = "use a private range, such as 10.0.0.0/20"

GOOGLE = tuple(
    map(
        IPv4Network,
        """
        8.8.4.0/24 8.8.8.0/24 8.34.208.0/20 8.35.192.0/20 8.228.0.0/14 8.232.0.0/14 8.236.0.0/15 23.236.48.0/20 23.251.128.0/19
        34.0.0.0/15 34.2.0.0/16 34.3.0.0/23 34.3.2.0/27 34.3.3.0/24 34.3.4.0/24 34.3.8.0/21 34.3.16.0/20 34.3.32.0/19 34.3.64.0/18
        34.4.0.0/14 34.8.0.0/13 34.16.0.0/12 34.32.0.0/11 34.64.0.0/10 34.128.0.0/10 35.184.0.0/13 35.192.0.0/14 35.196.0.0/15
        35.198.0.0/16 35.199.0.0/17 35.199.128.0/18 35.200.0.0/13 35.208.0.0/12 35.224.0.0/12 35.240.0.0/13 35.252.0.0/14 64.15.112.0/20
        64.233.160.0/19 66.102.0.0/20 66.249.64.0/19 70.32.128.0/19 72.14.192.0/18 74.114.24.0/21 74.125.0.0/16 104.154.0.0/15
        104.196.0.0/14 104.237.160.0/19 107.167.160.0/19 107.178.192.0/18 108.59.80.0/20 108.170.192.0/18 108.177.0.0/17 130.211.0.0/16
        136.22.2.0/23 136.22.4.0/23 136.22.8.0/22 136.22.160.0/20 136.22.176.0/21 136.22.184.0/23 136.22.186.0/24 136.23.48.0/20
        136.23.64.0/18 136.64.0.0/11 136.107.0.0/16 136.108.0.0/14 136.112.0.0/13 136.120.0.0/22 136.124.0.0/15 142.250.0.0/15
        146.148.0.0/17 162.120.128.0/17 162.216.148.0/22 162.222.176.0/21 172.110.32.0/21 172.217.0.0/16 172.253.0.0/16 173.194.0.0/16
        173.255.112.0/20 192.104.160.0/23 192.158.28.0/22 192.178.0.0/15 193.186.4.0/24 199.192.112.0/22 199.223.232.0/21 207.175.0.0/16
        207.223.160.0/20 208.65.152.0/22 208.68.108.0/22 208.81.188.0/22 208.117.224.0/19 209.85.128.0/17 216.58.192.0/19 216.73.80.0/20
        216.239.32.0/19 216.252.220.0/22
        """.split(),  # noqa: SIM905 - a list would take a line for each range
    )
)
"""Google's own public ranges, which no subnetwork can have: https://www.gstatic.com/ipranges/goog.txt

Without IPv6 and without the two of Private Google Access. Taken in November 2026 from a copy of that list:
https://raw.githubusercontent.com/lord-alfred/ipranges/main/google/ipv4_merged.txt
"""


def subnetwork_fault(cidr: IPv4Network) -> str | None:
    """Return why a subnetwork cannot have a range, worded to read on from it; None where it can.

    A range lies inside one private range, or is public as a whole and not Google's.
    """
    if any(map(cidr.subnet_of, PRIVATE)) and not cidr.overlaps(_BROADCAST):
        return None
    for prohibited, use in PROHIBITED.items():
        if cidr.overlaps(prohibited):
            return f"overlaps {prohibited}, {use}, which no subnetwork can have: {_REMEDY}"
    for google in GOOGLE:
        if cidr.overlaps(google):
            return f"overlaps {google}, which belongs to Google and which no subnetwork can have: {_REMEDY}"
    for private in PRIVATE:
        if cidr.overlaps(private):
            return f"is larger than the private range {private} in it, which is not allowed: {_REMEDY}"
    return None


def authorized_network_faults(networks: Mapping[str, str], *, private_endpoint: bool) -> Iterator[Fault]:
    """Yield a fault for every authorized network that GKE refuses, or from which no client can connect.

    Args:
        networks: the ranges by name.
        private_endpoint: whether the control plane has only an internal IP address. GKE then refuses a network outside the private ranges:
            "is not a reserved network, which is required for private endpoints".
    """
    ranges = {name: IPv4Network(cidr) for name, cidr in networks.items()}
    for name, cidr in ranges.items():
        key = ("authorized_networks", name)
        if unusable := next(filter(cidr.subnet_of, UNUSABLE), None):
            yield Fault(
                key, (f"is in {unusable}, {UNUSABLE[unusable]}, which cannot contain clients: list the network of the clients"), str(cidr)
            )
        elif private_endpoint and not any(map(cidr.subnet_of, PRIVATE)):
            yield Fault(
                key,
                "is not a private range, which GKE requires with cluster.private_endpoint: use the range from which the clients reach "
                "the VPC network, or set cluster.private_endpoint to false",
                str(cidr),
            )
        elif cidr == _EVERY_NETWORK:
            yield Fault(key, "allows every network: remove authorized_networks to allow all of them, or list yours", str(cidr))
    if _EVERY_NETWORK not in ranges.values() and list(collapse_addresses(ranges.values())) == [_EVERY_NETWORK]:
        yield Fault(
            ("authorized_networks",),
            ("allows every network, taken together: remove authorized_networks to allow all of them, or list yours"),
        )
