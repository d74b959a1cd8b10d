"""Every flag of the guide's commands against the Terraform argument that carries it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.app import Synthesized, deployment, synthesize
from tests.parity.reference import ACCOUNT, GOLDEN, NODE_ACCOUNT, PROJECT, commands

CLUSTER = "pov-cluster google_container_cluster.cluster"
POOL = "pov-cluster google_container_node_pool.node_pool"
ACCOUNT_RESOURCE = "pov-cluster google_service_account.identity"
SUBNETWORK = "pov-cluster google_compute_subnetwork.network_subnetwork"
BINDING = "pov-rbac kubernetes_cluster_role_binding_v1.admins"
NEWEST_REGULAR = '${data.google_container_engine_versions.cluster_versions.release_channel_latest_version["REGULAR"]}'
MASTER_VERSION = "${google_container_cluster.cluster.master_version}"
GKE_DEFAULT = "https://www.googleapis.com/auth/cloud-platform,https://www.googleapis.com/auth/userinfo.email"
IDENTITY_EMAIL = "${google_service_account.identity.email}"

# command -> flag -> what it says, as "stack resource argument": value
Says = Callable[[str], dict[str, Any]]
FLAGS: dict[str, dict[str, Says]] = {
    "gcloud iam service-accounts create gitpod-gke": {
        "--display-name": lambda v: {f"{ACCOUNT_RESOURCE} display_name": v, f"{ACCOUNT_RESOURCE} account_id": v},
    },
    f"gcloud projects add-iam-policy-binding {PROJECT}": {
        "--role": lambda v: {f"pov-cluster google_project_iam_member.{_grant(v)} role": v},
        "--member": lambda v: {
            f"pov-cluster google_project_iam_member.identity_{name} member": "${google_service_account.identity.member}"
            for name in ("storage_admin", "logging_logWriter", "monitoring_metricWriter", "container_admin")
            if v == f"serviceAccount:{NODE_ACCOUNT}"
        },
    },
    "gcloud container clusters create gitpod": {
        "--disk-type": lambda v: {f"{POOL} node_config.disk_type": v},
        "--disk-size": lambda v: {f"{POOL} node_config.disk_size_gb": int(v.removesuffix("GB"))},
        "--image-type": lambda v: {f"{POOL} node_config.image_type": v},
        "--machine-type": lambda v: {f"{POOL} node_config.machine_type": v},
        # GKE no longer offers the version that the guide prints; its table says "latest from regular channel".
        "--cluster-version": lambda _: {f"{CLUSTER} min_master_version": NEWEST_REGULAR, f"{POOL} version": MASTER_VERSION},
        "--region": lambda v: {f"{CLUSTER} location": v, f"{SUBNETWORK} region": v},
        "--service-account": lambda v: {
            f"{where} node_config.service_account": IDENTITY_EMAIL for where in (CLUSTER, POOL) if v == NODE_ACCOUNT
        },
        "--num-nodes": lambda v: {f"{POOL} initial_node_count": int(v)},
        "--no-enable-basic-auth": lambda _: {f"{CLUSTER} master_auth.client_certificate_config.issue_client_certificate": False},
        "--enable-autoscaling": lambda _: {f"{POOL} autoscaling": {"min_node_count": 1, "max_node_count": 50}},
        "--enable-autorepair": lambda _: {f"{POOL} management.auto_repair": True},
        "--no-enable-autoupgrade": lambda _: {
            # GKE refuses new clusters without a release channel, and in a channel only an exclusion keeps the versions as they are.
            f"{CLUSTER} release_channel.channel": "REGULAR",
            f"{CLUSTER} maintenance_policy.maintenance_exclusion": [
                {
                    "exclusion_name": "keep-versions",
                    "start_time": "2026-01-01T00:00:00Z",
                    "exclusion_options": {"scope": "NO_MINOR_OR_NODE_UPGRADES", "end_time_behavior": "UNTIL_END_OF_SUPPORT"},
                }
            ],
        },
        "--enable-ip-alias": lambda _: {
            f"{CLUSTER} networking_mode": "VPC_NATIVE",
            f"{CLUSTER} ip_allocation_policy": {"cluster_secondary_range_name": "pods", "services_secondary_range_name": "services"},
        },
        "--enable-network-policy": lambda _: {
            f"{CLUSTER} network_policy": {"enabled": True, "provider": "CALICO"},
            f"{CLUSTER} datapath_provider": "LEGACY_DATAPATH",
        },
        "--create-subnetwork": lambda v: {
            f"{SUBNETWORK} name": v.removeprefix("name="),
            f"{CLUSTER} subnetwork": "${google_compute_subnetwork.network_subnetwork.name}",
        },
        "--metadata": lambda v: {f"{POOL} node_config.metadata": dict([v.split("=")])},
        "--scopes": lambda v: {f"{POOL} node_config.oauth_scopes": v.replace("gke-default", GKE_DEFAULT).split(",")},
        "--node-labels": lambda v: {f"{POOL} node_config.labels": dict(pair.split("=") for pair in v.split(","))},
        "--max-pods-per-node": lambda v: {f"{POOL} max_pods_per_node": int(v)},
        "--default-max-pods-per-node": lambda v: {f"{CLUSTER} default_max_pods_per_node": int(v)},
        "--min-nodes": lambda v: {f"{POOL} autoscaling.min_node_count": int(v)},
        "--max-nodes": lambda v: {f"{POOL} autoscaling.max_node_count": int(v)},
        "--addons": lambda v: {
            f"{CLUSTER} addons_config": {
                "horizontal_pod_autoscaling": {"disabled": "HorizontalPodAutoscaling" not in v.split(",")},
                "dns_cache_config": {"enabled": "NodeLocalDNS" in v.split(",")},
                "network_policy_config": {"disabled": "NetworkPolicy" not in v.split(",")},
                "http_load_balancing": {"disabled": "HttpLoadBalancing" not in v.split(",")},
            }
        },
    },
    "gcloud container clusters get-credentials gitpod": {
        "--region": lambda _: {
            "pov-cluster output.get_credentials_command value": (
                "gcloud container clusters get-credentials ${google_container_cluster.cluster.name} "
                f"--region ${{google_container_cluster.cluster.location}} --project {PROJECT}"
            )
        },
    },
    "kubectl create clusterrolebinding cluster-admin-binding": {
        "--clusterrole": lambda v: {
            f"{BINDING} metadata.name": "cluster-admin-binding",
            f"{BINDING} role_ref": {"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": v},
        },
        "--user": lambda v: {f"{BINDING} subject": [{"api_group": "rbac.authorization.k8s.io", "kind": "User", "name": v}]},
    },
}

GUIDE = [(command, flag, value) for command, flags in commands() for flag, value in flags]


def _grant(role: str) -> str:
    return "identity_" + re.sub(r"\W", "_", role.removeprefix("roles/"))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    reference = deployment(admins={"members": [f"user:{ACCOUNT}"]})
    return synthesize({"pov": reference}, tmp_path_factory.mktemp("parity"))


def test_the_guide_is_read_whole() -> None:
    assert len(commands()) == 8
    assert len(GUIDE) == (GOLDEN / "guide.sh").read_text().count(" --")


def test_every_flag_has_an_assertion_and_every_assertion_a_flag() -> None:
    assert {(command, flag) for command, flag, _ in GUIDE} == {(command, flag) for command, flags in FLAGS.items() for flag in flags}


@pytest.mark.parametrize(("command", "flag", "value"), GUIDE, ids=[f"{flag}={value}" for _, flag, value in GUIDE])
def test_flag(app: Synthesized, command: str, flag: str, value: str) -> None:
    says = FLAGS[command][flag](value)
    assert says, "the guide's value is not the one that the assertion knows"
    for where, expected in says.items():
        stack, address, argument = where.split(" ")
        kind, name = address.split(".")
        parsed = app.stack(stack)
        found: Any = parsed["output"][name] if kind == "output" else parsed["resource"][kind][name]
        for key in argument.split("."):
            found = found[key]
        assert found == expected, where
