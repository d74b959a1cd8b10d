"""Machine types and boot disks, as GKE node pools can use them.

Owns: the machine series of Compute Engine with their machine types, architecture, custom machine types and boot disks, and the rules
that follow from them. Leaves to others: the node images (`node_pool`), and whether a zone has the machine type.

There is a list, although Google adds machine series, because GKE refuses a wrong combination only when the cluster exists. Combinations
that are known to be wrong are refused here. A name that is not on the list is accepted, with a warning.

Sources:
- Machine types, architecture and boot disks: the configuration of GKE's own cluster autoscaler,
  https://github.com/GoogleCloudPlatform/cluster-autoscaler at 7d250507339b (2026-08-21),
  pkg/cloudprovider/gke/machinetypes/deprecated_machine_types_config.go
- Custom machine types, disks and AMD SEV: https://cloud.google.com/compute/docs/general-purpose-machines (2026-04-15)
- Hyperdisk: https://cloud.google.com/compute/docs/disks/hyperdisks (2026-08-26)
- Boot disks of GKE: https://cloud.google.com/kubernetes-engine/docs/how-to/custom-boot-disks
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from gitpod_pov.faults import Fault

if TYPE_CHECKING:
    from gitpod_pov.node_pool import NodePoolSettings

_PERSISTENT_DISKS = ("pd-balanced", "pd-ssd", "pd-standard")
_HYPERDISK = ("hyperdisk-balanced",)
_BOOT_DISKS = (*_HYPERDISK, *_PERSISTENT_DISKS)
_ALL_BUT_PD_STANDARD = ("hyperdisk-balanced", "pd-balanced", "pd-ssd")

_NO_BOOT_DISKS = frozenset(
    {
        "hyperdisk-balanced-high-availability",  # of two zones; a node and its disk are in one
        "hyperdisk-extreme",
        "hyperdisk-ml",
        "hyperdisk-throughput",
        "local-ssd",
        "pd-extreme",
    }
)
"""Disk types that exist and are not among the boot disks of GKE."""

_STORAGE_CLASSES = MappingProxyType({"standard-rwo": "pd-balanced", "premium-rwo": "pd-ssd"})
"""GKE's own StorageClasses, and the disk type of each."""


class _CustomTypes(NamedTuple):
    """The custom machine types of a series: memory in MB, and whether `-ext` allows more of it per vCPU."""

    vcpus: tuple[range, ...]
    least_per_vcpu: float
    most_per_vcpu: int
    most: int
    extended: bool = True


class _Series(NamedTuple):
    """A machine series: the sizes of its machine types by their kinds, all separated by spaces, and what holds for all of them."""

    sizes: Mapping[str, str]
    boot_disks: tuple[str, ...] = _PERSISTENT_DISKS
    arm: bool = False
    custom: _CustomTypes | None = None


_GB = 1024
_MEMORY_STEP = 256
_POWERS_THEN_16 = (range(2, 3), range(4, 5), range(8, 9), range(16, 97, 16))

_Z4D = "16-standardlssd 32-standardlssd 48-standardlssd 64-standardlssd 96-standardlssd 192-standardlssd"

