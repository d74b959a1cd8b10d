"""The text for the reader of a hand-over: a platform team that has the folder and nothing else.

Owns: the sections up to the first apply and the tables. Leaves to others:
what comes after the first apply (`operations`), the roles that the applying account needs (`stacks.roles`), and everything that is read
from the configuration, which the tables only repeat.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from gitpod_pov.node_pool import ZONES_OF_A_REGION, all_pools, most_nodes

from deployment.backend import CloudBackendConfig, GcsBackendConfig
from deployment.ingress import INGRESS_APIS
from deployment.model import Deployment
from deployment.parameters import ParameterKey
from handover.operations import operations
from handover.shared_vpc import shared_vpc
from handover.stacks import Stack
from handover.variables import Json, variable_name
from stacks.roles import SERVICE_AGENTS, missing_grants, required_roles

_NEEDED_FIRST = ("cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com")


def readme(
    name: str,
    deployment: Deployment,
    *,
    roots: dict[str, Stack],
    modules: list[Stack],
    variables: dict[ParameterKey, Json],
    risks: list[str],
) -> str:
    """Return the README.

    Args:
        name: the deployment's name.
        deployment: the deployment.
        roots: the stacks by folder, in order of application.
        modules: the same as modules.
        variables: the variables by parameter.
        risks: every risk with its meaning, as `name: meaning`.
    """
    required = roots[next(iter(roots))].content["terraform"]["required_version"]
    return (
        "\n\n".join(
            [
                f"# {name}: a labelled GKE cluster, as Terraform",
                (
                    f"One regional GKE cluster with {_pools(deployment)}, and what belongs to it. This "
                    f"folder is complete in itself. It needs Terraform {required.removeprefix('>= ')} or newer and the providers that each "
                    "`terraform.tf.json` names."
                ),
                _table(("folder", "creates", "apply after"), _folders(roots)),
                "![What will exist; an arrow leads from what must exist first, a dashed one where it is found by name](picture.svg)",
                "## Apply",
                _apply(roots),
                _state(name, deployment, roots),
                "## What will exist",
                _table(("folder", "resource", "how many"), _resources(roots)),
                "## What the applying account needs",
                _table(("role", "on", "to", "source"), _roles(deployment, roots)),
                *_node_account(deployment),
                _apis(deployment, roots),
                *_charts(roots),
                *shared_vpc(deployment),
                "## Inputs",
                (
                    "The defaults are the values of the source deployment. An empty list counts as left out. A refused "
                    "value is told with what is allowed: by `terraform plan` and `terraform apply` in a root configuration, by "
                    "`terraform validate` already where a module is called with values, as in `example/`. "
                    "Rules between several values, such as ranges that must lie apart, are checked by "
                    "`terraform plan` in either form."
                ),
                _table(("name", "type", "default", "description", "folders"), _inputs(roots, modules, variables)),
                "## Outputs",
                _table(("name", "description", "folders"), _outputs(roots, modules)),
                "## Known risks",
                _risks(deployment, risks),
                "## What drives the cost",
                _costs(deployment),
                *operations(roots, deployment),
                "## As modules",
                _modules(modules),
                "## The source deployment",
                (
                    f"The deployment `{name}` set these values and left every other one at its default. Values that are no "
                    f"input are changed "
                    "there, or in these files, which are then yours."
                ),
                _table(("key", "value"), ((f"`{key}`", f"`{json.dumps(value)}`") for key, value in _flat(_own_values(deployment)))),
                (
                    "`sha256sum --check MANIFEST.sha256` tells whether a file differs from what was handed over. Folders "
                    "like this one were planned and applied against stand-ins for the providers, which know their schemas and not the "
                    "API's opinion of the values; this one was not applied to Google Cloud."
                ),
            ]
        )
        + "\n"
    )


def _pools(deployment: Deployment) -> str:
    if not deployment.pools:
        return "a single, labelled, autoscaled pool of Ubuntu nodes"
    return f"the labelled, autoscaled node pools {_and((deployment.node_pool.name, *deployment.pools))}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _folders(roots: dict[str, Stack]) -> Iterator[tuple[str, ...]]:
    for folder, stack in roots.items():
        before = [f"`{other}`" for other, earlier in roots.items() if earlier.name in stack.kind.depends_on]
        yield f"`{folder}`", stack.kind.creates, ", ".join(before)


def _apply(roots: dict[str, Stack]) -> str:
    connect = [folder for folder, stack in roots.items() if "get_credentials_command" in stack.content["output"]]
    steps = "\n".join(f"terraform -chdir={folder} init\nterraform -chdir={folder} apply" for folder in roots)
    return (
        "Apply the folders in the order of their numbers. A folder finds what an earlier one created by its name and does not read that "
        "folder's state; where folders share an input, give it the same value in each.\n\n"
        "```sh\n"
        f"gcloud auth application-default login\n{steps}\n"
        "```\n\n"
        "To change inputs, copy `terraform.tfvars.example` in a folder to `terraform.tfvars` and edit it."
        + "".join(f" The output `get_credentials_command` of `{folder}` is the command that connects `kubectl`." for folder in connect)
    )


def _state(name: str, deployment: Deployment, roots: dict[str, Stack]) -> str:
    backend = deployment.backend
    stacks = [f"{name}-{stack.name}" for stack in roots.values()]
    addresses = "The addresses are those of the source deployment, whose state these files continue."
    if isinstance(backend, GcsBackendConfig):
        return (
            f"State is kept in the bucket `{backend.bucket}`, which must exist, under "
            f"{_and(f'{backend.prefix}/{stack}' for stack in stacks)}, as `backend.tf.json` says. {addresses}"
        )
    if isinstance(backend, CloudBackendConfig):
        return (
            f"State is kept in the workspaces {_and(stacks)} of the organization `{backend.organization}` on `{backend.hostname}`, as "
            "`backend.tf.json` says. Instead of logging in with gcloud, give the workspaces credentials; instead of editing a file, set "
            f"the inputs as variables of the workspaces. {addresses}"
        )
    return (
        "State is kept in `terraform.tfstate` in each folder; add a `backend` block to keep it elsewhere. The addresses are those of the "
        "source deployment: a state of it, copied there, is continued."
    )


def _and(names: Iterable[str]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _blocks(stack: Stack) -> Iterator[tuple[str, str, Json]]:
    for kind, named in sorted(stack.content["resource"].items()):
        for name, block in sorted(named.items()):
            yield kind, name, block


def _resources(roots: dict[str, Stack]) -> Iterator[tuple[str, ...]]:
    for folder, stack in roots.items():
        for kind, named in sorted(stack.content["resource"].items()):
            addresses = ", ".join(f"`{kind}.{name}`" for name in sorted(named))
            yield folder, addresses, str(len(named))


def _roles(deployment: Deployment, roots: dict[str, Stack]) -> list[tuple[str, ...]]:
    project = "${var.project}" if "project" in deployment.handover.parameters else deployment.project
    required = required_roles((stack.content for stack in roots.values()), project=project, node_account=deployment.identity.email)
    return [
        (
            f"`{role.role}`" if role.role.startswith("roles/") else role.role,
            "the project" if role.on == project else f"`{role.on}`",
            "; ".join(role.purposes),
            ", ".join(f"[source]({source})" for source in role.sources),
        )
        for role in required
    ]


def _node_account(deployment: Deployment) -> list[str]:
    """Return the paragraphs on what the nodes' service account needs and these folders do not give it."""
    account = deployment.identity.email or f"{deployment.identity.account_id}@PROJECT.iam.gserviceaccount.com"
    commands = "\n".join(
        f"gcloud projects add-iam-policy-binding PROJECT --member serviceAccount:{account} --role {role}"
        for role in missing_grants(deployment)
    )
    text = "These folders grant no role to the service account of the nodes. It must have these roles on the project:"
    paragraphs = [f"{text}\n\n```sh\n{commands}\n```"] if commands else []
    if deployment.identity.email and not account.endswith(f"@{deployment.project}.iam.gserviceaccount.com"):
        paragraphs.append(
            f"If `{account}` belongs to another project than the cluster, the organization policy "
            "`constraints/iam.disableCrossProjectServiceAccountUsage` must not be enforced in its project, and the service agents of the "
            "cluster's project must be allowed to use it; PROJECT_NUMBER is the number of the cluster's project "
            "([source](https://docs.cloud.google.com/kubernetes-engine/security/configure-node-service-accounts)):\n\n```sh\n"
            + "\n".join(
                f"gcloud iam service-accounts add-iam-policy-binding {account} --member "
                f"serviceAccount:service-PROJECT_NUMBER@{agent}.iam.gserviceaccount.com --role {role}"
                for agent, role in SERVICE_AGENTS.items()
            )
            + "\n```"
        )
    return paragraphs


