"""Machine types and boot disks that are refused, and those like them that are not.

The accepted ones are written out here and not taken from the list that the rules use: they are what Compute Engine's pages name.
"""

from collections.abc import Callable
from typing import Any

from gitpod_pov.faults import Faults
from gitpod_pov.machine_types import is_known_machine_type
from gitpod_pov.node_pool import NodePoolConfig

import pytest

from tests.app import Synthesized

PERSISTENT_DISKS = ("pd-balanced", "pd-ssd", "pd-standard")
NEWER_DISKS = ("hyperdisk-balanced", "pd-balanced", "pd-ssd")
HYPERDISK = ("hyperdisk-balanced",)
ALL_DISKS = (*HYPERDISK, *PERSISTENT_DISKS)

# The boot disks of x86 machine types, and some of those types.
BOOT_DISKS: list[tuple[tuple[str, ...], str]] = [
    (PERSISTENT_DISKS, "e2-micro e2-small e2-medium e2-standard-2 e2-standard-32 e2-highmem-16 e2-highcpu-32"),
    (PERSISTENT_DISKS, "e2-custom-2-1024 e2-custom-32-131072 e2-custom-micro-1024 e2-custom-small-2048 e2-custom-medium-8192"),
    (PERSISTENT_DISKS, "n1-standard-1 n1-standard-96 n1-highmem-2 n1-highcpu-64 n1-ultramem-40 n1-megamem-96 g1-small"),
    (PERSISTENT_DISKS, "custom-1-1024 custom-4-8192 custom-96-638976 custom-2-15360-ext n1-custom-4-8192 n1-custom-2-15360-ext"),
    (PERSISTENT_DISKS, "n2-standard-2 n2-standard-128 n2-highmem-48 n2-highcpu-96 n2-custom-2-1024 n2-custom-80-524288"),
    (PERSISTENT_DISKS, "n2-custom-36-18432 n2-custom-128-884736 n2-custom-2-20480-ext n2-custom-8-16384-ext"),
    (PERSISTENT_DISKS, "n2d-standard-16 n2d-standard-224 n2d-highmem-96 n2d-highcpu-128 n2d-custom-2-16384 n2d-custom-96-49152"),
    (PERSISTENT_DISKS, "n2d-custom-4-40960-ext n2d-custom-48-24576 c2-standard-4 c2-standard-60 c2d-standard-2 c2d-highmem-112"),
    (PERSISTENT_DISKS, "c2d-highcpu-56 t2d-standard-1 t2d-standard-60 a2-highgpu-1g a2-megagpu-16g a2-ultragpu-8g"),
    (NEWER_DISKS, "c3-standard-4 c3-standard-176 c3-highcpu-22 c3-highmem-88 c3-standard-8-lssd c3d-standard-4 c3d-highmem-360"),
    (NEWER_DISKS, "c3d-highcpu-30 c3d-standard-90-lssd z3-highmem-88 z3-highmem-14-standardlssd a3-highgpu-8g a3-megagpu-8g"),
    (HYPERDISK, "n4-standard-2 n4-standard-80 n4-highmem-8 n4-highcpu-16 n4-custom-2-4096 n4-custom-80-655360 n4-custom-6-98304-ext"),
    (HYPERDISK, "n4d-standard-2 n4d-highcpu-96 n4d-highmem-80 n4d-custom-4-2048 n4d-custom-96-786432"),
    (HYPERDISK, "c4-standard-2 c4-standard-288 c4-highcpu-24 c4-highmem-144 c4-standard-8-lssd c4-highmem-288-metal"),
    (HYPERDISK, "c4d-standard-2 c4d-standard-384 c4d-highcpu-96 c4d-highmem-384-metal c4d-standard-16-lssd c3-highcpu-192-metal"),
    (HYPERDISK, "h4d-standard-192 h4d-highmem-192-lssd m4-megamem-28 m4-ultramem-224 m4-hypermem-16 x4-megamem-960-metal"),
    (HYPERDISK, "z3-highmem-192-highlssd-metal a3-ultragpu-8g a4-highgpu-8g g4-standard-48 g4-standard-384 ct6e-standard-4t"),
    (ALL_DISKS, "m1-ultramem-40 m1-megamem-96 m2-ultramem-208 m2-megamem-416 m2-hypermem-416 m3-ultramem-32 m3-megamem-128"),
    (("pd-balanced", "pd-ssd"), "g2-standard-4 g2-standard-96 g2-custom-4-16384 ct5lp-hightpu-4t ct5p-hightpu-4t"),
    (("hyperdisk-balanced", "pd-balanced"), "h3-standard-88"),
]

