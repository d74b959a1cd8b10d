"""Two small configurations, written by hand, that use everything the stand-ins do.

They resemble the product's two stacks so that the tests of the stand-ins do not depend on the product: a cluster with
its protections against replacement, and the binding that finds it by name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROJECT = "example-project"
LOCATION = "us-central1"
LATEST_VERSION = '${data.google_container_engine_versions.all.release_channel_latest_version["REGULAR"]}'
CLUSTER_ID = f"projects/{PROJECT}/locations/{LOCATION}/clusters/example"


def _providers(**versions: str) -> dict[str, Any]:
    return {name: {"source": f"hashicorp/{name}", "version": version} for name, version in versions.items()}


def cluster_configuration() -> dict[str, Any]:
    return {
        "terraform": {
            "required_providers": _providers(google="6.50.0"),
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
                    "release_channel": {"channel": "UNSPECIFIED"},
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
                    "management": {"auto_repair": True, "auto_upgrade": False},
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


def binding_configuration() -> dict[str, Any]:
    cluster = "data.google_container_cluster.example"
    return {
        "terraform": {
            "required_providers": _providers(google="6.50.0", kubernetes="2.38.0"),
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


def write(directory: Path, content: dict[str, Any]) -> Path:
    """The configuration as a synthesized stack: a folder with a file in it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cdk.tf.json").write_text(json.dumps(content))
    return directory
