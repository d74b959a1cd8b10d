"""The single, labelled, autoscaled pool of Ubuntu nodes.

Owns: the machines, their labels, their number and their management. Leaves to others: the control plane, and the roles of the nodes'
service account.

The five labels are fixed, because Gitpod schedules each of its workloads by one of them, and with a single pool every node needs all.

Source: https://registry.terraform.io/providers/hashicorp/google/6.50.0/docs/resources/container_node_pool
"""

import math
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Annotated, Literal

from gitpod_pov.blocks import merged, node_settings, optional_block
from gitpod_pov.cluster_network import ClusterNetworkConfig
from gitpod_pov.configuration import Configuration, is_certain, without_tokens
from gitpod_pov.faults import Fault, show
from gitpod_pov.gcp_names import KubernetesLabelKey, KubernetesLabelValue, NodePoolName, Pattern, PlainText, Unique, repeated
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig
from gitpod_pov.machine_types import (
    boot_disk_faults,
    boot_disk_size_faults,
    is_known_disk_type,
    is_known_machine_type,
    machine_type_faults,
)
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.node_images import UBUNTU_CONTAINERD, image_type_faults
from gitpod_pov.reserved_names import metadata_faults, reserved_label_faults
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Boolean, Choice, Items, Nested, Number, Table, is_token

import cdktf_cdktf_provider_google.container_node_pool as gke
from cdktf import TerraformProvider, TerraformResourceLifecycle
from constructs import Construct
from pydantic import AfterValidator, Field

WORKLOAD_LABELS = MappingProxyType(
    {
        f"gitpod.io/workload_{workload}": "true"
        for workload in ("meta", "ide", "workspace_services", "workspace_regular", "workspace_headless")
    }
)
"""The labels by which Gitpod schedules its workloads. Every node has them."""

_METADATA = MappingProxyType({"disable-legacy-endpoints": "true"})

_GKE_DEFAULT_SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
)

ZONES_OF_A_REGION = 3  # where a deployment names none; nearly every region has three
ADDRESSES_GOOGLE_KEEPS = 4
_MAX_SURGE = 1  # the node that an upgrade adds before it removes one


def _no_scope_alias(value: str) -> str:
    if value in {"default", "gke-default"}:
        raise ValueError(f"is a gcloud alias; use the scopes that it stands for: {', '.join(_GKE_DEFAULT_SCOPES)}")
    return value


OauthScope = Annotated[
    str,
    AfterValidator(_no_scope_alias),
    Pattern(
        r"https://www\.googleapis\.com/auth/[a-z0-9._-]+(/[a-z0-9._-]+)*",
        "an OAuth scope: https://www.googleapis.com/auth/NAME without a trailing slash",
    ),
]
"""https://developers.google.com/identity/protocols/oauth2/scopes; the provider expands no alias."""