_SERIES: Mapping[str, _Series] = MappingProxyType(
    {
        # General purpose
        "c3": _Series(
            {
                "highcpu standard highmem": "4 8 22 44 88 176 192-metal",
                "standard": "4-lssd 8-lssd 22-lssd 44-lssd 88-lssd 176-lssd",
            },
            _ALL_BUT_PD_STANDARD,
        ),
        "c3d": _Series(
            {
                "highcpu standard highmem": "4 8 16 30 60 90 180 360",
                "standard highmem": "8-lssd 16-lssd 30-lssd 60-lssd 90-lssd 180-lssd 360-lssd",
            },
            _ALL_BUT_PD_STANDARD,
        ),
        "c4": _Series(
            {
                "highcpu standard highmem": "2 4 8 16 24 32 48 64 96 144 192 288 288-metal",
                "standard highmem": (
                    "4-lssd 8-lssd 16-lssd 24-lssd 32-lssd 48-lssd 64-lssd 96-lssd 144-lssd 192-lssd 288-lssd 288-lssd-metal "
                    "4-lssd-v1 8-lssd-v1 16-lssd-v1 32-lssd-v1 48-lssd-v1 64-lssd-v1 96-lssd-v1 192-lssd-v1"
                ),
            },
            _HYPERDISK,
        ),
        "c4a": _Series(
            {
                "highcpu standard highmem": "1 2 4 8 16 32 36 48 64 72 4-lssd 8-lssd 16-lssd 32-lssd 48-lssd 64-lssd 72-lssd",
                "standard highmem": "96-metal",
            },
            _HYPERDISK,
            arm=True,
        ),
        "c4d": _Series(
            {
                "highcpu standard highmem": "2 4 8 16 32 48 64 96 192 384 384-metal",
                "standard highmem": "8-lssd 16-lssd 32-lssd 48-lssd 64-lssd 96-lssd 192-lssd 384-lssd",
            },
            _HYPERDISK,
        ),
        "c4n": _Series(
            {
                "highcpu standard highmem": "2 4 8 16 24 32 48 96 192",
                "standard highmem": "4-lssd 8-lssd 16-lssd 24-lssd 32-lssd 48-lssd 96-lssd 192-lssd",
            },
            _HYPERDISK,
        ),
        "e2": _Series(
            {"micro small medium": "", "highcpu standard": "2 4 8 16 32", "highmem": "2 4 8 16"},
            custom=_CustomTypes((range(2, 33, 2),), 0.5 * _GB, 8 * _GB, 128 * _GB, extended=False),
        ),
        "e4": _Series({"medium": "", "highcpu standard": "2 4 8 16 32", "highmem": "2 4 8 16"}, _HYPERDISK),
        "e4a": _Series({"standard": "2 4 8 16 32"}, _HYPERDISK, arm=True),
        "f1": _Series({"micro": ""}),
        "g1": _Series({"small": ""}),
        "n1": _Series(
            {"highcpu standard highmem": "2 4 8 16 32 64 96", "standard": "1", "ultramem": "40 80 160", "megamem": "96"},
            custom=_CustomTypes((range(1, 2), range(2, 97, 2)), 0.9 * _GB, int(6.5 * _GB), 624 * _GB),
        ),
        "n2": _Series(
            {"highcpu standard highmem": "2 4 8 16 32 48 64 80 96 128"},
            custom=_CustomTypes((range(2, 33, 2), range(36, 129, 4)), 0.5 * _GB, 8 * _GB, 864 * _GB),
        ),
        "n2d": _Series(
            {"highcpu standard highmem": "2 4 8 16 32 48 64 80 96", "highcpu standard": "128 224"},
            custom=_CustomTypes(_POWERS_THEN_16, 0.5 * _GB, 8 * _GB, 896 * _GB),
        ),
        "n4": _Series(
            {"highcpu standard highmem": "2 4 8 16 32 48 64 80"},
            _HYPERDISK,
            custom=_CustomTypes((range(2, 81, 2),), 2 * _GB, 8 * _GB, 640 * _GB),
        ),
        "n4a": _Series({"highcpu standard highmem": "1 2 4 8 16 32 48 64"}, _HYPERDISK, arm=True),
        "n4d": _Series(
            {"highcpu standard highmem": "2 4 8 16 32 48 64 80 96"},
            _HYPERDISK,
            custom=_CustomTypes(_POWERS_THEN_16, 0.5 * _GB, 8 * _GB, 768 * _GB),
        ),
        "t2a": _Series({"standard": "1 2 4 8 16 32 48"}, arm=True),
        "t2d": _Series({"standard": "1 2 4 8 16 32 48 60"}),
        # Compute, memory and storage optimized
        "c2": _Series({"standard": "4 8 16 30 60"}),
        "c2d": _Series({"highcpu standard highmem": "2 4 8 16 32 56 112"}),
        "h3": _Series({"standard": "88"}, ("hyperdisk-balanced", "pd-balanced")),
        "h4d": _Series({"standard highmem": "192", "highmem": "192-lssd"}, _HYPERDISK),
        "m1": _Series({"ultramem": "40 80 160", "megamem": "96"}, _BOOT_DISKS),
        "m2": _Series({"ultramem": "208", "ultramem megamem hypermem": "416"}, _BOOT_DISKS),
        "m3": _Series({"ultramem": "32", "ultramem megamem": "64 128"}, _BOOT_DISKS),
        "m4": _Series({"ultramem megamem": "56 112 224", "megamem": "28", "hypermem": "16 32 64"}, _HYPERDISK),
        "x4": _Series({"megamem": "960-metal 1440-metal 1920-metal"}, _HYPERDISK),
        "z3": _Series(
            {
                "highmem": (
                    "8 14 22 30 36 44 88 176 8-highlssd 16-highlssd 22-highlssd 32-highlssd 44-highlssd 88-highlssd 192-highlssd-metal "
                    "14-standardlssd 22-standardlssd 44-standardlssd 88-standardlssd 176-standardlssd"
                )
            },
            _ALL_BUT_PD_STANDARD,
        ),
        "z4d": _Series(
            {
                "standard highmem": _Z4D,
                "highmem": (
                    "8-standardlssd 384-standardlssd 8-highlssd 16-highlssd 32-highlssd 48-highlssd 64-highlssd 96-highlssd 192-highlssd"
                ),
                "4t 8t": " ".join(f"standard-{size}" for size in _Z4D.split()),
            },
            _HYPERDISK,
        ),
        # Accelerator optimized, and TPUs
        "a2": _Series(
            {"highgpu ultragpu": "1g 2g 4g 8g", "megagpu": "16g", "ultragpu": "1g-nolssd 2g-nolssd 4g-nolssd 8g-nolssd"},
        ),
        "a3": _Series(
            {"highgpu": "1g 2g 4g 1g-nolssd 2g-nolssd 4g-nolssd", "highgpu edgegpu megagpu ultragpu": "8g 8g-nolssd"},
            _ALL_BUT_PD_STANDARD,
        ),
        "a4": _Series({"highgpu": "8g 8g-nolssd"}, _HYPERDISK),
        "a4x": _Series({"highgpu": "4g 4g-nolssd", "maxgpu": "4g-metal"}, _HYPERDISK, arm=True),
        "g2": _Series(
            {"standard": "4 8 12 16 24 32 48 96"},
            ("pd-balanced", "pd-ssd"),
            custom=_CustomTypes((range(4, 17, 4), range(24, 33, 8), range(48, 97, 48)), 2 * _GB, 8 * _GB, 432 * _GB, extended=False),
        ),
        "g4": _Series({"standard": "6 12 24 48 96 192 384"}, _HYPERDISK),
        "ct3": _Series({"hightpu": "4t"}),
        "ct3p": _Series({"hightpu": "4t"}),
        "ct4l": _Series({"hightpu": "4t"}, _BOOT_DISKS),
        "ct4p": _Series({"hightpu": "4t"}, _BOOT_DISKS),
        "ct5l": _Series({"hightpu": "1t 4t 8t"}, ("pd-balanced", "pd-ssd")),
        "ct5lp": _Series({"hightpu": "1t 4t 8t"}, ("pd-balanced", "pd-ssd")),
        "ct5p": _Series({"hightpu": "4t"}, ("pd-balanced", "pd-ssd")),
        "ct6e": _Series({"standard": "1t 4t 8t"}, _HYPERDISK),
        "tpu7": _Series({"standard": "1t 4t"}, _HYPERDISK),
        "tpu7x": _Series({"standard ultranet": "4t", "standard": "1t"}, _HYPERDISK),
    }
)