# What the rules cannot know: a newer series, size, kind or disk. A warning says so.
UNKNOWN = "n5-standard-8 e3-medium c9x-metal-4 n2d-standard-17 n2-megacpu-8 e2-standard-64 c3-standard-1000 n9-custom-3-1000 t3d-highcpu-2"


FITTING = [(machine, disk) for disks, machines in BOOT_DISKS for machine in machines.split() for disk in disks]
NOT_FITTING = [(machine, disk) for disks, machines in BOOT_DISKS for machine in machines.split() for disk in ALL_DISKS if disk not in disks]


def refused(**values: Any) -> list[str]:
    try:
        NodePoolConfig.checked(values)
    except Faults as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.mark.parametrize(("machine_type", "disk_type"), FITTING)
def test_machines_with_the_disks_they_boot_from(machine_type: str, disk_type: str) -> None:
    assert refused(machine_type=machine_type, disk_type=disk_type) == []
    assert is_known_machine_type(machine_type)


@pytest.mark.parametrize(("machine_type", "disk_type"), NOT_FITTING)
def test_machines_with_disks_they_cannot_boot_from(machine_type: str, disk_type: str) -> None:
    (fault,) = refused(machine_type=machine_type, disk_type=disk_type)
    assert fault.startswith(f"disk_type: '{disk_type}' cannot be the boot disk of ")


@pytest.mark.parametrize(
    ("machine_type", "disk_type", "message"),
    [
        ("n4-standard-8", "pd-ssd", "cannot be the boot disk of n4 machines; use hyperdisk-balanced"),
        ("c4-highcpu-8", "pd-balanced", "cannot be the boot disk of c4 machines; use hyperdisk-balanced"),
        ("c4d-standard-2", "pd-standard", "cannot be the boot disk of c4d machines; use hyperdisk-balanced"),
        ("e2-standard-8", "hyperdisk-balanced", "cannot be the boot disk of e2 machines; use pd-balanced, pd-ssd or pd-standard"),
        ("custom-4-8192", "hyperdisk-balanced", "cannot be the boot disk of n1 machines; use pd-balanced, pd-ssd or pd-standard"),
        ("c3-standard-8", "pd-standard", "cannot be the boot disk of c3 machines; use hyperdisk-balanced, pd-balanced or pd-ssd"),
        ("c3-standard-192-metal", "pd-ssd", "cannot be the boot disk of c3-standard-192-metal machines; use hyperdisk-balanced"),
        ("a3-ultragpu-8g", "pd-ssd", "cannot be the boot disk of a3-ultragpu-8g machines; use hyperdisk-balanced"),
        ("g2-standard-4", "pd-standard", "cannot be the boot disk of g2 machines; use pd-balanced or pd-ssd"),
        # Disks of an unknown name, but of a kind that the machines do not take
        ("n4-standard-8", "pd-new", "cannot be the boot disk of n4 machines; use hyperdisk-balanced"),
        ("e2-standard-8", "hyperdisk-new", "cannot be the boot disk of e2 machines; use pd-balanced, pd-ssd or pd-standard"),
        # Disks that no node boots from
        ("c4-standard-8", "hyperdisk-balanced-high-availability", "cannot be the boot disk of a node; use hyperdisk-balanced"),
        ("n2d-standard-16", "pd-extreme", "cannot be the boot disk of a node; use pd-balanced, pd-ssd or pd-standard"),
        ("c3-standard-8", "hyperdisk-extreme", "cannot be the boot disk of a node; use hyperdisk-balanced, pd-balanced or pd-ssd"),
        ("n4-standard-8", "hyperdisk-throughput", "cannot be the boot disk of a node; use hyperdisk-balanced"),
        ("a3-ultragpu-8g", "hyperdisk-ml", "cannot be the boot disk of a node; use hyperdisk-balanced"),
        ("n7-standard-8", "local-ssd", "cannot be the boot disk of a node; use hyperdisk-balanced, pd-balanced, pd-ssd or pd-standard"),
        ("n2d-standard-16", "premium-rwo", "is a StorageClass; the disk type is pd-ssd"),
        ("n2d-standard-16", "standard-rwo", "is a StorageClass; the disk type is pd-balanced"),
    ],
)
def test_message_about_a_disk(machine_type: str, disk_type: str, message: str) -> None:
    assert refused(machine_type=machine_type, disk_type=disk_type) == [f"disk_type: '{disk_type}' {message}"]


