"""The text for the reader of a hand-over: a platform team that has the folder and nothing else.

Owns: the way to the first plan and apply, the tables and the costs. Leaves to others: the roles that the applying account needs
(`stacks.roles`), the design (`design`), an existing state (`continuation`), and what comes after the first apply (`operations`).
"""

import json
from collections.abc import Iterator
from typing import Any

from gitpod_pov.node_pool import ZONES_OF_A_REGION

from deployment.backend import CloudBackendConfig, GcsBackendConfig
from deployment.ingress import INGRESS_APIS
from deployment.model import Deployment
from deployment.parameters import ParameterKey
from handover.continuation import continuation
from handover.design import design
from handover.literal import blocks_of
from handover.markdown import listed, shell, table
from handover.operations import operations
from handover.shared_vpc import shared_vpc
from handover.stacks import Format, Stack
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
    form: Format,
) -> str:
    """Return the README.

    Args:
        name: the deployment's name.
        deployment: the deployment.
        roots: the stacks by folder, in order of application.
        modules: the same as modules.
        variables: the variables by parameter.
        risks: every risk with its meaning, as `name: meaning`.
        form: the syntax of the configuration.
    """
    main = "main.tf" if form == "hcl" else "main.tf.json"
    parts = [
        f"# {name}: a GKE cluster with {'labelled node pools' if deployment.pools else 'one labelled node pool'}, as Terraform",
        (
            f"One regional GKE cluster, its network, the service account of its nodes, {_pools(deployment)} of Ubuntu nodes with the "
            "labels of Gitpod's workloads, and its administrators. This folder is complete: it needs no other repository."
        ),
        table(("folder", "creates", "apply after"), _folders(roots)),
        "![The architecture: project, folders, cluster, network, node pool, and who can reach what; its text is in the file](picture.svg)",
        "## A first plan in five minutes",
        _first_plan(deployment, roots, form),
        "## What the applying account needs",
        table(("role", "on", "to", "source"), _roles(deployment, roots)),
        *_node_account(deployment),
        _apis(deployment, roots),
        *_charts(roots),
        *shared_vpc(deployment),
        "## Apply",
        _apply(roots),
        "## State",
        *continuation(name, deployment, roots, form),
        *design(deployment, roots, main),
        "## What it costs",
        _costs(deployment, roots),
        "## Known risks",
        _risks(deployment, risks),
        *operations(roots, deployment, main),
        "## Inputs",
        _about_inputs(form),
        table(("name", "type", "value of the source", "description", "folders"), _inputs(roots, modules, variables)),
        "## Outputs",
        table(("name", "description", "folders"), _outputs(roots, modules)),
        "## Resources",
        table(("folder", "resource", "how many"), _resources(roots)),
        "## As modules",
        _modules(modules),
        "## How this was verified",
        _verification(),
        "## The source deployment",
        (
            f"The deployment `{name}` sets these values and leaves the others at their defaults. What is not a variable is changed there, "
            "or in these files, which are then yours."
        ),
        table(("key", "value"), ((f"`{key}`", f"`{json.dumps(value)}`") for key, value in _flat(_own_values(deployment)))),
    ]
    return "\n\n".join(parts) + "\n"


def _pools(deployment: Deployment) -> str:
    if not deployment.pools:
        return "one autoscaled pool"
    return f"the autoscaled pools {listed((deployment.node_pool.name, *deployment.pools))}"


def _folders(roots: dict[str, Stack]) -> Iterator[tuple[str, ...]]:
    for folder, stack in roots.items():
        before = [f"`{other}`" for other, earlier in roots.items() if earlier.name in stack.kind.depends_on]
        yield f"`{folder}`", stack.kind.creates, ", ".join(before)


