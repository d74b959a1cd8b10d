"""Blocks of Terraform resources that more than one construct writes.

Owns: the node settings that the node pool and the removed default pool share, and leaving out a block without arguments. Leaves to
others: every block of a single resource.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gitpod_pov.tokens import is_token

from cdktf import Fn, IResolvable, TerraformIterator, Token

if TYPE_CHECKING:
    from gitpod_pov.gke_cluster import GkeClusterConfig
    from gitpod_pov.node_identity import NodeIdentity

Block = TypeVar("Block")


def optional_block(block: Callable[..., Block], **arguments: Any) -> Block | None:
    """Return a block with these arguments, or None when all of them are None. The bindings check names and types."""
    return None if all(value is None for value in arguments.values()) else block(**arguments)


def merged(configured: Mapping[str, str], fixed: Mapping[str, str]) -> Mapping[str, str]:
    """Return a map with the configured and the fixed entries. cdktf does not merge a map that is a token."""
    return Token.as_string_map(Fn.merge([dict(configured), dict(fixed)])) if is_token(configured) else {**configured, **fixed}


def resources_of(values: Sequence[str], id_of: Callable[[str], str]) -> Iterator[tuple[str, str, TerraformIterator | None]]:
    """Yield construct ID, value and `for_each` of each resource of a list that has one for each value.

    The IDs of tokens are numbered, since no value is known that could name them. A list that is a token makes one resource with a
    `for_each`; Terraform must know its items when it plans.
    """
    if is_token(values):
        each = TerraformIterator.from_list(list(values))
        yield "each", Token.as_string(each.value), each
        return
    tokens = [value for value in values if is_token(value)]
    for value in values:
        yield f"token_{tokens.index(value) + 1}" if is_token(value) else id_of(value), value, None


def conditional(value: bool | IResolvable | None, if_true: str, if_false: str | None) -> str | None:  # noqa: FBT001 - it is what is translated
    """Return the text for true or for false, as an expression where the value is a token."""
    if value is None or isinstance(value, bool):
        return None if value is None else if_true if value else if_false
    return Token.as_string(Fn.conditional(value, if_true, Token.null_value() if if_false is None else if_false))


def node_settings(cluster: "GkeClusterConfig", identity: "NodeIdentity | str") -> dict[str, Any]:
    """Return the arguments of `node_config` that hold for every node of a cluster, the removed default pool included.

    An organization policy that requires secure boot or a KMS key applies to that pool too.
    """
    shielded = {"enable_secure_boot": cluster.secure_boot, "enable_integrity_monitoring": cluster.integrity_monitoring}
    metadata_mode = conditional(cluster.workload_identity, "GKE_METADATA", "GCE_METADATA")
    return {
        "service_account": identity if isinstance(identity, str) else identity.email,
        "boot_disk_kms_key": cluster.boot_disk_kms_key,
        "tags": list(cluster.network_tags) or None,
        "shielded_instance_config": shielded if any(value is not None for value in shielded.values()) else None,
        "workload_metadata_config": None if metadata_mode is None else {"mode": metadata_mode},
    }
