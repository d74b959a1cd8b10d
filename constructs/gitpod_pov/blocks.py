"""Blocks of Terraform resources that more than one construct writes.

Owns: the node settings that the node pool and the removed default pool share, and leaving out a block without arguments. Leaves to
others: every block of a single resource.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from gitpod_pov.gke_cluster import GkeClusterConfig
    from gitpod_pov.node_identity import NodeIdentity

Block = TypeVar("Block")


def optional_block(block: Callable[..., Block], **arguments: Any) -> Block | None:
    """Return a block with these arguments, or None when all of them are None. The bindings check names and types."""
    return None if all(value is None for value in arguments.values()) else block(**arguments)


def node_settings(cluster: "GkeClusterConfig", identity: "NodeIdentity") -> dict[str, Any]:
    """Return the arguments of `node_config` that hold for every node of a cluster, the removed default pool included.

    An organization policy that requires secure boot or a KMS key applies to that pool too.
    """
    shielded = {"enable_secure_boot": cluster.secure_boot, "enable_integrity_monitoring": cluster.integrity_monitoring}
    metadata_modes = {True: "GKE_METADATA", False: "GCE_METADATA"}
    return {
        "service_account": identity.email,
        "boot_disk_kms_key": cluster.boot_disk_kms_key,
        "shielded_instance_config": shielded if set(shielded.values()) != {None} else None,
        "workload_metadata_config": None if cluster.workload_identity is None else {"mode": metadata_modes[cluster.workload_identity]},
    }