def _first_plan(deployment: Deployment, roots: dict[str, Stack], form: str) -> str:
    first, stack = next(iter(roots.items()))
    required = stack.content["terraform"]["required_version"].removeprefix(">= ").removesuffix(".0")
    values = "`terraform.tfvars`" if form == "hcl" else "`terraform.tfvars`, which you copy from `terraform.tfvars.example`,"
    needs = [
        f"Terraform {required} or newer, or OpenTofu; for OpenTofu, write `tofu` instead of `terraform`",
        "the `gcloud` CLI, and an account that may read the project",
        "`kubectl` and `gke-gcloud-auth-plugin`, through which `kubectl` logs in, to use the cluster after the apply",
    ]
    if isinstance(deployment.backend, CloudBackendConfig):
        needs.append(
            f"an account on `{deployment.backend.hostname}`, and in each workspace credentials for Google Cloud; the inputs can be "
            "variables of the workspace"
        )
    if isinstance(deployment.backend, GcsBackendConfig):
        needs.append(f"access to the objects of the bucket `{deployment.backend.bucket}`, unless you [start with a new state](#state)")
    login = ["terraform login " + deployment.backend.hostname] if isinstance(deployment.backend, CloudBackendConfig) else []
    return (
        "You need:\n\n"
        + "\n".join(f"- {need}" for need in needs)
        + f"\n\nFor a cluster of your own, set `project` in {values} of each folder, and read [State](#state) first. Then:\n\n"
        + shell(
            "gcloud components install kubectl gke-gcloud-auth-plugin",
            "gcloud auth application-default login",
            *login,
            f"terraform -chdir={first} init",
            f"terraform -chdir={first} plan",
        )
        + "\n\nThe plan changes nothing in the project. The other folders look the cluster up, so they can be planned when it exists. "
        "`terraform validate` checks a folder without an account."
    )


def _apply(roots: dict[str, Stack]) -> str:
    connect = [folder for folder, stack in roots.items() if "get_credentials_command" in stack.content["output"]]
    steps = [f"terraform -chdir={folder} {command}" for folder in roots for command in ("init", "apply")]
    return (
        "Apply the folders in the order of their numbers. Where folders share an input, give it the same value in each.\n\n"
        f"{shell(*steps)}"
        + "".join(
            f"\n\nThe output `get_credentials_command` of `{folder}` is the command that connects `kubectl`:\n\n"
            + shell(f'eval "$(terraform -chdir={folder} output -raw get_credentials_command)"', "kubectl get nodes")
            for folder in connect
        )
    )


def _about_inputs(form: str) -> str:
    where = "`terraform.tfvars` of each folder has" if form == "hcl" else "The defaults are"
    return (
        f"{where} the values of the source deployment. An empty list means the default. A value that is refused is reported with what is "
        "allowed: by `terraform plan` in a folder, and by `terraform validate` where a module is called with values, as in `example/`. "
        "`terraform plan` also checks the rules between values, such as ranges that must not overlap."
    )


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
    commands = [
        f"gcloud projects add-iam-policy-binding PROJECT --member serviceAccount:{account} --role {role}"
        for role in missing_grants(deployment)
    ]
    text = "These folders grant no role to the service account of the nodes. It must have these roles on the project:"
    paragraphs = [f"{text}\n\n{shell(*commands)}"] if commands else []
    if deployment.identity.email and not account.endswith(f"@{deployment.project}.iam.gserviceaccount.com"):
        paragraphs.append(
            f"If `{account}` belongs to another project than the cluster, the organization policy "
            "`constraints/iam.disableCrossProjectServiceAccountUsage` must not be enforced in its project, and the service agents of the "
            "cluster's project must be allowed to use it; PROJECT_NUMBER is the number of the cluster's project "
            "([source](https://docs.cloud.google.com/kubernetes-engine/security/configure-node-service-accounts)):\n\n"
            + shell(
                *(
                    f"gcloud iam service-accounts add-iam-policy-binding {account} --member "
                    f"serviceAccount:service-PROJECT_NUMBER@{agent}.iam.gserviceaccount.com --role {role}"
                    for agent, role in SERVICE_AGENTS.items()
                )
            )
        )
    return paragraphs


def _apis(deployment: Deployment, roots: dict[str, Stack]) -> str:
    enabled: dict[str, str] = {
        block["service"]: folder for folder, stack in roots.items() for kind, _, block in _blocks(stack) if kind == "google_project_service"
    }
    before = "The project must exist and have billing. These APIs must be enabled before the first apply: "
    of_the_stacks = {*deployment.apis.services, *(INGRESS_APIS if deployment.ingress else ())}
    needed = sorted({*_NEEDED_FIRST, *(() if enabled else of_the_stacks)})
    text = before + ", ".join(f"`{api}`" for api in needed) + "."
    for folder in dict.fromkeys(enabled.values()):
        apis = ", ".join(f"`{api}`" for api, by in enabled.items() if by == folder)
        text += f" `{folder}` enables these, and they stay enabled when it is destroyed: {apis}."
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
        f"Terraform loads charts when it plans and applies {listed(dict.fromkeys(folders.values()))}: the machine that runs it must reach "
        f"{listed(folders)}. Nodes pull the images of the charts from `quay.io` and `registry.k8s.io`."
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
        "The risks of this configuration, and whether the source deployment acknowledges them. The picture marks them. Keys are those of "
        "the source deployment.\n\n" + table(("risk", "meaning", "acknowledged"), rows)
        if rows
        else "None is known."
    )


