"""The GKE control plane.

Owns: the cluster and its settings, except those of the nodes. Leaves to others: the nodes (`LabelledNodePool`), their identity, the
network, and who may administer the cluster.

The default node pool that GKE creates is removed. A pool inside the cluster resource cannot be changed without replacing the cluster, so
the architecture's node pool is a separate resource.

Source: https://registry.terraform.io/providers/hashicorp/google/6.50.0/docs/resources/container_cluster
"""

from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from gitpod_pov import existing_subnetwork
from gitpod_pov.blocks import conditional, node_settings, optional_block
from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.configuration import Configuration, Rule, known
from gitpod_pov.faults import Fault, show
from gitpod_pov.gcp_names import (
    Cidr,
    ClusterName,
    KmsKey,
    KubernetesVersion,
    NetworkTag,
    Pattern,
    PlainText,
    ResourceLabelKey,
    ResourceLabelValue,
    Unique,
    repeated,
)
from gitpod_pov.ipv4_ranges import authorized_network_faults
from gitpod_pov.locations import is_known_region, zone_faults
from gitpod_pov.maintenance import (
    EXCLUSION_RULES,
    KEEP_VERSIONS,
    MaintenanceExclusion,
    MaintenanceWindow,
    maintenance_policy,
    override_open_ends,
)
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.provider_versions import MINIMUM_VERSIONS, SUPPORTED, Feature, has, parsed, required_version
from gitpod_pov.reasons import Reasons, of_ignored_changes
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Boolean, Choice, Items, Nested, Number, Table, is_token

import cdktf_cdktf_provider_google.container_cluster as gke
from cdktf import Fn, IResolvable, Op, Postcondition, TerraformIterator, TerraformProvider, TerraformResourceLifecycle, Token
from cdktf_cdktf_provider_google.data_google_container_engine_versions import DataGoogleContainerEngineVersions
from constructs import Construct
from pydantic import Field