MachineType = Annotated[str, Pattern(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", "a machine type, such as n2d-standard-16")]
DiskType = Annotated[str, Pattern(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", "a disk type, such as pd-ssd")]
ImageType = Annotated[str, Pattern(r"[A-Z][A-Z0-9_]*", "an image type, such as UBUNTU_CONTAINERD")]
MetadataKey = Annotated[str, Pattern(r"[A-Za-z0-9_-]{1,128}", "a metadata key: 1 to 128 letters, digits, hyphens and underscores")]
"""https://cloud.google.com/compute/docs/metadata/setting-custom-metadata#limitations"""


def _node_counts(config: "NodePoolConfig") -> Iterator[Fault]:
    if config.min_nodes > config.max_nodes:
        yield Fault(
            ("min_nodes",),
            (f"is greater than node_pool.max_nodes {config.max_nodes}: lower it, or raise node_pool.max_nodes"),
            config.min_nodes,
        )
    elif not config.min_nodes <= config.initial_nodes <= config.max_nodes:
        yield Fault(
            ("initial_nodes",),
            f"must be from node_pool.min_nodes {config.min_nodes} to node_pool.max_nodes {config.max_nodes}",
            config.initial_nodes,
        )


def _reserved_labels(config: "NodePoolConfig") -> Iterator[Fault]:
    for key, value in config.labels.items():
        domain = key.partition("/")[0] if "/" in key else ""
        if domain in {"kubernetes.io", "k8s.io"} or domain.endswith((".kubernetes.io", ".k8s.io")):
            yield Fault(("labels", key), "has a key under kubernetes.io or k8s.io, which Kubernetes reserves: use another prefix", value)
        elif key in WORKLOAD_LABELS and value != WORKLOAD_LABELS[key]:
            yield Fault(
                ("labels", key),
                (f"must be '{WORKLOAD_LABELS[key]}', because Gitpod schedules its workloads by this label: remove it"),
                value,
            )


def _reserved_metadata(config: "NodePoolConfig") -> Iterator[Fault]:
    for key, required in _METADATA.items():
        if config.metadata.get(key, required) != required:
            yield Fault(
                ("metadata", key),
                f"must be '{required}', or the provider replaces the pool at every apply: remove the key",
                config.metadata[key],
            )


def _keeps_no_workload_away(config: "NodeTaint") -> Iterator[Fault]:
    if config.effect != "PREFER_NO_SCHEDULE":
        yield Fault(
            ("effect",),
            "would keep out Gitpod's workloads, which tolerate no taints and run only in this pool: use PREFER_NO_SCHEDULE, or taint "
            "another pool",
            config.effect,
        )


class NodeTaint(Configuration):
    """A taint of every node of the pool."""

    key: KubernetesLabelKey
    """Key of the taint, such as example.com/trial."""

    value: KubernetesLabelValue = ""
    """Value of the taint."""

    effect: Choice[Literal["PREFER_NO_SCHEDULE", "NO_SCHEDULE", "NO_EXECUTE"]] = "PREFER_NO_SCHEDULE"
    """Effect of the taint. Only PREFER_NO_SCHEDULE lets Gitpod's pods run."""

    rules = (_keeps_no_workload_away,)


def _taint_keys(config: "NodePoolConfig") -> Iterator[Fault]:
    for index in repeated(tuple(f"{taint.key} {taint.effect}" for taint in config.taints)):
        taint = config.taints[index]
        yield Fault(
            ("taints", index, "key"),
            (f"is also the key of another taint with the effect {taint.effect}: a node can have only one, so remove this one"),
            taint.key,
        )


class NodePoolConfig(Configuration):
    """Configuration of `LabelledNodePool`. All node counts are per zone."""

    name: NodePoolName = "gitpod"
    """Name of the node pool."""

    machine_type: MachineType = "n2d-standard-16"
    """Compute Engine machine type of the nodes."""

    disk_type: DiskType = "pd-ssd"
    """Type of the boot disk. n4 and c4 machines need hyperdisk-balanced."""

    disk_size_gb: Number = Field(default=100, ge=10, le=65_536)
    """Size of the boot disk in GB."""

    image_type: ImageType = "UBUNTU_CONTAINERD"
    """Node image. Gitpod's workspaces need Ubuntu."""

    initial_nodes: Number = Field(default=1, ge=0)
    """Nodes per zone at creation. Later changes have no effect."""

    min_nodes: Number = Field(default=1, ge=0)
    """Minimum number of nodes per zone."""

    max_nodes: Number = Field(default=50, ge=1, le=1000)
    """Maximum number of nodes per zone."""

    max_pods_per_node: Number = Field(default=110, ge=8, le=256)
    """Pods per node. 110 pods take a /24 of the pod range."""

    auto_repair: Boolean | None = None
    """Whether GKE repairs unhealthy nodes. Default: true, which a release channel requires."""

    auto_upgrade: Boolean | None = None
    """Whether GKE upgrades nodes. Default: true with a release channel, which requires it, otherwise false. Maintenance exclusions
    still apply.
    """

    oauth_scopes: Annotated[Items[OauthScope], Unique] = (*_GKE_DEFAULT_SCOPES, "https://www.googleapis.com/auth/ndev.clouddns.readwrite")
    """OAuth scopes of the nodes, as URLs."""

    labels: Table[KubernetesLabelKey, KubernetesLabelValue] = Field(default={})
    """Kubernetes labels of the nodes, in addition to Gitpod's five."""

    metadata: Table[MetadataKey, PlainText] = Field(default={})
    """Instance metadata of the nodes, in addition to `disable-legacy-endpoints`."""

    spot: Boolean = False
    """Whether nodes are Spot VMs, which cost less and can stop at any time with 30 seconds' notice. A change replaces the node pool."""

    confidential_nodes: Boolean | None = None
    """Whether memory is encrypted with AMD SEV, at a surcharge. Only n2d, c2d, c3d and c4d machines in some zones support it.
    Default: false for a new pool, no change to an existing one. A change recreates the nodes.
    """

    taints: Items[Nested[NodeTaint]] = ()
    """Taints of the nodes. Effects that repel Gitpod's pods are refused."""

    rules = (
        _node_counts,
        _reserved_labels,
        _reserved_metadata,
        _taint_keys,
        lambda config: machine_type_faults(config.machine_type, confidential=bool(config.confidential_nodes)),
        lambda config: boot_disk_faults(config.machine_type, config.disk_type, confidential=bool(config.confidential_nodes)),
        lambda config: boot_disk_size_faults(config.machine_type, config.disk_size_gb),
        lambda config: image_type_faults(config.image_type),
        lambda config: reserved_label_faults(config.labels),
        lambda config: metadata_faults(config.metadata),
    )


def management_faults(cluster: GkeClusterConfig, pool: NodePoolConfig) -> Iterator[Fault]:
    """Yield a fault for automatic upgrades or repairs that are off in a release channel; GKE answers 400 to them."""
    for key in ("auto_upgrade", "auto_repair"):
        if cluster.has_release_channel and getattr(pool, key) is False:
            yield Fault(
                ("node_pool", key),
                f"must be true in the release channel {cluster.release_channel}: remove it; use cluster.maintenance_exclusions to keep "
                "the versions as they are",
                False,  # noqa: FBT003 - the value
            )


def prefix_of_a_node(max_pods: float) -> int:
    """Return the prefix of the range that a node takes of the pod range."""
    return 32 - math.ceil(math.log2(2 * max_pods))


def addresses_of_a_node(max_pods: float) -> int:
    """Return how many addresses of the pod range a node takes."""
    return 1 << 32 - prefix_of_a_node(max_pods)


def pod_range_faults(network: ClusterNetworkConfig, pool: NodePoolConfig, zones: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault when the pod range is too small for the nodes that the autoscaler may add.

    Each node takes a range of it for twice its pods, rounded up to a power of two:
    https://cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr
    """
    holds = IPv4Network(network.pods_cidr).num_addresses // addresses_of_a_node(pool.max_pods_per_node)
    if holds < (most := _most_nodes(pool, zones)):
        fitting_prefix = prefix_of_a_node(pool.max_pods_per_node) - math.ceil(math.log2(most))
        yield Fault(("network", "pods_cidr"), _too_small(holds, fitting_prefix, pool, zones), network.pods_cidr)


def default_pool_range_faults(network: ClusterNetworkConfig, cluster: GkeClusterConfig, zones: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault when the pod range is too small for the removed default pool.

    The default pool has one node in each zone and `default_max_pods_per_node`. It is removed before the node pool is created, so the
    range must hold the larger of the two, not both.
    """
    needed = _zone_count(zones) * addresses_of_a_node(cluster.default_max_pods_per_node)
    if IPv4Network(network.pods_cidr).num_addresses < needed:
        fitting_prefix = 32 - math.ceil(math.log2(needed))
        yield Fault(
            ("network", "pods_cidr"),
            f"is too small for the default node pool, which GKE creates first with one node per zone and "
            f"cluster.default_max_pods_per_node {cluster.default_max_pods_per_node}: use a /{fitting_prefix} or larger, or lower "
            "cluster.default_max_pods_per_node",
            network.pods_cidr,
        )


def _room_for_surge_nodes(network: ClusterNetworkConfig, pool: NodePoolConfig, zones: Sequence[str]) -> bool:
    needed = _most_nodes(pool, zones) + _MAX_SURGE
    in_pods = IPv4Network(network.pods_cidr).num_addresses // addresses_of_a_node(pool.max_pods_per_node)
    return min(in_pods, IPv4Network(network.nodes_cidr).num_addresses - ADDRESSES_GOOGLE_KEEPS) >= needed


def node_range_faults(network: ClusterNetworkConfig, pool: NodePoolConfig, zones: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault when the node range has fewer addresses than the autoscaler may add nodes."""
    holds = max(IPv4Network(network.nodes_cidr).num_addresses - ADDRESSES_GOOGLE_KEEPS, 0)
    if holds < (most := _most_nodes(pool, zones)):
        fitting_prefix = 32 - math.ceil(math.log2(most + ADDRESSES_GOOGLE_KEEPS))
        yield Fault(("network", "nodes_cidr"), _too_small(holds, fitting_prefix, pool, zones), network.nodes_cidr)


def _zone_count(zones: Sequence[str]) -> int:
    # Not the length of a set: when a zone is refused, only the length of the list is that of all zones.
    return len(zones) - len([*repeated(zones)]) or ZONES_OF_A_REGION


def _most_nodes(pool: NodePoolConfig, zones: Sequence[str]) -> int:
    return int(pool.max_nodes) * _zone_count(zones)


def _too_small(holds: int, fitting_prefix: int, pool: NodePoolConfig, zones: Sequence[str]) -> str:
    count = _zone_count(zones)
    possible = f"{_most_nodes(pool, zones)} are possible ({pool.max_nodes} per zone in {count} zone{'s' if count > 1 else ''})"
    lower = f", or lower node_pool.max_nodes to {holds // count}" if holds >= count else ""
    return f"holds {holds} node{'' if holds == 1 else 's'}, {possible}: use a /{fitting_prefix} or larger{lower}"


IGNORED_CHANGES = MappingProxyType(
    {
        "initial_node_count": "a change replaces the pool, and the autoscaler sets the number of nodes anyway",
        "version": "GKE upgrades nodes, and an apply must not change their version",
        # The Google Cloud console writes the first two when someone saves the pool there:
        # https://github.com/terraform-google-modules/terraform-google-kubernetes-engine/issues/2304
        "node_config[0].advanced_machine_features": "the console sets it, and unsetting it replaces the pool",
        "queued_provisioning": "the console sets an empty block, and removing it replaces the pool",
        "placement_policy": "an empty block may be set elsewhere, and removing it replaces the pool",
        "node_config[0].reservation_affinity": "the console may set it, and unsetting it replaces the pool",
        "node_config[0].host_maintenance_policy": "the console may set it, and unsetting it replaces the pool",
        "node_config[0].ephemeral_storage_local_ssd_config": "GKE sets it for machines with local SSDs, and unsetting it replaces the pool",
    }
)
"""Arguments of the pool whose changes Terraform ignores, with the reason.

All of them replace the pool in google 7.45.0 (`ForceNew` in resource_container_node_pool.go and node_config.go), except `version`. The
other arguments that replace it are safe: they are written here and cannot change outside of Terraform (name, cluster, location, project,
pods per node, service account, scopes, metadata, spot, disk encryption), or the provider keeps what it reads (network config, accelerators,
minimum CPU platform, shielded instances, confidential nodes), or GKE only accepts them at creation (local SSDs, secondary boot disks,
sandbox, sole tenancy, run duration, flex start).
"""


class _PoolArguments(Configuration):
    """The values that the rules compare with those of the pool."""

    zones: Items[str]
    network: ClusterNetworkConfig
    cluster: GkeClusterConfig
    node_pool: NodePoolConfig

    rules = (
        lambda a: management_faults(a.cluster, a.node_pool),
        lambda a: pod_range_faults(a.network, a.node_pool, a.zones),
        lambda a: default_pool_range_faults(a.network, a.cluster, a.zones),
        lambda a: node_range_faults(a.network, a.node_pool, a.zones),
    )


class LabelledNodePool(Construct):
    """The one node pool of a cluster, with the labels by which Gitpod places its workloads.

    Attributes:
        name: the pool's name, as a token.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: GkeCluster,
        identity: NodeIdentity | str,
        config: NodePoolConfig | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        """Add the pool.

        Raises:
            Faults: when the cluster's ranges are too small for the pool, or its release channel does not allow the pool's settings.
        """
        config = config or NodePoolConfig()
        network, zones = cluster.network.config, cluster.zones
        _PoolArguments.checked({"zones": zones, "network": network, "cluster": cluster.config, "node_pool": config})
        super().__init__(scope, id)
        pool = gke.ContainerNodePool(
            self,
            "Default",
            project=cluster.project,
            location=cluster.location,
            cluster=cluster.name,
            name=config.name,
            node_locations=list(cluster.zones) or None,
            # Never newer than the control plane, even if the pool is replaced after the release channel has a newer version.
            version=cluster.control_plane_version,
            initial_node_count=config.initial_nodes,
            autoscaling=gke.ContainerNodePoolAutoscaling(min_node_count=config.min_nodes, max_node_count=config.max_nodes),
            management=gke.ContainerNodePoolManagement(
                auto_repair=True if config.auto_repair is None else config.auto_repair,
                auto_upgrade=cluster.config.has_release_channel if config.auto_upgrade is None else config.auto_upgrade,
            ),
            upgrade_settings=gke.ContainerNodePoolUpgradeSettings(max_surge=_MAX_SURGE, max_unavailable=0),
            max_pods_per_node=config.max_pods_per_node,
            node_config=gke.ContainerNodePoolNodeConfig(
                machine_type=config.machine_type,
                disk_type=config.disk_type,
                disk_size_gb=config.disk_size_gb,
                image_type=config.image_type,
                oauth_scopes=list(config.oauth_scopes),
                labels=merged(config.labels, WORKLOAD_LABELS),
                metadata=merged(config.metadata, _METADATA),
                resource_labels=dict(cluster.config.resource_labels) or None,
                spot=config.spot or None,
                confidential_nodes=optional_block(gke.ContainerNodePoolNodeConfigConfidentialNodes, enabled=config.confidential_nodes),
                taint=[
                    gke.ContainerNodePoolNodeConfigTaint(key=taint.key, value=taint.value, effect=taint.effect) for taint in config.taints
                ]
                or None,
                kubelet_config=None
                if cluster.config.kubelet_readonly_port is None
                else gke.ContainerNodePoolNodeConfigKubeletConfig(
                    insecure_kubelet_readonly_port_enabled=cluster.config.kubelet_readonly_port_argument,
                    cpu_cfs_quota=True,  # google 6.50 sends false in a block without it, and the nodes then ignore CPU limits
                ),
                **node_settings(cluster.config, identity),
            ),
            # The provider keeps it as it is when the block is missing, so both states are written.
            network_config=gke.ContainerNodePoolNetworkConfig(enable_private_nodes=cluster.config.private_nodes),
            timeouts=gke.ContainerNodePoolTimeouts(create="2h", update="2h", delete="2h"),
            # Nodes stay unhealthy if they start before their account may write logs and metrics or pull images, or before private
            # ones can reach the internet.
            depends_on=[*(() if isinstance(identity, str) else identity.grants), *cluster.network.egress] or None,
            lifecycle=TerraformResourceLifecycle(
                # The pool is gone with its cluster, but its arguments stay the same, so that only a second apply would create it again.
                replace_triggered_by=[cluster.replacement_trigger],
                ignore_changes=list(IGNORED_CHANGES),
            ),
            provider=provider,
        )
        self.name: str = pool.name
        self._warn_of_risks(config, network, zones)

    def _warn_of_risks(self, config: NodePoolConfig, network: ClusterNetworkConfig, zones: Sequence[str]) -> None:
        if is_certain(lambda: not _room_for_surge_nodes(*map(without_tokens, (network, config, zones)))):
            warn(
                self,
                "no-room-for-surge-nodes",
                f"the ranges hold the maximum of {_most_nodes(config, zones)} nodes but not the additional node that an upgrade creates, "
                "so an upgrade at the maximum size waits; use a larger network.pods_cidr or network.nodes_cidr, or lower "
                "node_pool.max_nodes",
            )
        if not is_token(config.machine_type) and not is_known_machine_type(config.machine_type):
            warn(
                self,
                "unknown-machine-type",
                f"{show(config.machine_type)} is not on the list of known machine types; if it does not exist, the node pool fails after "
                "the cluster is created; check node_pool.machine_type with gcloud compute machine-types list",
            )
        if not is_token(config.disk_type) and not is_known_disk_type(config.disk_type):
            warn(
                self,
                "unknown-disk-type",
                f"{show(config.disk_type)} is not on the list of known boot disk types; if GKE does not support it, the node pool fails "
                "after the cluster is created; check node_pool.disk_type with gcloud compute disk-types list",
            )
        if not is_token(config.image_type) and config.image_type != UBUNTU_CONTAINERD:
            warn(
                self,
                "image-not-ubuntu-containerd",
                f"the nodes run {show(config.image_type)}, but Gitpod's workspaces need Ubuntu; set node_pool.image_type to "
                f"{UBUNTU_CONTAINERD}",
            )
