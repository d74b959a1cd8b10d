"""The GKE control plane.

Owns: the cluster and every setting of it that is not a node's. Leaves to others: the nodes (`LabelledNodePool`), the identity they
run under, the network, and who may administer the cluster.

Why it removes the node pool that GKE insists on creating: a pool inside the cluster resource cannot be changed without replacing
the cluster, so the one pool of the architecture is a resource of its own.

Source: https://registry.terraform.io/providers/hashicorp/google/6.50.0/docs/resources/container_cluster
"""

from collections.abc import Iterator
from typing import Literal

from gitpod_pov.cluster_network import ClusterNetwork
from gitpod_pov.configuration import Configuration, Fault, refuse
from gitpod_pov.gcp_names import ClusterName, KubernetesVersion, repeated
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.risks import warn

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_google.container_cluster import (
    ContainerCluster,
    ContainerClusterAddonsConfig,
    ContainerClusterAddonsConfigDnsCacheConfig,
    ContainerClusterAddonsConfigHorizontalPodAutoscaling,
    ContainerClusterAddonsConfigHttpLoadBalancing,
    ContainerClusterAddonsConfigNetworkPolicyConfig,
    ContainerClusterIpAllocationPolicy,
    ContainerClusterMasterAuth,
    ContainerClusterMasterAuthClientCertificateConfig,
    ContainerClusterNetworkPolicy,
    ContainerClusterNodeConfig,
    ContainerClusterReleaseChannel,
    ContainerClusterTimeouts,
)
from cdktf_cdktf_provider_google.data_google_container_engine_versions import DataGoogleContainerEngineVersions
from constructs import Construct
from pydantic import Field

ReleaseChannel = Literal["UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"]


class GkeClusterConfig(Configuration):
    """Configuration of `GkeCluster`."""

    name: ClusterName = Field(default="gitpod", description="Name of the cluster, unique within its project and region.")
    version: KubernetesVersion | None = Field(
        default=None,
        description=(
            "Kubernetes version of control plane and nodes. Left out: the newest of the REGULAR channel when the cluster is created, "
            "and no change after that."
        ),
    )
    release_channel: ReleaseChannel = Field(
        default="UNSPECIFIED",
        description="Release channel. UNSPECIFIED, the guide's choice, is what lets node_pool.auto_upgrade be false.",
    )
    default_max_pods_per_node: int = Field(
        default=110, ge=8, le=256, description="Pods per node for pools that do not say it themselves, 8 to 256."
    )
    deletion_protection: bool = Field(
        default=False,
        description="Whether Terraform refuses to destroy the cluster. False, since a proof of value is torn down after the trial.",
    )


