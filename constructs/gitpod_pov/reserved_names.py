"""Node labels and metadata keys that GKE reserves, and its limits for the size of metadata.

Owns: these lists, and the rules that refuse them. Leaves to others: the syntax of labels and metadata, and the keys that Gitpod or
this package sets.

Single labels are refused and not the prefixes cloud.google.com/ and gke.io, because users set labels with these prefixes too, such as
cloud.google.com/compute-class or cloud.google.com/gke-smt-disabled. GKE answers 400 to those it sets itself: "Node labels with key …
are managed by GKE and must not be manually specified".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gitpod_pov.faults import NO_VALUE, Fault

if TYPE_CHECKING:
    from gitpod_pov.node_pool import NodePoolSettings

_LABELS = frozenset(
    {
        *(
            f"cloud.google.com/{name}"
            for name in (
                "gke-accelerator",
                "gke-accelerator-count",
                "gke-boot-disk",
                "gke-confidential-nodes",
                "gke-confidential-nodes-instance-type",
                "gke-container-runtime",
                "gke-cpu-scaling-level",
                "gke-ephemeral-storage-local-ssd",
                "gke-flex-start",
                "gke-gcfs",
                "gke-gpu-driver-version",
                "gke-gpu-partition-size",
                "gke-gpu-sharing-strategy",
                "gke-image-streaming",
                "gke-logging-variant",
                "gke-max-pods-per-node",
                "gke-max-shared-clients-per-gpu",
                "gke-memory-gb-scaling-level",
                "gke-netd-ready",
                "gke-nodepool",
                "gke-os-distribution",
                "gke-preemptible",
                "gke-provisioning",
                "gke-queued",
                "gke-spot",
                "gke-stack-type",
                "gke-tpu-accelerator",
                "gke-tpu-topology",
                "machine-family",
                "private-node",
                "requested-min-cpu-platform",
            )
        ),
        "addon.gke.io/node-local-dns-ds-ready",
        "autoscaling.gke.io/provisioning-request",
        "iam.gke.io/gke-metadata-server-enabled",
        "sandbox.gke.io/runtime",
        "topology.gke.io/zone",
    }
)
"""Labels that GKE's control plane and drivers put on nodes.

Sources: pkg/cloudprovider/gke/labels/system_labels.go of https://github.com/GoogleCloudPlatform/cluster-autoscaler at 7d250507339b
(2026-08-21), and the annotation node.gke.io/last-applied-node-labels of nodes.
"""

_LABEL_DOMAINS = frozenset({"disk-type.gke.io", "supported-cpu-platform.cloud.google.com"})
"""Prefixes of labels that GKE sets; same source."""

_METADATA = frozenset(
    {
        "cluster-location",
        "cluster-name",
        "cluster-uid",
        "common-psm1",
        "configure-sh",
        "containerd-configure-sh",
        "disable-address-manager",
        "enable-os-login",
        "enable-oslogin",
        "gci-ensure-gke-docker",
        "gci-metrics-enabled",
        "gci-update-strategy",
        "install-ssh-psm1",
        "instance-template",
        "k8s-node-setup-psm1",
        "kube-env",
        "startup-script",
        "user-data",
        "user-profile-psm1",
        "windows-startup-script-ps1",
        # Not on the page, but in the instance templates that GKE writes.
        "kube-labels",
        "kubeconfig",
        "kubelet-config",
    }
)
"""https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/NodeConfig, the field metadata"""

_MOST_BYTES_OF_A_VALUE = 32 * 1024
_TOO_MANY_BYTES = 512 * 1024
"""Same page: each value is at most 32 KB, keys and values together are less than 512 KB."""


def is_set_by_gke(label: str) -> bool:
    """Return whether GKE sets a node label with this key itself."""
    return label in _LABELS or label.partition("/")[0] in _LABEL_DOMAINS


def metadata_faults(config: "NodePoolSettings") -> Iterator[Fault]:
    """Yield a fault for every metadata key that GKE uses itself, and where metadata is too large."""
    for key, value in config.metadata.items():
        if key in _METADATA:
            yield Fault(("metadata", key), "is a key that GKE reserves: use another one", NO_VALUE)
        elif (size := _bytes(value)) > _MOST_BYTES_OF_A_VALUE:
            yield Fault(
                ("metadata", key), f"has {size} bytes, but GKE accepts at most {_MOST_BYTES_OF_A_VALUE}; shorten the value", NO_VALUE
            )
    if (size := sum(_bytes(text) for item in config.metadata.items() for text in item)) >= _TOO_MANY_BYTES:
        yield Fault(("metadata",), f"has {size} bytes of keys and values, but GKE accepts less than {_TOO_MANY_BYTES}; shorten the values")


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))  # a lone surrogate would raise an error that is not a fault
