"""The labelled, autoscaled pools of Ubuntu nodes: the main one, and any additional ones.

Owns: the machines, their labels, their number and their management. Leaves to others: the control plane, and the roles of the nodes'
service account.

The five labels are fixed, because Gitpod schedules each of its workloads by one of them. The main pool has those that no additional pool
has: with a single pool, every node needs all.

Source: https://registry.terraform.io/providers/hashicorp/google/6.50.0/docs/resources/container_node_pool
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, get_args

from gitpod_pov import existing_subnetwork
from gitpod_pov.blocks import merged, node_settings, optional_block
from gitpod_pov.cluster_network import ClusterNetworkConfig
from gitpod_pov.configuration import Configuration, RefusedValueError, Rule, known, without_tokens
from gitpod_pov.existing_subnetwork import Nodes
from gitpod_pov.faults import NO_VALUE, Fault, show
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
from gitpod_pov.provider_versions import required_version
from gitpod_pov.reasons import Reasons, of_ignored_changes
from gitpod_pov.reserved_names import is_set_by_gke, metadata_faults
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Boolean, Choice, Items, KnownAtSynth, Nested, Number, Table, is_token
from gitpod_pov.upgrade_settings import UpgradeSettings, blue_green_faults

import cdktf_cdktf_provider_google.container_node_pool as gke
from cdktf import Postcondition, TerraformProvider, TerraformResourceLifecycle
from constructs import Construct
from pydantic import AfterValidator, Field

Workload = Literal["meta", "ide", "workspace_services", "workspace_regular", "workspace_headless"]
WORKLOADS: tuple[Workload, ...] = get_args(Workload)
"""The workloads that Gitpod schedules by a label each."""

_WORKLOAD = "gitpod.io/workload_"
WORKLOAD_LABELS = MappingProxyType({f"{_WORKLOAD}{workload}": "true" for workload in WORKLOADS})
"""The labels by which Gitpod schedules its workloads. With a single pool, every node has them."""

_NO_WORKLOAD = MappingProxyType({"gitpod.io/workloads": "none"})
"""The label of a pool that would have none: the provider can change the labels of a pool, but not remove the last one. It then sends an
update without labels: `nodePoolNodeConfigUpdate` in node_config.go of google 6.50.0 and 7.45.0.
"""

_GKE_DEFAULT_SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
)

# GKE chooses three where a deployment names none: https://cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters
ZONES_OF_A_REGION = 3
ADDRESSES_GOOGLE_KEEPS = 4


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


def _node_counts(config: "NodePoolSettings") -> Iterator[Fault]:
    if config.counts_in_total:
        return
    section = config.section
    if config.min_nodes > config.max_nodes:
        yield Fault(("min_nodes",), f"is greater than {section}max_nodes {config.max_nodes}: lower it, or raise {section}max_nodes")
    elif not config.min_nodes <= config.initial_nodes <= config.max_nodes:
        yield Fault(("initial_nodes",), f"must be from {section}min_nodes {config.min_nodes} to {section}max_nodes {config.max_nodes}")


def _total_node_counts(config: "NodePoolSettings") -> Iterator[Fault]:
    if not config.counts_in_total:
        return
    section = config.section
    for field, _ in known(config, *sorted(config.without_effect & config.model_fields_set)):
        yield Fault((field,), f"cannot be combined with {section}max_total_nodes, which limits the whole region: remove one of the two")
    if config.max_total_nodes is None:
        yield Fault(("max_total_nodes",), f"is required with {section}min_total_nodes")
    elif config.total_minimum > config.max_total_nodes:
        yield Fault(
            ("min_total_nodes",),
            f"is greater than {section}max_total_nodes {config.max_total_nodes}: lower it, or raise {section}max_total_nodes",
        )


def _reserved_labels(config: "NodePoolSettings") -> Iterator[Fault]:
    for key, value in config.labels.items():
        domain = key.partition("/")[0] if "/" in key else ""
        if domain in {"kubernetes.io", "k8s.io"} or domain.endswith((".kubernetes.io", ".k8s.io")):
            yield Fault(("labels", key), "is under kubernetes.io or k8s.io, which Kubernetes reserves: use another prefix", NO_VALUE)
        elif is_set_by_gke(key):
            yield Fault(("labels", key), "is a label that GKE sets: remove it", NO_VALUE)
        elif key in WORKLOAD_LABELS and value != "true":
            yield Fault(("labels", key), "must be 'true', because Gitpod schedules its workloads by this label: remove it")


def _legacy_endpoints(config: "NodePoolSettings") -> Iterator[Fault]:
    if config.metadata.get("disable-legacy-endpoints", "true") != "true":
        message = "must be 'true', or the provider replaces the pool at every apply: remove the key"
        yield Fault(("metadata", "disable-legacy-endpoints"), message)


UBUNTU_CONTAINERD = "UBUNTU_CONTAINERD"


def _image(config: "NodePoolSettings") -> Iterator[Fault]:
    """Yield a fault for an image type that GKE no longer has, or that runs no Linux containers.

    Another image gives a warning and is not refused, because GKE creates such nodes and may add image types. Gitpod's workspaces need
    Ubuntu; the guide names UBUNTU_CONTAINERD.

    Sources: https://cloud.google.com/kubernetes-engine/docs/concepts/node-images and, for the images that were removed with GKE 1.24,
    https://cloud.google.com/kubernetes-engine/docs/deprecations/docker-containerd
    """
    if config.image_type in {"COS", "UBUNTU"}:
        yield Fault(("image_type",), f"runs Docker, which GKE removed in version 1.24; use {UBUNTU_CONTAINERD}")
    elif config.image_type.startswith("WINDOWS"):
        yield Fault(("image_type",), f"runs Windows, but Gitpod's workloads are Linux containers; use {UBUNTU_CONTAINERD}")


class NodeTaint(Configuration):
    """A taint of every node of the pool."""

    key: KubernetesLabelKey
    """Key of the taint, such as example.com/trial."""

    value: KubernetesLabelValue = ""
    """Value of the taint."""

    effect: Choice[Literal["PREFER_NO_SCHEDULE", "NO_SCHEDULE", "NO_EXECUTE"]] = "PREFER_NO_SCHEDULE"
    """Effect of the taint. Only PREFER_NO_SCHEDULE lets Gitpod's Pods run."""