def _costs(deployment: Deployment, roots: dict[str, Stack]) -> str:
    return "\n".join(f"- {line}" for line in _cost_lines(deployment, roots)) + (
        "\n\nPrices: [GKE](https://cloud.google.com/kubernetes-engine/pricing), "
        "[machines and disks](https://cloud.google.com/compute/all-pricing), [network](https://cloud.google.com/vpc/network-pricing), "
        "[logs and metrics](https://cloud.google.com/products/observability/pricing)."
    )


def _cost_lines(deployment: Deployment, roots: dict[str, Stack]) -> Iterator[str]:
    blocks = [*blocks_of(roots, deployment)]
    kinds = {kind for kind, _ in blocks}
    for kind, block in blocks:
        if kind == "google_container_node_pool":
            yield _nodes(deployment, block)
    yield "**Control plane**: a fee per hour, for as long as the cluster exists."
    if not deployment.cluster.private_nodes:
        yield "**External IP addresses** of the nodes: a fee per hour and node."
    if "google_compute_router_nat" in kinds:
        yield "**Cloud NAT**: a fee per hour, growing with the number of nodes, and one per gigabyte. Large image pulls pass through it."
    yield f"**Logs and metrics**: by volume. {_logs(deployment)}"
    if deployment.network.flow_logs:
        yield "**VPC Flow Logs**: by the gigabyte. Half of the connections are sampled, every five seconds."
    if "google_dns_managed_zone" in kinds:
        yield "**DNS zone**: a fee per month, and one per query."
    if deployment.cluster.secrets_kms_key or deployment.cluster.boot_disk_kms_key:
        yield "**Cloud KMS**: a fee per key version and month, and one per operation."
    yield "**Workloads**: load balancers, disks and traffic that they ask for. No plan shows them."


def _nodes(deployment: Deployment, pool: Json) -> str:
    node, scaling, zones = pool["node_config"], pool["autoscaling"], len(deployment.zones) or ZONES_OF_A_REGION
    where = f"{zones} zone{'s' if zones > 1 else ''}" + ("" if deployment.zones else ", as in most regions,")
    machine = f"`{node['machine_type']}`{' (Spot)' if node.get('spot') else ''} with {node['disk_size_gb']} GB of `{node['disk_type']}`"
    first = f"In {where} the pool `{pool['name']}` starts with {_times(pool.get('initial_node_count'), zones)} and has "
    if "total_max_node_count" in scaling:
        return f"**Nodes**: {machine} each. {first}{scaling.get('total_min_node_count', 0)} to {scaling['total_max_node_count']}."
    few, many = _times(scaling.get("min_node_count"), zones), _times(scaling.get("max_node_count"), zones)
    return f"**Nodes**, counted per zone: {machine} each. {first}{few} to {many}. An upgrade adds nodes for its duration."


def _times(count: Any, zones: int) -> int:
    return int(count or 0) * zones


def _logs(deployment: Deployment) -> str:
    cluster = deployment.cluster
    logs = "the default, system and workloads" if cluster.logging_components is None else ", ".join(cluster.logging_components) or "none"
    metrics = "the default" if cluster.monitoring_components is None else ", ".join(cluster.monitoring_components) or "none"
    prometheus = "the default of GKE" if cluster.managed_prometheus is None else "on" if cluster.managed_prometheus else "off"
    return f"Logs: {logs}. Metrics: {metrics}. Managed Prometheus, which charges per sample: {prometheus}."


def _verification() -> str:
    return (
        "Tests of the source project run folders like this one on real Terraform, with stand-ins for the providers: they have the real "
        "providers' schemas and their known behaviour, and no cloud behind them. Each folder and `example/` is planned, applied, planned "
        "again without a change, and destroyed, for several deployments. The commands under State, When something fails and Destroy run "
        "there too.\n\n"
        "**Not verified**: anything against Google Cloud. Nothing here was applied to a project, and what GKE does by itself is described "
        "from its documentation.\n\n"
        "`sha256sum --check MANIFEST.sha256` shows whether a file was changed after the hand-over."
    )


def _modules(modules: list[Stack]) -> str:
    return (
        f"{listed(f'modules/{module.name}' for module in modules)} are the same without provider configuration and backend, and with a "
        "range of provider versions in place of one. `example/` is a root that calls them all in one apply. Where a provider connects to "
        "what one module creates, the example configures it from that module's outputs. That is simple, with one limitation: a plan that "
        "would replace the cluster cannot configure such a provider. Where clusters are replaced, call each module from a root of its own, "
        "as the numbered folders do."
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
