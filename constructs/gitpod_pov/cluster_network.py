"""The network of the cluster.

Owns: one subnetwork with a range for nodes, one for pods and one for Services; optionally the network, and a router with Cloud NAT for
only that subnetwork. Leaves to others: routes, firewalls and everything else in an existing network.

The ranges are explicit, although gcloud's `--create-subnetwork` lets Google choose them, because the provider removed that argument in
version 3. The defaults are as large as the ranges Google chooses, and outside those of the auto-mode `default` network.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips
"""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from gitpod_pov.configuration import Configuration, known
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Cidr, NetworkName
from gitpod_pov.ipv4_ranges import subnetwork_fault
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Boolean

from cdktf import ITerraformDependable, TerraformProvider
from cdktf_cdktf_provider_google.compute_network import ComputeNetwork
from cdktf_cdktf_provider_google.compute_router import ComputeRouter
from cdktf_cdktf_provider_google.compute_router_nat import ComputeRouterNat, ComputeRouterNatLogConfig, ComputeRouterNatSubnetwork
from cdktf_cdktf_provider_google.compute_subnetwork import (
    ComputeSubnetwork,
    ComputeSubnetworkLogConfig,
    ComputeSubnetworkSecondaryIpRange,
)
from constructs import Construct

AUTO_MODE_RANGE = IPv4Network("10.128.0.0/9")
"""The range that the auto-mode network `default` reserves."""
DOCKER_BRIDGE_RANGE = IPv4Network("172.17.0.0/16")
"""The range of Docker's default bridge in a machine or a workspace: https://cloud.google.com/vpc/docs/subnets#additional-ipv4-considerations"""
PREFIXES = {"nodes_cidr": (0, 29, "/29 or larger"), "services_cidr": (16, 27, "/16 to /27")}
"""For each range its shortest and its longest prefix, and the two in words."""


def ranges_of(config: "ClusterNetworkConfig") -> dict[str, IPv4Network]:
    """Return the three ranges by the key that holds them, without one that is refused already."""
    return {key: IPv4Network(cidr) for key, cidr in known(config, "nodes_cidr", "pods_cidr", "services_cidr")}


