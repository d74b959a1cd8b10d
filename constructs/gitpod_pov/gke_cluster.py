"""The GKE control plane.

Owns: the cluster and every setting of it that is not a node's. Leaves to others: the nodes (`LabelledNodePool`), the identity they
run under, the network, and who may administer the cluster.

Why it removes the node pool that GKE insists on creating: a pool inside the cluster resource cannot be changed without replacing
the cluster, so the one pool of the architecture is a resource of its own.

Source: https://registry.terraform.io/providers/hashicorp/google/6.50.0/docs/resources/container_cluster
"""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Annotated, Literal

from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.configuration import Configuration, known
from gitpod_pov.faults import NO_VALUE, Fault, refuse
from gitpod_pov.gcp_names import (
    Cidr,
    ClusterName,
    KmsKey,
    KubernetesVersion,
    Matching,
    NoneTwice,
    PlainText,
    ResourceLabelKey,
    ResourceLabelValue,
    repeated,
)
from gitpod_pov.maintenance import MaintenanceExclusion, MaintenanceWindow, maintenance_policy
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
    ContainerClusterAnonymousAuthenticationConfig,
    ContainerClusterAuthenticatorGroupsConfig,
    ContainerClusterControlPlaneEndpointsConfig,
    ContainerClusterControlPlaneEndpointsConfigDnsEndpointConfig,
    ContainerClusterCostManagementConfig,
    ContainerClusterDatabaseEncryption,
    ContainerClusterIpAllocationPolicy,
    ContainerClusterLoggingConfig,
    ContainerClusterMasterAuth,
    ContainerClusterMasterAuthClientCertificateConfig,
    ContainerClusterMasterAuthorizedNetworksConfig,
    ContainerClusterMasterAuthorizedNetworksConfigCidrBlocks,
    ContainerClusterMonitoringConfig,
    ContainerClusterMonitoringConfigManagedPrometheus,
    ContainerClusterNetworkPolicy,
    ContainerClusterNodeConfig,
    ContainerClusterNodeConfigShieldedInstanceConfig,
    ContainerClusterNodeConfigWorkloadMetadataConfig,
    ContainerClusterNodePoolDefaults,
    ContainerClusterNodePoolDefaultsNodeConfigDefaults,
    ContainerClusterPrivateClusterConfig,
    ContainerClusterRbacBindingConfig,
    ContainerClusterReleaseChannel,
    ContainerClusterTimeouts,
    ContainerClusterWorkloadIdentityConfig,
)
from cdktf_cdktf_provider_google.data_google_container_engine_versions import DataGoogleContainerEngineVersions
from constructs import Construct
from pydantic import Field