def _taint_keys(config: "NodePoolSettings") -> Iterator[Fault]:
    for index in repeated(tuple(f"{taint.key} {taint.effect}" for taint in config.taints)):
        taint = config.taints[index]
        yield Fault(
            ("taints", index, "key"),
            f"is also the key of another taint with the effect {taint.effect}: a node can have only one, so remove this one",
        )


class NodePoolSettings(Configuration):
    """What every node pool of a cluster has: its machines, their number and their management."""

    section: ClassVar[str] = ""  # what precedes another key of the pool in a message

    machine_type: MachineType = "n2d-standard-16"
    """Compute Engine machine type of the nodes."""

    disk_type: DiskType = "pd-ssd"
    """Type of the boot disk. n4 and c4 machines need hyperdisk-balanced."""

    disk_size_gb: Number = Field(default=100, ge=10, le=65_536)
    """Size of the boot disk in GB."""

    image_type: ImageType = UBUNTU_CONTAINERD
    """Node image. Gitpod's workspaces need Ubuntu."""

    initial_nodes: Number = Field(default=1, ge=0)
    """Nodes per zone at creation. Later changes have no effect."""

    min_nodes: Number = Field(default=1, ge=0)
    """Minimum number of nodes per zone."""

    max_nodes: Number = Field(default=50, ge=1, le=1000)
    """Maximum number of nodes per zone."""

    min_total_nodes: Annotated[Number, Field(ge=0)] | None = None
    """Minimum number of nodes in the whole region. Default: 0 with max_total_nodes, otherwise min_nodes in every zone."""

    max_total_nodes: Annotated[Number, Field(ge=1, le=65_000)] | None = None
    """Maximum number of nodes in the whole region, instead of min_nodes and max_nodes. Default: max_nodes in every zone."""

    max_pods_per_node: Number = Field(default=110, ge=8, le=256)
    """Maximum number of Pods per node. 110 take a /24 of the Pod range."""

    auto_repair: Boolean | None = None
    """Whether GKE repairs unhealthy nodes. Default: true, which a release channel requires."""

    auto_upgrade: Boolean | None = None
    """Whether GKE upgrades nodes, except during maintenance exclusions. Default: true with a release channel, which requires it, otherwise
    false.
    """

    oauth_scopes: Annotated[Items[OauthScope], Unique] = (*_GKE_DEFAULT_SCOPES, "https://www.googleapis.com/auth/ndev.clouddns.readwrite")
    """OAuth scopes of the nodes, as URLs."""

    labels: Table[KubernetesLabelKey, KubernetesLabelValue] = Field(default={})
    """Kubernetes labels of the nodes, in addition to those of Gitpod's workloads."""

    metadata: Table[MetadataKey, PlainText] = Field(default={})
    """Instance metadata of the nodes, in addition to `disable-legacy-endpoints`."""

    spot: Boolean = False
    """Whether nodes are Spot VMs, which cost less and can stop at any time. A change replaces the node pool."""

    confidential_nodes: Boolean | None = None
    """Whether to use Confidential GKE Nodes with AMD SEV, at a surcharge. Only some machine types and zones support them. Default: false
    for a new pool, no change to an existing one. A change recreates the nodes.
    """

    taints: Items[Nested[NodeTaint]] = ()
    """Taints of the nodes. On a pool with workloads, only PREFER_NO_SCHEDULE is allowed."""

    upgrade_settings: Nested[UpgradeSettings] = UpgradeSettings()
    """How GKE upgrades the nodes: with surge nodes, or blue-green."""

    rules: ClassVar[tuple[Rule, ...]] = (
        _node_counts,
        _total_node_counts,
        _reserved_labels,
        _legacy_endpoints,
        _taint_keys,
        machine_type_faults,
        boot_disk_faults,
        boot_disk_size_faults,
        _image,
        metadata_faults,
    )

    @property
    def counts_in_total(self) -> bool:
        """Whether the limits of the autoscaler are for the whole region."""
        return self.min_total_nodes is not None or self.max_total_nodes is not None

    @property
    def total_minimum(self) -> float:
        """The minimum for the whole region."""
        return 0 if self.min_total_nodes is None else self.min_total_nodes

    @property
    def without_effect(self) -> frozenset[str]:
        """See `Configuration`."""
        return frozenset({"min_nodes", "max_nodes"} if self.counts_in_total else ())


