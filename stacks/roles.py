"""The IAM roles that the account that runs Terraform needs.

Owns: the table from each type of resource and data source to roles, with their sources, and the list of roles for the stacks of a
deployment. Leaves to others: where the list is printed (`make show`, the hand-over), and the state's bucket or workspace.

A role is predefined and the narrowest one that has the permissions. A platform team can use custom roles instead: the sources name the
permissions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployment.model import Deployment
from stacks.registry import synthesize


@dataclass(frozen=True)
class Need:
    """A role that a type of resource or data source needs.

    Attributes:
        role: the role.
        purpose: what it is needed for, as an infinitive without `to`.
        source: the document or the source code that says so.
        on_node_account: whether a grant on the node service account is enough. Otherwise the role is needed on the project of
            the resource.
    """

    role: str
    purpose: str
    source: str
    on_node_account: bool = False


SERVICE_AGENTS: Mapping[str, str] = {
    "container-engine-robot": "roles/iam.serviceAccountUser",
    "compute-system": "roles/iam.serviceAccountTokenCreator",
}
"""What the service agents of GKE and Compute Engine need on a node service account of another project.

https://docs.cloud.google.com/kubernetes-engine/security/configure-node-service-accounts
"""


@dataclass(frozen=True)
class RequiredRole:
    """A role that the account that runs Terraform needs.

    Attributes:
        role: the role.
        on: the ID of the project, or the e-mail address of the service account, on which it is needed.
        purposes: what it is needed for.
        sources: the documents that say so.
    """

    role: str
    on: str
    purposes: tuple[str, ...]
    sources: tuple[str, ...]


_ROLES = "https://cloud.google.com/iam/docs/roles-permissions"
_PERMISSIONS = "https://cloud.google.com/kubernetes-engine/docs/reference/api-permissions"
_RBAC = "https://cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control"
_PROVIDER = "https://github.com/hashicorp/terraform-provider-google/blob/v7.45.0/google/services/container"

_ACCOUNTS = Need("roles/iam.serviceAccountAdmin", "manage service accounts and grants on them", f"{_ROLES}/iam")
_NETWORKS = Need("roles/compute.networkAdmin", "manage networks, subnetworks, routers and Cloud NAT", f"{_ROLES}/compute")
_CLUSTERS = Need("roles/container.admin", "manage the cluster and its node pools", _PERMISSIONS)
_ACT_AS = Need("roles/iam.serviceAccountUser", "run nodes under their service account", _PERMISSIONS, on_node_account=True)
# The provider reads the instance groups of every node pool, also where it only looks the cluster up.
_INSTANCE_GROUPS = Need("roles/compute.viewer", "read the instance groups of node pools", f"{_PROVIDER}/resource_container_node_pool.go")
_BINDINGS = Need("roles/container.admin", "bind Kubernetes roles", _RBAC)
_ZONES = Need("roles/dns.admin", "manage the DNS zone", f"{_ROLES}/dns")

NEEDS: Mapping[str, tuple[Need, ...]] = {
    "google_project_service": (Need("roles/serviceusage.serviceUsageAdmin", "enable APIs", f"{_ROLES}/serviceusage"),),
    "google_service_account": (_ACCOUNTS,),
    "google_service_account_iam_member": (_ACCOUNTS,),
    "google_project_iam_member": (
        Need("roles/resourcemanager.projectIamAdmin", "grant roles on the project", f"{_ROLES}/resourcemanager"),
    ),
    "google_compute_network": (_NETWORKS,),
    "google_compute_subnetwork": (_NETWORKS,),
    # compute.subnetworks.setIamPolicy, which roles/compute.networkAdmin does not have.
    "google_compute_subnetwork_iam_member": (Need("roles/iam.securityAdmin", "grant roles on the subnetwork", f"{_ROLES}/compute"),),
    "google_compute_router": (_NETWORKS,),
    "google_compute_router_nat": (_NETWORKS,),
    "google_container_cluster": (_CLUSTERS, _ACT_AS, _INSTANCE_GROUPS),
    "google_container_node_pool": (_CLUSTERS, _ACT_AS, _INSTANCE_GROUPS),
    "google_dns_managed_zone": (_ZONES,),
    # dns.managedZones.setIamPolicy, which roles/dns.admin does not have.
    "google_dns_managed_zone_iam_member": (Need("roles/iam.securityAdmin", "grant roles on the DNS zone", f"{_ROLES}/dns"),),
    "kubernetes_cluster_role_binding_v1": (_BINDINGS,),
    "kubernetes_role_binding_v1": (_BINDINGS,),
    "kubernetes_namespace_v1": (Need("roles/container.admin", "create namespaces", _PERMISSIONS),),
    "helm_release": (Need("roles/container.admin", "install charts, which contain Kubernetes roles", _RBAC),),
    # Both read the credentials that Terraform runs with. The e-mail address needs the OAuth scope userinfo.email, not a role.
    "data.google_client_config": (),
    "data.google_client_openid_userinfo": (),
    "data.google_project": (Need("roles/browser", "read the number of the project", f"{_ROLES}/resourcemanager"),),
    "data.google_compute_subnetwork": (Need("roles/compute.networkUser", "read and use the subnetwork", f"{_ROLES}/compute"),),
    # With the cluster's credentials, for which container.clusters.get is not enough.
    "data.google_container_cluster": (_CLUSTERS, _INSTANCE_GROUPS),
    "data.google_container_engine_versions": (_CLUSTERS,),
    "data.google_dns_managed_zone": (_ZONES,),
}
"""What each type of resource and data source needs."""


def required_roles(contents: Iterable[Mapping[str, Any]], *, project: str, node_account: str | None) -> list[RequiredRole]:
    """Return the roles that the account that runs Terraform needs for stacks, sorted by where they are needed.

    Args:
        contents: the Terraform configuration of each stack.
        project: the project of resources that do not name theirs.
        node_account: the e-mail address of the existing node service account. None if the stacks create the account.
    """
    found: dict[tuple[str, str], list[Need]] = {}
    for content in contents:
        for kind, block in _blocks(content):
            unknown = Need("see the provider's documentation", f"use {kind}", "https://registry.terraform.io/browse/providers")
            for need in NEEDS.get(kind, (unknown,)):
                on = (need.on_node_account and node_account) or block.get("project") or project
                found.setdefault((on, need.role), []).append(need)
    return [
        RequiredRole(role, on, tuple(dict.fromkeys(need.purpose for need in needs)), tuple(dict.fromkeys(need.source for need in needs)))
        for (on, role), needs in sorted(found.items(), key=lambda item: item[0])
    ]


def _blocks(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for section, prefix in (("resource", ""), ("data", "data.")):
        for kind, named in content.get(section, {}).items():
            for block in named.values():
                yield f"{prefix}{kind}", block


def roles_of(name: str, deployment: Deployment) -> list[RequiredRole]:
    """Return the roles that the account that runs Terraform needs for a deployment, which is synthesized for it."""
    contents = (stack.content for stack in synthesize(name, deployment))
    return required_roles(contents, project=deployment.project, node_account=deployment.identity.email)


def missing_grants(deployment: Deployment) -> Sequence[str]:
    """Return the project roles that the node service account must have and that the stacks do not grant."""
    return () if deployment.identity.grants_roles else deployment.identity.roles