ReleaseChannel = Literal["UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"]
LoggingComponent = Literal[
    "SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "KCP_CONNECTION", "KCP_SSHD", "KCP_HPA"
]
MonitoringComponent = Literal[
    "SYSTEM_COMPONENTS",
    "APISERVER",
    "CONTROLLER_MANAGER",
    "SCHEDULER",
    "STORAGE",
    "HPA",
    "POD",
    "DAEMONSET",
    "DEPLOYMENT",
    "STATEFULSET",
    "KUBELET",
    "CADVISOR",
    "DCGM",
    "JOBSET",
]
SecurityGroup = Annotated[
    str,
    Matching(r"gke-security-groups@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "the group that GKE asks for: gke-security-groups@ and the domain"),
]
"""https://cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac"""

_MOST_LABELS, _MOST_NETWORKS, _MOST_EXCLUSIONS = 64, 100, 20


def _authorized_networks(config: "GkeClusterConfig") -> Iterator[Fault]:
    networks = config.authorized_networks or {}
    for name, cidr in networks.items():
        if IPv4Network(cidr).prefixlen == 0:
            yield Fault(("authorized_networks", name), "is every network: leave authorized_networks out to say so, or name yours", cidr)
    if len(networks) > _MOST_NETWORKS:
        yield Fault(
            ("authorized_networks",), f"has {len(networks)} networks, GKE takes {_MOST_NETWORKS}: join neighbouring ranges", NO_VALUE
        )
    if config.private_endpoint and config.authorized_networks is None:
        yield Fault(
            ("authorized_networks",),
            "is required with private_endpoint: name the networks that may use it, or write {} for the subnetwork of the cluster alone",
            NO_VALUE,
        )


def _label_count(config: "GkeClusterConfig") -> Iterator[Fault]:
    if len(config.resource_labels) > _MOST_LABELS:
        yield Fault(("resource_labels",), f"has {len(config.resource_labels)} labels, {_MOST_LABELS} are allowed", NO_VALUE)


def _system_components(key: str, components: tuple[str, ...] | None) -> Iterator[Fault]:
    if components and "SYSTEM_COMPONENTS" not in components:
        yield Fault((key,), "must have SYSTEM_COMPONENTS too, GKE takes no other without it", list(components))


def _window_for_exclusions(config: "GkeClusterConfig") -> Iterator[Fault]:
    if config.maintenance_exclusions and config.maintenance_window is None:
        yield Fault(("maintenance_window",), "is required with maintenance_exclusions, the provider takes them only beside one", NO_VALUE)


def _exclusion_count(config: "GkeClusterConfig") -> Iterator[Fault]:
    if (count := len(config.maintenance_exclusions)) > _MOST_EXCLUSIONS:
        yield Fault(("maintenance_exclusions",), f"has {count} exclusions, {_MOST_EXCLUSIONS} are allowed", NO_VALUE)


def _exclusion_names(config: "GkeClusterConfig") -> Iterator[Fault]:
    exclusions = config.maintenance_exclusions
    for index in repeated(tuple(exclusion.name for exclusion in exclusions)):
        yield Fault(("maintenance_exclusions", index, "name"), "names another exclusion too, choose another", exclusions[index].name)


def _exclusion_scopes(config: "GkeClusterConfig") -> Iterator[Fault]:
    for index, exclusion in enumerate(config.maintenance_exclusions):
        if config.release_channel == "UNSPECIFIED" and exclusion.scope != "NO_UPGRADES":
            yield Fault(
                ("maintenance_exclusions", index, "scope"),
                "needs a release channel: set cluster.release_channel, and node_pool.auto_upgrade to true with it, or use NO_UPGRADES",
                exclusion.scope,
            )


class GkeClusterConfig(Configuration):
    """Configuration of `GkeCluster`: the control plane, and what holds for every node of the cluster.

    The removed node pool has nodes too, for minutes: an organisation's policies apply to them as to the others.
    """

    name: ClusterName = Field(default="gitpod", description="Name of the cluster, unique within its project and region.")
    version: KubernetesVersion | None = Field(
        default=None,
        description=(
            "Kubernetes version of control plane and nodes. Left out: the newest of the release channel, of REGULAR without one, when the "
            "cluster is created, and no change after that."
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
        description=(
            "Whether Terraform refuses to destroy the cluster, or to replace it. False, since a proof of value is torn down after the "
            "trial; true must be taken back and applied before that."
        ),
    )
    private_nodes: bool | None = Field(
        default=None,
        description=(
            "Whether nodes have no public addresses, so that nothing outside the network can reach them. Needs network.cloud_nat and "
            "network.private_google_access. Left out: public ones, as in the guide."
        ),
    )
    private_endpoint: bool | None = Field(
        default=None,
        description=(
            "Whether the control plane has no public address. People and Terraform then come through the network or the DNS endpoint. "
            "Left out: it has one, as in the guide."
        ),
    )
    authorized_networks: dict[Annotated[PlainText, Field(min_length=1)], Cidr] | None = Field(
        default=None,
        description=(
            "The only networks, by name, from which the control plane's addresses answer: `{ office = \"203.0.113.0/24\" }`. The nodes' "
            "own always may. Left out: every network, as in the guide."
        ),
    )
    dns_endpoint: bool | None = Field(
        default=None,
        description=(
            "Whether the control plane answers at its DNS name to whom IAM lets in (container.clusters.connect), from any network; the "
            "RBAC stack and the get-credentials command then use it. Left out: no, as in the guide."
        ),
    )
    workload_identity: bool = Field(
        default=False,
        description=(
            "Whether pods have Google identities of their own, and the nodes' credentials are out of their reach: GKE's metadata server "
            "stands before that of the machine. False, as in the guide, where pods act as the node."
        ),
    )
    shielded_nodes: bool | None = Field(
        default=None, description="Whether nodes prove to the control plane what they are. Left out: the provider's default, true."
    )
    secure_boot: bool | None = Field(
        default=None,
        description=(
            "Whether nodes boot and load only what is signed; kernel modules from elsewhere no longer load. Left out: no, as in the guide. "
            "A change replaces the node pool."
        ),
    )
    integrity_monitoring: bool | None = Field(
        default=None,
        description="Whether each boot of a node is measured and compared with the first. Left out: yes. A change replaces the node pool.",
    )
    kubelet_readonly_port: bool | None = Field(
        default=None,
        description=(
            "Whether the kubelet tells, without authentication, which pods run on its node (port 10255). False closes it; old monitoring "
            "agents read it. Left out: GKE's default for the version."
        ),
    )
    anonymous_authentication: Literal["ENABLED", "LIMITED"] | None = Field(
        default=None,
        description=(
            "Whether a request without credentials reaches every endpoint of the control plane (ENABLED) or the health checks alone "
            "(LIMITED). Left out: GKE's default, ENABLED."
        ),
    )
    insecure_rbac_bindings: bool | None = Field(
        default=None,
        description=(
            "Whether roles may be bound to everybody: system:anonymous, system:unauthenticated and system:authenticated, which is every "
            "Google account. False refuses new ones. Left out: allowed, GKE's default."
        ),
    )
    secrets_kms_key: KmsKey | None = Field(
        default=None,
        description=(
            "Cloud KMS key, in the cluster's region, with which Kubernetes secrets are encrypted before they are stored. GKE's service "
            "agent must be allowed to use it. Left out: Google's key alone."
        ),
    )
    boot_disk_kms_key: KmsKey | None = Field(
        default=None,
        description=(
            "Cloud KMS key with which the nodes' boot disks are encrypted. Compute Engine's service agent must be allowed to use it. Left "
            "out: Google's key. A change replaces the node pool."
        ),
    )
    maintenance_window: MaintenanceWindow | None = Field(
        default=None, description="The recurring hours in which Google may upgrade. Left out: at any time."
    )
    maintenance_exclusions: Annotated[tuple[MaintenanceExclusion, ...], Field(strict=False)] = Field(
        default=(),
        description="Spans of time in which Google leaves the versions alone, at most 20; they need a maintenance_window beside them.",
    )
    rbac_security_group: SecurityGroup | None = Field(
        default=None,
        description=(
            "The group `gke-security-groups@DOMAIN` whose member groups RBAC knows; without it a `group:` in admins.members is nobody. "
            "Left out: RBAC knows no Google groups."
        ),
    )
    logging_components: Annotated[tuple[LoggingComponent, ...], Field(strict=False), NoneTwice] | None = Field(
        default=None,
        description=(
            "What writes to Cloud Logging, SYSTEM_COMPONENTS first; APISERVER, CONTROLLER_MANAGER and SCHEDULER are the control plane's. "
            "An empty list: nothing. Left out: GKE's default, system and workloads."
        ),
    )
    monitoring_components: Annotated[tuple[MonitoringComponent, ...], Field(strict=False), NoneTwice] | None = Field(
        default=None,
        description="What writes to Cloud Monitoring, SYSTEM_COMPONENTS first. An empty list: nothing. Left out: GKE's default.",
    )
    managed_prometheus: bool | None = Field(
        default=None,
        description="Whether Google's collectors of Prometheus metrics run on the nodes; samples are charged. Left out: GKE's default.",
    )
    cost_allocation: bool | None = Field(
        default=None,
        description="Whether the billing export names cluster and namespace, to tell what a trial costs whom. Left out: no.",
    )
    resource_labels: dict[ResourceLabelKey, ResourceLabelValue] = Field(
        default={},
        description=(
            "Google Cloud labels of the cluster, its nodes and their disks, at most 64, for billing and inventories; not the Kubernetes "
            "labels of node_pool.labels. Nothing else that is created here takes labels."
        ),
    )

    rules = (
        _authorized_networks,
        _label_count,
        lambda c: _system_components("logging_components", c.logging_components),
        lambda c: _system_components("monitoring_components", c.monitoring_components),
        _window_for_exclusions,
        _exclusion_count,
        _exclusion_names,
        _exclusion_scopes,
    )

    @property
    def restricts_control_plane(self) -> bool:
        """Whether the control plane's addresses are closed to part of the world at least."""
        return bool(self.private_endpoint) or self.authorized_networks is not None

    @property
    def shields_nodes(self) -> bool:
        """Whether anything is said of how nodes boot."""
        return (self.secure_boot, self.integrity_monitoring) != (None, None)

    @property
    def kubelet_readonly_port_argument(self) -> str | None:
        """The read-only port as the provider takes it: TRUE or FALSE, as a string."""
        return None if self.kubelet_readonly_port is None else str(self.kubelet_readonly_port).upper()


def zone_faults(region: str, zones: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a fault for every zone outside the region."""
    for index, zone in enumerate(zones):
        if not zone.startswith(f"{region}-"):
            yield Fault(("zones", index), f"is not a zone of {region}", zone)


def repeated_zone_faults(zones: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a fault for every zone that is named twice."""
    for index in repeated(zones):
        yield Fault(("zones", index), "stands in the list twice", zones[index])


def way_out_faults(cluster: GkeClusterConfig, network: ClusterNetworkConfig) -> Iterator[Fault]:
    """Yield a fault for everything without which private nodes pull no image and reach no Google API."""
    for key, value in known(network, "cloud_nat", "private_google_access") if cluster.private_nodes else ():
        if key == "cloud_nat" and value is None:
            yield Fault(
                ("network", key),
                "is required with cluster.private_nodes: true creates Cloud NAT for image pulls, false says that the network has a way out",
                NO_VALUE,
            )
        if key == "private_google_access" and not value:
            yield Fault(
                ("network", key),
                "must be true with cluster.private_nodes, whose nodes reach Google's APIs and registries through it",
                NO_VALUE if value is None else value,
            )


def key_faults(region: str, cluster: GkeClusterConfig) -> Iterator[Fault]:
    """Yield a fault for every KMS key in a region in which the cluster cannot use it."""
    for field, key in known(cluster, "secrets_kms_key", "boot_disk_kms_key"):
        location = key.split("/")[3] if key else region
        # A boot disk's key may also lie in a location without a number, such as us or global; a secrets key may not.
        if location != region and (field == "secrets_kms_key" or location[-1].isdigit()):
            yield Fault(("cluster", field), f"lies in {location}, use a key in {region}", key)


def _authorized_networks_block(config: GkeClusterConfig) -> ContainerClusterMasterAuthorizedNetworksConfig | None:
    if config.authorized_networks is None:
        return None
    return ContainerClusterMasterAuthorizedNetworksConfig(
        cidr_blocks=[
            ContainerClusterMasterAuthorizedNetworksConfigCidrBlocks(display_name=name, cidr_block=cidr)
            for name, cidr in config.authorized_networks.items()
        ]
        or None,
        gcp_public_cidrs_access_enabled=False,  # or every machine of every customer of Google Cloud could connect
    )


def _monitoring_block(config: GkeClusterConfig) -> ContainerClusterMonitoringConfig | None:
    components, prometheus = config.monitoring_components, config.managed_prometheus
    if components is None and prometheus is None:
        return None
    return ContainerClusterMonitoringConfig(
        enable_components=None if components is None else list(components),
        managed_prometheus=None if prometheus is None else ContainerClusterMonitoringConfigManagedPrometheus(enabled=prometheus),
    )


class GkeCluster(Construct):
    """A regional GKE cluster without nodes.

    Attributes:
        project, region, zones: where it stands; no zones means every zone of the region.
        config: the configuration, for constructs whose own rules depend on it.
        network: the network it stands in.
        name, location: as tokens, so that what uses them waits for the cluster.
        endpoint: address of the control plane, without scheme, as a token.
        control_plane_version: the version that the control plane runs, as a token.
        version: the version to create nodes with: a literal if pinned, else a token of the channel's newest one.
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
            Faults: when a zone is not one of the region or is named twice, a key lies elsewhere, or private nodes have no way out.
        """
        config = config or GkeClusterConfig()
        refuse(
            [
                *zone_faults(region, zones),
                *repeated_zone_faults(zones),
                *key_faults(region, config),
                *way_out_faults(config, network.config),
            ]
        )
        super().__init__(scope, id)
        self.project, self.region, self.zones, self.network = project, region, zones, network
        self.config = config
        self.version: str = config.version or self._newest_version(apis)
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
            node_config=ContainerClusterNodeConfig(
                service_account=identity.email,
                boot_disk_kms_key=config.boot_disk_kms_key,
                shielded_instance_config=ContainerClusterNodeConfigShieldedInstanceConfig(
                    enable_secure_boot=config.secure_boot, enable_integrity_monitoring=config.integrity_monitoring
                )
                if config.shields_nodes
                else None,
                workload_metadata_config=ContainerClusterNodeConfigWorkloadMetadataConfig(mode="GKE_METADATA")
                if config.workload_identity
                else None,
            ),
            node_pool_defaults=ContainerClusterNodePoolDefaults(
                node_config_defaults=ContainerClusterNodePoolDefaultsNodeConfigDefaults(
                    insecure_kubelet_readonly_port_enabled=config.kubelet_readonly_port_argument
                )
            )
            if config.kubelet_readonly_port is not None
            else None,
            deletion_protection=config.deletion_protection,
            resource_labels=config.resource_labels or None,
            enable_shielded_nodes=config.shielded_nodes,
            maintenance_policy=maintenance_policy(config.maintenance_window, config.maintenance_exclusions),
            private_cluster_config=ContainerClusterPrivateClusterConfig(
                enable_private_nodes=config.private_nodes, enable_private_endpoint=config.private_endpoint
            )
            if (config.private_nodes, config.private_endpoint) != (None, None)
            else None,
            master_authorized_networks_config=_authorized_networks_block(config),
            control_plane_endpoints_config=ContainerClusterControlPlaneEndpointsConfig(
                dns_endpoint_config=ContainerClusterControlPlaneEndpointsConfigDnsEndpointConfig(allow_external_traffic=config.dns_endpoint)
            )
            if config.dns_endpoint is not None
            else None,
            anonymous_authentication_config=ContainerClusterAnonymousAuthenticationConfig(mode=config.anonymous_authentication)
            if config.anonymous_authentication
            else None,
            rbac_binding_config=ContainerClusterRbacBindingConfig(
                enable_insecure_binding_system_authenticated=config.insecure_rbac_bindings,
                enable_insecure_binding_system_unauthenticated=config.insecure_rbac_bindings,
            )
            if config.insecure_rbac_bindings is not None
            else None,
            authenticator_groups_config=ContainerClusterAuthenticatorGroupsConfig(security_group=config.rbac_security_group)
            if config.rbac_security_group
            else None,
            logging_config=ContainerClusterLoggingConfig(enable_components=list(config.logging_components))
            if config.logging_components is not None
            else None,
            monitoring_config=_monitoring_block(config),
            cost_management_config=ContainerClusterCostManagementConfig(enabled=config.cost_allocation)
            if config.cost_allocation is not None
            else None,
            workload_identity_config=ContainerClusterWorkloadIdentityConfig(workload_pool=f"{project}.svc.id.goog")
            if config.workload_identity
            else None,
            database_encryption=ContainerClusterDatabaseEncryption(state="ENCRYPTED", key_name=config.secrets_kms_key)
            if config.secrets_kms_key
            else None,
            timeouts=ContainerClusterTimeouts(create="90m", update="90m", delete="90m"),
            lifecycle=TerraformResourceLifecycle(
                # Refused when planning: the provider's own protection speaks up when the nodes and the roles are gone already.
                prevent_destroy=config.deletion_protection or None,
                ignore_changes=self._ignored_changes(),
            ),
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

    def _newest_version(self, apis: ProjectApis | None) -> str:
        versions = DataGoogleContainerEngineVersions(
            self, "versions", project=self.project, location=self.region, depends_on=waiting_for(apis)
        )
        channel = self.config.release_channel
        return versions.release_channel_latest_version.lookup("REGULAR" if channel == "UNSPECIFIED" else channel)

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
        if not self.config.restricts_control_plane:
            warn(
                self,
                "public-control-plane",
                "the control plane answers on a public address to every network, as in the guide; set cluster.authorized_networks, or "
                "cluster.private_endpoint with cluster.dns_endpoint",
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