def _apis(deployment: Deployment, roots: dict[str, Stack]) -> str:
    switched_on: dict[str, str] = {
        block["service"]: folder for folder, stack in roots.items() for kind, _, block in _blocks(stack) if kind == "google_project_service"
    }
    before = "The project must exist and have billing. These APIs must be on before the first apply: "
    of_the_stacks = {*deployment.apis.services, *(INGRESS_APIS if deployment.ingress else ())}
    needed = sorted({*_NEEDED_FIRST, *(() if switched_on else of_the_stacks)})
    text = before + ", ".join(f"`{api}`" for api in needed) + "."
    for folder in dict.fromkeys(switched_on.values()):
        apis = ", ".join(f"`{api}`" for api, by in switched_on.items() if by == folder)
        text += f" These are switched on by `{folder}`, and stay on when it is destroyed: {apis}."
    return text


def _charts(roots: dict[str, Stack]) -> list[str]:
    """Return a paragraph on where charts come from, if there are any."""
    folders: dict[str, str] = {
        block["repository"]: folder
        for folder, stack in roots.items()
        for kind, _, block in _blocks(stack)
        if kind == "helm_release" and "repository" in block
    }
    if not folders:
        return []
    text = (
        f"Terraform loads charts when it plans and applies {_and(dict.fromkeys(folders.values()))}: the machine that runs it must reach "
        f"{_and(folders)}. Nodes pull the images of the charts from `quay.io` and `registry.k8s.io`."
    )
    return [text]