def zone_faults(region: str, zones: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a fault for every zone outside the region and every zone that is named twice."""
    for index, zone in enumerate(zones):
        if not zone.startswith(f"{region}-"):
            yield Fault(("zones", index), f"is not a zone of {region}", zone)
    for index in repeated(zones):
        yield Fault(("zones", index), "stands in the list twice", zones[index])


class GkeCluster(Construct):
    """A regional GKE cluster without nodes.

    Attributes:
        project, region, zones: where it stands; no zones means every zone of the region.
        config: the configuration, for constructs whose own rules depend on it.
        network: the network it stands in.
        name, location: as tokens, so that what uses them waits for the cluster.
        endpoint: address of the control plane, without scheme, as a token.
        control_plane_version: the version that the control plane runs, as a token.
        version: the version to create nodes with: a literal if pinned, else a token of the newest REGULAR one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        region: str,
        zones: tuple[str, ...] = (),
        identity: NodeIdentity,
        network: ClusterNetwork,
        apis: ProjectApis | None = None,
        config: GkeClusterConfig | None = None,
    ) -> None:
        """Add the cluster.

        Raises:
            Faults: when a zone is not one of the region or is named twice.
        """
        refuse(zone_faults(region, zones))
        super().__init__(scope, id)
        self.project, self.region, self.zones, self.network = project, region, zones, network
        self.config = config = config or GkeClusterConfig()
        self.version: str = config.version or self._newest_regular_version(apis)
        cluster = ContainerCluster(
            self,
            "Default",
            project=project,
            name=config.name,
            location=region,
            node_locations=list(zones) or None,
            network=network.network_name,
            subnetwork=network.subnetwork_name,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=ContainerClusterIpAllocationPolicy(
                cluster_secondary_range_name=network.pods_range_name,
                services_secondary_range_name=network.services_range_name,
            ),
            datapath_provider="LEGACY_DATAPATH",  # Calico needs it; Dataplane V2 would refuse the network policy below
            network_policy=ContainerClusterNetworkPolicy(enabled=True, provider="CALICO"),
            # gcloud's --addons switches off what it leaves out, hence the load balancing (see the recorded request).
            addons_config=ContainerClusterAddonsConfig(
                dns_cache_config=ContainerClusterAddonsConfigDnsCacheConfig(enabled=True),
                horizontal_pod_autoscaling=ContainerClusterAddonsConfigHorizontalPodAutoscaling(disabled=False),
                http_load_balancing=ContainerClusterAddonsConfigHttpLoadBalancing(disabled=True),
                network_policy_config=ContainerClusterAddonsConfigNetworkPolicyConfig(disabled=False),
            ),
            master_auth=ContainerClusterMasterAuth(
                client_certificate_config=ContainerClusterMasterAuthClientCertificateConfig(issue_client_certificate=False)
            ),
            min_master_version=self.version,
            # Left out, Google enrols the cluster in a channel, where a pool without upgrades is refused.
            release_channel=ContainerClusterReleaseChannel(channel=config.release_channel),
            default_max_pods_per_node=config.default_max_pods_per_node,
            remove_default_node_pool=True,
            initial_node_count=1,
            # The pool to be removed would run under the Compute default account, which may not exist.
            node_config=ContainerClusterNodeConfig(service_account=identity.email),
            deletion_protection=config.deletion_protection,
            timeouts=ContainerClusterTimeouts(create="90m", update="90m", delete="90m"),
            lifecycle=TerraformResourceLifecycle(ignore_changes=self._ignored_changes()),
        )
        self.name: str = cluster.name
        self.location: str = cluster.location
        self.endpoint: str = cluster.endpoint
        self.control_plane_version: str = cluster.master_version
        self._warn_of_risks()

    @property
    def version_moves(self) -> bool:
        """Whether the version that Terraform asks for or Google runs can differ from one plan to the next."""
        return self.config.version is None or self.config.release_channel != "UNSPECIFIED"

    def _newest_regular_version(self, apis: ProjectApis | None) -> str:
        versions = DataGoogleContainerEngineVersions(
            self, "versions", project=self.project, location=self.region, depends_on=waiting_for(apis)
        )
        return versions.release_channel_latest_version.lookup("REGULAR")

    def _ignored_changes(self) -> list[str]:
        return [
            # GKE creates it true, provider 6.50 defaults to false, and true to false replaces the cluster.
            "enable_l4_ilb_subsetting",
            # Of the removed pool; what is read back is another pool's or none, and a difference replaces the cluster.
            "node_config",
            # The guide switches upgrades off: a newer release must not become one at the next apply.
            *(["min_master_version"] if self.version_moves else []),
        ]

    def _warn_of_risks(self) -> None:
        warn(
            self,
            "public-control-plane",
            "the control plane answers on a public address to every network, as in the guide",
        )
        if self.config.release_channel == "UNSPECIFIED":
            warn(
                self,
                "no-release-channel",
                "Google ends clusters without a release channel on 2027-06-14; set cluster.release_channel, and node_pool.auto_upgrade "
                "to true with it",
            )
        if not self.zones:
            warn(
                self,
                "node-in-every-zone",
                f"a regional cluster has its nodes in every zone: usually three in {self.region} where the guide speaks of a single one, "
                "and three times the maximum; set zones to one zone for exactly one",
            )
