"""Small configurations, written by hand, that use what the stand-ins do.

They resemble the product's two stacks, so that the tests of the stand-ins do not depend on the product: a cluster whose `ignore_changes`
protect it against replacement, and the binding that finds it by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rehearsal.stand_in import StandIns
from rehearsal.workspace import Workspace

PROJECT = "example-project"
LOCATION = "us-central1"
LATEST_VERSION = '${data.google_container_engine_versions.all.release_channel_latest_version["REGULAR"]}'
CLUSTER_ID = f"projects/{PROJECT}/locations/{LOCATION}/clusters/example"
POOL_ID = f"{CLUSTER_ID}/nodePools/main"
CLUSTER = "google_container_cluster.example"
POOL = "google_container_node_pool.example"
SUBNETWORK = "google_compute_subnetwork.example"
ROUTER = "google_compute_router.example"
NAT = "google_compute_router_nat.example"
BINDING = "kubernetes_cluster_role_binding_v1.admins"
OLDEST, NEWEST = "6.50.0", "7.45.0"

Configuration = dict[str, Any]


def _providers(**versions: str) -> dict[str, Any]:
    return {name: {"source": f"hashicorp/{name}", "version": version} for name, version in versions.items()}


def cluster_configuration(google: str = NEWEST) -> Configuration:
    """A cluster in the REGULAR channel with one pool, for a version of the google provider."""
    return {
        "terraform": {
            "required_providers": _providers(google=google),
            "backend": {"local": {"path": "states/cluster.tfstate"}},
        },
        "provider": {"google": [{"project": PROJECT, "region": LOCATION}]},
        "data": {"google_container_engine_versions": {"all": {"location": LOCATION}}},
        "resource": {
            "google_project_service": {
                "iam": {"service": "iam.googleapis.com", "disable_on_destroy": False},
                "container": {"service": "container.googleapis.com", "disable_on_destroy": False},
            },
            "google_service_account": {
                "node": {"account_id": "example-node", "depends_on": ["google_project_service.iam"]},
            },
            "google_project_iam_member": {
                "node": {
                    "project": PROJECT,
                    "role": "roles/logging.logWriter",
                    "member": "${google_service_account.node.member}",
                },
            },
            "google_compute_network": {"example": {"name": "example", "auto_create_subnetworks": False}},
            "google_compute_subnetwork": {
                "example": {
                    "name": "example",
                    "network": "${google_compute_network.example.id}",
                    "ip_cidr_range": "10.8.0.0/20",
                    "secondary_ip_range": [
                        {"range_name": "pods", "ip_cidr_range": "10.0.0.0/14"},
                        {"range_name": "services", "ip_cidr_range": "10.4.0.0/20"},
                    ],
                },
            },
            "google_container_cluster": {
                "example": {
                    "name": "example",
                    "location": LOCATION,
                    "network": "${google_compute_network.example.name}",
                    "subnetwork": "${google_compute_subnetwork.example.name}",
                    "initial_node_count": 1,
                    "remove_default_node_pool": True,
                    "deletion_protection": False,
                    "min_master_version": LATEST_VERSION,
                    "release_channel": {"channel": "REGULAR"},
                    "node_config": {"service_account": "${google_service_account.node.email}"},
                    "ip_allocation_policy": {
                        "cluster_secondary_range_name": "pods",
                        "services_secondary_range_name": "services",
                    },
                    "depends_on": ["google_project_service.container"],
                    "lifecycle": {"ignore_changes": ["node_config", "enable_l4_ilb_subsetting", "min_master_version"]},
                },
            },
            "google_container_node_pool": {
                "example": {
                    "name": "main",
                    "cluster": "${google_container_cluster.example.name}",
                    "location": LOCATION,
                    "initial_node_count": 1,
                    "autoscaling": {"min_node_count": 1, "max_node_count": 50},
                    "management": {"auto_repair": True, "auto_upgrade": True},
                    "node_config": {
                        "machine_type": "n2d-standard-16",
                        "service_account": "${google_service_account.node.email}",
                        "oauth_scopes": ["https://www.googleapis.com/auth/b", "https://www.googleapis.com/auth/a"],
                        "metadata": {"disable-legacy-endpoints": "true"},
                        "labels": {"example.com/workload": "true"},
                    },
                    "version": LATEST_VERSION,
                    "depends_on": ["google_project_iam_member.node"],
                    "lifecycle": {"ignore_changes": ["initial_node_count", "version"]},
                },
            },
        },
        "output": {"endpoint": {"value": "${google_container_cluster.example.endpoint}"}},
    }


def hardened_configuration(google: str = NEWEST, *, protected: bool = True) -> Configuration:
    """The same cluster with private nodes and the other inputs that the profile `hardened` sets."""
    content = cluster_configuration(google)
    changed(content, SUBNETWORK, {"private_ip_google_access": True, "log_config": {"flow_sampling": 0.5}})
    content["resource"]["google_compute_router"] = {
        "example": {"name": "example", "network": "${google_compute_network.example.name}", "region": LOCATION}
    }
    content["resource"]["google_compute_router_nat"] = {
        "example": {
            "name": "example",
            "router": f"${{{ROUTER}.name}}",
            "region": LOCATION,
            "nat_ip_allocate_option": "AUTO_ONLY",
            "source_subnetwork_ip_ranges_to_nat": "LIST_OF_SUBNETWORKS",
            "subnetwork": [{"name": f"${{{SUBNETWORK}.id}}", "source_ip_ranges_to_nat": ["ALL_IP_RANGES"]}],
        }
    }
    changed(
        content,
        CLUSTER,
        {
            "private_cluster_config": {"enable_private_nodes": True, "enable_private_endpoint": True},
            "master_authorized_networks_config": {"gcp_public_cidrs_access_enabled": False},
            "control_plane_endpoints_config": {"dns_endpoint_config": {"allow_external_traffic": True}},
            "workload_identity_config": {"workload_pool": f"{PROJECT}.svc.id.goog"},
            "anonymous_authentication_config": {"mode": "LIMITED"},
            "enable_shielded_nodes": True,
            "logging_config": {"enable_components": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
            "monitoring_config": {"enable_components": ["SYSTEM_COMPONENTS"], "managed_prometheus": {"enabled": True}},
            "cost_management_config": {"enabled": True},
            "node_pool_defaults": {"node_config_defaults": {"insecure_kubelet_readonly_port_enabled": "FALSE"}},
        },
    )
    if protected:
        changed(content, CLUSTER, {"deletion_protection": True, "lifecycle.prevent_destroy": True})
    changed(
        content,
        POOL,
        {
            "network_config": {"enable_private_nodes": True},
            "node_config.workload_metadata_config": {"mode": "GKE_METADATA"},
            "node_config.shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
            "node_config.kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE", "cpu_cfs_quota": True},
            "depends_on": [NAT, "google_project_iam_member.node"],
        },
    )
    return content


def binding_configuration(google: str = NEWEST) -> Configuration:
    """The binding of that cluster, which it finds by name."""
    cluster = "data.google_container_cluster.example"
    return {
        "terraform": {
            "required_providers": _providers(google=google, kubernetes="2.38.0"),
            "backend": {"local": {"path": "binding.tfstate"}},
        },
        "provider": {
            "google": [{"project": PROJECT}],
            "kubernetes": [
                {
                    "host": f"https://${{{cluster}.endpoint}}",
                    "cluster_ca_certificate": f"${{base64decode({cluster}.master_auth[0].cluster_ca_certificate)}}",
                    "token": "${data.google_client_config.current.access_token}",
                }
            ],
        },
        "data": {
            "google_client_config": {"current": {}},
            "google_client_openid_userinfo": {"current": {}},
            "google_container_cluster": {"example": {"name": "example", "location": LOCATION}},
        },
        "resource": {
            "kubernetes_cluster_role_binding_v1": {
                "admins": {
                    "metadata": {"name": "example-admins"},
                    "role_ref": {
                        "api_group": "rbac.authorization.k8s.io",
                        "kind": "ClusterRole",
                        "name": "cluster-admin",
                    },
                    "subject": [{"kind": "User", "name": "${data.google_client_openid_userinfo.current.email}"}],
                },
            },
        },
    }


def changed(content: Configuration, address: str, arguments: dict[str, Any]) -> Configuration:
    """The configuration with other arguments of one resource, by path; None removes an argument or a block."""
    for path, value in arguments.items():
        block = resource(content, address)
        *blocks, last = path.split(".")
        for name in blocks:
            block = block.setdefault(name, {})
        if value is None:
            block.pop(last, None)
        else:
            block[last] = value
    return content


def with_channel(content: Configuration, channel: str, *, auto_upgrade: bool) -> Configuration:
    """The configuration in another channel."""
    changed(content, CLUSTER, {"release_channel.channel": channel})
    return changed(content, POOL, {"management.auto_upgrade": auto_upgrade})


def without_ignoring(content: Configuration, address: str, arguments: Iterable[str]) -> Configuration:
    """The configuration without the protection of some arguments."""
    for argument in arguments:
        resource(content, address)["lifecycle"]["ignore_changes"].remove(argument)
    return content


def resource(content: Configuration, address: str) -> dict[str, Any]:
    """The arguments of one resource, to be changed in place."""
    kind, name = address.split(".")
    found: dict[str, Any] = content["resource"][kind][name]
    return found


def workspace(stand_ins: StandIns, directory: Path, content: Configuration) -> Workspace:
    """The configuration in an initialized working directory."""
    made = Workspace(stand_ins, write(directory / "synthesized", content), directory / "work")
    made.init()
    return made


def write(directory: Path, content: Configuration) -> Path:
    """The configuration as a synthesized stack: a folder with a file in it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cdk.tf.json").write_text(json.dumps(content))
    return directory
