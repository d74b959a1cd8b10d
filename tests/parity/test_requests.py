"""The recorded requests of gcloud and kubectl, field by field, against the output, and the output against them.

Every field of a request is explained by exactly one argument or one listed deviation; every argument of the cluster and the pool by
a field or by a listed addition. A new field, a new argument or a changed value fails.
"""

from typing import Any

from gitpod_pov.gke_cluster import IGNORED_CHANGES as CLUSTER_IGNORED
from gitpod_pov.node_pool import IGNORED_CHANGES as POOL_IGNORED

import pytest

from tests.app import Synthesized, deployment, synthesize
from tests.parity.reference import ACCOUNT, NODE_ACCOUNT, PROJECT, leaves, request

EMAIL = "${google_service_account.identity.email}"
NEWEST_REGULAR = '${data.google_container_engine_versions.cluster_versions.release_channel_latest_version["REGULAR"]}'
CLUSTER = "google_container_cluster.cluster"
POOL = "google_container_node_pool.node_pool"
SUBNETWORK = "google_compute_subnetwork.network_subnetwork"
EXCLUSION = f"{CLUSTER} maintenance_policy|maintenance_exclusion|0"
TOKENS = {EMAIL: NODE_ACCOUNT, "${google_service_account.identity.member}": f"serviceAccount:{NODE_ACCOUNT}"}

# field of the request -> argument that carries the same value
FIELDS = {
    "cluster|addonsConfig|dnsCacheConfig|enabled": f"{CLUSTER} addons_config|dns_cache_config|enabled",
    "cluster|addonsConfig|horizontalPodAutoscaling|disabled": f"{CLUSTER} addons_config|horizontal_pod_autoscaling|disabled",
    "cluster|addonsConfig|httpLoadBalancing|disabled": f"{CLUSTER} addons_config|http_load_balancing|disabled",
    "cluster|addonsConfig|networkPolicyConfig|disabled": f"{CLUSTER} addons_config|network_policy_config|disabled",
    "cluster|defaultMaxPodsConstraint|maxPodsPerNode": f"{CLUSTER} default_max_pods_per_node",
    "cluster|ipAllocationPolicy|subnetworkName": f"{SUBNETWORK} name",
    "cluster|name": f"{CLUSTER} name",
    "cluster|networkPolicy|enabled": f"{CLUSTER} network_policy|enabled",
    "cluster|networkPolicy|provider": f"{CLUSTER} network_policy|provider",
    "cluster|nodePools|0|autoscaling|maxNodeCount": f"{POOL} autoscaling|max_node_count",
    "cluster|nodePools|0|autoscaling|minNodeCount": f"{POOL} autoscaling|min_node_count",
    "cluster|nodePools|0|config|diskSizeGb": f"{POOL} node_config|disk_size_gb",
    "cluster|nodePools|0|config|diskType": f"{POOL} node_config|disk_type",
    "cluster|nodePools|0|config|imageType": f"{POOL} node_config|image_type",
    "cluster|nodePools|0|config|machineType": f"{POOL} node_config|machine_type",
    "cluster|nodePools|0|config|metadata|disable-legacy-endpoints": f"{POOL} node_config|metadata|disable-legacy-endpoints",
    "cluster|nodePools|0|config|oauthScopes": f"{POOL} node_config|oauth_scopes",
    "cluster|nodePools|0|config|serviceAccount": f"{POOL} node_config|service_account",
    "cluster|nodePools|0|initialNodeCount": f"{POOL} initial_node_count",
    "cluster|nodePools|0|management|autoRepair": f"{POOL} management|auto_repair",
    "cluster|nodePools|0|maxPodsConstraint|maxPodsPerNode": f"{POOL} max_pods_per_node",
    "cluster|nodePools|0|upgradeSettings|maxSurge": f"{POOL} upgrade_settings|max_surge",
    **{
        f"cluster|nodePools|0|config|labels|gitpod.io/workload_{workload}": f"{POOL} node_config|labels|gitpod.io/workload_{workload}"
        for workload in ("ide", "meta", "workspace_headless", "workspace_regular", "workspace_services")
    },
}

