"""The network of the cluster.

Owns: one subnetwork with a range for nodes, one for Pods and one for Services, or reading an existing one; optionally the network, a
router with Cloud NAT for only that subnetwork, and the roles of Google's service agents in the host project of a Shared VPC. Leaves to
others: routes, firewalls and everything else in an existing network, what is checked of an existing subnetwork (`existing_subnetwork`),
and sharing the network itself, which takes an administrator of the organization: enabling the host project and attaching the service
project.

The ranges are explicit, although gcloud's `--create-subnetwork` lets Google choose them, because the provider removed that argument in
version 3. The defaults are as large as the ranges Google chooses, and outside those of the auto-mode `default` network.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips
"""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from gitpod_pov import existing_subnetwork
from gitpod_pov.configuration import Configuration, known
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Cidr, NetworkName, ProjectId
from gitpod_pov.ipv4_ranges import subnetwork_fault
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.reasons import Reasons
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Boolean

from cdktf import ITerraformDependable, Postcondition, TerraformProvider, TerraformResourceLifecycle
from cdktf_cdktf_provider_google.compute_network import ComputeNetwork
from cdktf_cdktf_provider_google.compute_router import ComputeRouter
from cdktf_cdktf_provider_google.compute_router_nat import ComputeRouterNat, ComputeRouterNatLogConfig, ComputeRouterNatSubnetwork
from cdktf_cdktf_provider_google.compute_subnetwork import (
    ComputeSubnetwork,
    ComputeSubnetworkLogConfig,
    ComputeSubnetworkSecondaryIpRange,
)
from cdktf_cdktf_provider_google.compute_subnetwork_iam_member import ComputeSubnetworkIamMember
from cdktf_cdktf_provider_google.data_google_compute_subnetwork import DataGoogleComputeSubnetwork
from cdktf_cdktf_provider_google.data_google_project import DataGoogleProject
from cdktf_cdktf_provider_google.project_iam_member import ProjectIamMember
from constructs import Construct

AUTO_MODE_RANGE = IPv4Network("10.128.0.0/9")
"""The range that the auto-mode network `default` reserves."""
DOCKER_BRIDGE_RANGE = IPv4Network("172.17.0.0/16")
"""The range of Docker's default bridge in a machine or a workspace: "
"https://cloud.google.com/vpc/docs/subnets#additional-ipv4-considerations"""
PREFIXES = {"nodes_cidr": (0, 29, "/29 or larger"), "services_cidr": (16, 27, "/16 to /27")}
"""For each range its shortest and its longest prefix, and the two in words."""


def ranges_of(config: "ClusterNetworkConfig") -> dict[str, IPv4Network]:
    """Return the ranges that are created, by the key that holds them, without one that is refused already."""
    if not config.create_subnetwork:
        return {}
    return {key: IPv4Network(cidr) for key, cidr in known(config, "nodes_cidr", "pods_cidr", "services_cidr")}


