from collections.abc import Mapping
from typing import Any

from gitpod_pov.faults import Faults
from gitpod_pov.node_pool import NodePoolConfig

import pytest


def refused(**values: Any) -> list[str]:
    try:
        NodePoolConfig.checked(values)
    except Faults as error:
        return [str(fault) for fault in error.faults]
    return []


class TestLabels:
    @pytest.mark.parametrize(
        "key",
        [
            "addon.gke.io/node-local-dns-ds-ready",
            "autoscaling.gke.io/provisioning-request",
            "cloud.google.com/gke-accelerator",
            "cloud.google.com/gke-boot-disk",
            "cloud.google.com/gke-confidential-nodes",
            "cloud.google.com/gke-container-runtime",
            "cloud.google.com/gke-gcfs",
            "cloud.google.com/gke-gpu-partition-size",
            "cloud.google.com/gke-logging-variant",
            "cloud.google.com/gke-max-pods-per-node",
            "cloud.google.com/gke-netd-ready",
            "cloud.google.com/gke-nodepool",
            "cloud.google.com/gke-os-distribution",
            "cloud.google.com/gke-preemptible",
            "cloud.google.com/gke-provisioning",
            "cloud.google.com/gke-spot",
            "cloud.google.com/gke-stack-type",
            "cloud.google.com/gke-tpu-topology",
            "cloud.google.com/machine-family",
            "cloud.google.com/private-node",
            "disk-type.gke.io/pd-ssd",
            "iam.gke.io/gke-metadata-server-enabled",
            "sandbox.gke.io/runtime",
            "supported-cpu-platform.cloud.google.com/Intel_Skylake",
            "topology.gke.io/zone",
        ],
    )
    def test_refuses_labels_that_gke_sets(self, key: str) -> None:
        assert refused(labels={"team": "a", key: "true"}) == [f'labels."{key}": is a label that GKE sets: remove it']

    @pytest.mark.parametrize(
        "key",
        [
            "cloud.google.com/compute-class",
            "cloud.google.com/gke-nodepool-group-name",
            "cloud.google.com/gke-nvidia-gpu-dra-driver",
            "cloud.google.com/gke-smt-disabled",
            "cloud.google.com/gke-workload-type",
            "cloud.google.com/team",
            "example.com/gke-nodepool",
            "gke-nodepool",
            "gke.io/team",
            "networking.gke.io/team",
            "topology.example.com/zone",
            "team",
        ],
    )
    def test_accepts_labels_for_users(self, key: str) -> None:
        assert refused(labels={key: "true"}) == []


class TestMetadata:
    @pytest.mark.parametrize(
        "key",
        [
            "cluster-location",
            "cluster-name",
            "cluster-uid",
            "configure-sh",
            "containerd-configure-sh",
            "enable-os-login",
            "enable-oslogin",
            "gci-ensure-gke-docker",
            "gci-metrics-enabled",
            "gci-update-strategy",
            "instance-template",
            "kube-env",
            "kube-labels",
            "kubeconfig",
            "kubelet-config",
            "startup-script",
            "user-data",
            "windows-startup-script-ps1",
        ],
    )
    def test_refuses_metadata_keys_of_gke(self, key: str) -> None:
        assert refused(metadata={"team": "a", key: "a"}) == [f"metadata.{key}: is a key that GKE reserves: use another one"]

    @pytest.mark.parametrize(
        "metadata",
        [
            {"serial-port-logging-enable": "true", "serial-port-enable": "false"},
            {"block-project-ssh-keys": "true"},
            {"shutdown-script": "echo done"},
            {"startup-script-url": "gs://bucket/script"},
            {"KUBE-ENV": "a", "cluster_name": "a", "my-user-data": "a"},
            {"a" * 128: "a"},
            {"largest": "a" * 32768},
            {"largest": "ä" * 16384},
            {f"key-{n:02}": "a" * 32762 for n in range(16)} | {"key-15": "a" * 32761},
        ],
        ids=lambda metadata: next(iter(metadata))[:30],
    )
    def test_accepted(self, metadata: Mapping[str, str]) -> None:
        assert refused(metadata=metadata) == []

    @pytest.mark.parametrize(
        ("metadata", "message"),
        [
            ({"large": "a" * 32769}, "metadata.large: has 32769 bytes, but GKE accepts at most 32768; shorten the value"),
            ({"large": "ä" * 16385}, "metadata.large: has 32770 bytes, but GKE accepts at most 32768; shorten the value"),
            (
                {f"key-{n:02}": "a" * 32762 for n in range(16)},
                "metadata: has 524288 bytes of keys and values, but GKE accepts less than 524288; shorten the values",
            ),
            (
                {"surrogates": "\ud800" * 11000},
                "metadata.surrogates: has 33000 bytes, but GKE accepts at most 32768; shorten the value",
            ),
            (
                {"a" * 129: "a"},
                (f"metadata.{'a' * 79}…: '{'a' * 79}…' is not a metadata key: 1 to 128 letters, digits, hyphens and underscores"),
            ),
        ],
        ids=["bytes", "not-characters", "in-total", "surrogates", "key"],
    )
    def test_refuses_metadata_that_is_too_large(self, metadata: Mapping[str, str], message: str) -> None:
        assert refused(metadata=metadata) == [message]
