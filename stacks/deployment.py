"""A deployment: one TOML file, composed of the configurations of the constructs.

Owns: reading the files of a folder, the rules between the sections of one file and between files, and the one-line messages in
which every refused value is told. Leaves to others: a section's own rules, which stand with its construct.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from gitpod_pov.cluster_admins import ClusterAdminsConfig
from gitpod_pov.cluster_network import ClusterNetworkConfig
from gitpod_pov.configuration import NO_VALUE, Configuration, Fault, faults_of, printable
from gitpod_pov.gcp_names import Matching, ProjectId, Region, Zone
from gitpod_pov.gke_cluster import GkeClusterConfig, zone_faults
from gitpod_pov.node_identity import NodeIdentityConfig
from gitpod_pov.node_pool import NodePoolConfig, capacity_faults, upgrade_faults
from gitpod_pov.project_apis import ProjectApisConfig
from gitpod_pov.risks import Risk

from pydantic import Field, ValidationError

from stacks.backend import BackendConfig, LocalBackendConfig

_NAME = Matching(
    r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
    "a deployment name: at most 40 lower-case letters, digits and hyphens, the first a letter, the last no hyphen",
)


class Deployment(Configuration):
    """One Gitpod proof of value: a project, a region and what each construct is to be."""

    project: ProjectId = Field(description="ID of the Google Cloud project; it must exist and have billing.")
    region: Region = Field(description="Region of the cluster, such as us-central1.")
    zones: Annotated[tuple[Zone, ...], Field(strict=False)] = Field(
        default=(),
        description="Zones of the nodes. One zone: exactly one node at the start. Left out: one node in every zone of the region.",
    )
    acknowledged_risks: Annotated[tuple[Risk, ...], Field(strict=False)] = Field(
        default=(), description="Risks whose warnings are not repeated at every synth."
    )
    apis: ProjectApisConfig = Field(default=ProjectApisConfig(), description="The APIs of the project.")
    identity: NodeIdentityConfig = Field(default=NodeIdentityConfig(), description="The service account of the nodes.")
    network: ClusterNetworkConfig = Field(default=ClusterNetworkConfig(), description="Network and subnetwork of the cluster.")
    cluster: GkeClusterConfig = Field(default=GkeClusterConfig(), description="The control plane.")
    node_pool: NodePoolConfig = Field(default=NodePoolConfig(), description="The nodes.")
    admins: ClusterAdminsConfig = Field(default=ClusterAdminsConfig(), description="Who may administer the cluster.")
    backend: BackendConfig = Field(default=LocalBackendConfig(), description="Where the state of both stacks is kept.")

    rules = (
        lambda d: zone_faults(d.region, d.zones),
        lambda d: upgrade_faults(d.cluster, d.node_pool),
        lambda d: capacity_faults(d.network, d.node_pool, d.zones),
    )


class RefusedDeploymentsError(Exception):
    """The deployments of a folder are refused.

    Attributes:
        messages: one line for each fault, sorted by file and key.
    """

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def load_deployments(folder: Path) -> dict[str, Deployment]:
    """Read every deployment of a folder, by name.

    Args:
        folder: holds one `NAME.toml` for each deployment.

    Raises:
        RefusedDeploymentsError: with every fault of every file.
    """
    faults: dict[Path, list[Fault]] = {}
    deployments: dict[str, Deployment] = {}
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise RefusedDeploymentsError([f"{_shown(folder)}: cannot be read: {_reason(error)}"]) from None
    if not files:
        raise RefusedDeploymentsError([f"{_shown(folder)}: holds no deployment, add a file NAME.toml"])
    for path in files:
        try:
            deployments[path.stem] = _load(path)
        except ValidationError as error:
            faults[path] = faults_of(error)
        except _UnreadableFileError as error:
            faults[path] = [error.fault]
    for path, fault in _collisions(folder, deployments):
        faults.setdefault(path, []).append(fault)
    if faults:
        lines = [(str(path), str(fault)) for path, found in faults.items() for fault in found]
        raise RefusedDeploymentsError([f"{_shown(Path(path))}: {fault}" for path, fault in sorted(lines)])
    return deployments


class _UnreadableFileError(Exception):
    def __init__(self, message: str) -> None:
        self.fault = Fault((), message, NO_VALUE)


def _load(path: Path) -> Deployment:
    if path.suffix != ".toml":
        raise _UnreadableFileError("is no deployment file, name it NAME.toml or move it out of the folder")
    try:
        _NAME.check(path.stem)
    except ValueError as error:
        raise _UnreadableFileError(f"the file's name {error}") from None
    try:
        content: dict[str, Any] = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise _UnreadableFileError(f"cannot be read: {_reason(error)}") from None
    except UnicodeDecodeError as error:
        raise _UnreadableFileError(f"is not UTF-8 text, byte {error.start + 1} is {error.object[error.start]:#04x}") from None
    except RecursionError:
        raise _UnreadableFileError("is not TOML: nested too deeply") from None
    except ValueError as error:
        reason = str(error)
        raise _UnreadableFileError(f"is not TOML: {printable(reason[:1].lower() + reason[1:])}") from None
    return Deployment.model_validate(content)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _shown(path: Path) -> str:
    """Return the path as a person at the prompt would write it, with nothing in it that a terminal would act on."""
    with suppress(ValueError):  # it lies elsewhere
        path = path.absolute().relative_to(Path.cwd())
    return printable(path.as_posix())


def _collisions(folder: Path, deployments: Mapping[str, Deployment]) -> Iterator[tuple[Path, Fault]]:
    """Yield a fault for everything that a deployment would own and an earlier one owns already."""
    owners: dict[tuple[str, ...], str] = {}
    for name, deployment in deployments.items():
        project, region, cluster = deployment.project, deployment.region, deployment.cluster.name
        account = deployment.identity.account_id
        subnetwork = deployment.network.subnetwork or f"gitpod-{cluster}"
        owned = {
            ("cluster", "name"): ("cluster", project, region, cluster),
            ("identity", "account_id"): ("service account", project, account),
            ("network", "subnetwork"): ("subnetwork", project, region, subnetwork),
        }
        if deployment.network.create_network:
            owned["network", "network"] = ("network", project, deployment.network.network)
        for key, what in owned.items():
            if (owner := owners.setdefault(what, name)) != name:
                others = f"{_shown(folder / f'{owner}.toml')} owns the {what[0]} of that name in project {project}, choose another"
                yield folder / f"{name}.toml", Fault(key, f"is taken: {others}", what[-1])