class NodePoolConfig(NodePoolSettings):
    """Configuration of the main pool, which has every workload that no additional pool has."""

    section: ClassVar[str] = "node_pool."

    name: NodePoolName = "gitpod"
    """Name of the node pool."""


def _labels_of_other_workloads(config: "AdditionalNodePoolConfig") -> Iterator[Fault]:
    for key in config.labels:
        if key in WORKLOAD_LABELS and (workload := key.removeprefix(_WORKLOAD)) not in config.workloads:
            yield Fault(("labels", key), f"is the label of a workload: list '{workload}' in workloads instead")


class AdditionalNodePoolConfig(NodePoolSettings):
    """Configuration of a pool beside the main one."""

    workloads: Annotated[Items[Workload], Unique, KnownAtSynth()] = ()
    """Gitpod's workloads that run in this pool instead of the main one. Default: none. To move a workload, see docs/operations.md."""

    rules = (*NodePoolSettings.rules, _labels_of_other_workloads)


Pools = Mapping[tuple[str, ...], NodePoolSettings]
"""The pools of a cluster, each by its key in a deployment file: `node_pool`, or `pools` and its name."""


def all_pools(given: Any) -> Pools:
    """Return every pool of a configuration with the fields `node_pool` and `pools`, by key.

    Raises:
        RefusedValueError: when one is refused.
    """
    pools = known_pools(given)
    if len(pools) != 1 + len(given.pools):
        raise RefusedValueError
    return pools


def known_pools(given: Any) -> Pools:
    """Return the pools of such a configuration that are not refused, for rules about each pool by itself."""
    found: dict[tuple[str, ...], NodePoolSettings] = {}
    for field, value in known(given, "node_pool", "pools"):
        found |= {(field, name): pool for name, pool in value.items()} if field == "pools" else {(field,): value}
    return found


def _of_each_pool(rule: Callable[[NodePoolSettings, Any], Iterator[Fault]]) -> Rule:
    """Return a rule about one pool as a rule about all of them. A refused value in one pool hides no fault of another."""

    def of_each(given: Any) -> Iterator[Fault]:
        refused = None
        for path, pool in known_pools(given).items():
            try:
                for fault in rule(pool, given):
                    yield fault.below(*path)
            except RefusedValueError as error:
                refused = refused or error
        if refused:
            raise refused

    return of_each


def _workload_owners(given: Any) -> Iterator[Fault]:
    """Yield a fault for every workload that two additional pools have."""
    owners: dict[str, str] = {}
    for name, pool in given.pools.items():
        for index, workload in ((index, workload) for _, workloads in known(pool, "workloads") for index, workload in enumerate(workloads)):
            if (owner := owners.setdefault(workload, name)) != name:
                message = f"is also in pools.{owner}.workloads: a workload belongs to at most one additional pool, so remove one"
                yield Fault(("pools", name, "workloads", index), message)