@pytest.mark.parametrize(
    ("machine_type", "disk_type"),
    [
        ("c3-standard-8", "hyperdisk-new"),
        ("n2d-standard-16", "pd-new"),
        ("n2d-standard-16", "titanium-ssd"),
        *(("n7-standard-8", disk) for disk in (*ALL_DISKS, "pd-new", "hyperdisk-new")),
    ],
)
def test_disks_that_may_be_newer_than_the_list(machine_type: str, disk_type: str) -> None:
    assert refused(machine_type=machine_type, disk_type=disk_type) == []


@pytest.mark.parametrize("machine_type", UNKNOWN.split())
def test_machines_that_may_be_newer_than_the_list(machine_type: str) -> None:
    assert refused(machine_type=machine_type) == []
    assert not is_known_machine_type(machine_type)


@pytest.mark.parametrize("disk_type", ALL_DISKS)
@pytest.mark.parametrize(
    "machine_type", ["t2a-standard-1", "t2a-standard-48", "c4a-standard-4", "c4a-highmem-72-lssd", "n4a-standard-8", "a4x-highgpu-4g"]
)
def test_arm_machines(machine_type: str, disk_type: str) -> None:
    assert refused(machine_type=machine_type, disk_type=disk_type) == [
        f"machine_type: '{machine_type}' is an Arm machine type, but Gitpod's images require x86; use an x86 type, such as n2d-standard-16"
    ]


@pytest.mark.parametrize(
    ("machine_type", "message"),
    [
        ("f1-micro", "has too little memory for GKE; use a larger one, such as n2d-standard-16"),
        ("c2-custom-4-8192", "does not exist: c2 has no custom machine types; use a predefined type"),
        ("c3-custom-4-8192", "does not exist: c3 has no custom machine types; use a predefined type"),
        ("t2d-custom-4-8192-ext", "does not exist: t2d has no custom machine types; use a predefined type"),
        ("custom-3-8192", "has 3 vCPUs; custom machine types of n1 have 1 or 2 to 96 in steps of 2"),
        ("custom-98-98304", "has 98 vCPUs; custom machine types of n1 have 1 or 2 to 96 in steps of 2"),
        ("n1-custom-5-8192", "has 5 vCPUs; custom machine types of n1 have 1 or 2 to 96 in steps of 2"),
        ("custom-4-8000", "has 8000 MB of memory; use a multiple of 256 from 3840 to 26624"),
        ("custom-4-3584", "has 3584 MB of memory; use a multiple of 256 from 3840 to 26624"),
        ("custom-4-26880", "has 26880 MB of memory; use a multiple of 256 from 3840 to 26624, or append -ext for extended memory"),
        ("custom-4-8", "has 8 MB of memory; use a multiple of 256 from 3840 to 26624"),
        ("custom-2-639232-ext", "has 639232 MB of memory; use a multiple of 256 from 2048 to 638976"),
        ("e2-custom-3-4096", "has 3 vCPUs; custom machine types of e2 have 2 to 32 in steps of 2"),
        ("e2-custom-34-34816", "has 34 vCPUs; custom machine types of e2 have 2 to 32 in steps of 2"),
        ("e2-custom-4-65536-ext", "requests extended memory, which e2 does not support; remove -ext"),
        ("e2-custom-32-131328", "has 131328 MB of memory; use a multiple of 256 from 16384 to 131072"),
        ("e2-custom-2-768", "has 768 MB of memory; use a multiple of 256 from 1024 to 16384"),
        ("e2-custom-micro-4096", "has 4096 MB of memory; use a multiple of 256 from 1024 to 2048"),
        ("e2-custom-medium-8448", "has 8448 MB of memory; use a multiple of 256 from 1024 to 8192"),
        ("e2-custom-large-8192", "is not a custom machine type; use e2-custom-VCPUS-MEMORY with the memory in MB"),
        ("n2-custom-5-8192", "has 5 vCPUs; custom machine types of n2 have 2 to 32 in steps of 2 or 36 to 128 in steps of 4"),
        ("n2-custom-34-65536", "has 34 vCPUs; custom machine types of n2 have 2 to 32 in steps of 2 or 36 to 128 in steps of 4"),
        ("n2-custom-132-135168", "has 132 vCPUs; custom machine types of n2 have 2 to 32 in steps of 2 or 36 to 128 in steps of 4"),
        ("n2-custom-8-8193", "has 8193 MB of memory; use a multiple of 256 from 4096 to 65536"),
        ("n2-custom-128-884992", "has 884992 MB of memory; use a multiple of 256 from 65536 to 884736"),
        ("n2-custom-8", "is not a custom machine type; use n2-custom-VCPUS-MEMORY with the memory in MB, then -ext for extended memory"),
        ("n2-custom", "is not a custom machine type; use n2-custom-VCPUS-MEMORY with the memory in MB, then -ext for extended memory"),
        (
            "n2-custom-8-16gb",
            "is not a custom machine type; use n2-custom-VCPUS-MEMORY with the memory in MB, then -ext for extended memory",
        ),
        (
            "n2-custom-08-16384",
            "is not a custom machine type; use n2-custom-VCPUS-MEMORY with the memory in MB, then -ext for extended memory",
        ),
        ("n2d-custom-6-8192", "has 6 vCPUs; custom machine types of n2d have 2, 4, 8 or 16 to 96 in steps of 16"),
        ("n2d-custom-24-49152", "has 24 vCPUs; custom machine types of n2d have 2, 4, 8 or 16 to 96 in steps of 16"),
        ("n2d-custom-2-512", "has 512 MB of memory; use a multiple of 256 from 1024 to 16384"),
        (
            "n2d-custom-2-16640",
            "has 16640 MB of memory; use a multiple of 256 from 1024 to 16384, or append -ext for extended memory",
        ),
    ],
)
def test_message_about_a_machine(machine_type: str, message: str) -> None:
    assert refused(machine_type=machine_type) == [f"machine_type: '{machine_type}' {message}"]


