"""The text for the reader of a hand-over: a platform team that has the folder and nothing else.

Owns: the way to the first plan and apply, the tables and the costs. Leaves to others: the roles that the account that runs Terraform needs
(`stacks.roles`), the design (`design`), an existing state (`continuation`), and what comes after the first apply (`operations`).
"""

import json
from collections.abc import Iterator
from typing import Any

from gitpod_pov.node_pool import ZONES_OF_A_REGION

from deployment.backend import CloudBackendConfig, GcsBackendConfig
from deployment.ingress import INGRESS_APIS
from deployment.model import Deployment
from handover.contents import Handover
from handover.continuation import continuation
from handover.design import design
from handover.markdown import listed, shell, table
from handover.operations import operations
from handover.shared_vpc import shared_vpc
from handover.variables import Json, variable_name
from stacks.roles import SERVICE_AGENTS, missing_grants, required_roles

_NEEDED_FIRST = ("cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com")


def readme(handover: Handover) -> str:
    """Return the README."""
    name, deployment = handover.name, handover.deployment
    pools = f"the autoscaled pools {listed((deployment.node_pool.name, *deployment.pools))}" if deployment.pools else "one autoscaled pool"
    values = "`terraform.tfvars` of each folder has" if handover.form == "hcl" else "The defaults are"
    own_values = deployment.model_dump(exclude_unset=True, exclude={"handover"})
    parts = [
        f"# {name}: a GKE cluster with {'labelled node pools' if deployment.pools else 'one labelled node pool'}, as Terraform",
        (
            f"One regional GKE cluster, its network, the node service account, {pools} of Ubuntu nodes with the "
            "labels of Gitpod's workloads, and its administrators. This folder is complete: it needs no other repository."
        ),
        table(("folder", "creates", "apply after"), _folders(handover)),
        "![The architecture: project, folders, cluster, network, node pool, and who can reach what; its text is in the file](picture.svg)",
        "## A first plan in five minutes",
        *_first_plan(handover),
        "## Roles of the account that runs Terraform",
        table(("role", "on", "to", "source"), _roles(handover)),
        *_node_account(deployment),
        _apis(handover),
        *_charts(handover),
        *shared_vpc(deployment),
        "## Apply",
        *_apply(handover),
        "## State",
        *continuation(handover),
        *design(handover),
        "## What it costs",
        "\n".join(f"- {line}" for line in _costs(handover)),
        (
            "Prices: [GKE](https://cloud.google.com/kubernetes-engine/pricing), "
            "[machines and disks](https://cloud.google.com/compute/all-pricing), [network](https://cloud.google.com/vpc/network-pricing), "
            "[logs and metrics](https://cloud.google.com/products/observability/pricing)."
        ),
        "## Known risks",
        *_risks(handover),
        *operations(handover),
        "## Inputs",
        (
            f"{values} the values of the source deployment. Terraform refuses invalid values and shows what is allowed: in a folder during "
            "`terraform plan`, and where a module is called with values, as in `example/`, during `terraform validate`. `terraform plan` "
            "also checks the rules between values, such as ranges that must not overlap. A message names an input that is not a variable "
            f"by its key in the source deployment, such as `network.pods_range_name`: change it in `{handover.main}`."
        ),
        table(("name", "type", "value of the source", "description", "folders"), _inputs(handover)),
        "## Outputs",
        table(("name", "description", "folders"), _outputs(handover)),
        "## Resources",
        table(("folder", "resource", "how many"), _resources(handover)),
        "## As modules",
        (
            f"{listed(f'modules/{module.name}' for module in handover.modules)} are the same without provider configuration and backend, "
            "and with a range of provider versions instead of one version. `example/` is a root that calls them all in one apply. Where a "
            "provider connects to what one module creates, the example configures it from that module's outputs. That is simple, with one "
            "limitation: a plan that would replace the cluster cannot configure such a provider. Where clusters are replaced, call each "
            "module from a separate root, as the numbered folders do."
        ),
        "## How this was verified",
        (
            "Tests of the source project run folders like this one on real Terraform, with stand-ins for the providers: they have the real "
            "providers' schemas and their known behaviour, and no cloud behind them. Each folder and `example/` is planned, applied, "
            "planned again without a change, and destroyed, for several deployments. The Terraform commands under State, When something "
            "fails and Destroy run there too, with a local state."
        ),
        (
            "**Not verified**: anything against Google Cloud. Nothing here was applied to a project, and what GKE does by itself is "
            "described from its documentation."
        ),
        "`sha256sum --check MANIFEST.sha256` shows whether a file was changed after the hand-over.",
        "## The source deployment",
        (
            f"The deployment `{name}` sets these values and leaves the others at their defaults. To change a value that is not a "
            "variable, edit the source deployment or these files."
        ),
        table(("key", "value"), ((f"`{key}`", f"`{json.dumps(value)}`") for key, value in _flat(own_values))),
    ]
    return "\n\n".join(parts) + "\n"


def _folders(handover: Handover) -> Iterator[tuple[str, ...]]:
    for folder, stack in handover.roots.items():
        before = [f"`{other}`" for other, earlier in handover.roots.items() if earlier.name in stack.kind.depends_on]
        yield f"`{folder}`", stack.kind.creates, ", ".join(before)


