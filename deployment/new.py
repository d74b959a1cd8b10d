"""Writes a new deployment file: `make new DEPLOYMENT=trial PROJECT=my-project REGION=us-central1`.

Owns: the names and ranges of the new deployment. It keeps the defaults that no other deployment uses, and otherwise chooses names after the
deployment and the first free ranges. Leaves to others: whether they are free, which the rules between files decide (`reading`). It does not
know the deployments of other clones, and what else is in the project.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.cluster_network import AUTO_MODE_RANGE, DOCKER_BRIDGE_RANGE, ClusterNetworkConfig, ranges_of
from gitpod_pov.faults import Fault, Faults, refuse
from gitpod_pov.ipv4_ranges import PRIVATE
from gitpod_pov.locations import known_zones
from gitpod_pov.node_identity import NodeIdentityConfig

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, display_path, faults_between, load_deployments, name_problem

_SPACE = PRIVATE[:4]
"""Where ranges are chosen: RFC 1918, then the shared addresses of RFC 6598, which GKE treats alike."""


def new_content(name: str, project: str, region: str, others: Mapping[Path, Deployment], path: Path) -> dict[str, Any]:
    """Return the content of a new deployment file.

    Args:
        name: the deployment's name.
        project: the project's ID. Empty if it is not given.
        region: the cluster's region. Empty if it is not given.
        others: every other deployment, by file.
        path: the new file.

    Raises:
        Faults: with every fault of the name and of the values.
    """
    content: dict[str, Any] = {key: value for key, value in (("project", project), ("region", region)) if value}
    if zones := known_zones(region):
        content["zones"] = zones[:1]
    faults = [Fault((), problem)] if (problem := name_problem(name)) else []
    try:
        Deployment.checked(content)
    except Faults as error:
        faults += error.faults
    refuse(faults)
    if network := _free_ranges(project, others.values()):
        content["network"] = network
    clusters, accounts = _numbered(name, 40), chain([NodeIdentityConfig().account_id], _numbered(f"gitpod-{name}", 30))
    cluster, account = next(clusters), next(accounts)
    while True:
        content |= {"cluster": {"name": cluster}, "identity": {"account_id": account}}
        found = {fault.key for file, fault in faults_between({**others, path: Deployment.checked(content)}) if file == path}
        if ("identity", "account_id") in found:
            account = next(accounts)
        elif found & {("cluster", "name"), ("network", "subnetwork")}:  # the subnetwork is named after the cluster
            cluster = next(clusters)
        else:
            return content


def _numbered(name: str, longest: int) -> Iterator[str]:
    """Yield a name, then the same name with a number, each cut to the longest length allowed."""
    for suffix in chain([""], (f"-{number}" for number in count(2))):
        yield name[: longest - len(suffix)].rstrip("-") + suffix


def _free_ranges(project: str, others: Iterable[Deployment]) -> dict[str, str]:
    """Return the ranges that differ from the defaults, by key, because another deployment in the same network uses these."""
    defaults = ClusterNetworkConfig()
    used = [AUTO_MODE_RANGE, DOCKER_BRIDGE_RANGE]
    for other in others:
        if (other.network.project_of(other.project), other.network.network) == (project, defaults.network):
            used += ranges_of(other.network).values()
    chosen = {}
    for key, default in ranges_of(defaults).items():
        length = default.prefixlen
        candidates = chain([default], *(space.subnets(new_prefix=length) for space in _SPACE if space.prefixlen <= length))
        free = next((cidr for cidr in candidates if not any(map(cidr.overlaps, used))), None)
        if free is None:
            message = f"cannot be chosen: network '{defaults.network}' has no free /{length}; write the file with another network"
            raise Faults([Fault(("network", key), message)])
        used.append(free)
        if free != default:
            chosen[key] = str(free)
    return chosen


def _text(content: Mapping[str, Any]) -> str:
    lines = ["#:schema ../docs/deployment.schema.json", ""]
    for key, value in content.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{key}]", *(f"{inner_key} = {json.dumps(inner)}" for inner_key, inner in value.items())]
        else:
            remark = (
                " # one zone: starts with one node. Left out: one node in each of three zones, which GKE chooses" if key == "zones" else ""
            )
            lines.append(f"{key} = {json.dumps(value)}{remark}")
    return "\n".join(lines) + "\n"


@commands.refused(RefusedDeploymentsError)
def main(name: str, project: str, region: str, folder: Path = DEPLOYMENTS) -> int:
    """Write the file of the deployment `name`; return the exit status, 2 if it already exists or is refused."""
    path = folder / f"{name}.toml"
    try:
        if path.exists() or path.is_symlink():
            refuse([Fault((), "already exists; edit it, or choose another name with DEPLOYMENT=NAME")])
        is_empty = not folder.is_dir() or all(other.name.startswith(".") for other in folder.iterdir())
        others = {} if is_empty else {folder / f"{other}.toml": deployment for other, deployment in load_deployments(folder).items()}
        content = new_content(name, project, region, others, path)
    except Faults as error:
        raise RefusedDeploymentsError.of((path, fault) for fault in error.faults) from None
    commands.write_files(folder, {path.name: _text(content).encode()})
    print(f"{display_path(path)}: written; `make show DEPLOYMENT={name}` prints its values, `make deploy DEPLOYMENT={name}` creates it")  # noqa: T201
    return 0


if __name__ == "__main__":
    commands.run(main, commands.Arguments("python -m deployment.new", "name", "project", "region"))
