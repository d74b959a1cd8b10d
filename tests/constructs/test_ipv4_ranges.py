from ipaddress import IPv4Network, collapse_addresses

from gitpod_pov.ipv4_ranges import GOOGLE, PRIVATE, PROHIBITED, UNUSABLE, authorized_network_faults, subnetwork_fault

import pytest

CLASS_E = IPv4Network("240.0.0.0/4")  # its last address is the limited broadcast address


def halves(network: IPv4Network) -> list[IPv4Network]:
    return [*network.subnets()] if network.prefixlen < 32 else [network]


class TestSubnetworks:
    @pytest.mark.parametrize("private", [network for network in PRIVATE if network != CLASS_E], ids=str)
    def test_can_be_within_a_private_range(self, private: IPv4Network) -> None:
        assert [subnetwork_fault(network) for network in (private, *halves(private))] == [None, None, None]
        assert subnetwork_fault(private.supernet()) is not None

    def test_can_have_class_e_without_the_broadcast_address(self) -> None:
        first, last = halves(CLASS_E)
        assert subnetwork_fault(first) is None
        assert "255.255.255.255/32, the limited broadcast address" in (subnetwork_fault(last) or "")

    @pytest.mark.parametrize("prohibited", PROHIBITED, ids=str)
    def test_cannot_overlap_a_prohibited_range(self, prohibited: IPv4Network) -> None:
        for network in (prohibited, *halves(prohibited), prohibited.supernet()):
            assert f"overlaps {prohibited}, {PROHIBITED[prohibited]}, which" in (subnetwork_fault(network) or ""), network

    @pytest.mark.parametrize("google", GOOGLE, ids=str)
    def test_cannot_have_a_range_of_google(self, google: IPv4Network) -> None:
        assert f"overlaps {google}, which belongs to Google" in (subnetwork_fault(google) or "")

    @pytest.mark.parametrize("cidr", ["11.0.0.0/8", "9.0.0.0/8", "8.8.9.0/24", "172.32.0.0/16", "192.169.0.0/16", "126.0.0.0/8"])
    def test_can_have_a_privately_used_public_range(self, cidr: str) -> None:
        assert subnetwork_fault(IPv4Network(cidr)) is None

    def test_the_ranges_are_apart(self) -> None:
        assert len(list(collapse_addresses([*PRIVATE, *GOOGLE]))) == len([*collapse_addresses(PRIVATE), *collapse_addresses(GOOGLE)])
        for network in PROHIBITED:
            assert not any(network.overlaps(google) for google in GOOGLE)


def authorized(*cidrs: str, private_endpoint: bool = False) -> list[str]:
    networks = {f"n{index}": cidr for index, cidr in enumerate(cidrs)}
    return [str(fault) for fault in authorized_network_faults(networks, private_endpoint=private_endpoint)]


class TestAuthorizedNetworks:
    @pytest.mark.parametrize("private", PRIVATE, ids=str)
    def test_of_a_private_endpoint_are_private(self, private: IPv4Network) -> None:
        for network in (private, *halves(private)):
            assert authorized(str(network), private_endpoint=True) == []
        (fault,) = authorized(str(private.supernet()), private_endpoint=True)
        assert fault.startswith(
            f"authorized_networks.n0: '{private.supernet()}' is not a private range, which GKE requires with cluster.private_endpoint"
        )

    @pytest.mark.parametrize("unusable", UNUSABLE, ids=str)
    @pytest.mark.parametrize("private_endpoint", [False, True])
    def test_are_of_clients(self, unusable: IPv4Network, *, private_endpoint: bool) -> None:
        for network in (unusable, *halves(unusable)):
            if private_endpoint and network == CLASS_E:
                continue
            (fault,) = authorized(str(network), private_endpoint=private_endpoint)
            assert f"'{network}' is in {unusable}, {UNUSABLE[unusable]}, which cannot contain clients" in fault
        assert not any("no client connects" in fault for fault in authorized(str(unusable.supernet())))

    @pytest.mark.parametrize(
        "cidrs",
        [
            ("0.0.0.0/1", "128.0.0.0/1"),
            ("128.0.0.0/1", "0.0.0.0/2", "64.0.0.0/2"),
            ("10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1"),
        ],
        ids=len,
    )
    def test_together_do_not_cover_every_network(self, cidrs: tuple[str, ...]) -> None:
        assert authorized(*cidrs) == [
            "authorized_networks: allows every network, taken together: remove authorized_networks to allow all of them, or list yours"
        ]
        assert authorized(*cidrs[:-1]) == []

    def test_may_be_none_or_many(self) -> None:
        assert authorized() == []
        assert authorized(*(f"8.8.8.{n}/32" for n in range(100))) == []