_SEV_SERIES = ("n2d", "c2d", "c3d", "c4d")
_SEV_TYPE = "g4-standard-48"
_MOST_SEV_VCPUS = 255
"""Machine types with AMD SEV, none of which is bare metal: https://cloud.google.com/confidential-computing/confidential-vm/docs/supported-configurations"""

_SMALL_DISKS = frozenset({"e2-micro", "e2-small", "f1-micro", "g1-small"})
_MOST_SMALL_DISK = 3 * _GB
"""Shared-core machines take 3 TB of disks in all, others at least 257: https://cloud.google.com/compute/docs/general-purpose-machines"""

_CUSTOM = r"([1-9][0-9]{0,3})-([1-9][0-9]{0,7})(-ext)?"
_SHARED_CORE_CUSTOM = r"(micro|small|medium)-([1-9][0-9]{0,7})"
_SHARED_CORE_MEMORY = MappingProxyType({"micro": 2 * _GB, "small": 4 * _GB, "medium": 8 * _GB})


def is_known_machine_type(machine_type: str) -> bool:
    """Return whether the machine type is on the list, or is a custom one of a series on it."""
    name, rest = _split(machine_type)
    kind, _, size = rest.partition("-")
    return name in _SERIES and (
        kind == "custom" or any(kind in kinds.split() and size in sizes.split(" ") for kinds, sizes in _SERIES[name].sizes.items())
    )