def _names_apart(given: Any) -> Iterator[Fault]:
    """Yield a fault for an additional pool with the name of the main one."""
    if given.node_pool.name in given.pools:
        yield Fault(("pools", given.node_pool.name), "has the name of node_pool: choose another name")


def _taints(pool: NodePoolSettings, given: Any) -> Iterator[Fault]:
    """Yield a fault for every taint that repels the workloads of its pool."""
    for index, taint in enumerate(pool.taints):
        if taint.effect != "PREFER_NO_SCHEDULE" and _has_workloads(pool, given):
            yield Fault(
                ("taints", index, "effect"),
                "would repel Gitpod's workloads, which tolerate no taints: use PREFER_NO_SCHEDULE, or taint a pool that has no workloads",
            )


def _has_workloads(pool: NodePoolSettings, given: Any) -> bool:
    if any(label in WORKLOAD_LABELS for _, labels in known(pool, "labels") for label in labels):
        return True
    return bool(pool.workloads if isinstance(pool, AdditionalNodePoolConfig) else _rest(given))


def _rest(given: Any) -> tuple[str, ...]:
    """Return the workloads that no additional pool has."""
    additional = (pool for pool in all_pools(given).values() if isinstance(pool, AdditionalNodePoolConfig))
    chosen = {workload for pool in additional for workload in pool.workloads}
    return tuple(workload for workload in WORKLOADS if workload not in chosen)


def _management(pool: NodePoolSettings, given: Any) -> Iterator[Fault]:
    """Yield a fault for automatic upgrades or repairs that are off in a release channel; GKE answers 400 to them."""
    for key in ("auto_upgrade", "auto_repair"):
        if given.cluster.has_release_channel and getattr(pool, key) is False:
            yield Fault(
                (key,),
                f"must be true in the release channel {given.cluster.release_channel}: remove it; use cluster.maintenance_exclusions to "
                "keep the versions as they are",
            )


def _upgrades(pool: NodePoolSettings, given: Any) -> Iterator[Fault]:
    """Yield a fault when the google version cannot create the pool because of its upgrade settings."""
    return (fault.below("upgrade_settings") for fault in blue_green_faults(pool.upgrade_settings, given.google))


def _initial_nodes(pool: NodePoolSettings, given: Any) -> Iterator[Fault]:
    """Yield a fault when the pool starts with more nodes than its maximum for the whole region."""
    if pool.max_total_nodes is not None and (first := pool.initial_nodes * _zone_count(given.zones)) > pool.max_total_nodes:
        yield Fault(
            ("initial_nodes",),
            f"means {first} nodes in {_zones_in_words(given.zones)}, more than {pool.section}max_total_nodes {pool.max_total_nodes}: lower "
            "it, or raise the maximum",
        )


def _prefix_of(addresses: float) -> int:
    """Return the prefix of the smallest range with this number of addresses."""
    return 32 - math.ceil(math.log2(addresses))


def prefix_of_a_node(max_pods: float) -> int:
    """Return the prefix of the range that a node takes of the Pod range."""
    return _prefix_of(2 * max_pods)


def addresses_of_a_node(max_pods: float) -> int:
    """Return how many addresses of the Pod range a node takes."""
    return 1 << 32 - prefix_of_a_node(max_pods)


