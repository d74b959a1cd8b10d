"""The node images of GKE.

Owns: which image types are refused. Leaves to others: the machine types and disks (`machine_types`).

An image other than Ubuntu with containerd gives a warning and is not refused, because GKE creates such nodes and may add image types.
Gitpod's workspaces need Ubuntu; the guide names UBUNTU_CONTAINERD.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/node-images
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gitpod_pov.faults import Fault

if TYPE_CHECKING:
    from gitpod_pov.node_pool import NodePoolSettings

UBUNTU_CONTAINERD = "UBUNTU_CONTAINERD"

_DOCKER_IMAGES = frozenset({"COS", "UBUNTU"})
"""Removed with GKE 1.24: https://cloud.google.com/kubernetes-engine/docs/deprecations/docker-containerd"""


def image_type_faults(config: "NodePoolSettings") -> Iterator[Fault]:
    """Yield a fault for an image type that GKE no longer has, or that runs no Linux containers."""
    if config.image_type in _DOCKER_IMAGES:
        yield Fault(("image_type",), f"runs Docker, which GKE removed in version 1.24; use {UBUNTU_CONTAINERD}")
    elif config.image_type.startswith("WINDOWS"):
        yield Fault(("image_type",), f"runs Windows, but Gitpod's workloads are Linux containers; use {UBUNTU_CONTAINERD}")