def _inputs(roots: dict[str, Stack], modules: list[Stack], variables: dict[ParameterKey, Json]) -> Iterator[tuple[str, ...]]:
    for key, variable in variables.items():
        folders = [folder for folder, stack in roots.items() if key in stack.parameters]
        folders += [f"modules/{module.name}" for module in modules if key in module.parameters]
        default = f"`{json.dumps(variable['default'])}`"
        yield f"`{variable_name(key)}`", f"`{variable['type']}`", default, variable["description"], ", ".join(folders)


def _outputs(roots: dict[str, Stack], modules: list[Stack]) -> Iterator[tuple[str, ...]]:
    folders: dict[tuple[str, str], list[str]] = {}
    for folder, stack in [*roots.items(), *((f"modules/{module.name}", module) for module in modules)]:
        for name, output in sorted(stack.content["output"].items()):
            folders.setdefault((f"`{name}`", output["description"]), []).append(folder)
    for (name, description), found in folders.items():
        yield name, description, ", ".join(found)


def _risks(deployment: Deployment, risks: list[str]) -> str:
    rows = []
    for risk in risks:
        name, _, meaning = risk.partition(": ")
        acknowledged = "yes" if name in deployment.acknowledged_risks else "no"
        rows.append((f"`{name}`", meaning, acknowledged))
    return (
        "What the configuration carries, and whether the source deployment acknowledged it. Keys are those of the source deployment.\n\n"
        + _table(("risk", "meaning", "acknowledged"), rows)
        if rows
        else "None is known."
    )


def _costs(deployment: Deployment) -> str:
    zones = len(deployment.zones) or ZONES_OF_A_REGION
    where = f"{zones} zone{'s' if zones > 1 else ''}" + ("" if deployment.zones else " (taken for every zone of the region)")
    lines = []
    for path, pool in all_pools(deployment).items():
        nodes = "**Nodes**" if path == ("node_pool",) else f"**Nodes of the pool `{path[-1]}`**"
        limits = "with limits for the whole region" if pool.counts_in_total else "counted per zone"
        least = pool.total_minimum if pool.counts_in_total else pool.min_nodes * zones
        spot = ", as Spot VMs" if pool.spot else ""
        lines.append(
            f"- {nodes}, {limits}: `{pool.machine_type}` with {pool.disk_size_gb} GB of `{pool.disk_type}` each{spot}. In {where}: "
            f"{pool.initial_nodes * zones} at the start, at least {least}, at most {most_nodes(pool, deployment)}."
        )
    return "\n".join(
        [
            *lines,
            "- The control plane's fee, for as long as the cluster exists.",
            "- Load balancers, disks and traffic that the workloads ask for; they appear in no plan.",
        ]
    )


def _modules(modules: list[Stack]) -> str:
    return (
        f"{_and(f'modules/{module.name}' for module in modules)} are the same without provider configuration and backend, and with a "
        "range of provider versions in place of one. `example/` is a root that calls them all in one apply. Where a provider connects to "
        "what one module creates, the example configures it from that module's outputs. That is simple, with one limitation: a plan that "
        "would replace the cluster cannot configure such a provider. Where clusters are replaced, call each module from a root of its own, "
        "as the numbered folders do.\n\n"
        "In a module the addresses begin with `module.NAME.`: a state of a root configuration needs `moved` blocks or `terraform state mv` "
        "to be continued by it."
    )


def _own_values(deployment: Deployment) -> Json:
    values = deployment.model_dump(exclude_unset=True)
    values.pop("handover", None)
    return values


def _flat(values: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
