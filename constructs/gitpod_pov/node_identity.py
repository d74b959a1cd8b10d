"""The service account of the nodes.

Owns: the service account and its project roles. Leaves to others: all other members of these roles, because each grant adds and removes
only itself. There are no keys: the nodes read their credentials from the metadata server.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
"""

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from gitpod_pov.blocks import resources_of
from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Role, ServiceAccountId, Unique
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Items

from cdktf import ITerraformDependable, TerraformProvider
from cdktf_cdktf_provider_google.project_iam_member import ProjectIamMember
from cdktf_cdktf_provider_google.service_account import ServiceAccount
from constructs import Construct
from pydantic import BeforeValidator

ROLE_SETS = MappingProxyType(
    {
        "guide": (
            "roles/storage.admin",
            "roles/logging.logWriter",
            "roles/monitoring.metricWriter",
            "roles/container.admin",
        ),
        # The roles that GKE requires for nodes, and those of its logging and monitoring agents.
        "least-privilege": (
            "roles/container.defaultNodeServiceAccount",
            "roles/logging.logWriter",
            "roles/monitoring.metricWriter",
            "roles/stackdriver.resourceMetadata.writer",
        ),
    }
)
"""The lists of roles that have a name in a deployment file."""


BROAD_ROLES = frozenset(
    {
        # The basic roles, today's and the legacy ones: https://cloud.google.com/iam/docs/roles-overview#basic
        *("roles/admin", "roles/writer", "roles/reader", "roles/owner", "roles/editor", "roles/viewer"),
        # Roles that can grant any role: https://cloud.google.com/iam/docs/roles-permissions/resourcemanager
        *("roles/resourcemanager.projectIamAdmin", "roles/iam.securityAdmin"),
        # Roles that can act as any service account of the project: https://cloud.google.com/iam/docs/service-account-permissions
        *("roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator"),
        *("roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountKeyAdmin"),
    }
)
"""Project roles that control most of a project, directly or through another account."""


def _named_roles(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ROLE_SETS:
            raise ValueError(f"is not a role set: use {' or '.join(ROLE_SETS)}, or a list of roles")
        return ROLE_SETS[value]
    return value


def _grant_id(role: str) -> str:
    """Return the part of the grant's address that names the role: `storage_admin` for roles/storage.admin."""
    return re.sub(r"[^A-Za-z0-9-]", "_", role.removeprefix("roles/"))


def _grants_apart(config: "NodeIdentityConfig") -> Iterator[Fault]:
    first: dict[str, str] = {}
    for index, role in enumerate(config.roles):
        if (other := first.setdefault(_grant_id(role), role)) != role:
            yield Fault(
                ("roles", index), (f"has the same Terraform address as '{other}': grant one of the two outside this deployment"), role
            )


def custom_role_faults(project: str, roles: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault for every custom role that belongs to another project; a project's custom role can be granted in that project only.

    Source: https://cloud.google.com/iam/docs/roles-overview#custom
    """
    for index, role in enumerate(roles):
        kind, _, rest = role.partition("/")
        if kind == "projects" and (owner := rest.partition("/")[0]) != project:
            yield Fault(
                ("identity", "roles", index),
                f"is a custom role of project '{owner}', which cannot be granted in '{project}': create it there, or use an organization "
                "role",
                role,
            )


class NodeIdentityConfig(Configuration):
    """Configuration of `NodeIdentity`."""

    account_id: ServiceAccountId = "gitpod-gke"
    """ID of the nodes' service account, also its display name."""

    roles: Annotated[
        Items[Role],
        Unique,
        BeforeValidator(_named_roles, json_schema_input_type=Literal["guide", "least-privilege"] | tuple[Role, ...]),
    ] = ROLE_SETS["guide"]
    """Project roles of the service account: a list, `guide` for the guide's four roles, or `least-privilege` for only what GKE nodes
    need. With the latter, workloads need their own credentials for Cloud Storage and Cloud DNS.
    """

    rules = (_grants_apart,)


class NodeIdentity(Construct):
    """The service account of the nodes, with its project roles.

    Attributes:
        email: the account's e-mail address, as a token.
        member: the account as IAM names it, `serviceAccount:…`, as a token.
        grants: for `depends_on` of resources that need the roles.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        apis: ProjectApis | None = None,
        config: NodeIdentityConfig | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        super().__init__(scope, id)
        config = config or NodeIdentityConfig()
        account = ServiceAccount(
            self,
            "Default",
            project=project,
            account_id=config.account_id,
            display_name=config.account_id,
            depends_on=waiting_for(apis),
            provider=provider,
        )
        self.email: str = account.email
        self.member: str = account.member
        # google_project_iam_member only adds; _binding and _policy would remove the role from all other members.
        self.grants: list[ITerraformDependable] = [
            ProjectIamMember(self, name, project=project, role=role, member=self.member, for_each=for_each, provider=provider)
            for name, role, for_each in resources_of(config.roles, _grant_id)
        ]
        if "roles/container.admin" in config.roles:
            warn(
                self,
                "node-account-is-cluster-admin",
                "the nodes' service account holds roles/container.admin: with the cloud-platform scope, which nodes have by default, any "
                'pod can become cluster admin; set identity.roles to "least-privilege" where the workloads allow it',
            )
        if broad := [role for role in config.roles if role in BROAD_ROLES]:
            warn(
                self,
                "node-account-has-broad-role",
                f"the nodes' service account holds {' and '.join(broad)}: any pod can use it to read or control most of the project; "
                'set identity.roles to "least-privilege", or to the roles that the workloads need',
            )
