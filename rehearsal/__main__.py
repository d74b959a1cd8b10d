"""Rehearses one deployment from the first apply to the destroy: `make rehearse DEPLOYMENT=pov`.

Owns the order of the steps and the output. The stand-ins and Terraform's commands are in `stand_in.py` and `workspace.py`.
"""

import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from deployment import commands

if __name__ == "__main__":
    commands.start()

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from rehearsal.cloud import Cloud
from rehearsal.workspace import TerraformError, Workspace, attach
from stacks.registry import build, stack_names

WHAT_IT_SHOWS = """\
A rehearsal runs real Terraform with stand-in providers that have the schemas and the known behaviour of hashicorp/google,
hashicorp/kubernetes and hashicorp/helm.
It shows that Terraform accepts the configuration, the order of creation, that a second plan is empty, that a protected cluster is not
destroyed until its protection is removed, and that a destroy leaves nothing behind.
It assumes that an existing subnetwork meets the requirements of the deployment.
It cannot show quotas, permissions, organization policies, prices, or whether Google's API accepts the values. Nothing was created."""


@commands.refused(RefusedDeploymentsError)
def rehearse(name: str, folder: Path = DEPLOYMENTS) -> int:
    """Rehearse the deployment, print the progress and the table of resources that would exist, and return the exit status."""
    deployment = load_deployment(name, folder)
    if not shutil.which(commands.terraform()):
        return commands.refuse(f"{commands.terraform()} is not installed: a rehearsal needs Terraform 1.6 or newer, or OpenTofu")
    with commands.temporary_folder() as temporary:
        try:
            _run(name, deployment, temporary)
        except TerraformError as error:
            return commands.refuse(f"failed\n{error}")
    print(WHAT_IT_SHOWS)
    return 0


def _run(name: str, deployment: Deployment, folder: Path) -> None:
    with _step(f"synthesize {name}"):
        stacks = _synthesized(name, deployment, folder / "cdktf.out")
    with attach(stacks, folder / "journal.jsonl") as stand_ins:
        _provide_subnetwork(stand_ins.cloud, deployment)
        workspaces = [Workspace(stand_ins, stack, folder / "states" / "of" / "stacks" / stack.name) for stack in stacks]
        for workspace in workspaces:
            _apply(workspace)
        table = [
            (workspace.directory.name, address, _called(values))
            for workspace in workspaces
            for address, values in sorted(workspace.state().items())
        ]
        if protected := {workspace: addresses for workspace in workspaces if (addresses := _protected(workspace))}:
            for workspace, addresses in protected.items():
                with _step(f"{workspace.directory.name}: destroy is refused, {', '.join(addresses)} is protected"):
                    _expect_refusal(workspace)
            with _step(f"synthesize {name} with cluster.deletion_protection = false"):
                stacks = _synthesized(name, _unprotected(deployment), folder / "unprotected")
                for workspace, stack in zip(workspaces, stacks, strict=True):
                    workspace.synthesize(stack)
            for workspace, addresses in protected.items():
                _remove_protection(workspace, addresses)
        for workspace in reversed(workspaces):
            with _step(f"{workspace.directory.name}: destroy"):
                workspace.destroy()
                if left := workspace.state():
                    raise TerraformError(["terraform", "destroy"], 1, f"left in the state: {', '.join(left)}")
    print(f"\n{len(table)} resources would exist:\n")
    widths = [max(len(row[column]) for row in table) for column in (0, 1)]
    for name_of_stack, address, called in table:
        print(f"  {name_of_stack:{widths[0]}}  {address:{widths[1]}}  {called}")
    print()


def _provide_subnetwork(cloud: Cloud, deployment: Deployment) -> None:
    """Create the subnetwork that the deployment expects to exist, larger than any number of nodes needs."""
    network = deployment.network
    if network.create_subnetwork:
        return
    project, name = network.project_of(deployment.project), network.subnetwork_of(deployment.cluster.name)
    id_ = f"projects/{project}/regions/{deployment.region}/subnetworks/{name}"
    ranges = {network.pods_range: "32.0.0.0/3", network.services_range: "10.0.0.0/20"}
    subnetwork = {
        "id": id_,
        "name": name,
        "project": project,
        "region": deployment.region,
        "network": f"https://www.googleapis.com/compute/v1/projects/{project}/global/networks/{network.network}",
        "ip_cidr_range": "64.0.0.0/3",
        "secondary_ip_range": [{"range_name": range_name, "ip_cidr_range": cidr} for range_name, cidr in ranges.items()],
        "private_ip_google_access": True,
    }
    cloud.put("google_compute_subnetwork", id_, subnetwork)


def _apply(workspace: Workspace) -> None:
    stack = workspace.directory.name
    with _step(f"{stack}: init and validate"):
        workspace.init()
        workspace.validate()
    with _step(f"{stack}: plan and apply"):
        workspace.apply(workspace.plan())
    with _step(f"{stack}: second plan is empty"):
        if changes := workspace.plan().changes:
            raise TerraformError(["terraform", "plan"], 2, f"a second apply would change {changes}")


def _remove_protection(workspace: Workspace, addresses: list[str]) -> None:
    stack = workspace.directory.name
    with _step(f"{stack}: plan updates {', '.join(addresses)} in place"):
        plan = workspace.plan()
        if plan.changes != dict.fromkeys(addresses, "update"):
            raise TerraformError(["terraform", "plan"], 2, f"removing the protection would change {plan.changes}")
    with _step(f"{stack}: apply"):
        workspace.apply(plan)


def _synthesized(name: str, deployment: Deployment, outdir: Path) -> list[Path]:
    """Synthesize a deployment and return the folders of its stacks, in the order of deployment."""
    build({name: deployment}, str(outdir)).synth()
    return [outdir / "stacks" / stack for stack in stack_names(name, deployment)]


def _protected(workspace: Workspace) -> list[str]:
    """Return the addresses of the resources that the provider refuses to destroy."""
    return [address for address, values in sorted(workspace.state().items()) if values.get("deletion_protection")]


def _expect_refusal(workspace: Workspace) -> None:
    before = workspace.state()
    try:
        workspace.destroy()
    except TerraformError as error:
        if "prevent_destroy" not in error.output:
            raise
    if workspace.state() != before:
        raise TerraformError(["terraform", "destroy"], 1, "a protected stack was changed")


def _unprotected(deployment: Deployment) -> Deployment:
    content = deployment.model_dump(exclude_unset=True)
    return Deployment.model_validate(content | {"cluster": content.get("cluster", {}) | {"deletion_protection": False}})


def _called(values: dict[str, object]) -> str:
    """Return the name of a resource for readers: the role or the API, or the resource's name."""
    metadata = values.get("metadata")
    name = metadata[0]["name"] if isinstance(metadata, list) else None
    return str(values.get("role") or values.get("service") or values.get("account_id") or name or values.get("name"))


def _step(what: str) -> AbstractContextManager[None]:
    """Print a step on standard output, like the result."""
    return commands.step(what, sys.stdout)


if __name__ == "__main__":
    commands.run(rehearse, commands.Arguments("python -m rehearsal", "name"))