def is_known_disk_type(disk_type: str) -> bool:
    """Return whether the disk type can be a boot disk of at least one machine series."""
    return disk_type in _BOOT_DISKS


def machine_type_faults(config: "NodePoolSettings") -> Iterator[Fault]:
    """Yield a fault for a machine type that does not exist, or whose machines cannot be nodes for Gitpod.

    One of an unknown series passes.
    """
    machine_type = config.machine_type
    name, rest = _split(machine_type)
    series = _SERIES.get(name)
    if series is None:
        return
    key = ("machine_type",)
    if series.arm:
        yield Fault(key, "is an Arm machine type, but Gitpod's images require x86; use an x86 type, such as n2d-standard-16")
    elif machine_type == "f1-micro":  # GKE: "Node pools of f1-micro machines are not supported due to insufficient memory"
        yield Fault(key, "has too little memory for GKE; use a larger one, such as n2d-standard-16")
    elif rest.partition("-")[0] == "custom" and (problem := _custom_problem(name, series.custom, rest.partition("-")[2])):
        yield Fault(key, problem)
    elif config.confidential_nodes and not _has_sev(machine_type):
        yield Fault(
            key,
            f"does not support confidential_nodes (AMD SEV); use {_one_of(_SEV_SERIES)} machines with at most {_MOST_SEV_VCPUS} vCPUs or "
            f"{_SEV_TYPE}, or set confidential_nodes to false",
        )


def boot_disk_faults(config: "NodePoolSettings") -> Iterator[Fault]:
    """Yield a fault for a boot disk that the machines cannot start from.

    Machines of an unknown series take any disk type, those with Arm are refused anyway. A disk type of an unknown name passes.
    """
    machine_type, disk_type, confidential = config.machine_type, config.disk_type, bool(config.confidential_nodes)
    name, _ = _split(machine_type)
    series = _SERIES.get(name)
    if series and series.arm:
        return
    possible = _boot_disks(machine_type, series, confidential=confidential) if series else _BOOT_DISKS
    key = ("disk_type",)
    if disk_type in _STORAGE_CLASSES:
        yield Fault(key, f"is a StorageClass; the disk type is {_STORAGE_CLASSES[disk_type]}")
    elif disk_type in _NO_BOOT_DISKS:
        yield Fault(key, f"cannot be the boot disk of a node; use {_one_of(possible)}")
    elif series and not _fits(disk_type, possible):
        machines = f"{machine_type if _is_hyperdisk_only(machine_type) else name} machines"
        with_sev = " with confidential_nodes" if confidential and possible != series.boot_disks else ""
        yield Fault(key, f"cannot be the boot disk of {machines}{with_sev}; use {_one_of(possible)}")