# field of the request -> the value recorded, and why the output differs
DEVIATIONS: dict[str, tuple[Any, str]] = {
    "cluster|addonsConfig|kubernetesDashboard|disabled": (True, "GKE has no dashboard since 1.15, and the provider no argument for it"),
    "cluster|initialClusterVersion": (
        "1.21.11-gke.900",
        "GKE no longer offers that version; the guide's table names the newest REGULAR one",
    ),
    "cluster|ipAllocationPolicy|createSubnetwork": (True, "the provider has no such argument: the subnetwork is a resource"),
    "cluster|ipAllocationPolicy|useIpAliases": (True, "networking_mode VPC_NATIVE says it"),
    "cluster|masterAuth|username": ("", "basic authentication left GKE and the provider; no client certificate is issued either"),
    "cluster|nodePools|0|autoscaling|enabled": (True, "the block's presence says it"),
    "cluster|nodePools|0|name": ("default-pool", "that is the name of the pool which the provider removes"),
    "cluster|nodePools|0|management|autoUpgrade": (False, "a release channel requires true; the maintenance exclusion stops the upgrades"),
    "parent": (f"projects/{PROJECT}/locations/us-central1", "project and location are arguments of each resource"),
}

OFF = "the provider keeps a block that is missing, so that off is written"
KEEP = "in place of autoUpgrade false: it stops minor upgrades and node upgrades until the end of support"
WINDOW = "the provider requires a window beside an exclusion; this one is the whole day, every day"

# argument of the cluster or the pool -> its value, and why it stands there without a field
ADDITIONS: dict[str, tuple[Any, str]] = {
    f"{CLUSTER} control_plane_endpoints_config|dns_endpoint_config|allow_external_traffic": (False, OFF),
    f"{CLUSTER} private_cluster_config|enable_private_endpoint": (False, OFF),
    f"{CLUSTER} private_cluster_config|enable_private_nodes": (False, OFF),
    f"{POOL} network_config|enable_private_nodes": (False, OFF),
    f"{POOL} management|auto_upgrade": (True, "in place of autoUpgrade false, see the deviation"),
    f"{CLUSTER} maintenance_policy|recurring_window|start_time": ("2026-01-01T00:00:00Z", WINDOW),
    f"{CLUSTER} maintenance_policy|recurring_window|end_time": ("2026-01-02T00:00:00Z", WINDOW),
    f"{CLUSTER} maintenance_policy|recurring_window|recurrence": ("FREQ=DAILY", WINDOW),
    f"{EXCLUSION}|exclusion_name": ("keep-versions", KEEP),
    f"{EXCLUSION}|start_time": ("2026-01-01T00:00:00Z", "a fixed time, so that two synths are equal"),
    f"{EXCLUSION}|exclusion_options|scope": ("NO_MINOR_OR_NODE_UPGRADES", KEEP),
    f"{EXCLUSION}|exclusion_options|end_time_behavior": ("UNTIL_END_OF_SUPPORT", KEEP),
    f"{CLUSTER} datapath_provider": ("LEGACY_DATAPATH", "Calico and Dataplane V2 exclude each other"),
    f"{CLUSTER} deletion_protection": (False, "a proof of value is torn down; the provider's default is true"),
    f"{CLUSTER} initial_node_count": (1, "of the pool that is removed"),
    f"{CLUSTER} ip_allocation_policy|cluster_secondary_range_name": ("pods", "the subnetwork is a resource"),
    f"{CLUSTER} ip_allocation_policy|services_secondary_range_name": ("services", "the subnetwork is a resource"),
    f"{CLUSTER} lifecycle|ignore_changes": (
        [name for name in CLUSTER_IGNORED if name != "database_encryption[0].state"],
        "see gke_cluster.py",
    ),
    f"{CLUSTER} location": ("us-central1", "part of the request's parent"),
    f"{CLUSTER} master_auth|client_certificate_config|issue_client_certificate": (False, "basic authentication's successor"),
    f"{CLUSTER} min_master_version": (NEWEST_REGULAR, "in place of initialClusterVersion"),
    f"{CLUSTER} network": ("default", "gcloud's default, left out of its request"),
    f"{CLUSTER} networking_mode": ("VPC_NATIVE", "in place of useIpAliases"),
    f"{CLUSTER} node_config|service_account": (EMAIL, "the removed pool must not need the Compute default account"),
    f"{CLUSTER} project": (PROJECT, "part of the request's parent"),
    f"{CLUSTER} release_channel|channel": ("REGULAR", "GKE refuses new clusters without a channel since 2026-08-21"),
    f"{CLUSTER} remove_default_node_pool": (True, "the pool is a separate resource"),
    f"{CLUSTER} subnetwork": ("${google_compute_subnetwork.network_subnetwork.name}", "in place of subnetworkName"),
    **{f"{CLUSTER} timeouts|{operation}": ("90m", "upstream's newer default") for operation in ("create", "update", "delete")},
    f"{POOL} cluster": ("${google_container_cluster.cluster.name}", "the pool is a separate resource"),
    f"{POOL} depends_on": (
        [
            f"google_project_iam_member.identity_{role}"
            for role in ("storage_admin", "logging_logWriter", "monitoring_metricWriter", "container_admin")
        ],
        "nodes need their roles at their start",
    ),
    f"{POOL} lifecycle|ignore_changes": (
        list(POOL_IGNORED),
        "see node_pool.py",
    ),
    f"{POOL} lifecycle|replace_triggered_by": (["google_container_cluster.cluster.id"], "a replaced cluster has no pool"),
    f"{POOL} location": ("${google_container_cluster.cluster.location}", "the pool is a separate resource"),
    f"{POOL} name": ("gitpod", "in place of default-pool"),
    f"{POOL} project": (PROJECT, "part of the request's parent"),
    **{f"{POOL} timeouts|{operation}": ("2h", "upstream's newer default") for operation in ("create", "update", "delete")},
    f"{POOL} upgrade_settings|max_unavailable": (0, "gcloud leaves out a zero"),
    f"{POOL} version": ("${google_container_cluster.cluster.master_version}", "in place of initialClusterVersion"),
}

