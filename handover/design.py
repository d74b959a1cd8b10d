"""The sections of a hand-over's README on the design: why it is as it is, who reaches it, what Google upgrades, and what a change does.

Owns: the answers to what a team asks before it changes something. They follow from the deployment's values, and from the table of changes
in docs/operations.md, which is observed. Leaves to others: what to do when something fails (`operations`).

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from gitpod_pov.maintenance import MaintenanceWindow

from deployment.model import Deployment
from deployment.parameters import SUBNETWORK_RANGES
from handover.contents import Handover
from handover.markdown import listed, shell
from handover.variables import variable_name

_CHANGES = Path(__file__).parents[1] / "docs" / "operations.md"
_STACKING = "https://registry.terraform.io/providers/hashicorp/kubernetes/2.38.0/docs#stacking-with-managed-kubernetes-cluster-resources"
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday", "SU": "Sunday"}


def design(handover: Handover) -> list[str]:
    """Return the sections in order, each heading and each text as one part."""
    return [
        "## Why it is built this way",
        "\n".join(_reasons(handover)),
        "## Who can reach the control plane",
        "\n".join([*_access(handover), *_permissions(handover)]),
        "## What Google upgrades, and when",
        *_upgrades(handover),
        "## What you can change without replacing nodes",
        *_changes(handover),
    ]


def _input_name(handover: Handover, key: str) -> str:
    """Return the name of an input for the reader: its variable, or its key if it has no variable."""
    return f"`{variable_name(key) if handover.has_variable(key) else key}`"


def _edit(handover: Handover, key: str, block: str) -> str:
    """Return where a reader changes an input: in its variable, or in a block of a file."""
    return _input_name(handover, key) if handover.has_variable(key) else f"`{block}` in `{handover.main}`"


def _reasons(handover: Handover) -> Iterator[str]:
    yield (
        "- **The node pool is a separate resource**, not a part of `google_container_cluster`. A pool inside the cluster resource "
        "cannot be changed without replacing the cluster. GKE creates every cluster with a default pool, so `remove_default_node_pool` "
        "deletes that one, and `google_container_node_pool` manages the nodes."
    )
    if len(handover.roots) > 1:
        yield (
            "- **Each folder has its own state**, because the Kubernetes provider must not be configured from a cluster that the "
            f"same apply creates ([documentation]({_STACKING})). A folder finds the cluster by its name and does not read another state, "
            "so that the folders can belong to different teams."
        )
    yield (
        f"- **Terraform ignores some changes** (`ignore_changes` in `{handover.main}`): arguments that GKE, an upgrade or the console may "
        "set. Reverting them would replace the cluster or its nodes, or change a version."
    )
    yield (
        "- **Roles are added one by one** with `google_project_iam_member`. It changes nothing for the other members of a role, while "
        "`google_project_iam_binding` and `google_project_iam_policy` would remove them."
    )


def _access(handover: Handover) -> Iterator[str]:
    cluster = handover.deployment.cluster
    networks = cluster.authorized_networks
    allowed = ", ".join(f"`{cidr}` ({name})" for name, cidr in (networks or {}).items())
    edit = _edit(handover, "cluster.authorized_networks", "master_authorized_networks_config")
    if cluster.private_endpoint:
        yield (
            "- **By IP address**: the control plane has only an internal IP address, which accepts connections from the cluster's "
            f"nodes{f' and from {allowed}' if allowed else ''}; {edit} determines from which other networks."
        )
    elif networks is None:
        yield (
            "- **By IP address**: the external IP address of the control plane accepts connections from every network. To "
            f"restrict it, list your networks in {edit}."
        )
    else:
        yield (
            f"- **By IP address**: the external IP address of the control plane accepts connections from the cluster's nodes"
            f"{f' and from {allowed}' if allowed else ' only'}; {edit} determines from which networks."
        )
    if cluster.dns_endpoint:
        yield (
            "- **By DNS name**: the DNS endpoint accepts connections from every network. Google checks the IAM permission "
            "`container.clusters.connect` before a request reaches the cluster. Terraform and `kubectl` connect this way."
        )
    else:
        yield "- **By DNS name**: the DNS endpoint is off (`allow_external_traffic` is false)."
    if cluster.anonymous_authentication == "LIMITED":
        yield "- **Without credentials**: only the health checks answer."
    else:
        yield "- **Without credentials**: anonymous requests have only the permissions that RBAC grants to them."


def _permissions(handover: Handover) -> Iterator[str]:
    for folder, address, binding in handover.resources("kubernetes_cluster_role_binding_v1", "kubernetes_role_binding_v1"):
        name, namespace = binding["metadata"]["name"], binding["metadata"].get("namespace")
        where = f" in the namespace `{namespace}`" if namespace else ""
        role = f"{binding['role_ref']['kind']} `{binding['role_ref']['name']}`{where}"
        subjects = ", ".join(f"`{subject['name']}` ({subject['kind']})" for subject in binding["subject"])
        if "dynamic" in handover.roots[folder].blocks[address] or "google_client_openid_userinfo" in subjects:
            subjects = ", ".join(f"`{member}`" for member in handover.deployment.admins.members) or (
                "the account that runs Terraform, because no members are listed; the next account that runs Terraform takes its place"
            )
        yield f"- **Who may do what**: the binding `{name}` grants the {role} to {subjects}."
    yield "- **Through IAM**: roles on the project, such as `roles/container.admin` and `roles/owner`, grant access to the cluster as well."
    granted = {grant["role"] for _, _, grant in handover.resources("google_project_iam_member")}
    if "roles/container.admin" in granted and not handover.deployment.cluster.workload_identity:
        yield (
            "- **From inside**: the node service account has `roles/container.admin`, and every Pod can use it. Anyone who can run a "
            "Pod can become cluster administrator."
        )


def _upgrades(handover: Handover) -> Iterator[str]:
    deployment = handover.deployment
    cluster = deployment.cluster
    if cluster.has_release_channel:
        yield f"The cluster is in the release channel {cluster.release_channel}."
    else:
        yield (
            "The cluster is in no release channel. GKE has refused new clusters without a channel since 2026-08-21, and ends support for "
            "existing ones on 2027-06-14."
        )
    nodes = cluster.has_release_channel if deployment.node_pool.auto_upgrade is None else deployment.node_pool.auto_upgrade
    rows = [(what, *_until(deployment, scopes)) for what, scopes in _STOPPED_BY.items() if nodes or not what.startswith("nodes")]
    if not nodes:
        rows.append(("nodes", "no: `auto_upgrade` is off", ""))
    yield "\n".join(["| what | upgraded by Google | hours |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])
    yield (
        "When a minor version reaches end of support, GKE upgrades the cluster regardless of exclusions. An upgrade of the nodes "
        "replaces them in the way that the pool's `upgrade_settings` specifies; the Pods on a node end when it is drained. To choose the "
        "hours, change "
        f"{_edit(handover, 'cluster.maintenance_window', 'recurring_window')}; for the exclusions and the channel, edit "
        f"`maintenance_exclusion` and `release_channel` in `{handover.main}`."
    )
    upgrade = f"gcloud container clusters upgrade {cluster.name} {handover.place}"
    pools = [f"{upgrade} --node-pool {pool['name']}" for _, _, pool in handover.resources("google_container_node_pool")]
    if cluster.version:
        yield (
            f"To upgrade the cluster yourself, set `min_master_version` in `{handover.main}` to the new version and apply, which upgrades "
            "the control plane. Terraform ignores the version of the nodes:"
        )
        yield shell(*pools)
    else:
        yield "To upgrade the cluster yourself, use `gcloud`. Terraform ignores both versions, so that the plan stays empty:"
        yield shell(f"{upgrade} --master --cluster-version VERSION", *pools)


_MINOR = frozenset({"NO_UPGRADES", "NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES"})
_STOPPED_BY = {
    "control plane, patch versions": frozenset({"NO_UPGRADES"}),
    "control plane, minor versions": _MINOR,
    "nodes, patch versions": _MINOR - {"NO_MINOR_UPGRADES"},
    "nodes, minor versions": _MINOR,
}
"""Which scopes of exclusions stop an upgrade."""


def _until(deployment: Deployment, scopes: Collection[str]) -> tuple[str, str]:
    """Return whether GKE makes upgrades that exclusions with these scopes stop, and in which hours."""
    stopping = [exclusion for exclusion in deployment.cluster.effective_exclusions if exclusion.scope in scopes]
    open_ended = [f"exclusion `{exclusion.name}`" for exclusion in stopping if exclusion.end_time is None]
    if open_ended:
        return f"not before the end of support of the minor version ({', '.join(open_ended)})", ""
    hours = _window(deployment.cluster.maintenance_window)
    periods = [f"from {exclusion.start_time} to {exclusion.end_time} (exclusion `{exclusion.name}`)" for exclusion in stopping]
    return f"yes, except {', '.join(periods)}" if periods else "yes", hours


def _window(window: MaintenanceWindow | None) -> str:
    if window is None:
        return "at any time"
    days = [_DAYS[day] for day in window.recurrence.partition("BYDAY=")[2].split(",") if day]
    on = ("on " + ", ".join(days) if days else "every week") if "WEEKLY" in window.recurrence else "every day"
    return f"{on}, {window.start_time[11:16]} to {window.end_time[11:16]} UTC, first on {window.start_time[:10]}"


def _changes(handover: Handover) -> Iterator[str]:
    groups: dict[str, list[str]] = {
        "the nodes stay": [],
        "GKE recreates the nodes, although Terraform shows an update in place": [],
        "Terraform replaces the node pool: all nodes are deleted, then created": [],
        "Terraform replaces the cluster, and the nodes with it": ["project", "region"],
        "not possible: fixed when the cluster is created": [],
        "not possible: Google refuses to change a range that a cluster uses": [],
    }
    stay, recreated, pool, cluster, fixed, in_use = groups.values()
    for key, effect, recreates in effects():
        replaced = [noun.strip() for part in re.findall(r"([^;]+) \*\*replaced\*\*", effect) for noun in part.split(",")]
        if key in SUBNETWORK_RANGES:  # whatever Terraform plans
            in_use.append(key)
        elif effect == "refused":
            fixed.append(key)
        elif "cluster" in replaced:
            cluster.append(key)
        elif "node pool" in replaced:
            pool.append(key)
        else:
            (recreated if recreates else stay).append(key)
    keys = [key for group in groups.values() for key in group if "." not in key and not handover.has_variable(key)]
    yield (
        "Nearly every input was changed once, and the plan was recorded (with google 7.45.0). Names with a dot, and "
        f"{listed(keys)}, are keys of the source deployment. All others are variables. The argument of a key in `{handover.main}` has a "
        "similar name. When a node is deleted, its Pods end, and with them the workspaces."
    )
    rows = [f"| {effect} | {', '.join(_input_name(handover, key) for key in keys)} |" for effect, keys in groups.items()]
    yield "\n".join(["| when it changes | input |", "|---|---|", *rows])
    protection = (
        "`prevent_destroy` and `deletion_protection` refuse a plan that replaces the cluster."
        if handover.deployment.cluster.deletion_protection
        else "Read each plan: `deletion_protection` is false, and nothing else prevents Terraform from replacing the cluster."
    )
    yield (
        f"{_input_name(handover, 'network.nodes_cidr')} can still grow to a range that contains the present one. If you remove a zone from "
        f"{_input_name(handover, 'zones')}, its nodes are deleted. Google refuses to delete a subnetwork that a cluster uses. Terraform "
        f"ignores a change of `datapath_provider`: to change `cluster.network_policy`, create another cluster. {protection}"
    )


def effects() -> Iterator[tuple[str, str, bool]]:
    """Yield each input with what the plan does when its value changes, and whether GKE then recreates the nodes."""
    table = _CHANGES.read_text(encoding="utf-8").partition("<!-- changes:begin -->\n")[2].partition("<!-- changes:end -->")[0]
    for row in table.splitlines()[2:]:
        key, changed, _, recreates = (cell.strip() for cell in row.strip("|").split("|"))
        yield key.strip("`"), changed, bool(recreates)