def _range_sizes(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    ranges = ranges_of(config)
    for key, (largest, smallest, allowed) in PREFIXES.items():
        if key in ranges and not largest <= ranges[key].prefixlen <= smallest:
            yield Fault((key,), f"must be {allowed}", str(ranges[key]))


def _usable_ranges(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    for key, cidr in ranges_of(config).items():
        if fault := subnetwork_fault(cidr):
            yield Fault((key,), fault, str(cidr))


def _ranges_apart(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    for (key, first), (other, second) in combinations(ranges_of(config).items(), 2):
        if first.overlaps(second):
            yield Fault((other,), f"overlaps network.{key} '{first}': use a range that does not overlap it", str(second))


def _outside_auto_mode(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.network == "default" and not config.create_network:
        for key, cidr in ranges_of(config).items():
            if cidr.overlaps(AUTO_MODE_RANGE):
                yield Fault(
                    (key,),
                    f"overlaps {AUTO_MODE_RANGE}, which the auto-mode network 'default' reserves: use a range outside it, such as one "
                    "below 10.128.0.0, or another network",
                    str(cidr),
                )


def _created_network_named(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.create_network and config.network == "default":
        yield Fault(
            ("network",),
            "is the network that Google creates in new projects: name another network, or set network.create_network to false",
            config.network,
        )


def _subnetwork_of_auto_mode(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.network == config.subnetwork == "default" and not config.create_network:
        yield Fault(
            ("subnetwork",),
            "is the name of the subnetwork that the auto-mode network 'default' has in every region: choose another, or leave it out",
            config.subnetwork,
        )


class ClusterNetworkConfig(Configuration):
    """Configuration of `ClusterNetwork`."""

    network: NetworkName = "default"
    """Name of the VPC network, in the deployment's project."""

    create_network: bool = False
    """Whether to create the VPC network, in custom mode. If false, it must exist."""

    subnetwork: NetworkName | None = None
    """Name of the subnetwork to create. Default: `gitpod-CLUSTER`."""

    nodes_cidr: Cidr = "10.0.0.0/20"
    """IPv4 range of the nodes, /29 or larger. Google reserves four of its addresses."""

    pods_cidr: Cidr = "10.4.0.0/14"
    """IPv4 range of the pods. With 110 pods per node, each node takes a /24."""

    services_cidr: Cidr = "10.8.0.0/20"
    """IPv4 range of the Services, /16 to /27."""

    cloud_nat: bool | None = None
    """Whether to create a Cloud Router with Cloud NAT, which is billed by the hour and by the gigabyte. Required with
    cluster.private_nodes, where false means that the network has another route to the internet. Default: none, as in the guide.
    """

    private_google_access: Boolean | None = None
    """Whether VMs without external IP addresses reach Google APIs. Default: true with cluster.private_nodes, otherwise Google's
    default.
    """

    flow_logs: bool = False
    """Whether to log a sample of half of the subnetwork's connections. The logs are billed by the gigabyte."""

    rules = (_usable_ranges, _range_sizes, _ranges_apart, _outside_auto_mode, _created_network_named, _subnetwork_of_auto_mode)

    def subnetwork_of(self, cluster_name: str) -> str:
        """Return the name of the subnetwork of a cluster: the configured one, or the guide's."""
        return self.subnetwork or f"gitpod-{cluster_name}"


class ClusterNetwork(Construct):
    """The subnetwork of a cluster, and its network where that is created too.

    Attributes:
        network_name: the network's name; a token where the network is created here.
        subnetwork_name: the subnetwork's name, as a token.
        pods_range_name: name of the secondary range for pods, unique within the subnetwork.
        services_range_name: name of the secondary range for services, unique within the subnetwork.
        egress: what nodes without public addresses depend on: the Cloud NAT, if one is created.
        config: the configuration, for constructs whose own limits depend on the ranges.
    """

    pods_range_name = "pods"
    services_range_name = "services"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        region: str,
        cluster_name: str,
        apis: ProjectApis | None = None,
        config: ClusterNetworkConfig | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.config = config = config or ClusterNetworkConfig()
        self.network_name: str = config.network
        if config.create_network:
            self.network_name = ComputeNetwork(
                self,
                "Default",
                project=project,
                name=config.network,
                auto_create_subnetworks=False,
                depends_on=waiting_for(apis),
                provider=provider,
            ).name
        subnetwork = ComputeSubnetwork(
            self,
            "subnetwork",
            project=project,
            region=region,
            name=config.subnetwork_of(cluster_name),
            network=self.network_name,
            ip_cidr_range=config.nodes_cidr,
            secondary_ip_range=[
                ComputeSubnetworkSecondaryIpRange(range_name=self.pods_range_name, ip_cidr_range=config.pods_cidr),
                ComputeSubnetworkSecondaryIpRange(range_name=self.services_range_name, ip_cidr_range=config.services_cidr),
            ],
            private_ip_google_access=config.private_google_access,
            log_config=ComputeSubnetworkLogConfig(aggregation_interval="INTERVAL_5_SEC", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA")
            if config.flow_logs
            else None,
            depends_on=waiting_for(apis),
            provider=provider,
        )
        self._subnetwork = subnetwork
        self.subnetwork_name: str = subnetwork.name
        self.egress: list[ITerraformDependable] = []
        if config.cloud_nat:
            router = ComputeRouter(
                self,
                "router",
                project=project,
                region=region,
                name=f"gitpod-{cluster_name}",
                network=self.network_name,
                depends_on=waiting_for(apis),
                provider=provider,
            )
            nat = ComputeRouterNat(
                self,
                "nat",
                project=project,
                region=region,
                name=f"gitpod-{cluster_name}",
                router=router.name,
                nat_ip_allocate_option="AUTO_ONLY",
                # Only this subnetwork: others in the region do not belong to this deployment and may have their own NAT.
                source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
                subnetwork=[ComputeRouterNatSubnetwork(name=subnetwork.id, source_ip_ranges_to_nat=["ALL_IP_RANGES"])],
                log_config=ComputeRouterNatLogConfig(enable=True, filter="ERRORS_ONLY"),
                provider=provider,
            )
            self.egress = [nat]
        self._warn_of_docker()

    def enable_private_google_access(self) -> None:
        """Let nodes without public addresses reach Google's APIs and registries, which private nodes need."""
        self._subnetwork.private_ip_google_access = True

    def _warn_of_docker(self) -> None:
        overlapping = [f"network.{key} '{cidr}'" for key, cidr in ranges_of(self.config).items() if cidr.overlaps(DOCKER_BRIDGE_RANGE)]
        if overlapping:
            warn(
                self,
                "docker-bridge-range",
                f"{' and '.join(overlapping)} overlaps {DOCKER_BRIDGE_RANGE}, the range of Docker's default bridge: workspaces that run "
                "Docker cannot reach addresses in it; use a range that does not overlap it",
            )