@pytest.mark.parametrize(
    ("machine_type", "message"),
    [
        ("n4-custom-3-8192", "has 3 vCPUs; custom machine types of n4 have 2 to 80 in steps of 2"),
        ("n4-custom-82-167936", "has 82 vCPUs; custom machine types of n4 have 2 to 80 in steps of 2"),
        ("n4-custom-2-3840", "has 3840 MB of memory; use a multiple of 256 from 4096 to 16384"),
        ("n4d-custom-6-8192", "has 6 vCPUs; custom machine types of n4d have 2, 4, 8 or 16 to 96 in steps of 16"),
        ("c4-custom-4-8192", "does not exist: c4 has no custom machine types; use a predefined type"),
        ("c4d-custom-4-8192", "does not exist: c4d has no custom machine types; use a predefined type"),
    ],
)
def test_message_about_a_machine_with_hyperdisk(machine_type: str, message: str) -> None:
    assert refused(machine_type=machine_type, disk_type="hyperdisk-balanced") == [f"machine_type: '{machine_type}' {message}"]


class TestConfidential:
    @pytest.mark.parametrize(
        ("machine_type", "disk_type"),
        [
            *(("n2d-standard-16", disk) for disk in ALL_DISKS),
            ("n2d-standard-224", "pd-ssd"),
            ("n2d-custom-4-8192", "pd-ssd"),
            ("c2d-highcpu-112", "pd-ssd"),
            ("c3d-standard-8", "pd-ssd"),
            ("c3d-standard-180", "pd-balanced"),
            ("c4d-standard-8", "hyperdisk-balanced"),
            ("c4d-highmem-192", "hyperdisk-balanced"),
            ("g4-standard-48", "hyperdisk-balanced"),
            ("n7-standard-8", "pd-ssd"),
        ],
    )
    def test_supported(self, machine_type: str, disk_type: str) -> None:
        assert refused(machine_type=machine_type, disk_type=disk_type, confidential_nodes=True) == []

    @pytest.mark.parametrize(
        ("machine_type", "disk_type"),
        [
            *((machine, "pd-ssd") for machine in ("e2-standard-8", "n1-standard-8", "custom-4-8192", "n2-standard-8", "t2d-standard-8")),
            *(
                (machine, "pd-ssd")
                for machine in ("c2-standard-8", "c3-standard-8", "a2-highgpu-1g", "c3d-standard-360", "n2d-standard-999")
            ),
            *((machine, "hyperdisk-balanced") for machine in ("n4-standard-8", "c4-standard-8", "c4d-standard-384", "g4-standard-96")),
            *((machine, "hyperdisk-balanced") for machine in ("c4d-standard-384-metal", "n4d-standard-8")),
        ],
    )
    def test_not_supported(self, machine_type: str, disk_type: str) -> None:
        (fault,) = refused(machine_type=machine_type, disk_type=disk_type, confidential_nodes=True)
        assert fault == (
            f"machine_type: '{machine_type}' does not support confidential_nodes (AMD SEV); use n2d, c2d, c3d or c4d machines with at "
            "most 255 vCPUs or g4-standard-48, or set confidential_nodes to false"
        )

    def test_accepts_numbers_of_any_length(self) -> None:
        assert refused(machine_type=f"n2d-standard-{'9' * 5000}", confidential_nodes=True) == []

    def test_confidential_c3d_rejects_hyperdisk_boot_disks(self) -> None:
        assert refused(machine_type="c3d-standard-8", disk_type="hyperdisk-balanced", confidential_nodes=True) == [
            "disk_type: 'hyperdisk-balanced' cannot be the boot disk of c3d machines with confidential_nodes; use pd-balanced or pd-ssd"
        ]