def _first_plan(handover: Handover) -> Iterator[str]:
    first, stack = next(iter(handover.roots.items()))
    required = stack.content["terraform"]["required_version"].removeprefix(">= ").removesuffix(".0")
    values = "`terraform.tfvars`" if handover.form == "hcl" else "`terraform.tfvars`, which you copy from `terraform.tfvars.example`,"
    needs = [
        f"- Terraform {required} or newer, or OpenTofu; for OpenTofu, write `tofu` instead of `terraform`",
        "- the `gcloud` CLI, and an account with read access to the project",
        "- `kubectl` and `gke-gcloud-auth-plugin`, to use the cluster after the apply",
    ]
    commands = ["gcloud components install kubectl gke-gcloud-auth-plugin", "gcloud auth application-default login"]
    backend = handover.deployment.backend
    if isinstance(backend, CloudBackendConfig):
        commands.append(f"terraform login {backend.hostname}")
        needs.append(
            f"- an account on `{backend.hostname}`, and in each workspace credentials for Google Cloud; the inputs can be variables of the "
            "workspace"
        )
    if isinstance(backend, GcsBackendConfig):
        needs.append(f"- access to the objects of the bucket `{backend.bucket}`, unless you [start with a new state](#state)")
    yield "You need:"
    yield "\n".join(needs)
    yield f"For your own cluster, set `project` in {values} of each folder, and read [State](#state) first. Then:"
    yield shell(*commands, f"terraform -chdir={first} init", f"terraform -chdir={first} plan")
    yield (
        "The plan changes nothing in the project. The other folders look up the cluster, so you can plan them only after it exists. "
        "`terraform validate` checks a folder without a Google account."
    )


def _apply(handover: Handover) -> Iterator[str]:
    yield "Apply the folders in the order of their numbers. Where folders share an input, give it the same value in each."
    yield shell(*handover.terraform("init", "apply"))
    for folder, stack in handover.roots.items():
        if "get_credentials_command" in stack.content["output"]:
            yield f"The output `get_credentials_command` of `{folder}` is the command that connects `kubectl`:"
            yield shell(f'eval "$(terraform -chdir={folder} output -raw get_credentials_command)"', "kubectl get nodes")


def _resources(handover: Handover) -> Iterator[tuple[str, ...]]:
    for folder, stack in handover.roots.items():
        for kind, named in sorted(stack.content["resource"].items()):
            addresses = ", ".join(f"`{kind}.{name}`" for name in sorted(named))
            yield folder, addresses, str(len(named))


def _roles(handover: Handover) -> list[tuple[str, ...]]:
    deployment = handover.deployment
    project = "${var.project}" if handover.has_variable("project") else deployment.project
    contents = (stack.content for stack in handover.roots.values())
    required = required_roles(contents, project=project, node_account=deployment.identity.email)
    return [
        (
            f"`{role.role}`" if role.role.startswith("roles/") else role.role,
            "the project" if role.on == project else f"`{role.on}`",
            "; ".join(role.purposes),
            ", ".join(f"[source]({source})" for source in role.sources),
        )
        for role in required
    ]


def _node_account(deployment: Deployment) -> Iterator[str]:
    """Yield what the node service account needs and these folders do not grant."""
    account = deployment.identity.email or f"{deployment.identity.account_id}@PROJECT.iam.gserviceaccount.com"
    if missing := missing_grants(deployment):
        grant = f"gcloud projects add-iam-policy-binding PROJECT --member serviceAccount:{account} --role"
        yield "These folders grant no role to the node service account. It must have these roles on the project:"
        yield shell(*(f"{grant} {role}" for role in missing))
    if deployment.identity.email and not account.endswith(f"@{deployment.project}.iam.gserviceaccount.com"):
        grant = f"gcloud iam service-accounts add-iam-policy-binding {account} --member serviceAccount:service-PROJECT_NUMBER@"
        yield (
            f"If `{account}` belongs to a different project than the cluster, the organization policy "
            "`constraints/iam.disableCrossProjectServiceAccountUsage` must not be enforced in its project, and the service agents of the "
            "cluster's project must be allowed to use it; PROJECT_NUMBER is the number of the cluster's project "
            "([source](https://docs.cloud.google.com/kubernetes-engine/security/configure-node-service-accounts)):"
        )
        yield shell(*(f"{grant}{agent}.iam.gserviceaccount.com --role {role}" for agent, role in SERVICE_AGENTS.items()))


def _apis(handover: Handover) -> str:
    enabled: dict[str, list[str]] = {}
    for folder, _, api in handover.resources("google_project_service"):
        enabled.setdefault(folder, []).append(f"`{api['service']}`")
    apis = (*handover.deployment.apis.services, *(INGRESS_APIS if handover.deployment.ingress else ()))
    needed = ", ".join(f"`{api}`" for api in sorted({*_NEEDED_FIRST, *(() if enabled else apis)}))
    return f"The project must exist and have billing. These APIs must be enabled before the first apply: {needed}." + "".join(
        f" `{folder}` enables these, and they stay enabled when it is destroyed: {', '.join(services)}."
        for folder, services in enabled.items()
    )


