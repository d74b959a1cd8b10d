"""The comments of the HCL files: why an argument is as it is, and which risk it causes.

Owns: at which argument a risk is written. Leaves to others: the reasons and the meanings of risks, which the constructs state, and how
comments are written (`handover.hcl`).
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gitpod_pov.node_identity import BROAD_ROLES
from gitpod_pov.risks import Risk

from handover.hcl import Comments
from handover.stacks import Stack
from handover.variables import Json


class Cause(NamedTuple):
    """An argument that causes a risk.

    Attributes:
        risk: the risk.
        argument: the type of the resource and the path of the argument.
        applies: whether a resource with these arguments causes the risk with this meaning.
    """

    risk: Risk
    argument: str
    applies: Callable[[Json, str], bool] = lambda _, __: True


_ROLE = "google_project_iam_member.role"
_SUBNETWORK = "google_compute_subnetwork"

CAUSES = (
    Cause("node-account-is-cluster-admin", _ROLE, lambda grant, _: grant["role"] == "roles/container.admin"),
    Cause("node-account-has-broad-role", _ROLE, lambda grant, _: grant["role"] in BROAD_ROLES),
    Cause("dns-account-changes-every-zone", _ROLE, lambda grant, _: grant["role"] == "roles/dns.admin"),
    Cause("docker-bridge-range", f"{_SUBNETWORK}.ip_cidr_range", lambda _, meaning: "nodes_cidr" in meaning),
    Cause("docker-bridge-range", f"{_SUBNETWORK}.secondary_ip_range[0].ip_cidr_range", lambda _, meaning: "pods_cidr" in meaning),
    Cause("docker-bridge-range", f"{_SUBNETWORK}.secondary_ip_range[1].ip_cidr_range", lambda _, meaning: "services_cidr" in meaning),
    Cause("public-control-plane", "google_container_cluster.private_cluster_config.enable_private_endpoint"),
    Cause("dataplane-v2-instead-of-calico", "google_container_cluster.datapath_provider"),
    Cause("destroy-removes-existing-grants", _ROLE, lambda _, meaning: "identity.grant_roles" in meaning),
    Cause(
        "destroy-removes-existing-grants", f"{_SUBNETWORK}_iam_member.role", lambda _, meaning: "network.grant_service_agents" in meaning
    ),
    Cause("no-release-channel", "google_container_cluster.release_channel.channel"),
    Cause("nodes-without-security-patches", "google_container_cluster.maintenance_policy.maintenance_exclusion"),
    Cause("node-in-every-zone", "google_container_cluster.node_locations"),
    Cause("node-in-every-zone", "google_container_cluster.location", lambda cluster, _: "node_locations" not in cluster),
    Cause("unknown-region", "google_container_cluster.location"),
    Cause("no-room-for-surge-nodes", "google_container_node_pool.upgrade_settings.max_surge"),
    Cause("unknown-machine-type", "google_container_node_pool.node_config.machine_type"),
    Cause("unknown-disk-type", "google_container_node_pool.node_config.disk_type"),
    Cause("image-not-ubuntu-containerd", "google_container_node_pool.node_config.image_type"),
    Cause("applying-account-becomes-admin", "kubernetes_cluster_role_binding_v1.subject"),
    Cause("admin-email-has-capital-letters", "kubernetes_cluster_role_binding_v1.subject"),
)
"""The arguments that cause each risk. A risk of a provider's version is written at that version."""

_PROVIDER_VERSION: Risk = "untested-provider-version"


def comments_of(stack: Stack) -> Comments:
    """Return the comments of a stack by address and path."""
    comments: dict[str, dict[str, str]] = {}
    for address, block in stack.blocks.items():
        texts: dict[str, list[str]] = {}
        for path, text in (*_reasons(stack, address, block), *_risks(stack, address, block)):
            texts.setdefault(path, []).append(text)
        comments[address] = {path: "\n".join(lines) for path, lines in texts.items()}
    comments["terraform"] = {
        f"required_providers.{meaning.partition('providers.')[2].partition(' ')[0]}": _text(name, meaning)
        for name, meaning in stack.risks
        if name == _PROVIDER_VERSION
    }
    return comments


def _reasons(stack: Stack, address: str, block: Json) -> Iterator[tuple[str, str]]:
    """Yield the reasons by path, each with the arguments that it names in braces."""
    reasons = stack.kind.reasons.get(stack.groups[address], {}).get(address.rpartition(".")[0], {})
    for path, reason in reasons.items():
        yield path, re.sub(r"\{(\w+)\}", lambda argument: str(block.get(argument[1], argument[0])), reason)


def _risks(stack: Stack, address: str, block: Json) -> Iterator[tuple[str, str]]:
    """Yield the risks by the path of the argument that causes them."""
    for name, meaning in stack.risks:
        for cause in CAUSES:
            kind, _, path = cause.argument.partition(".")
            if (cause.risk, kind) == (name, address.rpartition(".")[0]) and cause.applies(block, meaning):
                yield path, _text(name, meaning)


def _text(name: str, meaning: str) -> str:
    """Return the comment of a risk: its meaning without what to do in the source deployment."""
    found, _, _ = meaning.rpartition("; ")
    return f"Risk {name}: {found or meaning}."