def _range_sizes(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    ranges = ranges_of(config)
    for key, (largest, smallest, allowed) in PREFIXES.items():
        if key in ranges and not largest <= ranges[key].prefixlen <= smallest:
            yield Fault((key,), f"must be {allowed}")


def _usable_ranges(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    for key, cidr in ranges_of(config).items():
        if fault := subnetwork_fault(cidr):
            yield Fault((key,), fault)


def _ranges_apart(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    for (key, first), (other, second) in combinations(ranges_of(config).items(), 2):
        if first.overlaps(second):
            yield Fault((other,), f"overlaps network.{key} '{first}': use a range that does not overlap it")


def _outside_auto_mode(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.network == "default" and not config.create_network:
        for key, cidr in ranges_of(config).items():
            if cidr.overlaps(AUTO_MODE_RANGE):
                yield Fault(
                    (key,),
                    f"overlaps {AUTO_MODE_RANGE}, which the auto-mode network 'default' reserves: use a range outside it, such as one "
                    "below 10.128.0.0, or another network",
                )


def _created_network_named(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.create_network and config.network == "default":
        yield Fault(
            ("network",), "is the network that Google creates in new projects: name another network, or set network.create_network to false"
        )


def _subnetwork_of_auto_mode(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.create_subnetwork and config.network == config.subnetwork == "default" and not config.create_network:
        yield Fault(
            ("subnetwork",),
            "is the name of the subnetwork that the auto-mode network 'default' has in every region: choose another, or leave it out",
        )


_OF_EXISTING = {
    "subnetwork": "subnetwork",
    "pods_range_name": "secondary range for Pods",
    "services_range_name": "secondary range for Services",
}
_OF_CREATED = ("create_network", "nodes_cidr", "pods_cidr", "services_cidr", "private_google_access", "flow_logs")


def _existing_subnetwork_named(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    for key, name in known(config, *_OF_EXISTING):
        if not config.create_subnetwork and name is None:
            message = f"is required if network.create_subnetwork is false: set it to the name of the existing {_OF_EXISTING[key]}"
            yield Fault((key,), message)


def _existing_subnetwork_unchanged(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    for key, value in known(config, *_OF_CREATED):
        if not config.create_subnetwork and key in config.model_fields_set and value not in (None, False):
            yield Fault(
                (key,),
                "cannot be set if network.create_subnetwork is false, which leaves an existing subnetwork and its network as they are: "
                "remove it",
            )


def _range_names_apart(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.pods_range == config.services_range:
        yield Fault(("services_range_name",), "is also the Pod range: name another secondary range", config.services_range)


def _grants_in_host_project(config: "ClusterNetworkConfig") -> Iterator[Fault]:
    if config.grant_service_agents and config.host_project is None:
        yield Fault(
            ("grant_service_agents",),
            "needs network.host_project, in which the roles are granted: set it, or remove network.grant_service_agents",
        )


class ClusterNetworkConfig(Configuration):
    """Configuration of `ClusterNetwork`."""

    network: NetworkName = "default"
    """Name of the VPC network."""

    host_project: ProjectId | None = None
    """ID of the Shared VPC host project, which contains the network, the subnetwork, the router and Cloud NAT. Default: the deployment's
    project. A change replaces the cluster.
    """

    grant_service_agents: bool = False
    """Whether to grant GKE's service agents their roles in the host project, see docs/networks.md. A destroy removes the grants, even if
    they existed before.
    """

    create_network: bool = False
    """Whether to create the VPC network, in custom mode. If false, it must exist."""

    subnetwork: NetworkName | None = None
    """Name of the subnetwork. Default: `gitpod-CLUSTER`. Required if create_subnetwork is false."""

    create_subnetwork: bool = True
    """Whether to create the subnetwork. If false, it must exist in the region, with two secondary ranges, and is only read. Set it only at
    creation: a later change to false plans to delete the subnetwork.
    """

    pods_range_name: NetworkName | None = None
    """Name of the secondary range for Pods. Default: `pods`. Required if create_subnetwork is false. A change replaces the cluster."""

    services_range_name: NetworkName | None = None
    """Name of the secondary range for Services. Default: `services`. Required if create_subnetwork is false. A change replaces the cluster.
    """

    nodes_cidr: Cidr = "10.0.0.0/20"
    """IPv4 range of the nodes, /29 or larger. Google reserves four of its addresses."""

    pods_cidr: Cidr = "10.4.0.0/14"
    """IPv4 range of the Pods. With 110 Pods per node, each node takes a /24."""

    services_cidr: Cidr = "10.8.0.0/20"
    """IPv4 range of the Services, /16 to /27."""

    cloud_nat: bool | None = None
    """Whether to create a Cloud Router with Cloud NAT, billed by the hour and by the gigabyte. Required with cluster.private_nodes: use
    false if the network already has a route to the internet. Default: none, as in the guide.
    """

    private_google_access: Boolean | None = None
    """Whether to enable Private Google Access, through which VMs without external IP addresses reach Google APIs. Default: true with
    cluster.private_nodes, otherwise Google's for a new subnetwork, no change to an existing one.
    """

    flow_logs: bool = False
    """Whether to enable VPC Flow Logs for half of the connections, billed by the gigabyte."""

    rules = (
        _usable_ranges,
        _range_sizes,
        _ranges_apart,
        _outside_auto_mode,
        _created_network_named,
        _subnetwork_of_auto_mode,
        _existing_subnetwork_named,
        _existing_subnetwork_unchanged,
        _range_names_apart,
        _grants_in_host_project,
    )

    def subnetwork_of(self, cluster_name: str) -> str:
        """Return the name of the subnetwork of a cluster: the configured one, or the guide's."""
        return self.subnetwork or f"gitpod-{cluster_name}"

    @property
    def without_effect(self) -> frozenset[str]:
        """See `Configuration`."""
        return frozenset(() if self.create_subnetwork else _OF_CREATED)

    def project_of(self, project: str) -> str:
        """Return the project of the network, for a deployment in this project."""
        return self.host_project or project

    @property
    def pods_range(self) -> str:
        """Name of the secondary range for Pods."""
        return self.pods_range_name or "pods"

    @property
    def services_range(self) -> str:
        """Name of the secondary range for Services."""
        return self.services_range_name or "services"


REASONS: Reasons = {
    "google_compute_network": {
        "": "The VPC network of the cluster.",
        "auto_create_subnetworks": "Auto mode would create a subnetwork in every region.",
    },
    "google_compute_subnetwork": {
        "": "The subnetwork of the nodes, with secondary ranges for Pods and Services. GKE cannot move a cluster to another one.",
        "ip_cidr_range": "IP addresses of the nodes.",
        "private_ip_google_access": "Lets nodes without external IP addresses reach Google APIs and Artifact Registry.",
        "log_config": "VPC Flow Logs, which are billed by the gigabyte.",
    },
    "data.google_compute_subnetwork": {
        "": "The existing subnetwork of the nodes. It is only read: a plan fails if its ranges do not fit the node pools.",
    },
    "data.google_project": {"": "The number of the project, which is part of the names of its service agents."},
    "google_compute_subnetwork_iam_member": {
        "": "Lets a service agent of the project use the subnetwork. Other members of the role are not affected.",
    },
    "google_project_iam_member": {
        "": "Grants {role} in the host project to the GKE service agent. Other members of the role are not affected.",
    },
    "google_compute_router": {"": "The router that Cloud NAT needs."},
    "google_compute_router_nat": {
        "": "Cloud NAT, through which nodes without external IP addresses reach the internet. It is billed by the hour and the gigabyte.",
        "source_subnetwork_ip_ranges_to_nat": "Other subnetworks in the region can have their own Cloud NAT.",
    },
}


class ClusterNetwork(Construct):
    """The subnetwork of a cluster, created or existing, and its network where that is created too.

    Attributes:
        network_id: ID of the network, `projects/PROJECT/global/networks/NAME`; a token where the network is created here.
        network_name: the network's name; a token where the network is created here.
        subnetwork_id: ID of the subnetwork, `projects/PROJECT/regions/REGION/subnetworks/NAME`; a token where it is created here.
        subnetwork_name: the subnetwork's name; a token where it is created here.
        network_of_cluster, subnetwork_of_cluster: how a cluster refers to them: by name, or with a host project by path.
        pods_range_name: name of the secondary range for Pods, unique within the subnetwork.
        services_range_name: name of the secondary range for services, unique within the subnetwork.
        requirements: what a cluster depends on besides the subnetwork.
        egress: what nodes without external IP addresses depend on: the Cloud NAT, if one is created.
        config: the configuration, for constructs whose own limits depend on the ranges.
    """

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
        self._project, self._region, self._provider = config.project_of(project), region, provider
        self._waiting = waiting_for(apis)
        self.network_name: str = config.network
        self.network_id: str = self._network_path
        self.pods_range_name, self.services_range_name = config.pods_range, config.services_range
        if config.create_network:
            network = ComputeNetwork(
                self,
                "Default",
                project=self._project,
                name=config.network,
                auto_create_subnetworks=False,
                depends_on=self._waiting,
                provider=provider,
            )
            self.network_id, self.network_name = network.id, network.name
        self._conditions: list[Postcondition] = []
        self._subnetwork: ComputeSubnetwork | DataGoogleComputeSubnetwork
        self.requirements: list[ITerraformDependable] = []
        if config.create_subnetwork:
            self._subnetwork = self._created_subnetwork(cluster_name)
            self.subnetwork_id: str = self._subnetwork.id
            self.subnetwork_name: str = self._subnetwork.name
        else:
            self._subnetwork = self._existing_subnetwork()
            # Not from the data source: where Terraform defers reading it, an unknown name would replace the cluster.
            self.subnetwork_name = str(config.subnetwork)
            self.subnetwork_id = self._subnetwork_path
            # Nothing else of the network waits for the APIs.
            self.requirements += [*(self._waiting or ()), self._subnetwork]
        self.network_of_cluster, self.subnetwork_of_cluster = self.network_name, self.subnetwork_name
        if config.host_project is not None:
            # Made of names: an ID is unknown while what it belongs to is replaced, and the cluster would be replaced too.
            self.network_of_cluster, self.subnetwork_of_cluster = self._network_path, self._subnetwork_path
        if config.host_project is not None and config.grant_service_agents:
            self.requirements += self._service_agent_grants(project)
        self.egress: list[ITerraformDependable] = [self._nat(cluster_name)] if config.cloud_nat else []
        self._warn_of_docker()

    @property
    def _network_path(self) -> str:
        return f"projects/{self._project}/global/networks/{self.network_name}"

    @property
    def _subnetwork_path(self) -> str:
        return f"projects/{self._project}/regions/{self._region}/subnetworks/{self.subnetwork_name}"

    def enable_private_google_access(self) -> None:
        """Let nodes without external IP addresses reach Google's APIs and registries, which private nodes need.

        An existing subnetwork stays as it is: a plan fails if it has no Private Google Access.
        """
        if isinstance(self._subnetwork, ComputeSubnetwork):
            self._subnetwork.private_ip_google_access = True
        else:
            self.expect(existing_subnetwork.has_private_google_access(self.subnetwork_name, self._region, self._project))

    def expect(self, *conditions: Postcondition) -> None:
        """Add conditions on an existing subnetwork; a plan fails if one does not hold.

        Raises:
            TypeError: when the subnetwork is created here.
        """
        if isinstance(self._subnetwork, ComputeSubnetwork):
            raise TypeError("only an existing subnetwork has conditions")
        self._conditions += conditions
        self._subnetwork.lifecycle = TerraformResourceLifecycle(postcondition=self._conditions)

    def _created_subnetwork(self, cluster_name: str) -> ComputeSubnetwork:
        config = self.config
        return ComputeSubnetwork(
            self,
            "subnetwork",
            project=self._project,
            region=self._region,
            name=config.subnetwork_of(cluster_name),
            network=self.network_name,
            ip_cidr_range=config.nodes_cidr,
            secondary_ip_range=[
                ComputeSubnetworkSecondaryIpRange(range_name=config.pods_range, ip_cidr_range=config.pods_cidr),
                ComputeSubnetworkSecondaryIpRange(range_name=config.services_range, ip_cidr_range=config.services_cidr),
            ],
            private_ip_google_access=config.private_google_access,
            log_config=ComputeSubnetworkLogConfig(aggregation_interval="INTERVAL_5_SEC", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA")
            if config.flow_logs
            else None,
            depends_on=self._waiting,
            provider=self._provider,
        )

    def _existing_subnetwork(self) -> DataGoogleComputeSubnetwork:
        """Read the subnetwork.

        It waits for nothing, so that it is read when Terraform plans: a project whose Compute Engine API is off has no subnetwork.
        """
        config, name = self.config, str(self.config.subnetwork)
        self._subnetwork = DataGoogleComputeSubnetwork(
            self, "subnetwork", project=self._project, region=self._region, name=name, provider=self._provider
        )
        self.expect(
            existing_subnetwork.in_network(name, config.network),
            existing_subnetwork.has_range("pods_range_name", config.pods_range, name),
            existing_subnetwork.has_range("services_range_name", config.services_range, name),
            existing_subnetwork.range_size("services_range_name", config.services_range, *PREFIXES["services_cidr"]),
        )
        return self._subnetwork

    def _service_agent_grants(self, project: str) -> list[ITerraformDependable]:
        """Grant the two accounts with which Google acts for a service project their roles in the host project.

        Each grant adds and removes only itself. A cluster depends on them, because GKE refuses it without them. They wait for the GKE API,
        which creates the service agent; the resource that would do so, `google_project_service_identity`, is only in google-beta.

        Source: https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-shared-vpc#enabling_and_granting_roles
        """
        # It does not wait for the APIs: a later change of their list would defer the read and replace the grants.
        number = DataGoogleProject(self, "service_agents_project", project_id=project, provider=self._provider).number
        gke = f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com"
        google_apis = f"serviceAccount:{number}@cloudservices.gserviceaccount.com"
        warn(
            self,
            "destroy-removes-existing-grants",
            "network.grant_service_agents grants roles to GKE's service agents in the host project, and a destroy removes these grants "
            "even if they existed before or other clusters need them; leave it out, and let the host project's administrator grant them",
        )
        return [
            ProjectIamMember(
                self,
                "service_agents_host_service_agent_user",
                project=self._project,
                role="roles/container.hostServiceAgentUser",
                member=gke,
                depends_on=self._waiting,
                provider=self._provider,
            ),
            *(
                ComputeSubnetworkIamMember(
                    self,
                    f"service_agents_{name}_network_user",
                    project=self._project,
                    region=self._region,
                    subnetwork=self.subnetwork_name,
                    role="roles/compute.networkUser",
                    member=member,
                    depends_on=self._waiting,
                    provider=self._provider,
                )
                for name, member in {"gke": gke, "google_apis": google_apis}.items()
            ),
        ]

    def _nat(self, cluster_name: str) -> ComputeRouterNat:
        router = ComputeRouter(
            self,
            "router",
            project=self._project,
            region=self._region,
            name=f"gitpod-{cluster_name}",
            network=self.network_name,
            depends_on=self._waiting,
            provider=self._provider,
        )
        return ComputeRouterNat(
            self,
            "nat",
            project=self._project,
            region=self._region,
            name=f"gitpod-{cluster_name}",
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            # Only this subnetwork: others in the region do not belong to this deployment and may have their own NAT.
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetwork=[ComputeRouterNatSubnetwork(name=self.subnetwork_id, source_ip_ranges_to_nat=["ALL_IP_RANGES"])],
            log_config=ComputeRouterNatLogConfig(enable=True, filter="ERRORS_ONLY"),
            provider=self._provider,
        )

    def _warn_of_docker(self) -> None:
        overlapping = [f"network.{key} '{cidr}'" for key, cidr in ranges_of(self.config).items() if cidr.overlaps(DOCKER_BRIDGE_RANGE)]
        if overlapping:
            warn(
                self,
                "docker-bridge-range",
                f"{' and '.join(overlapping)} overlap{'s' if len(overlapping) == 1 else ''} {DOCKER_BRIDGE_RANGE}, the range of Docker's "
                "default bridge: workspaces that run Docker cannot reach addresses in it; use a range that does not overlap it",
            )