@dataclass(frozen=True)
class _Range:
    """A range of the subnetwork of which every node takes a part.

    Attributes:
        key: the input that holds it.
        reserved: how many of its addresses Google reserves.
        room: what a message about several pools says of the size.
        part_of: how many of its addresses a node of a pool takes.
    """

    key: str
    reserved: int
    room: str
    part_of: Callable[[NodePoolSettings], int]

    def holds(self, network: ClusterNetworkConfig) -> int:
        """Return how many addresses it has for nodes."""
        return max(IPv4Network(getattr(network, self.key)).num_addresses - self.reserved, 0)

    def needed(self, given: Any) -> dict[tuple[str, ...], int]:
        """Return how many addresses each pool takes at its maximum, by key."""
        return {path: _most_nodes(pool, given) * self.part_of(pool) for path, pool in all_pools(given).items()}

    def fitting_prefix(self, given: Any) -> int:
        """Return the prefix of the smallest range that all pools fit into."""
        return _prefix_of(sum(self.needed(given).values()) + self.reserved)

    def faults(self, given: Any) -> Iterator[Fault]:
        """Yield a fault when it is too small for the nodes that the autoscaler may add to all pools."""
        if not given.network.create_subnetwork:
            return
        holds, needed = self.holds(given.network), self.needed(given)
        if holds >= (total := sum(needed.values())):
            return
        larger = f"use a /{self.fitting_prefix(given)} or larger"
        if given.pools:
            pools = ", ".join(f"{'.'.join(path)} {count}" for path, count in needed.items())
            message = f"{self.room.format(holds)}, but the pools can need up to {total} ({pools}): {larger}, or lower the maximum of a pool"
        else:
            message = _too_small(holds // self.part_of(given.node_pool), larger, given)
        yield Fault(("network", self.key), message)


def _too_small(holds: int, larger: str, given: Any) -> str:
    pool = given.node_pool
    possible = f"{_most_nodes(pool, given)} are possible"
    if pool.max_total_nodes is None:
        possible += f" ({pool.max_nodes} per zone in {_zones_in_words(given.zones)})"
        key, fitting = "max_nodes", holds // _zone_count(given.zones)
    else:
        key, fitting = "max_total_nodes", holds
    lower = f", or lower node_pool.{key} to {fitting}" if fitting else ""
    return f"has room for {holds} node{'' if holds == 1 else 's'}, but {possible}: {larger}{lower}"


# A node takes a range for twice its Pods, rounded up to a power of two: https://cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr
_PODS = _Range("pods_cidr", 0, "has {} addresses", lambda pool: addresses_of_a_node(pool.max_pods_per_node))
_NODES = _Range("nodes_cidr", ADDRESSES_GOOGLE_KEEPS, "has room for {} nodes", lambda _: 1)


def _default_pool_range(given: Any) -> Iterator[Fault]:
    """Yield a fault when the Pod range is too small for the removed default pool.

    The default pool has one node in each zone and `default_max_pods_per_node`. It is removed before the node pool is created, so the
    range must hold the larger of the two, not both.
    """
    if not given.network.create_subnetwork:
        return
    pods = given.cluster.default_max_pods_per_node
    needed = _zone_count(given.zones) * addresses_of_a_node(pods)
    if _PODS.holds(given.network) < needed:
        yield Fault(
            ("network", "pods_cidr"),
            f"is too small for the default node pool, which GKE creates first with one node per zone and "
            f"cluster.default_max_pods_per_node {pods}: use a /{_prefix_of(needed)} or larger, or lower cluster.default_max_pods_per_node",
        )


POOL_RULES: tuple[Rule, ...] = (
    _workload_owners,
    _names_apart,
    *map(_of_each_pool, (_taints, _management, _upgrades, _initial_nodes)),
    _PODS.faults,
    _default_pool_range,
    _NODES.faults,
)
"""The rules between the pools and what else a configuration has: the fields `zones`, `network`, `cluster`, `google`, `node_pool` and
`pools`.
"""


def _missing_room_for_upgrades(given: Any) -> int:
    """Return how many nodes an upgrade adds at the maximum size that the ranges do not hold; 0 when they hold them all.

    GKE upgrades one pool at a time: https://cloud.google.com/kubernetes-engine/docs/concepts/cluster-upgrades
    """
    if not given.network.create_subnetwork:
        return 0
    free = [(one, one.holds(given.network) - sum(one.needed(given).values())) for one in (_PODS, _NODES)]
    missing = 0
    for pool in all_pools(given).values():
        added = int(pool.upgrade_settings.additional_nodes(_most_nodes(pool, given)))
        if any(added > left // one.part_of(pool) for one, left in free):
            missing = max(missing, added)
    return missing


def existing_subnetwork_conditions(given: Any, expressions: Mapping[str, str] = MappingProxyType({})) -> Iterator[Postcondition]:
    """Yield what the rules on the ranges check, for an existing subnetwork.

    A condition on a number that is a token is left out, as a rule would be.

    Args:
        given: the configuration.
        expressions: what stands for `network.subnetwork`, `node_pool.max_nodes` and the number of `zones` where these are variables. No
            message then says which range would fit.
    """
    network, known_part = given.network, without_tokens(given)

    def zones() -> str:
        return expressions.get("zones") or f"{_zone_count(known_part.zones)}"

    def nodes() -> list[Nodes]:
        max_nodes = expressions.get("node_pool.max_nodes") or f"{known_part.node_pool.max_nodes}"
        return nodes_of_pools(all_pools(known_part), max_nodes, zones())

    def fitting_prefix(of: _Range) -> int | None:
        return None if expressions else of.fitting_prefix(known_part)

    def of_default_pool() -> Postcondition:
        addresses = addresses_of_a_node(known_part.cluster.default_max_pods_per_node)
        return existing_subnetwork.holds_default_pool(network.pods_range, addresses, zones())

    def of_pods() -> Postcondition:
        return existing_subnetwork.holds_pods(network.pods_range, nodes(), fitting_prefix(_PODS))

    def of_nodes() -> Postcondition:
        subnetwork = expressions.get("network.subnetwork") or str(network.subnetwork)
        return existing_subnetwork.holds_nodes(subnetwork, ADDRESSES_GOOGLE_KEEPS, nodes(), fitting_prefix(_NODES))

    for condition in (of_default_pool, of_pods, of_nodes):
        with suppress(RefusedValueError):
            yield condition()


def nodes_of_pools(pools: Pools, max_nodes: str, zones: str) -> list[Nodes]:
    """Return what the conditions of an existing subnetwork are about.

    Args:
        pools: the pools.
        max_nodes: the maximum of the main pool per zone, as an expression.
        zones: the number of zones, as an expression.
    """
    found = []
    for path, pool in pools.items():
        per_zone = max_nodes if path == ("node_pool",) else f"{pool.max_nodes}"
        limit, counted = (per_zone, zones) if pool.max_total_nodes is None else (f"{pool.max_total_nodes}", None)
        found.append(Nodes(".".join(path), limit, addresses_of_a_node(pool.max_pods_per_node), counted))
    return found


def _zone_count(zones: Sequence[str]) -> int:
    # Not the length of a set: when a zone is refused, only the length of the list is that of all zones.
    return len(zones) - len([*repeated(zones)]) or ZONES_OF_A_REGION


def _zones_in_words(zones: Sequence[str]) -> str:
    count = _zone_count(zones)
    return f"{count} zone{'s' if count > 1 else ''}"


def _most_nodes(pool: NodePoolSettings, given: Any) -> int:
    """Return how many nodes the autoscaler may add to a pool in all zones."""
    return int(pool.max_nodes * _zone_count(given.zones) if pool.max_total_nodes is None else pool.max_total_nodes)


IGNORED_CHANGES = MappingProxyType(
    {
        "initial_node_count": "a change replaces the pool, and the autoscaler sets the number of nodes anyway",
        "version": "GKE upgrades nodes, and an apply must not change their version",
        # The Google Cloud console writes the first two when someone saves the pool there:
        # https://github.com/terraform-google-modules/terraform-google-kubernetes-engine/issues/2304
        "node_config[0].advanced_machine_features": "the console sets it, and removing it replaces the pool",
        "queued_provisioning": "the console sets an empty block, and removing it replaces the pool",
        "placement_policy": "an empty block may be set elsewhere, and removing it replaces the pool",
        "node_config[0].reservation_affinity": "the console may set it, and removing it replaces the pool",
        "node_config[0].host_maintenance_policy": "the console may set it, and removing it replaces the pool",
        "node_config[0].ephemeral_storage_local_ssd_config": "GKE sets it for machines with local SSDs, and removing it replaces the pool",
    }
)
"""Arguments of the pool whose changes Terraform ignores, with the reason.

All of them replace the pool in google 7.45.0 (`ForceNew` in resource_container_node_pool.go and node_config.go), except `version`. The
other arguments that replace it are safe: they are written here and cannot change outside of Terraform (name, cluster, location, project,
Pods per node, service account, scopes, metadata, spot, disk encryption), or the provider keeps what it reads (network config, accelerators,
minimum CPU platform, shielded instances, confidential nodes), or GKE only accepts them at creation (local SSDs, secondary boot disks,
sandbox, sole tenancy, run duration, flex start).
"""


REASONS: Reasons = {
    "google_container_node_pool": {
        "": "Ubuntu nodes. Gitpod schedules each of its workloads to the nodes that have its label.",
        "version": "The version of the control plane. Nodes cannot be newer than it.",
        "initial_node_count": "Nodes per zone at creation. Later, the autoscaler sets their number.",
        "max_pods_per_node": "Determines how much of the Pod range each node takes: 110 Pods take a /24. A change replaces the pool.",
        "node_locations": "The zones of the nodes. All counts are per zone.",
        "autoscaling": "min_node_count and max_node_count apply per zone, the total_ arguments to the region.",
        "management.auto_upgrade": "A release channel requires true. Maintenance exclusions determine what GKE upgrades.",
        "management.auto_repair": "A release channel requires true.",
        "upgrade_settings": "How GKE replaces the nodes during an upgrade, which may add nodes first.",
        "network_config": "Always set, because the provider keeps the last value if the block is left out.",
        "node_config.image_type": "Gitpod's workspaces need Ubuntu. A change recreates the nodes.",
        "node_config.machine_type": "A change recreates the nodes, but does not replace the pool.",
        "node_config.labels": "Gitpod schedules each of its workloads by one of the five workload labels.",
        "node_config.metadata": "Any change of the metadata replaces the pool. Without disable-legacy-endpoints, every apply does.",
        "node_config.oauth_scopes": (
            "Limits which Google APIs Pods can call with the node service account, in addition to its roles. A change replaces the pool."
        ),
        "node_config.spot": (
            "Compute Engine can preempt Spot VMs at any time, which ends the workspaces on them. A change replaces the pool."
        ),
        "node_config.kubelet_config.cpu_cfs_quota": "google 6.50 sends false without it, and the nodes then ignore CPU limits.",
        "node_config.workload_metadata_config": "GKE_METADATA prevents Pods from using the credentials of the node.",
        "depends_on": (
            "Nodes stay unhealthy if they start before their service account may write logs and pull images, or before private nodes can "
            "reach the internet."
        ),
        "lifecycle.replace_triggered_by": (
            "Replacing the cluster also deletes the pool. Without this trigger, only a second apply would create the pool again."
        ),
        **of_ignored_changes(IGNORED_CHANGES),
    },
}


class _PoolArguments(Configuration):
    """The values that the rules compare with those of the pools."""

    zones: Items[str]
    network: ClusterNetworkConfig
    cluster: GkeClusterConfig
    google: str
    node_pool: NodePoolConfig
    pools: dict[NodePoolName, AdditionalNodePoolConfig]

    rules = POOL_RULES


class LabelledNodePool(Construct):
    """The node pools of a cluster, with the labels by which Gitpod schedules its workloads: the main pool, and any additional ones.

    Attributes:
        id: ID of the main pool, `projects/PROJECT/locations/REGION/clusters/CLUSTER/nodePools/NAME`, as a token.
        name: the name of the main pool, as a token.
        names: the names of all pools, as tokens, by key: `node_pool` for the main one, `pools.NAME` for the others.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: GkeCluster,
        identity: NodeIdentity | str,
        config: NodePoolConfig | None = None,
        pools: Mapping[str, AdditionalNodePoolConfig] = MappingProxyType({}),
        provider: TerraformProvider | None = None,
    ) -> None:
        """Add the pools.

        Args:
            scope: a stack, or a construct in one.
            id: the first part of the addresses.
            cluster: the cluster.
            identity: the node service account.
            config: the main pool.
            pools: the additional pools by name. The name is the last part of the address.
            provider: a google provider.

        Raises:
            Faults: when the cluster's ranges are too small for the pools, its release channel does not allow their settings, or their
                workloads and taints contradict each other.
        """
        arguments = {
            "zones": cluster.zones,
            "network": cluster.network.config,
            "cluster": cluster.config,
            "google": required_version(scope, "google"),
            "node_pool": config or NodePoolConfig(),
            "pools": dict(pools),
        }
        checked = _PoolArguments.checked(arguments)
        super().__init__(scope, id)
        if not checked.network.create_subnetwork:
            cluster.network.expect(*existing_subnetwork_conditions(checked))
        self._cluster, self._identity, self._provider = cluster, identity, provider
        main = self._pool("Default", checked.node_pool.name, checked.node_pool, _rest(checked))
        others = {name: self._pool(name, name, pool, pool.workloads) for name, pool in checked.pools.items()}
        if others:  # a workload that moves to an additional pool keeps its label on the main one until its new nodes exist
            addresses = (f"{other.terraform_resource_type}.{other.friendly_unique_id}" for other in others.values())
            main.depends_on = [*(main.depends_on or ()), *addresses]
        self.id: str = main.id
        self.name: str = main.name
        self.names: Mapping[str, str] = {"node_pool": main.name, **{f"pools.{name}": other.name for name, other in others.items()}}
        for path, pool in all_pools(checked).items():
            self._warn_of_unknown_names(".".join(path), pool)
        self._warn_of_missing_room(checked)

    def _pool(self, id: str, name: str, config: NodePoolSettings, workloads: Sequence[str]) -> gke.ContainerNodePool:
        cluster, identity = self._cluster, self._identity
        return gke.ContainerNodePool(
            self,
            id,
            project=cluster.project,
            location=cluster.location,
            cluster=cluster.name,
            name=name,
            node_locations=list(cluster.zones) or None,
            version=cluster.control_plane_version,
            initial_node_count=config.initial_nodes,
            autoscaling=_autoscaling_block(config),
            management=gke.ContainerNodePoolManagement(
                auto_repair=True if config.auto_repair is None else config.auto_repair,
                auto_upgrade=cluster.config.has_release_channel if config.auto_upgrade is None else config.auto_upgrade,
            ),
            upgrade_settings=config.upgrade_settings.block(),
            max_pods_per_node=config.max_pods_per_node,
            node_config=gke.ContainerNodePoolNodeConfig(
                machine_type=config.machine_type,
                disk_type=config.disk_type,
                disk_size_gb=config.disk_size_gb,
                image_type=config.image_type,
                oauth_scopes=list(config.oauth_scopes),
                labels=_labels(config, workloads),
                metadata=merged(config.metadata, {"disable-legacy-endpoints": "true"}),
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
                    cpu_cfs_quota=True,
                ),
                **node_settings(cluster.config, identity),
            ),
            network_config=gke.ContainerNodePoolNetworkConfig(enable_private_nodes=cluster.config.private_nodes),
            timeouts=gke.ContainerNodePoolTimeouts(create="2h", update="2h", delete="2h"),
            depends_on=[*(() if isinstance(identity, str) else identity.grants), *cluster.network.egress] or None,
            lifecycle=TerraformResourceLifecycle(
                replace_triggered_by=[cluster.replacement_trigger],
                ignore_changes=list(IGNORED_CHANGES),
            ),
            provider=self._provider,
        )

    def _warn_of_missing_room(self, arguments: _PoolArguments) -> None:
        known_part = without_tokens(arguments)
        try:
            missing = _missing_room_for_upgrades(known_part)
            most = sum(_most_nodes(pool, known_part) for pool in all_pools(known_part).values())
        except RefusedValueError:
            return
        if missing:
            nodes = "the additional node that an upgrade creates" if missing == 1 else f"the {missing} nodes that an upgrade adds"
            warn(
                self,
                "no-room-for-surge-nodes",
                f"the ranges have room for the maximum of {most} nodes but not for {nodes}, so an upgrade cannot proceed "
                "while the pools are at their maximum size; use a larger network.pods_cidr or network.nodes_cidr, or lower the maximum of "
                "a pool",
            )

    def _warn_of_unknown_names(self, key: str, config: NodePoolSettings) -> None:
        if not is_token(config.machine_type) and not is_known_machine_type(config.machine_type):
            warn(
                self,
                "unknown-machine-type",
                f"{show(config.machine_type)} is not on the list of known machine types; if it does not exist, the node pool fails after "
                f"the cluster is created; check {key}.machine_type with gcloud compute machine-types list",
            )
        if not is_token(config.disk_type) and not is_known_disk_type(config.disk_type):
            warn(
                self,
                "unknown-disk-type",
                f"{show(config.disk_type)} is not on the list of known boot disk types; if GKE does not support it, the node pool fails "
                f"after the cluster is created; check {key}.disk_type with gcloud compute disk-types list",
            )
        if not is_token(config.image_type) and config.image_type != UBUNTU_CONTAINERD:
            warn(
                self,
                "image-not-ubuntu-containerd",
                f"the nodes run {show(config.image_type)}, but Gitpod's workspaces need Ubuntu; set {key}.image_type to "
                f"{UBUNTU_CONTAINERD}",
            )


def _labels(config: NodePoolSettings, workloads: Sequence[str]) -> Mapping[str, str]:
    fixed: Mapping[str, str] = {f"{_WORKLOAD}{workload}": "true" for workload in workloads}
    if not fixed and (is_token(config.labels) or not config.labels):
        fixed = _NO_WORKLOAD
    return merged(config.labels, fixed)


def _autoscaling_block(config: NodePoolSettings) -> gke.ContainerNodePoolAutoscaling:
    if config.counts_in_total:
        return gke.ContainerNodePoolAutoscaling(total_min_node_count=config.total_minimum, total_max_node_count=config.max_total_nodes)
    return gke.ContainerNodePoolAutoscaling(min_node_count=config.min_nodes, max_node_count=config.max_nodes)