def _charts(handover: Handover) -> Iterator[str]:
    """Yield a paragraph on where charts come from, if there are any."""
    folders = {block["repository"]: folder for folder, _, block in handover.resources("helm_release") if "repository" in block}
    if folders:
        yield (
            f"Terraform loads charts when it plans and applies {listed(dict.fromkeys(folders.values()))}: the machine that runs it must "
            f"reach {listed(folders)}. Nodes pull the images of the charts from `quay.io` and `registry.k8s.io`."
        )


def _inputs(handover: Handover) -> Iterator[tuple[str, ...]]:
    for key, variable in handover.variables.items():
        folders = [folder for folder, stack in handover.folders.items() if key in stack.parameters]
        default = f"`{json.dumps(variable['default'])}`"
        yield f"`{variable_name(key)}`", f"`{variable['type']}`", default, variable["description"], ", ".join(folders)


def _outputs(handover: Handover) -> Iterator[tuple[str, ...]]:
    folders: dict[tuple[str, str], list[str]] = {}
    for folder, stack in handover.folders.items():
        for name, output in sorted(stack.content["output"].items()):
            folders.setdefault((f"`{name}`", output["description"]), []).append(folder)
    for (name, description), found in folders.items():
        yield name, description, ", ".join(found)


def _risks(handover: Handover) -> Iterator[str]:
    acknowledged = handover.deployment.acknowledged_risks
    risks = (risk for stack in handover.roots.values() for risk in stack.risks)
    rows = [(f"`{name}`", meaning, "yes" if name in acknowledged else "no") for name, meaning in risks]
    if not rows:
        yield "Synthesis found none of the risks that it checks for."
        return
    yield (
        "The risks of this configuration, and whether the source deployment acknowledges them. The picture marks them. Inputs that are "
        "not variables have the names of their keys in the source deployment."
    )
    yield table(("risk", "meaning", "acknowledged"), rows)


def _costs(handover: Handover) -> Iterator[str]:
    deployment = handover.deployment
    for _, _, pool in handover.resources("google_container_node_pool"):
        yield _nodes(deployment, pool)
    yield "**Control plane**: a fee per hour, for as long as the cluster exists."
    if not deployment.cluster.private_nodes:
        yield "**External IP addresses** of the nodes: a fee per hour and node."
    if any(handover.resources("google_compute_router_nat")):
        yield "**Cloud NAT**: a fee per hour, growing with the number of nodes, and one per gigabyte. Large image pulls pass through it."
    yield f"**Logs and metrics**: by volume. {_logs(deployment)}"
    if deployment.network.flow_logs:
        yield "**VPC Flow Logs**: by the gigabyte. Half of the connections are sampled, every five seconds."
    if any(handover.resources("google_dns_managed_zone")):
        yield "**DNS zone**: a fee per month, and one per query."
    if deployment.cluster.secrets_kms_key or deployment.cluster.boot_disk_kms_key:
        yield "**Cloud KMS**: a fee per key version and month, and one per operation."
    yield "**Workloads**: the load balancers, disks and traffic that they use. No plan shows them."


def _nodes(deployment: Deployment, pool: Json) -> str:
    node, scaling, zones = pool["node_config"], pool["autoscaling"], len(deployment.zones) or ZONES_OF_A_REGION
    where = _counted("zone", zones) + ("" if deployment.zones else ", which GKE chooses,")
    machine = f"`{node['machine_type']}`{' (Spot)' if node.get('spot') else ''} with {node['disk_size_gb']} GB of `{node['disk_type']}`"
    if "total_max_node_count" in scaling:
        few, many, counted = scaling.get("total_min_node_count", 0), scaling["total_max_node_count"], ""
    else:
        few, many, counted = scaling.get("min_node_count", 0) * zones, scaling.get("max_node_count", 0) * zones, ", counted per zone"
    first = f"In {where} the pool `{pool['name']}` starts with {_counted('node', pool.get('initial_node_count', 0) * zones)}"
    return f"**Nodes**{counted}: {machine} each. {first} and scales from {few} to {many}.{_during_an_upgrade(pool['upgrade_settings'])}"


def _counted(noun: str, count: int) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _during_an_upgrade(settings: Json) -> str:
    if settings.get("strategy") == "BLUE_GREEN":
        return " An upgrade doubles the nodes for its duration."
    return " An upgrade adds nodes for its duration." if settings["max_surge"] else ""


def _logs(deployment: Deployment) -> str:
    cluster = deployment.cluster
    logs = (
        "GKE's default (system and workload logs)"
        if cluster.logging_components is None
        else ", ".join(cluster.logging_components) or "none"
    )
    metrics = "GKE's default" if cluster.monitoring_components is None else ", ".join(cluster.monitoring_components) or "none"
    prometheus = "GKE's default" if cluster.managed_prometheus is None else "on" if cluster.managed_prometheus else "off"
    return f"Logs: {logs}. Metrics: {metrics}. Managed Prometheus, which is billed by the sample: {prometheus}."


def _flat(values: Json, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