RECORDED = leaves(request("gcloud-container-clusters-create")["body"])


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    reference = deployment(admins={"members": [f"user:{ACCOUNT}"]})
    return synthesize({"pov": reference}, tmp_path_factory.mktemp("requests"))


@pytest.fixture(scope="module")
def arguments(app: Synthesized) -> dict[str, Any]:
    return {
        f"{address} {path}": value
        for address in (CLUSTER, POOL, SUBNETWORK)
        for path, value in leaves(app.resource("pov-cluster", address)).items()
    }


def test_every_field_is_explained_once_and_every_explanation_has_its_field() -> None:
    assert not FIELDS.keys() & DEVIATIONS.keys()
    assert RECORDED.keys() == FIELDS.keys() | DEVIATIONS.keys()


@pytest.mark.parametrize("field", FIELDS)
def test_field(arguments: dict[str, Any], field: str) -> None:
    recorded, written = RECORDED[field], arguments[FIELDS[field]]
    if field.endswith("maxPodsPerNode"):
        recorded = int(recorded)  # the API writes 64-bit numbers as strings
    if isinstance(recorded, list):
        assert sorted(written) == sorted(recorded)
    else:
        assert TOKENS.get(written, written) == recorded


@pytest.mark.parametrize("field", DEVIATIONS)
def test_deviation_is_still_recorded(field: str) -> None:
    assert RECORDED[field] == DEVIATIONS[field][0]


def test_every_argument_of_cluster_and_pool_is_explained_once(arguments: dict[str, Any]) -> None:
    explained = {argument for argument in FIELDS.values() if not argument.startswith(SUBNETWORK)}
    assert not explained & ADDITIONS.keys()
    assert {argument for argument in arguments if not argument.startswith(SUBNETWORK)} == explained | ADDITIONS.keys()


@pytest.mark.parametrize("argument", ADDITIONS)
def test_addition(arguments: dict[str, Any], argument: str) -> None:
    assert arguments[argument] == ADDITIONS[argument][0]


class TestIam:
    create, _, set_policy = request("gcloud-iam")["requests"]

    def test_service_account(self, app: Synthesized) -> None:
        written = app.resource("pov-cluster", "google_service_account.identity")
        assert leaves(self.create["b"]) == {
            "accountId": written["account_id"],
            "serviceAccount|displayName": written["display_name"],
        }
        assert self.create["p"] == f"/v1/projects/{written['project']}/serviceAccounts?alt=json"

    def test_grant(self, app: Synthesized) -> None:
        written = app.resource("pov-cluster", "google_project_iam_member.identity_storage_admin")
        (binding,) = self.set_policy["b"]["policy"]["bindings"]
        assert binding == {"members": [TOKENS[written["member"]]], "role": written["role"]}
        assert self.set_policy["p"] == f"/v1/projects/{written['project']}:setIamPolicy?alt=json"


def test_cluster_role_binding(app: Synthesized) -> None:
    recorded = request("kubectl-create-clusterrolebinding")
    written = app.resource("pov-rbac", "kubernetes_cluster_role_binding_v1.admins")
    assert recorded.pop("kind") == "ClusterRoleBinding"
    assert recorded.pop("apiVersion") == "rbac.authorization.k8s.io/v1"
    assert recorded.pop("metadata") == {"creationTimestamp": None, **written.pop("metadata")}
    api_names = {"subject": "subjects", "role_ref": "roleRef", "api_group": "apiGroup"}

    def as_api(value: Any) -> Any:
        if isinstance(value, dict):
            return {api_names.get(key, key): as_api(inner) for key, inner in value.items()}
        return [as_api(inner) for inner in value] if isinstance(value, list) else value

    assert as_api(written) == recorded
