"""The values of a deployment that a hand-over can have as Terraform variables.

Owns: their keys, the section `[handover]` that chooses among them, and a mark for each: a valid value that no deployment has, by
which a hand-over finds every place that the value reaches. Leaves to others: the hand-over itself, and each value's own rules.

The constructs get marks and not Terraform variables, because the rules need values (they compare ranges and count lists), and a synth
without a hand-over writes literal values.
"""

from types import MappingProxyType
from typing import Annotated, Literal, get_args

from gitpod_pov.configuration import Configuration
from gitpod_pov.gcp_names import Unique

from pydantic import Field

ParameterKey = Literal[
    "project",
    "region",
    "zones",
    "cluster.name",
    "identity.account_id",
    "network.nodes_cidr",
    "network.pods_cidr",
    "network.services_cidr",
    "node_pool.machine_type",
    "node_pool.disk_size_gb",
    "node_pool.initial_nodes",
    "node_pool.min_nodes",
    "node_pool.max_nodes",
    "admins.members",
]

ADMINS: ParameterKey = "admins.members"
"""The only parameter without a mark: the number of members is the number of blocks."""

SUBNETWORK_RANGES: tuple[ParameterKey, ...] = ("network.nodes_cidr", "network.pods_cidr", "network.services_cidr")
"""Inputs of a subnetwork that is created. A hand-over with an existing subnetwork has no variables for them."""

NODE_COUNTS: tuple[ParameterKey, ...] = ("node_pool.min_nodes", "node_pool.initial_nodes", "node_pool.max_nodes")
"""Node counts per zone."""

MARKS: MappingProxyType[ParameterKey, str | int | tuple[str, ...]] = MappingProxyType(
    {
        "project": "marked-project",
        "region": "marked-region1",
        "zones": ("marked-region1-q",),
        "cluster.name": "marked-cluster",
        "identity.account_id": "marked-account",
        "network.nodes_cidr": "56.0.0.0/8",
        "network.pods_cidr": "40.0.0.0/5",
        "network.services_cidr": "48.0.0.0/16",
        "node_pool.machine_type": "marked-machine-16",
        "node_pool.disk_size_gb": 7039,
        "node_pool.initial_nodes": 991,
        "node_pool.min_nodes": 983,
        "node_pool.max_nodes": 997,
    }
)
"""Together they pass every rule between values: the ranges are apart, usable and hold the nodes, the zone is in the region. Region and
machine type have a valid form and do not exist, so that no rule about known ones concerns them."""


class HandoverConfig(Configuration):
    """What a hand-over of the deployment is to be."""

    parameters: Annotated[tuple[ParameterKey, ...], Field(strict=False), Unique] = tuple(
        key for key in get_args(ParameterKey) if key not in {"identity.account_id", "node_pool.disk_size_gb"}
    )
    """Inputs that become Terraform variables. The others are written as values."""