def boot_disk_size_faults(config: "NodePoolSettings") -> Iterator[Fault]:
    """Yield a fault for a boot disk that is too large for shared-core machines."""
    if config.machine_type in _SMALL_DISKS and config.disk_size_gb > _MOST_SMALL_DISK:
        yield Fault(("disk_size_gb",), f"is too large for {config.machine_type} machines; use at most {_MOST_SMALL_DISK}")


def _split(machine_type: str) -> tuple[str, str]:
    """Return the series and what follows it; custom-4-8192 is one of the first generation, n1-custom-4-8192 in full."""
    name, _, rest = machine_type.partition("-")
    return ("n1", machine_type) if name == "custom" else (name, rest)


def _is_hyperdisk_only(machine_type: str) -> bool:
    """Return whether the machine type boots from Hyperdisk alone, although its series may not."""
    return machine_type.endswith("-metal") or machine_type.startswith("a3-ultragpu-")


def _boot_disks(machine_type: str, series: _Series, *, confidential: bool) -> tuple[str, ...]:
    if _is_hyperdisk_only(machine_type):
        return _HYPERDISK
    if confidential and machine_type.startswith("c3d-"):  # the Hyperdisk page says: not with AMD SEV
        return tuple(disk for disk in series.boot_disks if disk not in _HYPERDISK)
    if confidential and machine_type.startswith("n2d-"):  # of this series, Hyperdisk is for confidential machines
        return _BOOT_DISKS
    return series.boot_disks


def _fits(disk_type: str, possible: tuple[str, ...]) -> bool:
    """Return whether the disk type is possible; one of an unknown name is, if others of its kind are."""
    if disk_type in _BOOT_DISKS:
        return disk_type in possible
    kind = disk_type.partition("-")[0]
    return kind not in {"pd", "hyperdisk"} or any(disk.startswith(f"{kind}-") for disk in possible)


def _has_sev(machine_type: str) -> bool:
    name, rest = _split(machine_type)
    vcpus = re.search(r"-([0-9]{1,3})(-|$)", rest)
    return machine_type == _SEV_TYPE or (name in _SEV_SERIES and (vcpus is None or int(vcpus[1]) <= _MOST_SEV_VCPUS))


def _custom_problem(series: str, custom: _CustomTypes | None, size: str) -> str | None:
    """Return what is wrong with a custom machine type, if anything is."""
    if custom is None:
        return f"does not exist: {series} has no custom machine types; use a predefined type"
    if series == "e2" and (shared := re.fullmatch(_SHARED_CORE_CUSTOM, size)):
        return _memory_problem(int(shared[2]), 1 * _GB, _SHARED_CORE_MEMORY[shared[1]])
    if not (form := re.fullmatch(_CUSTOM, size)):
        extension = ", then -ext for extended memory" if custom.extended else ""
        return f"is not a custom machine type; use {series}-custom-VCPUS-MEMORY with the memory in MB{extension}"
    vcpus, memory, extended = int(form[1]), int(form[2]), form[3] is not None
    if not any(vcpus in steps for steps in custom.vcpus):
        return f"has {vcpus} vCPUs; custom machine types of {series} have {_vcpus(custom)}"
    if extended and not custom.extended:
        return f"requests extended memory, which {series} does not support; remove -ext"
    least = -int(-vcpus * custom.least_per_vcpu // _MEMORY_STEP) * _MEMORY_STEP
    most = min(vcpus * custom.most_per_vcpu, custom.most)
    problem = _memory_problem(memory, least, custom.most if extended else most)
    exceeds = custom.extended and not extended and most < memory <= custom.most
    return f"{problem}, or append -ext for extended memory" if problem and exceeds else problem


def _memory_problem(memory: int, least: int, most: int) -> str | None:
    if least <= memory <= most and memory % _MEMORY_STEP == 0:
        return None
    return f"has {memory} MB of memory; use a multiple of {_MEMORY_STEP} from {least} to {most}"


def _vcpus(custom: _CustomTypes) -> str:
    return _one_of(tuple(str(s[0]) if len(s) == 1 else f"{s[0]} to {s[-1]} in steps of {s.step}" for s in custom.vcpus))


def _one_of(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
