"""The node service account, created here or an existing one.

Owns: the service account and its project roles. Leaves to others: all other members of these roles, because each grant adds or removes
only one member. The nodes need no keys: they read their credentials from the metadata server.

An existing account is not looked up: that would need permissions in its project. GKE refuses an account that it cannot use when it creates
the cluster, because the removed default pool runs under it too.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
"""

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from gitpod_pov.blocks import resources_of
from gitpod_pov.configuration import Configuration, known
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Role, ServiceAccountEmail, ServiceAccountId, Unique
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.reasons import Reasons
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Items, is_token

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


CREATED_ACCOUNT = "gitpod-gke"
"""ID of the service account that is created by default."""

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
    for index, role in enumerate(config.roles if config.grants_roles else ()):
        if (other := first.setdefault(_grant_id(role), role)) != role:
            yield Fault(("roles", index), f"has the same Terraform address as '{other}': grant one of the two outside this deployment")


def _account_beside_email(config: "NodeIdentityConfig") -> Iterator[Fault]:
    is_created = any(email is None for _, email in known(config, "email"))
    if not is_created and config.account_id != CREATED_ACCOUNT:
        yield Fault(
            ("account_id",), "contradicts identity.email: an existing account is not created; remove account_id, or remove identity.email"
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

    account_id: ServiceAccountId = CREATED_ACCOUNT
    """ID of the node service account, also its display name."""

    email: ServiceAccountEmail | None = None
    """E-mail address of an existing node service account, in this project or another one. Default: none, and the account `account_id` is
    created.
    """

    roles: Annotated[
        Items[Role],
        Unique,
        BeforeValidator(_named_roles, json_schema_input_type=Literal["guide", "least-privilege"] | tuple[Role, ...]),
    ] = ROLE_SETS["guide"]
    """Project roles of the node service account: a list, `guide` for the guide's four roles, or `least-privilege` for those that GKE nodes
    need. With the latter, workloads need their own credentials for Cloud Storage and Cloud DNS.
    """

    grant_roles: bool | None = None
    """Whether to grant `roles` in the project. If false, the account must already have them. Default: true for an account that is created
    here, false with `email`. A destroy removes the grants, even if they existed before.
    """

    rules = (_account_beside_email, _grants_apart)

    @property
    def grants_roles(self) -> bool:
        """Whether the roles are granted here."""
        return self.email is None if self.grant_roles is None else self.grant_roles

    def email_in(self, project: str) -> str:
        """Return the e-mail address of the account in a deployment of this project."""
        return self.email or f"{self.account_id}@{project}.iam.gserviceaccount.com"


REASONS: Reasons = {
    "google_service_account": {"": "The node service account, instead of the Compute Engine default service account."},
    "google_project_iam_member": {
        # _binding and _policy would remove the role from all other members.
        "": "Grants {role} to the node service account. Other members of the role are not affected.",
    },
}


class NodeIdentity(Construct):
    """The node service account, with its project roles.

    Attributes:
        email: the account's e-mail address, a token if the account is created here.
        member: the account as IAM names it, `serviceAccount:…`.
        name: the account as its own IAM policy names it, `projects/…/serviceAccounts/EMAIL`.
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
        if config.email is None:
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
            self.name: str = account.name
        else:
            self.email, self.member = config.email, f"serviceAccount:{config.email}"
            # A hyphen stands for the account's own project: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/get
            named = re.search(r"@([a-z0-9-]+)\.iam\.gserviceaccount\.com$", config.email)
            self.name = f"projects/{named[1] if named else '-'}/serviceAccounts/{config.email}"
        roles: Sequence[str] = config.roles if config.grants_roles else ()
        self.grants: list[ITerraformDependable] = [
            ProjectIamMember(
                self,
                name,
                project=project,
                role=role,
                member=self.member,
                for_each=for_each,
                depends_on=None if config.email is None else waiting_for(apis),  # a created account waits for them itself
                provider=provider,
            )
            for name, role, for_each in resources_of(roles, _grant_id)
        ]
        self._warn_of_risks(config, roles)

    def _warn_of_risks(self, config: NodeIdentityConfig, roles: Sequence[str]) -> None:
        if config.email is not None and not is_token(config.email) and config.grants_roles:
            warn(
                self,
                "destroy-removes-existing-grants",
                "identity.grant_roles grants roles to an existing service account, and a destroy removes these grants even if they existed "
                "before or other clusters need them; leave grant_roles out and grant the roles outside of this deployment",
            )
        if "roles/container.admin" in roles:
            warn(
                self,
                "node-account-is-cluster-admin",
                "the node service account has roles/container.admin, so any Pod that can use the credentials of the node can become "
                "cluster "
                'administrator; set identity.roles to "least-privilege" if the workloads allow it',
            )
        if broad := [role for role in roles if role in BROAD_ROLES]:
            warn(
                self,
                "node-account-has-broad-role",
                f"the node service account has {' and '.join(broad)}, so any Pod that can use the credentials of the node can read or "
                'control most of the project; set identity.roles to "least-privilege", or to the roles that the workloads need',
            )
