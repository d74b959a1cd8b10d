"""What constructs and their configurations refuse in apps that use them without deployment files."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitpod_pov.cluster_admins import ClusterAdminsConfig
from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Faults
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig
from gitpod_pov.node_identity import NodeIdentity, NodeIdentityConfig
from gitpod_pov.node_pool import AdditionalNodePoolConfig, LabelledNodePool, NodePoolConfig
from gitpod_pov.project_apis import ProjectApisConfig
from gitpod_pov.provider_versions import require_providers

import pytest
from cdktf import App, TerraformStack
from pydantic import ValidationError

CONFIGURATIONS: list[tuple[type[Configuration], dict[str, Any], str]] = [
    (ProjectApisConfig, {"services": ("container",)}, "services[0]: 'container' is not an API: NAME.googleapis.com"),
    (NodeIdentityConfig, {"roles": ("roles/a.b", "roles/a_b")}, "roles[1]: 'roles/a_b' has the same Terraform address as 'roles/a.b'"),
    (ClusterNetworkConfig, {"services_cidr": "10.0.0.0/20"}, "services_cidr: '10.0.0.0/20' overlaps network.nodes_cidr '10.0.0.0/20'"),
    (ClusterNetworkConfig, {"services_cidr": "10.16.0.0/28"}, "services_cidr: '10.16.0.0/28' must be /16 to /27"),
    (ClusterNetworkConfig, {"nodes_cidr": "10.128.0.0/20"}, "nodes_cidr: '10.128.0.0/20' overlaps 10.128.0.0/9"),
    (ClusterNetworkConfig, {"create_network": True}, "network: 'default' is the network that Google creates in new projects"),
    (GkeClusterConfig, {"release_channel": "NONE"}, "release_channel: 'NONE' must be 'UNSPECIFIED', 'RAPID'"),
    (
        GkeClusterConfig,
        {"managed_prometheus": False, "monitoring_components": ("SYSTEM_COMPONENTS", "HPA")},
        "monitoring_components[1]: 'HPA' needs managed Prometheus; leave it out, or set cluster.managed_prometheus to true",
    ),
    (NodePoolConfig, {"machine_type": "n4-standard-8"}, "disk_type: 'pd-ssd' cannot be the boot disk of n4 machines"),
    (NodePoolConfig, {"machine_type": "t2a-standard-8"}, "machine_type: 't2a-standard-8' is an Arm machine type"),
    (NodePoolConfig, {"image_type": "COS"}, "image_type: 'COS' runs Docker"),
    (NodePoolConfig, {"labels": {"cloud.google.com/gke-spot": "a"}}, 'labels."cloud.google.com/gke-spot": is a label that GKE sets'),
    (NodePoolConfig, {"metadata": {"kube-env": "a"}}, "metadata.kube-env: is a key that GKE reserves"),
    (NodePoolConfig, {"min_nodes": 4, "max_nodes": 3}, "min_nodes: 4 is greater than node_pool.max_nodes 3"),
    (NodePoolConfig, {"initial_nodes": 51}, "initial_nodes: 51 must be from node_pool.min_nodes 1 to node_pool.max_nodes 50"),
    (NodePoolConfig, {"labels": {"k8s.io/a": "b"}}, 'labels."k8s.io/a": is under kubernetes.io or k8s.io'),
    (NodePoolConfig, {"labels": {"gitpod.io/workload_ide": "no"}}, "labels.\"gitpod.io/workload_ide\": 'no' must be 'true'"),
    (NodePoolConfig, {"metadata": {"disable-legacy-endpoints": "no"}}, "metadata.disable-legacy-endpoints: 'no' must be 'true'"),
    (ClusterAdminsConfig, {"members": ("allUsers",)}, "members[0]: 'allUsers' is not a member"),
]


@pytest.mark.parametrize(("configuration", "values", "message"), CONFIGURATIONS)
def test_a_configuration_refuses(configuration: type[Configuration], values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        configuration(**values)


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        NodePoolConfig().max_nodes = 3  # type: ignore[misc]


Cluster = Callable[..., GkeCluster]


@pytest.fixture
def stack(tmp_path: Path) -> TerraformStack:
    stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
    require_providers(stack)
    return stack


@pytest.fixture
def identity(stack: TerraformStack) -> NodeIdentity:
    return NodeIdentity(stack, "identity", project="demo-project")


@pytest.fixture
def cluster(stack: TerraformStack, identity: NodeIdentity) -> Cluster:
    def add(network: ClusterNetworkConfig | None = None, **arguments: Any) -> GkeCluster:
        placed: dict[str, Any] = {"project": "demo-project", "region": "us-central1"}
        added = ClusterNetwork(stack, "network", **placed, cluster_name="gitpod", config=network)
        return GkeCluster(stack, "cluster", **placed, identity=identity, network=added, **arguments)

    return add


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        (("us-central1-a", "us-central2-a"), "zones[1]: 'us-central2-a' is not a zone of us-central1"),
        (
            ("us-central1-d",),
            (
                "zones[0]: 'us-central1-d' does not exist; the zones of us-central1 are us-central1-a, us-central1-b, us-central1-c, "
                "us-central1-f"
            ),
        ),
        (("us-central1-a", "us-central1-a"), "zones[1]: 'us-central1-a' is listed twice"),
    ],
)
def test_a_cluster_refuses_zones(cluster: Cluster, stack: TerraformStack, zones: tuple[str, ...], message: str) -> None:
    with pytest.raises(Faults, match=f"^{re.escape(message)}$"):
        cluster(zones=zones)
    assert stack.node.try_find_child("cluster") is None  # what is refused leaves nothing in the tree


POOLS: list[tuple[dict[str, str], dict[str, str], dict[str, Any], str]] = [
    ({"pods_cidr": "10.4.0.0/20"}, {}, {}, "network.pods_cidr: '10.4.0.0/20' has room for 16 nodes, but 50 are possible"),
    ({"nodes_cidr": "10.0.0.0/27"}, {}, {}, "network.nodes_cidr: '10.0.0.0/27' has room for 28 nodes, but 50 are possible"),
    ({}, {}, {"auto_upgrade": False}, "node_pool.auto_upgrade: false must be true in the release channel REGULAR: remove it"),
    ({}, {"release_channel": "STABLE"}, {"auto_repair": False}, "node_pool.auto_repair: false must be true in the release channel STABLE"),
    (
        {"pods_cidr": "10.4.0.0/25"},
        {},
        {"max_pods_per_node": 8, "max_nodes": 8},
        "network.pods_cidr: '10.4.0.0/25' is too small for the default node pool",
    ),
]


@pytest.mark.parametrize("case", POOLS, ids=lambda case: case[-1])
def test_a_pool_refuses_a_cluster_that_does_not_fit(
    stack: TerraformStack, identity: NodeIdentity, cluster: Cluster, case: tuple[dict[str, str], dict[str, str], dict[str, Any], str]
) -> None:
    network, control_plane, pool, message = case
    config = GkeClusterConfig.checked(control_plane)
    added = cluster(ClusterNetworkConfig.checked(network), zones=("us-central1-a",), config=config)
    with pytest.raises(Faults, match=f"^{re.escape(message)}"):
        LabelledNodePool(stack, "pool", cluster=added, identity=identity, config=NodePoolConfig.checked(pool))
    assert stack.node.try_find_child("pool") is None


def test_additional_pools_are_checked_together(stack: TerraformStack, identity: NodeIdentity, cluster: Cluster) -> None:
    added = cluster(zones=("us-central1-a",))
    ide = AdditionalNodePoolConfig(workloads=["ide"])
    with pytest.raises(Faults) as refused:
        LabelledNodePool(stack, "pool", cluster=added, identity=identity, pools={"a": ide, "b": ide, "gitpod": AdditionalNodePoolConfig()})
    assert [str(fault) for fault in refused.value.faults] == [
        "pools.b.workloads[0]: 'ide' is also in pools.a.workloads: a workload belongs to at most one additional pool, so remove one",
        "pools.gitpod: has the name of node_pool: choose another name",
    ]
    assert stack.node.try_find_child("pool") is None


def test_blue_green_upgrades_need_a_google_version_without_the_bug(tmp_path: Path) -> None:
    for google, refused in (("7.12.0", False), ("7.13.0", True), ("7.17.1", True), ("7.18.0", False)):
        stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
        require_providers(stack, google=google)
        identity = NodeIdentity(stack, "identity", project="demo-project")
        placed: dict[str, Any] = {"project": "demo-project", "region": "us-central1"}
        network = ClusterNetwork(stack, "network", **placed, cluster_name="gitpod")
        added = GkeCluster(stack, "cluster", **placed, identity=identity, network=network)
        pool = NodePoolConfig(upgrade_settings={"strategy": "BLUE_GREEN"})
        if not refused:
            LabelledNodePool(stack, "pool", cluster=added, identity=identity, config=pool)
            continue
        with pytest.raises(Faults, match=f"does not work with google {re.escape(google)}, .* require google 7.18.0 or newer"):
            LabelledNodePool(stack, "pool", cluster=added, identity=identity, config=pool)


def test_a_cluster_names_the_helper_when_the_stack_requires_an_older_provider(tmp_path: Path) -> None:
    """The bindings alone require google 6.50.0."""
    stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
    placed: dict[str, Any] = {"project": "demo-project", "region": "us-central1"}
    identity = NodeIdentity(stack, "identity", project="demo-project")
    network = ClusterNetwork(stack, "network", **placed, cluster_name="gitpod")
    message = r"needs google 7\.12\.0 or newer, but 6\.50\.0 is required: call require_providers on the stack first"
    with pytest.raises(Faults, match=message):
        GkeCluster(stack, "cluster", **placed, identity=identity, network=network)
    require_providers(stack)
    GkeCluster(stack, "cluster", **placed, identity=identity, network=network)


@pytest.mark.parametrize(("google", "kubernetes"), [("6.49.0", None), ("9.0.0", None), ("~> 7.45", None), ("7.45.0", "4.0.0")])
def test_the_helper_refuses_versions_that_are_not_supported(stack: TerraformStack, google: str, kubernetes: str | None) -> None:
    with pytest.raises(ValueError, match="is not a supported version"):
        require_providers(stack, google=google, kubernetes=kubernetes)
