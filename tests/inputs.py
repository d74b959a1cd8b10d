"""The inventory of inputs: for each input of a deployment file that reaches Terraform, values that differ from its default.

The tests that go through all inputs take them from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KEY = "projects/keys-project/locations/us-central1/keyRings/ring/cryptoKeys/key"
OTHER_KEY = KEY.replace("cryptoKeys/key", "cryptoKeys/other")
WINDOW = {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"}
OBSERVERS = {"role": "view", "members": ["user:carol@example.com"]}


@dataclass(frozen=True)
class Input:
    """An input.

    Attributes:
        value: a value that differs from the default.
        other: another value, to which it changes; None where there is no other.
        needs: inputs that must be set beside it.
    """

    value: Any
    other: Any = None
    needs: dict[str, Any] = field(default_factory=dict)


INPUTS: dict[str, Input] = {
    "zones": Input(["us-central1-a"], ["us-central1-a", "us-central1-b"]),
    "apis.manage": Input(False),
    "apis.services": Input(["container.googleapis.com", "iam.googleapis.com"], ["container.googleapis.com"]),
    "identity.account_id": Input("gitpod-trial", "gitpod-other"),
    "identity.email": Input("nodes@platform-project.iam.gserviceaccount.com", "others@platform-project.iam.gserviceaccount.com"),
    "identity.grant_roles": Input(False, True),
    "identity.roles": Input("least-privilege", ["roles/logging.logWriter"]),
    "network.network": Input("trial", "other"),
    "network.host_project": Input("host-project", "other-host"),
    "network.grant_service_agents": Input(True, needs={"network.host_project": "host-project"}),
    "network.create_network": Input(True, needs={"network.network": "trial"}),
    "network.subnetwork": Input("nodes", "others"),
    "network.create_subnetwork": Input(
        False,
        needs={
            "network.network": "platform",
            "network.subnetwork": "nodes",
            "network.pods_range_name": "platform-pods",
            "network.services_range_name": "platform-services",
        },
    ),
    "network.pods_range_name": Input("gke-pods", "other-pods"),
    "network.services_range_name": Input("gke-services", "other-services"),
    "network.nodes_cidr": Input("10.16.0.0/20", "10.32.0.0/20"),
    "network.pods_cidr": Input("10.20.0.0/14", "10.36.0.0/14"),
    "network.services_cidr": Input("10.24.0.0/20", "10.40.0.0/20"),
    "network.cloud_nat": Input(True, False),
    "network.private_google_access": Input(True, False),
    "network.flow_logs": Input(True, False),
    "cluster.name": Input("trial", "other"),
    "cluster.version": Input("1.35.8-gke.1", "1.36.2-gke.1"),
    "cluster.release_channel": Input("RAPID", "REGULAR"),
    "cluster.network_policy": Input("dataplane-v2", "calico"),
    "cluster.default_max_pods_per_node": Input(64, 32),
    "cluster.deletion_protection": Input(True, False),
    "cluster.private_nodes": Input(True, False, needs={"network.cloud_nat": True}),
    "cluster.private_endpoint": Input(True, False, needs={"cluster.authorized_networks": {}}),
    "cluster.authorized_networks": Input({"office": "203.0.113.0/24"}, {"office": "198.51.100.0/24"}),
    "cluster.dns_endpoint": Input(True, False),
    "cluster.workload_identity": Input(True, False),
    "cluster.shielded_nodes": Input(False, True),
    "cluster.secure_boot": Input(True, False),
    "cluster.integrity_monitoring": Input(False, True),
    "cluster.kubelet_readonly_port": Input(False, True),
    "cluster.anonymous_authentication": Input("LIMITED", "ENABLED"),
    "cluster.insecure_rbac_bindings": Input(False, True),
    "cluster.secrets_kms_key": Input(KEY, OTHER_KEY),
    "cluster.boot_disk_kms_key": Input(KEY, OTHER_KEY),
    "cluster.maintenance_window": Input(WINDOW, {**WINDOW, "recurrence": "FREQ=WEEKLY;BYDAY=SA"}),
    "cluster.maintenance_exclusions": Input([], [{"name": "trial", "end_time": "2027-05-01T00:00:00Z"}]),
    "cluster.rbac_security_group": Input("gke-security-groups@example.com", "gke-security-groups@example.org"),
    "cluster.logging_components": Input(["SYSTEM_COMPONENTS", "APISERVER"], []),
    "cluster.monitoring_components": Input(["SYSTEM_COMPONENTS", "SCHEDULER"], []),
    "cluster.managed_prometheus": Input(True, False),
    "cluster.cost_allocation": Input(True, False),
    "cluster.notification_topic": Input("projects/demo-project/topics/gke", ""),
    "cluster.resource_labels": Input({"cost-center": "42"}, {"cost-center": "43"}),
    "cluster.network_tags": Input(["gke-nodes"], ["gke-nodes", "egress"]),
    "node_pool.name": Input("workspaces", "others"),
    "node_pool.machine_type": Input("n2d-standard-8", "n2d-standard-32"),
    "node_pool.disk_type": Input("pd-balanced", "pd-standard"),
    "node_pool.disk_size_gb": Input(200, 300),
    "node_pool.image_type": Input("COS_CONTAINERD", "UBUNTU_CONTAINERD"),
    "node_pool.initial_nodes": Input(2, 3),
    "node_pool.min_nodes": Input(0, 1),
    "node_pool.max_nodes": Input(10, 20),
    "node_pool.max_pods_per_node": Input(64, 32),
    "node_pool.auto_repair": Input(True),
    "node_pool.auto_upgrade": Input(True),
    "node_pool.oauth_scopes": Input(["https://www.googleapis.com/auth/cloud-platform"], []),
    "node_pool.labels": Input({"team": "platform"}, {"team": "other"}),
    "node_pool.metadata": Input({"serial-port-enable": "true"}, {"serial-port-enable": "false"}),
    "node_pool.spot": Input(True, False),
    "node_pool.confidential_nodes": Input(True, False),
    "node_pool.taints": Input([{"key": "example.com/trial"}], [{"key": "example.com/other"}]),
    "node_pool.min_total_nodes": Input(1, 2, needs={"node_pool.max_total_nodes": 30}),
    "node_pool.max_total_nodes": Input(30, 40),
    "node_pool.upgrade_settings": Input({"max_surge": 2, "max_unavailable": 1}, {"strategy": "BLUE_GREEN"}),
    "pools": Input({"spot": {"spot": True}}, {"burst": {"spot": True}}),
    "pools.NAME.workloads": Input(["workspace_regular"], ["workspace_headless"], needs={"pools.NAME.machine_type": "n2d-standard-8"}),
    "admins.members": Input(["user:alice@example.com"], ["user:bob@example.com"]),
    "admins.cluster_role": Input("view", "edit"),
    "admins.binding_name": Input("gitpod-admins", "gitpod-others"),
    "admins.bindings": Input({"observers": OBSERVERS}, {"observers": {**OBSERVERS, "role": "edit"}}),
}


def sections(*settings: tuple[str, Any]) -> dict[str, Any]:
    """Return the content of a deployment file with these inputs, given as `section.key` and value. A pool has the name `name`."""
    content: dict[str, Any] = {}
    for key, value in settings:
        *path, name = key.replace("NAME", "name").split(".")
        section = content
        for part in path:
            section = section.setdefault(part, {})
        section[name] = value
    return content


def with_input(key: str, value: Any) -> dict[str, Any]:
    """Return the content of a deployment file with one input, and with what it needs beside it."""
    return sections(*INPUTS[key].needs.items(), (key, value))


# Inputs that `every_input` leaves out: together they would contradict each other, or the deployment would be another one.
APART = {
    "apis.manage",
    "identity.email",
    "identity.grant_roles",
    "cluster.network_policy",
    "cluster.deletion_protection",
    "network.grant_service_agents",
    "network.create_network",
    "network.create_subnetwork",
    "node_pool.image_type",
    "cluster.private_endpoint",
    "cluster.private_nodes",
    "node_pool.min_total_nodes",
    "node_pool.max_total_nodes",
    "pools",
    "pools.NAME.workloads",
}


def every_input() -> Iterator[tuple[str, Any]]:
    """Yield the inputs of a deployment that sets all of them, as far as they go together."""
    for key, one in INPUTS.items():
        if key not in APART:
            yield from one.needs.items()
            yield key, one.value