ReleaseChannel = Literal["UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"]
LoggingComponent = Literal[
    "SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "KCP_CONNECTION", "KCP_SSHD", "KCP_HPA"
]
_PrometheusComponent = Literal["STORAGE", "HPA", "POD", "DAEMONSET", "DEPLOYMENT", "STATEFULSET", "KUBELET", "CADVISOR", "DCGM", "JOBSET"]
MonitoringComponent = Literal["SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", _PrometheusComponent]
PROMETHEUS_COMPONENTS = frozenset(get_args(_PrometheusComponent))
"""Monitoring components that Google Cloud Managed Service for Prometheus collects.

Sources: https://cloud.google.com/kubernetes-engine/docs/how-to/kube-state-metrics, .../how-to/cadvisor-kubelet-metrics and
.../how-to/dcgm-metrics, each under "Before you begin".
"""
SecurityGroup = Annotated[
    str,
    Pattern(r"gke-security-groups@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "the security group that GKE requires: gke-security-groups@DOMAIN"),
]
"""https://cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac"""

NotificationTopic = Annotated[
    str,
    Pattern(
        r"(projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254})?",
        "a Pub/Sub topic: projects/PROJECT/topics/TOPIC, or an empty string for none",
    ),
]
"""https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names"""

MOST_LABELS, MOST_NETWORKS = 64, 100
# A machine can have 64, and GKE adds its own: https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules
_MOST_TAGS = 63


def _authorized_networks(config: "GkeClusterConfig") -> Iterator[Fault]:
    networks = config.authorized_networks or {}
    yield from authorized_network_faults(networks, private_endpoint=bool(config.private_endpoint))
    if len(networks) > MOST_NETWORKS:
        yield Fault(
            ("authorized_networks",), f"has {len(networks)} networks, but GKE accepts at most {MOST_NETWORKS}: combine adjacent ranges"
        )
    if config.private_endpoint and config.authorized_networks is None:
        yield Fault(
            ("authorized_networks",),
            "is required with cluster.private_endpoint: list the networks that may connect, or use {} for only the cluster's subnetwork",
        )


def _label_count(config: "GkeClusterConfig") -> Iterator[Fault]:
    if len(config.resource_labels) > MOST_LABELS:
        yield Fault(("resource_labels",), f"has {len(config.resource_labels)} labels, but at most {MOST_LABELS} are allowed")


def _tag_count(config: "GkeClusterConfig") -> Iterator[Fault]:
    if len(config.network_tags) > _MOST_TAGS:
        yield Fault(("network_tags",), f"has {len(config.network_tags)} tags, but at most {_MOST_TAGS} are allowed")


def _system_components(key: str, components: Sequence[str] | None) -> Iterator[Fault]:
    if components and "SYSTEM_COMPONENTS" not in components:
        yield Fault((key,), "must include SYSTEM_COMPONENTS, which GKE requires with any other component: add it", list(components))


def _prometheus_components(config: "GkeClusterConfig") -> Iterator[Fault]:
    for index, component in enumerate(config.monitoring_components or ()):
        if config.managed_prometheus is False and component in PROMETHEUS_COMPONENTS:
            yield Fault(
                ("monitoring_components", index), "needs managed Prometheus; leave it out, or set cluster.managed_prometheus to true"
            )


def _about_exclusions(rule: Callable[[Sequence[MaintenanceExclusion]], Iterator[Fault]]) -> Rule:
    return lambda config: (fault.below("maintenance_exclusions") for fault in rule(config.maintenance_exclusions or ()))


def _exclusion_scopes(config: "GkeClusterConfig") -> Iterator[Fault]:
    for index, exclusion in enumerate(config.maintenance_exclusions or ()):
        if config.release_channel == "UNSPECIFIED" and exclusion.scope != "NO_UPGRADES":
            yield Fault(
                ("maintenance_exclusions", index, "scope"), "needs a release channel: set cluster.release_channel, or use NO_UPGRADES"
            )


class GkeClusterConfig(Configuration):
    """Configuration of `GkeCluster`: the control plane, and what holds for every node of the cluster.

    The removed default pool also has nodes for some minutes, and an organization's policies apply to them.
    """

    name: ClusterName = "gitpod"
    """Name of the cluster, unique within project and region."""

    version: KubernetesVersion | None = None
    """Kubernetes version of the control plane. Default: the newest version of the release channel at creation; GKE upgrades it later. A new
    value upgrades only the control plane, see docs/operations.md.
    """

    release_channel: Choice[ReleaseChannel] = "REGULAR"
    """Release channel. UNSPECIFIED means none and is only for existing clusters: GKE has refused new ones since 2026-08-21 and ends
    support on 2027-06-14.
    """

    network_policy: Choice[Literal["calico", "dataplane-v2"]] = "calico"
    """Network policy enforcement: Calico, as in the guide, or GKE Dataplane V2. Set it only at creation: a later change is refused, because
    it would switch network policies off.
    """

    default_max_pods_per_node: Number = Field(default=110, ge=8, le=256)
    """Maximum number of Pods per node in pools that do not set it."""

    deletion_protection: Boolean = False
    """Whether Terraform refuses to destroy or replace the cluster. To destroy it, first apply false."""

    private_nodes: Boolean = False
    """Whether nodes have only internal IP addresses. True needs network.cloud_nat. With google below 7.13.0, a change replaces the
    cluster.
    """

    private_endpoint: Boolean = False
    """Whether the control plane has only an internal IP address. Clients then connect from inside the network or through the DNS endpoint.
    """

    authorized_networks: Table[Annotated[PlainText, Field(min_length=1)], Cidr] | None = None
    """Networks, by name, that can reach the control plane's IP addresses, such as `{ office = "203.0.113.0/24" }`. The nodes always
    can. Default: all networks. If removed later, the cluster keeps the last value.
    """

    dns_endpoint: Boolean = False
    """Whether the control plane has a DNS endpoint, which checks the IAM permission container.clusters.connect. The RBAC stack then
    connects through it.
    """

    workload_identity: Boolean | None = None
    """Whether to enable Workload Identity Federation for GKE: Pods have their own identities instead of the node's credentials. Default:
    true with [ingress], otherwise GKE's default for a new cluster and no change to an existing one. A change recreates the nodes.
    """

    shielded_nodes: Boolean | None = None
    """Whether to use Shielded GKE Nodes, which prove their identity to the control plane. Default: true."""

    secure_boot: Boolean | None = None
    """Whether to enable Secure Boot: nodes load only signed boot components and kernel modules. Default: false. A change replaces the node
    pool.
    """

    integrity_monitoring: Boolean | None = None
    """Whether to enable integrity monitoring, which compares each boot of a node with a baseline. Default: true. A change replaces the node
    pool.
    """

    kubelet_readonly_port: Boolean | None = None
    """Whether the kubelet serves its unauthenticated read-only port 10255. Default: GKE's for a new cluster, no change to an existing one.
    """

    anonymous_authentication: Choice[Literal["ENABLED", "LIMITED"]] | None = None
    """Endpoints that accept requests without credentials: all (ENABLED) or only health checks (LIMITED). Default: ENABLED for a new
    cluster, no change to an existing one.
    """

    insecure_rbac_bindings: Boolean | None = None
    """Whether new role bindings can reference system:anonymous, system:unauthenticated or system:authenticated. Default: true for a new
    cluster, no change to an existing one.
    """

    secrets_kms_key: KmsKey | None = None
    """Cloud KMS key, in the cluster's region, that encrypts Secrets. GKE's service agent needs access to it. Default: a Google-managed key.
    If removed later, the cluster keeps the key. With google below 7.30.0, set it only at creation.
    """

    boot_disk_kms_key: KmsKey | None = None
    """Cloud KMS key that encrypts boot disks. Compute Engine's service agent needs access to it. Default: a Google-managed key. A
    change replaces the node pool.
    """

    maintenance_window: Nested[MaintenanceWindow] | None = None
    """Recurring hours in which GKE may start upgrades. Default: at any time."""

    maintenance_exclusions: Items[Nested[MaintenanceExclusion]] | None = None
    """Periods in which GKE does not start upgrades, at most 20. `[]`: none. Default in a release channel: `keep-versions`, which stops
    minor and node upgrades until the minor version reaches end of support, like the guide's `--no-enable-autoupgrade`; it needs google
    7.12.0 or newer.
    """

    rbac_security_group: SecurityGroup | None = None
    """Google group `gke-security-groups@DOMAIN`. RBAC recognizes the groups that are its members. Default: RBAC ignores Google Groups. If
    removed later, the cluster keeps the group.
    """

    logging_components: Annotated[Items[Choice[LoggingComponent]], Unique] | None = None
    """Components that write to Cloud Logging. `[]`: none. Default: SYSTEM_COMPONENTS and WORKLOADS for a new cluster, no change to an
    existing one.
    """

    monitoring_components: Annotated[Items[Choice[MonitoringComponent]], Unique] | None = None
    """Components that write to Cloud Monitoring. `[]`: none. Default: GKE's for a new cluster, no change to an existing one."""

    managed_prometheus: Boolean | None = None
    """Whether Google Cloud Managed Service for Prometheus collects metrics, billed by the sample. Default: GKE's for a new cluster, no
    change to an existing one.
    """

    cost_allocation: Boolean | None = None
    """Whether to enable GKE cost allocation, which adds cluster and namespace to the billing export. Default: false for a new cluster, no
    change to an existing one.
    """

    notification_topic: NotificationTopic | None = None
    """Pub/Sub topic in the cluster's project, `projects/PROJECT/topics/TOPIC`, for notifications about upgrades, new versions and security
    bulletins. An empty string switches them off. Default: none. If removed later, the cluster stays as it is.
    """

    resource_labels: Table[ResourceLabelKey, ResourceLabelValue] = Field(default={})
    """Google Cloud labels of the cluster, its nodes and their disks, at most 64."""

    network_tags: Annotated[Items[NetworkTag], Unique] = ()
    """Network tags of every node, at most 63. Firewall rules and routes select nodes by them. A change takes effect on running nodes."""

    rules = (
        _authorized_networks,
        _label_count,
        _tag_count,
        lambda c: _system_components("logging_components", c.logging_components),
        lambda c: _system_components("monitoring_components", c.monitoring_components),
        _prometheus_components,
        *map(_about_exclusions, EXCLUSION_RULES),
        _exclusion_scopes,
    )

    @property
    def restricts_control_plane(self) -> bool:
        """Whether the control plane's addresses are unreachable for at least some networks."""
        return bool(self.private_endpoint) or self.authorized_networks is not None

    @property
    def has_release_channel(self) -> bool:
        """Whether the cluster is in a release channel."""
        return self.release_channel != "UNSPECIFIED"

    @property
    def effective_exclusions(self) -> Sequence[MaintenanceExclusion]:
        """The maintenance exclusions that are written: the listed ones, or the default one in a release channel."""
        if self.maintenance_exclusions is not None:
            return self.maintenance_exclusions
        return (KEEP_VERSIONS,) if self.has_release_channel else ()

    @property
    def kubelet_readonly_port_argument(self) -> str | None:
        """The read-only port as the provider takes it: TRUE or FALSE, as a string."""
        return conditional(self.kubelet_readonly_port, "TRUE", "FALSE")


IGNORED_CHANGES = MappingProxyType(
    {
        "enable_l4_ilb_subsetting": "GKE creates clusters with subsetting on, and switching it off replaces the cluster",
        "node_config": "it describes the removed default pool, and a difference in it would replace the cluster",
        "datapath_provider": "Google migrates clusters to Dataplane V2 in place, and changing it back replaces the cluster",
        "dataplane_optimization_mode": "Google may set it with Dataplane V2, and removing it replaces the cluster",
        "enable_fqdn_network_policy": "switching it off replaces the cluster",
        "enable_k8s_beta_apis": "switching a beta API off replaces the cluster",
        "dns_config": "Cloud DNS may be enabled elsewhere, and removing its additive domain replaces the cluster",
        # https://github.com/terraform-google-modules/terraform-google-kubernetes-engine/issues/2370
        "in_transit_encryption_config": "Google sets it and does not allow its removal",
        # Not with newer providers, which know both names: a key that is added later would keep the state DECRYPTED.
        "database_encryption[0].state": "GKE returns another name for the same state",
        "min_master_version": "no version is configured, and a newer release must not upgrade the control plane at the next apply",
    }
)
"""Arguments of the cluster whose changes Terraform ignores, with the reason.

They replace the cluster in google 7.45.0 (`ForceNew` in resource_container_cluster.go), or the provider asks for what GKE refuses. The
other arguments that replace it are safe: they are written here and cannot change outside of Terraform (name, location, network,
subnetwork, project, ranges, networking mode, Pods per node, client certificate, initial node count), or the provider keeps what it
reads (cluster CIDR, confidential nodes, IP allocation, master CIDR), or GKE only accepts them at creation (description, alpha features,
Autopilot, TPU, user-managed keys).
"""


REASONS: Reasons = {
    "data.google_container_engine_versions": {"": "The newest Kubernetes version of the release channel, for the creation of the cluster."},
    "google_container_cluster": {
        "": "The control plane. The nodes are in a separate node pool, which can change without replacing the cluster.",
        "location": "A region, not a zone: the control plane then has replicas in several zones and stays available during upgrades.",
        "min_master_version": (
            "The version at creation. A later change upgrades the control plane, unless ignore_changes below lists this argument."
        ),
        "datapath_provider": "Calico needs LEGACY_DATAPATH. With ADVANCED_DATAPATH (Dataplane V2), GKE refuses the network policy below.",
        "networking_mode": "Pods have IP addresses of the VPC network, from a secondary range of the subnetwork.",
        "remove_default_node_pool": "GKE creates every cluster with a node pool, and a pool inside this resource cannot be changed later.",
        "initial_node_count": "For the default node pool, which is removed at the end of the creation.",
        "deletion_protection": "If true, the provider refuses to destroy or replace the cluster. To destroy it, apply false first.",
        "node_config": "For the default node pool, which would otherwise use the Compute Engine default service account.",
        "network_policy": "Both this block and network_policy_config above are needed. Each alone has no effect.",
        "addons_config.http_load_balancing": "Disabled: Gitpod does not use GKE Ingress. An Ingress of the class gce has no effect.",
        "addons_config.network_policy_config": "Installs Calico, which enforces the network policies.",
        "master_auth.client_certificate_config.issue_client_certificate": "A client certificate cannot be revoked.",
        "release_channel": "Always set: if it is left out, GKE enrolls the cluster in a release channel.",
        "maintenance_policy.recurring_window": "The maintenance window for upgrades. The provider requires one with an exclusion.",
        "maintenance_policy.maintenance_exclusion.start_time": "A fixed time in the past, so that no plan changes it.",
        "maintenance_policy.maintenance_exclusion.exclusion_options.scope": (
            "NO_MINOR_OR_NODE_UPGRADES: GKE upgrades the patch version of the control plane, but no minor version and no node. "
            "NO_MINOR_UPGRADES: it upgrades nodes too. NO_UPGRADES: it upgrades nothing."
        ),
        "maintenance_policy.maintenance_exclusion.exclusion_options.end_time_behavior": (
            "When the minor version reaches end of support, GKE upgrades the cluster regardless."
        ),
        "private_cluster_config": "Always set, because the provider keeps the last value if the block is left out.",
        "private_cluster_config.enable_private_nodes": "Private nodes have no external IP addresses and need Cloud NAT to pull images.",
        "control_plane_endpoints_config": "Always set, because the provider keeps the last value if the block is left out.",
        "control_plane_endpoints_config.dns_endpoint_config.allow_external_traffic": (
            "Whether the DNS endpoint accepts external traffic. It checks the IAM permission container.clusters.connect."
        ),
        "master_authorized_networks_config": "The networks that can reach the IP addresses of the control plane. Nodes always can.",
        "master_authorized_networks_config.gcp_public_cidrs_access_enabled": (
            "Otherwise, every VM of every Google Cloud customer could connect."
        ),
        "workload_identity_config": "An empty block switches it off. If the block is left out, the provider keeps the last value.",
        "database_encryption": "Encrypts Kubernetes Secrets with your own Cloud KMS key before they are stored.",
        "authenticator_groups_config": "Without it, RBAC ignores Google Groups.",
        "timeouts": "Creating a cluster and upgrading a control plane may take longer than the defaults.",
        "lifecycle.prevent_destroy": (
            "Makes the plan fail. The provider checks deletion_protection only after the nodes and the role grants are deleted."
        ),
        **of_ignored_changes(IGNORED_CHANGES),
    },
}


def _egress(given: Any) -> Iterator[Fault]:
    """Yield a fault for everything that keeps private nodes from pulling images and from reaching Google's APIs."""
    if given.cluster.private_nodes and given.network.cloud_nat is None:
        yield Fault(
            ("network", "cloud_nat"),
            "is required with cluster.private_nodes: set it to true to create Cloud NAT, or to false if the network already has a route "
            "to the internet",
        )
    if given.cluster.private_nodes and given.network.private_google_access is False:
        yield Fault(
            ("network", "private_google_access"),
            "contradicts cluster.private_nodes: private nodes reach Google's APIs and registries through it; remove it or set it to true",
        )


def provider_faults(given: Any, remedy: str) -> Iterator[Fault]:
    """Yield a fault for every value that needs a newer google provider.

    Args:
        given: the configuration.
        remedy: how to require a newer one.
    """
    feature: Feature = "exclusion-until-end-of-support"
    if has(feature, given.google):
        return
    needs = f"needs google {MINIMUM_VERSIONS[feature]} or newer, but {given.google} is required: {remedy}"
    cluster = given.cluster
    if cluster.maintenance_exclusions is None and cluster.effective_exclusions:
        yield Fault(
            ("cluster", "maintenance_exclusions"),
            f"is left out, and the default exclusion {needs}, list an exclusion with an end_time, or set [] for none",
        )
    for index, exclusion in enumerate(cluster.maintenance_exclusions or ()):
        if exclusion.end_time is None:
            yield Fault(("cluster", "maintenance_exclusions", index, "end_time"), f"is left out, which {needs}, or set an end_time")


def locations_of_keys(cluster: GkeClusterConfig) -> Iterator[tuple[str, str]]:
    """Yield each field with a Cloud KMS key that must be in the cluster's region, and the location of the key.

    A boot disk's key may also be in a location without a number, such as us or global. A secrets key may not.
    """
    for field, key in known(cluster, "secrets_kms_key", "boot_disk_kms_key"):
        location = key.split("/")[3] if key else ""
        if location and (field == "secrets_kms_key" or location[-1].isdigit()):
            yield field, location


def _keys(given: Any) -> Iterator[Fault]:
    """Yield a fault for every Cloud KMS key in a region in which the cluster cannot use it."""
    for field, location in locations_of_keys(given.cluster):
        if location != given.region:
            yield Fault(("cluster", field), f"is in {location}: use a key in {given.region}")


CLUSTER_RULES: tuple[Rule, ...] = (
    lambda given: zone_faults(given.region, given.zones),
    lambda given: (Fault(("zones", index), "is listed twice") for index in repeated(given.zones)),
    _keys,
    _egress,
)
"""The rules between the cluster and what else a configuration has: the fields `region`, `zones`, `network` and `cluster`."""


def oldest_google(cluster: GkeClusterConfig, google: str) -> str:
    """Return the oldest google provider that accepts what is written for the version `google`."""
    used: dict[Feature, bool] = {
        "exclusion-until-end-of-support": any(exclusion.end_time is None for exclusion in cluster.effective_exclusions),
        "stable-database-encryption-state": cluster.secrets_kms_key is not None,
        "dataplane-optimization-mode": True,
    }
    versions = [MINIMUM_VERSIONS[feature] for feature, is_used in used.items() if is_used and has(feature, google)]
    return max([SUPPORTED["google"].bindings, *versions], key=parsed)


def _authorized_networks_block(config: GkeClusterConfig) -> gke.ContainerClusterMasterAuthorizedNetworksConfig | None:
    if config.authorized_networks is None:
        return None
    blocks: list[gke.ContainerClusterMasterAuthorizedNetworksConfigCidrBlocks] | IResolvable
    if is_token(config.authorized_networks):
        each = TerraformIterator.from_map(config.authorized_networks)
        blocks = each.dynamic({"display_name": each.key, "cidr_block": each.value})
    else:
        blocks = [
            gke.ContainerClusterMasterAuthorizedNetworksConfigCidrBlocks(display_name=name, cidr_block=cidr)
            for name, cidr in config.authorized_networks.items()
        ]
    return gke.ContainerClusterMasterAuthorizedNetworksConfig(
        cidr_blocks=blocks or None,
        gcp_public_cidrs_access_enabled=False,
    )


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _workload_identity_block(config: GkeClusterConfig, project: str) -> gke.ContainerClusterWorkloadIdentityConfig | None:
    if config.workload_identity is None:
        return None
    # An empty block switches it off. It is not always written: with a cluster that exists it plans an update that recreates nodes.
    return gke.ContainerClusterWorkloadIdentityConfig(workload_pool=conditional(config.workload_identity, f"{project}.svc.id.goog", None))


def _is_dataplane_v2(config: GkeClusterConfig) -> bool | IResolvable:
    policy = config.network_policy
    return Op.eq(policy, "dataplane-v2") if is_token(policy) else policy == "dataplane-v2"


_ENFORCES_NETWORK_POLICIES = Postcondition(
    # The datapath is that of the cluster that exists, because its changes are ignored.
    condition='${self.datapath_provider == "ADVANCED_DATAPATH" || self.network_policy[0].enabled}',
    error_message=(
        "The cluster ${self.name} runs the datapath ${self.datapath_provider}, so this change would switch its network policies off: GKE "
        "accepts Dataplane V2 only for new clusters. Set cluster.network_policy to calico, or create another cluster."
    ),
)


class _ClusterArguments(Configuration):
    """The values that the rules compare with those of the cluster."""

    region: str
    zones: Items[str]
    network: ClusterNetworkConfig
    cluster: GkeClusterConfig
    google: str

    rules = (*CLUSTER_RULES, lambda given: provider_faults(given, "call require_providers on the stack first"))


class GkeCluster(Construct):
    """A regional GKE cluster without nodes.

    Attributes:
        project, region, zones: the location; without zones, GKE chooses three zones of the region.
        config: the configuration, for constructs whose own rules depend on it.
        network: the network of the cluster.
        id, name, location: as tokens, so that resources that use them depend on the cluster.
        replacement_trigger: for `replace_triggered_by` of resources that must be replaced with the cluster.
        endpoint: IP address of the control plane, without scheme, as a token.
        dns_endpoint: DNS name of the control plane, without scheme, as a token. GKE assigns it whether or not the endpoint is on.
        ca_certificate: certificate of the control plane's certificate authority, in PEM, as a token. It is public, and the provider does
            not mark it as sensitive (hashicorp/terraform-provider-google, resource_container_cluster.go in v6.50.0 and v7.45.0).
        workload_pool: the identity pool of Workload Identity, `PROJECT.svc.id.goog`, as a token. It exists with `workload_identity`.
        control_plane_version: the version that the control plane runs, as a token.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        region: str,
        zones: Sequence[str] = (),
        identity: NodeIdentity | str,
        network: ClusterNetwork,
        apis: ProjectApis | None = None,
        config: GkeClusterConfig | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        """Add the cluster.

        Raises:
            Faults: when a zone is not in the region or is listed twice, a KMS key is in another region, private nodes cannot reach
                the internet, or the stack requires an older google provider than a value needs.
        """
        config = config or GkeClusterConfig()
        google = required_version(scope, "google")
        arguments = {"region": region, "zones": zones, "network": network.config, "cluster": config, "google": google}
        zones = _ClusterArguments.checked(arguments).zones
        super().__init__(scope, id)
        self.project, self.region, self.zones, self.network = project, region, zones, network
        self.config, self._provider = config, provider
        if config.private_nodes:
            network.enable_private_google_access()
        if not network.config.create_subnetwork:
            network.expect(existing_subnetwork.in_region(network.subnetwork_name, region))
        dataplane_v2 = _is_dataplane_v2(config)
        cluster = gke.ContainerCluster(
            self,
            "Default",
            project=project,
            name=config.name,
            location=region,
            node_locations=list(zones) or None,
            network=network.network_of_cluster,
            subnetwork=network.subnetwork_of_cluster,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=gke.ContainerClusterIpAllocationPolicy(
                cluster_secondary_range_name=network.pods_range_name,
                services_secondary_range_name=network.services_range_name,
            ),
            # Dataplane V2 enforces network policies itself, and GKE then refuses the network policy below.
            datapath_provider=conditional(dataplane_v2, "ADVANCED_DATAPATH", "LEGACY_DATAPATH"),
            network_policy=gke.ContainerClusterNetworkPolicy(
                enabled=not dataplane_v2 if isinstance(dataplane_v2, bool) else Op.not_(dataplane_v2),
                provider=conditional(dataplane_v2, "PROVIDER_UNSPECIFIED", "CALICO"),
            ),
            # gcloud's --addons disables the addons that it omits, here HTTP load balancing (see the recorded request).
            addons_config=gke.ContainerClusterAddonsConfig(
                dns_cache_config=gke.ContainerClusterAddonsConfigDnsCacheConfig(enabled=True),
                horizontal_pod_autoscaling=gke.ContainerClusterAddonsConfigHorizontalPodAutoscaling(disabled=False),
                http_load_balancing=gke.ContainerClusterAddonsConfigHttpLoadBalancing(disabled=True),
                network_policy_config=gke.ContainerClusterAddonsConfigNetworkPolicyConfig(disabled=dataplane_v2),
            ),
            master_auth=gke.ContainerClusterMasterAuth(
                client_certificate_config=gke.ContainerClusterMasterAuthClientCertificateConfig(issue_client_certificate=False)
            ),
            min_master_version=config.version or self._newest_version(apis),
            release_channel=gke.ContainerClusterReleaseChannel(channel=config.release_channel),
            default_max_pods_per_node=config.default_max_pods_per_node,
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=gke.ContainerClusterNodeConfig(**node_settings(config, identity)),
            node_pool_defaults=optional_block(
                gke.ContainerClusterNodePoolDefaults,
                node_config_defaults=optional_block(
                    gke.ContainerClusterNodePoolDefaultsNodeConfigDefaults,
                    insecure_kubelet_readonly_port_enabled=config.kubelet_readonly_port_argument,
                ),
            ),
            deletion_protection=config.deletion_protection,
            resource_labels=dict(config.resource_labels) or None,
            enable_shielded_nodes=config.shielded_nodes,
            maintenance_policy=maintenance_policy(config.maintenance_window, config.effective_exclusions),
            private_cluster_config=gke.ContainerClusterPrivateClusterConfig(
                enable_private_nodes=config.private_nodes, enable_private_endpoint=config.private_endpoint
            ),
            control_plane_endpoints_config=gke.ContainerClusterControlPlaneEndpointsConfig(
                dns_endpoint_config=gke.ContainerClusterControlPlaneEndpointsConfigDnsEndpointConfig(
                    allow_external_traffic=config.dns_endpoint
                )
            ),
            master_authorized_networks_config=_authorized_networks_block(config),
            anonymous_authentication_config=optional_block(
                gke.ContainerClusterAnonymousAuthenticationConfig, mode=config.anonymous_authentication
            ),
            rbac_binding_config=optional_block(
                gke.ContainerClusterRbacBindingConfig,
                enable_insecure_binding_system_authenticated=config.insecure_rbac_bindings,
                enable_insecure_binding_system_unauthenticated=config.insecure_rbac_bindings,
            ),
            authenticator_groups_config=optional_block(
                gke.ContainerClusterAuthenticatorGroupsConfig, security_group=config.rbac_security_group
            ),
            logging_config=optional_block(gke.ContainerClusterLoggingConfig, enable_components=_listed(config.logging_components)),
            monitoring_config=optional_block(
                gke.ContainerClusterMonitoringConfig,
                enable_components=_listed(config.monitoring_components),
                managed_prometheus=optional_block(gke.ContainerClusterMonitoringConfigManagedPrometheus, enabled=config.managed_prometheus),
            ),
            notification_config=None
            if config.notification_topic is None
            else gke.ContainerClusterNotificationConfig(
                pubsub=gke.ContainerClusterNotificationConfigPubsub(
                    enabled=config.notification_topic != "", topic=config.notification_topic or None
                )
            ),
            cost_management_config=optional_block(gke.ContainerClusterCostManagementConfig, enabled=config.cost_allocation),
            workload_identity_config=_workload_identity_block(config, project),
            database_encryption=None
            if config.secrets_kms_key is None
            else gke.ContainerClusterDatabaseEncryption(state="ENCRYPTED", key_name=config.secrets_kms_key),
            timeouts=gke.ContainerClusterTimeouts(create="90m", update="90m", delete="90m"),
            depends_on=network.requirements or None,
            lifecycle=TerraformResourceLifecycle(
                prevent_destroy=config.deletion_protection is True or None,  # a literal to Terraform, hence never a token
                ignore_changes=self._ignored_changes(),
                postcondition=None if config.network_policy == "calico" else [_ENFORCES_NETWORK_POLICIES],
            ),
            provider=provider,
        )
        override_open_ends(cluster, config.effective_exclusions)
        self.id: str = cluster.id
        self.name: str = cluster.name
        self.replacement_trigger: str = f"{cluster.terraform_resource_type}.{cluster.friendly_unique_id}.id"
        self.location: str = cluster.location
        self.endpoint: str = cluster.endpoint
        self.dns_endpoint: str = cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint
        self.ca_certificate: str = Token.as_string(Fn.base64decode(cluster.master_auth.cluster_ca_certificate))
        self.workload_pool: str = f"{cluster.project}.svc.id.goog"
        self.control_plane_version: str = cluster.master_version
        self._warn_of_risks()

    def _newest_version(self, apis: ProjectApis | None) -> str:
        versions = DataGoogleContainerEngineVersions(
            self, "versions", project=self.project, location=self.region, depends_on=waiting_for(apis), provider=self._provider
        )
        channel = self.config.release_channel
        if is_token(channel):  # the method `lookup` writes the key as text, in quotes
            return Token.as_string(Fn.lookup(versions.release_channel_latest_version, channel))
        return versions.release_channel_latest_version.lookup(channel if self.config.has_release_channel else "REGULAR")

    def _ignored_changes(self) -> list[str]:
        google = required_version(self, "google")
        left_out = {
            "dataplane_optimization_mode": not has("dataplane-optimization-mode", google),
            "database_encryption[0].state": not self.config.secrets_kms_key or has("stable-database-encryption-state", google),
            "min_master_version": self.config.version is not None,
        }
        return [argument for argument in IGNORED_CHANGES if not left_out.get(argument)]

    def _warn_of_risks(self) -> None:
        if not is_token(self.region) and not is_known_region(self.region):
            warn(
                self,
                "unknown-region",
                f"{show(self.region)} is not on the list of known regions; check region with gcloud compute regions list",
            )
        if not self.config.restricts_control_plane:
            warn(
                self,
                "public-control-plane",
                "the control plane's external IP address accepts connections from every network, as in the guide, "
                "unless the cluster was restricted earlier; set cluster.authorized_networks, and for a control plane without an external "
                "IP address also cluster.private_endpoint and cluster.dns_endpoint",
            )
        if self.config.network_policy == "dataplane-v2":
            warn(
                self,
                "dataplane-v2-instead-of-calico",
                "GKE Dataplane V2 enforces network policies instead of Calico, which the guide requires, and a later change is "
                "refused; to use Calico, remove cluster.network_policy before you create the cluster",
            )
        if not self.config.has_release_channel:
            warn(
                self,
                "no-release-channel",
                "GKE has refused new clusters without a release channel since 2026-08-21 and ends support for existing ones on 2027-06-14; "
                "to join a channel, apply node_pool.auto_upgrade = true first and then, in a second apply, set cluster.release_channel",
            )
        if any(exclusion.stops_node_upgrades for exclusion in self.config.effective_exclusions if not is_token(exclusion.scope)):
            warn(
                self,
                "nodes-without-security-patches",
                "a maintenance exclusion prevents node upgrades, as in the guide, so nodes get no security patches; set "
                "cluster.maintenance_exclusions to [], or use the scope NO_MINOR_UPGRADES",
            )
        if not self.zones:
            region = "a region" if is_token(self.region) else self.region
            warn(
                self,
                "node-in-every-zone",
                f"without zones, the cluster has nodes in three zones of {region}, which GKE chooses, instead of in one, and three times "
                "the maximum; to start with one node, set zones to a single zone",
            )
