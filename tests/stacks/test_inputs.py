"""Inputs of network, cluster and node pool: the arguments they write, the values they refuse, and that leaving them out writes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.faults import Faults, faults_of
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.provider_versions import require_providers

import pytest
from cdktf import App, TerraformStack
from pydantic import ValidationError

from tests import inputs
from tests.app import Synthesized, deployment, synthesize
from tests.parity.reference import leaves

CLUSTER = "google_container_cluster.cluster"
POOL = "google_container_node_pool.node_pool"
SUBNETWORK = "google_compute_subnetwork.network_subnetwork"
ROUTER = "google_compute_router.network_router"
NAT = "google_compute_router_nat.network_nat"
KEY = inputs.KEY
APIS = ("artifactregistry", "cloudbilling", "cloudresourcemanager", "compute", "container", "dns", "iam", "sqladmin")
WINDOW = inputs.WINDOW
EXCLUSION = {"name": "trial", "start_time": "2027-01-01T00:00:00Z", "end_time": "2027-05-01T00:00:00Z"}

# input -> value -> the arguments that differ from the default output
INPUTS: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    "network.cloud_nat": [
        (
            True,
            {
                f"{ROUTER} project": "demo-project",
                f"{ROUTER} region": "us-central1",
                f"{ROUTER} name": "gitpod-gitpod",
                f"{ROUTER} network": "default",
                f"{ROUTER} depends_on": [f"google_project_service.apis_{api}" for api in APIS],
                f"{NAT} project": "demo-project",
                f"{NAT} region": "us-central1",
                f"{NAT} name": "gitpod-gitpod",
                f"{NAT} router": "${google_compute_router.network_router.name}",
                f"{NAT} nat_ip_allocate_option": "AUTO_ONLY",
                f"{NAT} source_subnetwork_ip_ranges_to_nat": "LIST_OF_SUBNETWORKS",
                f"{NAT} subnetwork|0|name": "${google_compute_subnetwork.network_subnetwork.id}",
                f"{NAT} subnetwork|0|source_ip_ranges_to_nat": ["ALL_IP_RANGES"],
                f"{NAT} log_config|enable": True,
                f"{NAT} log_config|filter": "ERRORS_ONLY",
            },
        ),
        (False, {}),
    ],
    "network.private_google_access": [(value, {f"{SUBNETWORK} private_ip_google_access": value}) for value in (True, False)],
    "network.flow_logs": [
        (
            True,
            {
                f"{SUBNETWORK} log_config|aggregation_interval": "INTERVAL_5_SEC",
                f"{SUBNETWORK} log_config|flow_sampling": 0.5,
                f"{SUBNETWORK} log_config|metadata": "INCLUDE_ALL_METADATA",
            },
        )
    ],
    "cluster.private_nodes": [(False, {})],
    "cluster.private_endpoint": [(False, {})],
    "cluster.dns_endpoint": [
        (
            True,
            {
                f"{CLUSTER} control_plane_endpoints_config|dns_endpoint_config|allow_external_traffic": True,
                "output get_credentials_command": (
                    "gcloud container clusters get-credentials ${google_container_cluster.cluster.name} "
                    "--region ${google_container_cluster.cluster.location} --project demo-project --dns-endpoint"
                ),
            },
        ),
        (False, {}),
    ],
    "cluster.authorized_networks": [
        (
            {"office": "203.0.113.0/24"},
            {
                f"{CLUSTER} master_authorized_networks_config|cidr_blocks|0|cidr_block": "203.0.113.0/24",
                f"{CLUSTER} master_authorized_networks_config|cidr_blocks|0|display_name": "office",
                f"{CLUSTER} master_authorized_networks_config|gcp_public_cidrs_access_enabled": False,
            },
        ),
        ({}, {f"{CLUSTER} master_authorized_networks_config|gcp_public_cidrs_access_enabled": False}),
    ],
    "cluster.workload_identity": [
        (
            True,
            {
                f"{CLUSTER} workload_identity_config|workload_pool": "demo-project.svc.id.goog",
                f"{CLUSTER} node_config|workload_metadata_config|mode": "GKE_METADATA",
                f"{POOL} node_config|workload_metadata_config|mode": "GKE_METADATA",
            },
        ),
        (
            False,
            {
                f"{CLUSTER} workload_identity_config": {},
                f"{CLUSTER} node_config|workload_metadata_config|mode": "GCE_METADATA",
                f"{POOL} node_config|workload_metadata_config|mode": "GCE_METADATA",
            },
        ),
    ],
    "cluster.shielded_nodes": [(value, {f"{CLUSTER} enable_shielded_nodes": value}) for value in (True, False)],
    "cluster.secure_boot": [
        (value, {f"{node} node_config|shielded_instance_config|enable_secure_boot": value for node in (CLUSTER, POOL)})
        for value in (True, False)
    ],
    "cluster.integrity_monitoring": [
        (value, {f"{node} node_config|shielded_instance_config|enable_integrity_monitoring": value for node in (CLUSTER, POOL)})
        for value in (True, False)
    ],
    "cluster.kubelet_readonly_port": [
        (
            value,
            {
                f"{CLUSTER} node_pool_defaults|node_config_defaults|insecure_kubelet_readonly_port_enabled": argument,
                f"{POOL} node_config|kubelet_config|insecure_kubelet_readonly_port_enabled": argument,
                f"{POOL} node_config|kubelet_config|cpu_cfs_quota": True,
            },
        )
        for value, argument in ((False, "FALSE"), (True, "TRUE"))
    ],
    "cluster.anonymous_authentication": [
        (value, {f"{CLUSTER} anonymous_authentication_config|mode": value}) for value in ("LIMITED", "ENABLED")
    ],
    "cluster.insecure_rbac_bindings": [
        (
            value,
            {f"{CLUSTER} rbac_binding_config|enable_insecure_binding_system_{who}": value for who in ("authenticated", "unauthenticated")},
        )
        for value in (True, False)
    ],
    "cluster.secrets_kms_key": [
        (KEY, {f"{CLUSTER} database_encryption|state": "ENCRYPTED", f"{CLUSTER} database_encryption|key_name": KEY})
    ],
    "cluster.boot_disk_kms_key": [(KEY, {f"{node} node_config|boot_disk_kms_key": KEY for node in (CLUSTER, POOL)})],
    "cluster.maintenance_window": [
        (
            {**WINDOW, "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU"},
            {
                f"{CLUSTER} maintenance_policy|recurring_window|start_time": "2027-01-02T03:00:00Z",
                f"{CLUSTER} maintenance_policy|recurring_window|end_time": "2027-01-02T09:00:00Z",
                f"{CLUSTER} maintenance_policy|recurring_window|recurrence": "FREQ=WEEKLY;BYDAY=SA,SU",
            },
        )
    ],
    "cluster.maintenance_exclusions": [
        (
            [{"name": "trial", "end_time": "2027-05-01T00:00:00Z"}],
            {
                f"{CLUSTER} maintenance_policy|maintenance_exclusion|0|exclusion_name": "trial",
                f"{CLUSTER} maintenance_policy|maintenance_exclusion|0|end_time": "2027-05-01T00:00:00Z",
                f"{CLUSTER} maintenance_policy|maintenance_exclusion|0|exclusion_options|end_time_behavior": None,
            },
        )
    ],
    "cluster.rbac_security_group": [
        (
            "gke-security-groups@example.com",
            {f"{CLUSTER} authenticator_groups_config|security_group": "gke-security-groups@example.com"},
        )
    ],
    "cluster.logging_components": [
        (value, {f"{CLUSTER} logging_config|enable_components": value}) for value in (["SYSTEM_COMPONENTS", "APISERVER"], [])
    ],
    "cluster.monitoring_components": [
        (value, {f"{CLUSTER} monitoring_config|enable_components": value}) for value in (["SYSTEM_COMPONENTS", "POD"], [])
    ],
    "cluster.managed_prometheus": [(value, {f"{CLUSTER} monitoring_config|managed_prometheus|enabled": value}) for value in (True, False)],
    "cluster.cost_allocation": [(value, {f"{CLUSTER} cost_management_config|enabled": value}) for value in (True, False)],
    "cluster.notification_topic": [
        (
            "projects/demo-project/topics/gke",
            {
                f"{CLUSTER} notification_config|pubsub|enabled": True,
                f"{CLUSTER} notification_config|pubsub|topic": "projects/demo-project/topics/gke",
            },
        ),
        ("", {f"{CLUSTER} notification_config|pubsub|enabled": False}),
    ],
    "cluster.resource_labels": [
        (
            {"cost-center": "42"},
            {f"{CLUSTER} resource_labels|cost-center": "42", f"{POOL} node_config|resource_labels|cost-center": "42"},
        )
    ],
    "cluster.network_tags": [
        (
            ["gke-nodes", "egress"],
            {
                f"{CLUSTER} node_config|tags": ["gke-nodes", "egress"],
                f"{POOL} node_config|tags": ["gke-nodes", "egress"],
            },
        ),
        ([], {}),
    ],
    "node_pool.spot": [(True, {f"{POOL} node_config|spot": True})],
    "node_pool.confidential_nodes": [(value, {f"{POOL} node_config|confidential_nodes|enabled": value}) for value in (True, False)],
    "node_pool.taints": [
        (
            [{"key": "example.com/trial", "value": "gitpod"}],
            {
                f"{POOL} node_config|taint|0|key": "example.com/trial",
                f"{POOL} node_config|taint|0|value": "gitpod",
                f"{POOL} node_config|taint|0|effect": "PREFER_NO_SCHEDULE",
            },
        )
    ],
}
# Inputs that do not make a deployment safer, so that docs/hardening.md does not list them: those of the guide, and the size of a pool.
NOT_HARDENING = {
    f"{section}.{field}"
    for section, fields in {
        "network": (
            *("network", "create_network", "subnetwork", "nodes_cidr", "pods_cidr", "services_cidr"),
            # tests/constructs/test_cluster_network.py has these.
            *("create_subnetwork", "pods_range_name", "services_range_name", "host_project", "grant_service_agents"),
        ),
        "cluster": ("name", "version", "release_channel", "network_policy", "default_max_pods_per_node", "deletion_protection"),
        "node_pool": (
            *("name", "machine_type", "disk_type", "disk_size_gb", "image_type", "initial_nodes", "min_nodes", "max_nodes"),
            *("max_pods_per_node", "auto_repair", "auto_upgrade", "oauth_scopes", "labels", "metadata"),
            *("min_total_nodes", "max_total_nodes", "upgrade_settings"),
        ),
    }.items()
    for field in fields
}


def arguments(app: Synthesized) -> dict[str, Any]:
    """Return every argument of every resource of the cluster stack, and the outputs."""
    stack = app.stack("pov-cluster")
    found = {
        f"{kind}.{name} {path}": value
        for kind, named in stack["resource"].items()
        for name, resource in named.items()
        for path, value in leaves({key: value for key, value in resource.items() if key != "//"}).items()
    }
    return {**found, **{f"output {name}": output["value"] for name, output in stack["output"].items()}}


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return arguments(synthesize({"pov": deployment()}, tmp_path_factory.mktemp("default")))


def test_every_input_is_here() -> None:
    assert {key for key in inputs.INPUTS if key.startswith(("network.", "cluster.", "node_pool."))} == INPUTS.keys() | NOT_HARDENING


@pytest.mark.parametrize(
    ("key", "value", "expected"), [pytest.param(key, *case, id=f"{key}={case[0]}") for key, cases in INPUTS.items() for case in cases]
)
def test_input_changes_its_arguments_and_no_other(
    synth: Callable[..., Synthesized], default: dict[str, Any], key: str, value: Any, expected: dict[str, Any]
) -> None:
    section, field = key.split(".")
    found = arguments(synth(**{section: {field: value}}))
    different = {
        argument: found.get(argument) for argument in found.keys() | default.keys() if found.get(argument) != default.get(argument)
    }
    different.pop(f"{POOL} depends_on", None)
    assert different == expected


def test_without_inputs_the_subnetwork_has_the_guides_arguments_alone(synthesized: Synthesized) -> None:
    """Of the cluster and the pool, tests/parity pins every argument; of the rest, the addresses."""
    assert synthesized.resource("pov-cluster", SUBNETWORK).keys() == {
        *("project", "region", "name", "network", "ip_cidr_range", "secondary_ip_range", "depends_on")
    }


class TestPrivateNodes:
    def test_of_cluster_and_pool_wait_for_cloud_nat(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"private_nodes": True}, network={"cloud_nat": True})
        pool = app.resource("pov-cluster", POOL)
        assert app.resource("pov-cluster", CLUSTER)["private_cluster_config"] == {
            "enable_private_nodes": True,
            "enable_private_endpoint": False,
        }
        assert pool["network_config"] == {"enable_private_nodes": True}
        assert pool["depends_on"][-1] == NAT

    def test_imply_private_google_access(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"private_nodes": True}, network={"cloud_nat": True})
        assert app.resource("pov-cluster", SUBNETWORK)["private_ip_google_access"] is True

    def test_with_another_route_to_the_internet(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"private_nodes": True}, network={"cloud_nat": False})
        assert not {ROUTER, NAT} & app.addresses("pov-cluster")

    def test_a_created_network_has_the_router(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(network={"network": "trial", "create_network": True, "cloud_nat": True})
        assert app.resource("pov-cluster", ROUTER)["network"] == "${google_compute_network.network.name}"


class TestControlPlane:
    def test_through_the_dns_endpoint_rbac_needs_no_address_and_no_ca(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"dns_endpoint": True})
        assert app.stack("pov-rbac")["provider"]["kubernetes"] == [
            {
                "host": (
                    "https://${data.google_container_cluster.cluster.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint}"
                ),
                "token": "${data.google_client_config.client.access_token}",
            }
        ]
        assert app.stack("pov-cluster")["output"]["get_credentials_command"]["value"].endswith(" --project demo-project --dns-endpoint")

    def test_a_closed_dns_endpoint_is_not_used(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"dns_endpoint": False})
        assert "dns_endpoint_config" not in app.text("pov-rbac")
        assert "--dns-endpoint" not in app.text("pov-cluster")

    @pytest.mark.parametrize(
        "cluster", [{"authorized_networks": {}}, {"private_endpoint": True, "authorized_networks": {"vpn": "192.0.2.0/28"}}], ids=str
    )
    def test_restricted_control_plane_has_no_warning(self, synth: Callable[..., Synthesized], cluster: dict[str, Any]) -> None:
        assert "public-control-plane" not in synth(cluster=cluster).warnings("pov-cluster")

    @pytest.mark.parametrize("cluster", [{"private_endpoint": False}, {"dns_endpoint": True}], ids=str)
    def test_control_plane_open_to_every_network_has_a_warning(self, synth: Callable[..., Synthesized], cluster: dict[str, Any]) -> None:
        assert "public-control-plane" in synth(cluster=cluster).warnings("pov-cluster")


class TestRoles:
    def test_least_privilege_by_name(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(identity={"roles": "least-privilege"})
        assert {grant["role"] for grant in app.stack("pov-cluster")["resource"]["google_project_iam_member"].values()} == {
            "roles/container.defaultNodeServiceAccount",
            "roles/logging.logWriter",
            "roles/monitoring.metricWriter",
            "roles/stackdriver.resourceMetadata.writer",
        }
        assert "node-account-is-cluster-admin" not in app.warnings("pov-cluster")

    def test_guide_by_name(self, synth: Callable[..., Synthesized], default: dict[str, Any]) -> None:
        assert arguments(synth(identity={"roles": "guide"})) == default


class TestUpgrades:
    def test_an_exclusion_with_an_end_beside_a_window(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"release_channel": "STABLE", "maintenance_window": WINDOW, "maintenance_exclusions": [EXCLUSION]})
        cluster = app.resource("pov-cluster", CLUSTER)
        assert cluster["release_channel"] == {"channel": "STABLE"}
        assert cluster["maintenance_policy"] == {
            "recurring_window": {**WINDOW, "recurrence": "FREQ=DAILY"},
            "maintenance_exclusion": [
                {
                    "exclusion_name": "trial",
                    "start_time": "2027-01-01T00:00:00Z",
                    "end_time": "2027-05-01T00:00:00Z",
                    "exclusion_options": {"scope": "NO_MINOR_OR_NODE_UPGRADES"},
                }
            ],
        }
        assert app.resource("pov-cluster", POOL)["management"]["auto_upgrade"] is True
        assert "no-release-channel" not in app.warnings("pov-cluster")

    @pytest.mark.parametrize("channel", ["RAPID", "REGULAR", "STABLE", "EXTENDED"])
    def test_first_version_is_that_of_the_channel(self, synth: Callable[..., Synthesized], channel: str) -> None:
        app = synth(cluster={"release_channel": channel})
        assert app.resource("pov-cluster", POOL)["management"] == {"auto_repair": True, "auto_upgrade": True}
        assert app.resource("pov-cluster", CLUSTER)["min_master_version"].endswith(f'["{channel}"]}}')

    @pytest.mark.parametrize("auto_upgrade", [True, False])
    @pytest.mark.parametrize("auto_repair", [True, False])
    def test_without_a_channel_every_combination_is_allowed(
        self, synth: Callable[..., Synthesized], *, auto_repair: bool, auto_upgrade: bool
    ) -> None:
        management = {"auto_repair": auto_repair, "auto_upgrade": auto_upgrade}
        app = synth(cluster={"release_channel": "UNSPECIFIED"}, node_pool=management)
        assert app.resource("pov-cluster", POOL)["management"] == management

    def test_without_a_channel_the_default_is_the_guides(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"release_channel": "UNSPECIFIED"})
        assert app.resource("pov-cluster", POOL)["management"] == {"auto_repair": True, "auto_upgrade": False}


# sections -> the whole message
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"cluster": {"private_nodes": True}},
        (
            "network.cloud_nat: is required with cluster.private_nodes: set it to true to create Cloud NAT, or to false if the network "
            "already has a route to the internet"
        ),
    ),
    (
        {"cluster": {"private_nodes": True}, "network": {"cloud_nat": True, "private_google_access": False}},
        (
            "network.private_google_access: false contradicts cluster.private_nodes: private nodes reach Google's APIs and registries "
            "through it; remove it or set it to true"
        ),
    ),
    (
        {"cluster": {"private_endpoint": True}},
        (
            "cluster.authorized_networks: is required with cluster.private_endpoint: list the networks that "
            "may connect, or use {} for only the cluster's subnetwork"
        ),
    ),
    (
        {"cluster": {"authorized_networks": {"all": "0.0.0.0/0"}}},
        "cluster.authorized_networks.all: '0.0.0.0/0' allows every network: remove authorized_networks to allow all of them, or list yours",
    ),
    (
        {"cluster": {"authorized_networks": {f"n{n}": f"192.0.2.{n}/32" for n in range(101)}}},
        "cluster.authorized_networks: has 101 networks, but GKE accepts at most 100: combine adjacent ranges",
    ),
    (
        {"cluster": {"secrets_kms_key": "ring/key"}},
        (
            "cluster.secrets_kms_key: 'ring/key' is not a Cloud KMS key: projects/PROJECT/locations/LOCATION/keyRings/RING/"
            "cryptoKeys/KEY, without a version"
        ),
    ),
    (
        {"cluster": {"secrets_kms_key": KEY.replace("us-central1", "us")}},
        f"cluster.secrets_kms_key: '{KEY.replace('us-central1', 'us')}' is in us: use a key in us-central1",
    ),
    (
        {"cluster": {"boot_disk_kms_key": KEY.replace("us-central1", "us-east1")}},
        f"cluster.boot_disk_kms_key: '{KEY.replace('us-central1', 'us-east1')}' is in us-east1: use a key in us-central1",
    ),
    (
        {"cluster": {"rbac_security_group": "admins@example.com"}},
        "cluster.rbac_security_group: 'admins@example.com' is not the security group that GKE requires: gke-security-groups@DOMAIN",
    ),
    (
        {"cluster": {"logging_components": ["WORKLOADS"]}},
        "cluster.logging_components: ['WORKLOADS'] must include SYSTEM_COMPONENTS, which GKE requires with any other component: add it",
    ),
    (
        {"cluster": {"monitoring_components": ["POD"]}},
        "cluster.monitoring_components: ['POD'] must include SYSTEM_COMPONENTS, which GKE requires with any other component: add it",
    ),
    (
        {"cluster": {"resource_labels": {"Team": "a"}}},
        (
            "'Team' is not a resource label key: at most 63 lowercase letters, digits, hyphens and "
            "underscores, starting with a letter and not with goog-, which Google reserves"
        ),
    ),
    (
        {"cluster": {"resource_labels": {"team": "A"}}},
        "cluster.resource_labels.team: 'A' is not a resource label value: at most 63 lowercase letters, digits, hyphens and underscores",
    ),
    (
        {"cluster": {"resource_labels": {f"l{n}": "" for n in range(65)}}},
        "cluster.resource_labels: has 65 labels, but at most 64 are allowed",
    ),
    (
        {"cluster": {"maintenance_window": {**WINDOW, "end_time": "2027-01-02T06:59:59Z"}}},
        "cluster.maintenance_window.end_time: '2027-01-02T06:59:59Z' must be 4 to 24 hours after start_time 2027-01-02T03:00:00Z",
    ),
    (
        {"cluster": {"maintenance_window": {**WINDOW, "end_time": "2027-01-03T03:00:01Z"}}},
        "cluster.maintenance_window.end_time: '2027-01-03T03:00:01Z' must be 4 to 24 hours after start_time 2027-01-02T03:00:00Z",
    ),
    (
        {"cluster": {"maintenance_window": {**WINDOW, "start_time": "2027-01-02T03:00:00+01:00"}}},
        "cluster.maintenance_window.start_time: '2027-01-02T03:00:00+01:00' is not a time in UTC, such as 2027-01-02T03:00:00Z",
    ),
    (
        {"cluster": {"maintenance_window": {**WINDOW, "recurrence": "FREQ=MONTHLY"}}},
        (
            "cluster.maintenance_window.recurrence: 'FREQ=MONTHLY' is not a recurrence: FREQ=DAILY, or FREQ=WEEKLY;BYDAY= and days of "
            "MO,TU,WE,TH,FR,SA,SU"
        ),
    ),
    (
        {"cluster": {"maintenance_exclusions": [{"name": "trial", "scope": "NO_UPGRADES"}]}},
        ("cluster.maintenance_exclusions[0].end_time: is required with the scope NO_UPGRADES: set it, or use NO_MINOR_OR_NODE_UPGRADES"),
    ),
    (
        {"cluster": {"release_channel": "UNSPECIFIED", "maintenance_exclusions": [EXCLUSION]}},
        (
            "cluster.maintenance_exclusions[0].scope: 'NO_MINOR_OR_NODE_UPGRADES' needs a release channel: set cluster.release_channel, "
            "or use NO_UPGRADES"
        ),
    ),
    (
        {"cluster": {"maintenance_exclusions": [EXCLUSION, EXCLUSION]}},
        "cluster.maintenance_exclusions[1].name: 'trial' is also the name of another exclusion: use a different name",
    ),
    (
        {"cluster": {"maintenance_exclusions": [{**EXCLUSION, "name": f"n{n}"} for n in range(21)]}},
        "cluster.maintenance_exclusions: has 21 exclusions, but at most 20 are allowed",
    ),
    (
        {
            "cluster": {
                "maintenance_window": WINDOW,
                "maintenance_exclusions": [{**EXCLUSION, "end_time": "2027-01-01T00:00:00Z", "scope": "NO_UPGRADES"}],
            }
        },
        "cluster.maintenance_exclusions[0].end_time: '2027-01-01T00:00:00Z' must be after start_time 2027-01-01T00:00:00Z",
    ),
    *(
        (
            {"node_pool": {"taints": [{"key": "trial", "effect": effect}]}},
            (
                f"node_pool.taints[0].effect: '{effect}' would repel Gitpod's workloads, which tolerate no taints: use "
                "PREFER_NO_SCHEDULE, or taint a pool that has no workloads"
            ),
        )
        for effect in ("NO_SCHEDULE", "NO_EXECUTE")
    ),
    (
        {"node_pool": {"taints": [{"key": "trial", "value": "a"}, {"key": "trial", "value": "b"}]}},
        (
            "node_pool.taints[1].key: 'trial' is also the key of another taint with the effect "
            "PREFER_NO_SCHEDULE: a node can have only one, so remove this one"
        ),
    ),
    (
        {"node_pool": {"confidential_nodes": True, "machine_type": "e2-standard-8"}},
        (
            "node_pool.machine_type: 'e2-standard-8' does not support confidential_nodes (AMD SEV); use n2d, c2d, c3d or c4d machines "
            "with at most 255 vCPUs or g4-standard-48, or set confidential_nodes to false"
        ),
    ),
    (
        {"identity": {"roles": "minimal"}},
        "identity.roles: 'minimal' is not a role set: use guide or least-privilege, or a list of roles",
    ),
]
ACCEPTED: list[dict[str, Any]] = [
    {"cluster": {"authorized_networks": {f"n{n}": f"192.0.2.{n}/32" for n in range(100)}}},
    {"cluster": {"boot_disk_kms_key": KEY.replace("us-central1", "global")}},
    {"cluster": {"resource_labels": {f"l{n}": "" for n in range(64)}}},
    {"cluster": {"resource_labels": {"l" * 63: "v" * 63}}},
    {"cluster": {"maintenance_window": {**WINDOW, "end_time": "2027-01-02T07:00:00Z"}}},
    {"cluster": {"maintenance_window": {**WINDOW, "end_time": "2027-01-03T03:00:00Z"}}},
    {"cluster": {"maintenance_window": {**WINDOW, "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU"}}},
    {
        "cluster": {
            "maintenance_window": WINDOW,
            "maintenance_exclusions": [{**EXCLUSION, "scope": "NO_UPGRADES", "end_time": "2027-04-01T00:00:00Z"}],
        }
    },
    {"node_pool": {"confidential_nodes": True, "machine_type": "c3d-standard-8"}},
]


@pytest.mark.parametrize(("sections", "message"), REFUSED, ids=[message.partition(":")[0] for _, message in REFUSED])
def test_refused(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        deployment(**sections)
    (fault,) = faults_of(refused.value)
    assert str(fault).endswith(message)


@pytest.mark.parametrize("sections", ACCEPTED, ids=range(len(ACCEPTED)))
def test_accepts_values_at_the_bounds(sections: dict[str, Any]) -> None:
    deployment(**sections)


class TestConstructsWithoutDeploymentFiles:
    """An app that uses the constructs from the wheel has the same rules."""

    def cluster(self, tmp_path: Path, network: ClusterNetworkConfig, config: GkeClusterConfig) -> None:
        stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
        require_providers(stack)
        place: dict[str, Any] = {"project": "demo-project", "region": "us-central1"}
        identity = NodeIdentity(stack, "identity", project="demo-project")
        subnetwork = ClusterNetwork(stack, "network", **place, cluster_name="gitpod", config=network)
        GkeCluster(stack, "cluster", **place, identity=identity, network=subnetwork, config=config)

    @pytest.mark.parametrize(
        ("network", "config", "message"),
        [
            (
                ClusterNetworkConfig(),
                GkeClusterConfig(private_nodes=True),
                r"network\.cloud_nat: is required with cluster\.private_nodes",
            ),
            (
                ClusterNetworkConfig(),
                GkeClusterConfig(secrets_kms_key=KEY.replace("us-central1", "global")),
                r"cluster\.secrets_kms_key: .* is in global: use a key in us-central1",
            ),
        ],
        ids=["egress", "key"],
    )
    def test_rules_between_constructs(self, tmp_path: Path, network: ClusterNetworkConfig, config: GkeClusterConfig, message: str) -> None:
        with pytest.raises(Faults, match=message):
            self.cluster(tmp_path, network, config)
