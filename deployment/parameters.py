"""The values of a deployment that a hand-over can have as Terraform variables.

Owns: their keys, the section `[handover]` that chooses among them, and a mark for each: a valid value that no deployment has, by
which a hand-over finds every place that the value reaches. Leaves to others: the hand-over itself, and each value's own rules.

The constructs get marks and not Terraform variables, because the rules need values (they compare ranges and count lists), and a synth
without a hand-over writes literal values.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from gitpod_pov.configuration import Configuration
from gitpod_pov.gcp_names import Unique
from gitpod_pov.tokens import Items

from pydantic import BeforeValidator

ParameterKey = Literal[
    "project",
    "region",
    "zones",
    "cluster.name",
    "identity.account_id",
    "network.network",
    "network.subnetwork",
    "network.nodes_cidr",
    "network.pods_cidr",
    "network.services_cidr",
    "cluster.authorized_networks",
    "cluster.maintenance_window",
    "cluster.resource_labels",
    "node_pool.name",
    "node_pool.labels",
    "node_pool.machine_type",
    "node_pool.disk_size_gb",
    "node_pool.initial_nodes",
    "node_pool.min_nodes",
    "node_pool.max_nodes",
    "admins.members",
]

ADMINS: ParameterKey = "admins.members"
NETWORKS: ParameterKey = "cluster.authorized_networks"
WINDOW: ParameterKey = "cluster.maintenance_window"
"""These three have no mark, because their values decide which blocks there are."""

SUBNETWORK_RANGES: tuple[ParameterKey, ...] = ("network.nodes_cidr", "network.pods_cidr", "network.services_cidr")
"""Inputs of a subnetwork that is created. A hand-over with an existing subnetwork has no variables for them."""

NODE_COUNTS: tuple[ParameterKey, ...] = ("node_pool.min_nodes", "node_pool.initial_nodes", "node_pool.max_nodes")
"""Node counts per zone."""

SUBNETWORK: ParameterKey = "network.subnetwork"
"""Its default follows from the name of the cluster."""

MARKS: Mapping[ParameterKey, str | int | tuple[str, ...] | dict[str, str]] = {
    "project": "marked-project",
    "region": "marked-region1",
    "zones": ("marked-region1-q",),
    "cluster.name": "marked-cluster",
    "identity.account_id": "marked-account",
    "network.network": "marked-network",
    "network.subnetwork": "marked-subnetwork",
    "network.nodes_cidr": "56.0.0.0/8",
    "network.pods_cidr": "40.0.0.0/5",
    "network.services_cidr": "48.0.0.0/16",
    "cluster.resource_labels": {"marked-label": "marked"},
    "node_pool.name": "marked-pool",
    "node_pool.labels": {"marked.example.com/label": "marked"},
    "node_pool.machine_type": "marked-machine-16",
    "node_pool.disk_size_gb": 7039,
    "node_pool.initial_nodes": 991,
    "node_pool.min_nodes": 983,
    "node_pool.max_nodes": 997,
}
"""Together they pass every rule between values: the ranges are apart, usable and hold the nodes, the zone is in the region. Region and
machine type have a valid form and do not exist, so that no rule about known ones concerns them."""


_REFUSED: Mapping[str, str] = {
    "cluster.deletion_protection": "also sets prevent_destroy, which takes no variable",
    "cluster.version": "decides whether changes of the version are ignored, and ignore_changes takes no variable",
    "cluster.release_channel": "decides which maintenance exclusion there is",
    "cluster.maintenance_exclusions": "decides how many blocks there are",
    "cluster.private_nodes": "also decides private_ip_google_access of the subnetwork",
    "cluster.dns_endpoint": "decides how the providers of the other folders connect",
    **dict.fromkeys(
        ("network.create_network", "network.cloud_nat", "pools", "apis.manage", "apis.services", "identity.roles"),
        "decides which resources there are, and with them their addresses",
    ),
    "profile": "sets other inputs",
    "acknowledged_risks": "sets nothing in Terraform",
    "providers.*": "sets the version of a provider, which takes no variable",
    "backend.*": "sets the backend, which takes no variable",
    "handover.*": "is about the hand-over itself",
}
_SECTIONS = frozenset({"apis", "identity", "network", "cluster", "node_pool", "pools", "admins", "ingress"})


def _reason_if_refused(key: object) -> object:
    """Raise a `ValueError` with the reason for an input that cannot be a variable."""
    if not isinstance(key, str) or key in get_args(ParameterKey):
        return key
    section = key.partition(".")[0]
    if reason := _REFUSED.get(key) or _REFUSED.get(f"{section}.*"):
        raise ValueError(f"cannot be a variable, because it {reason}: remove it, and edit the files of the hand-over instead")
    if section in _SECTIONS and "." in key:
        raise ValueError("is not one of the inputs that can be variables: remove it, and edit the files of the hand-over instead")
    return key


class HandoverConfig(Configuration):
    """What a hand-over of the deployment is to be."""

    parameters: Annotated[Items[Annotated[ParameterKey, BeforeValidator(_reason_if_refused)]], Unique] = get_args(ParameterKey)
    """Inputs that become Terraform variables. All other inputs become literal values. Default: all that can be variables."""