class TestDiskSize:
    @pytest.mark.parametrize(
        ("machine_type", "size"), [("e2-small", 3072), ("e2-micro", 10), ("e2-medium", 3073), ("n2d-standard-2", 65536)]
    )
    def test_fits(self, machine_type: str, size: int) -> None:
        assert refused(machine_type=machine_type, disk_size_gb=size) == []

    @pytest.mark.parametrize("machine_type", ["e2-micro", "e2-small", "g1-small"])
    def test_is_too_large_for_shared_cores(self, machine_type: str) -> None:
        assert refused(machine_type=machine_type, disk_size_gb=3073) == [
            f"disk_size_gb: 3073 is too large for {machine_type} machines; use at most 3072"
        ]


def test_every_fault_is_reported_at_once() -> None:
    assert refused(machine_type="c2-custom-4-8192", disk_type="local-ssd", disk_size_gb=9, image_type="WINDOWS_LTSC_CONTAINERD") == [
        "disk_size_gb: 9 must be 10 or more",
        "machine_type: 'c2-custom-4-8192' does not exist: c2 has no custom machine types; use a predefined type",
        "disk_type: 'local-ssd' cannot be the boot disk of a node; use pd-balanced, pd-ssd or pd-standard",
        "image_type: 'WINDOWS_LTSC_CONTAINERD' runs Windows, but Gitpod's workloads are Linux containers; use UBUNTU_CONTAINERD",
    ]


def warnings(app: Synthesized) -> list[str]:
    annotations: list[dict[str, str]] = app.manifest["stacks"]["pov-cluster"]["annotations"]
    return [found["message"] for found in annotations if found["constructPath"] == "pov-cluster/node_pool"]


def test_unknown_names_are_a_warning_and_written_as_they_are(synth: Callable[..., Synthesized]) -> None:
    app = synth(node_pool={"machine_type": "n7-standard-8", "disk_type": "titanium-ssd"})
    machine, disk = warnings(app)
    assert machine == (
        "unknown-machine-type: 'n7-standard-8' is not on the list of known machine types; if it does not exist, the node pool fails after "
        "the cluster is created; check node_pool.machine_type with gcloud compute machine-types list"
    )
    assert disk == (
        "unknown-disk-type: 'titanium-ssd' is not on the list of known boot disk types; if GKE does not support it, the node pool fails "
        "after the cluster is created; check node_pool.disk_type with gcloud compute disk-types list"
    )
    node = app.resource("pov-cluster", "google_container_node_pool.node_pool")["node_config"]
    assert (node["machine_type"], node["disk_type"]) == ("n7-standard-8", "titanium-ssd")


def test_known_names_are_no_warning(synth: Callable[..., Synthesized]) -> None:
    assert warnings(synth(node_pool={"machine_type": "n4-custom-4-8192", "disk_type": "hyperdisk-balanced"})) == []
