"""Who may manage RBAC in the cluster.

Owns: one cluster role binding, and the look-up of the applying account where no member is configured. Leaves to others: the cluster
role, which Kubernetes ships, and IAM roles that grant access to the cluster beside RBAC.

Why a configured list comes first: the applying account is what the guide binds, but a workspace of Terraform Cloud applies under an
identity that may have no e-mail address, and is nobody's who will use kubectl.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control
"""

from typing import Annotated

from gitpod_pov.configuration import Configuration
from gitpod_pov.gcp_names import Pattern, RbacName, Unique

from cdktf import Postcondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_google.data_google_client_openid_userinfo import DataGoogleClientOpenidUserinfo
from cdktf_cdktf_provider_kubernetes.cluster_role_binding_v1 import (
    ClusterRoleBindingV1,
    ClusterRoleBindingV1Metadata,
    ClusterRoleBindingV1RoleRef,
    ClusterRoleBindingV1Subject,
)
from constructs import Construct
from pydantic import Field

_RBAC_API_GROUP = "rbac.authorization.k8s.io"

# To RBAC, GKE presents a Google service account as a User whose name is its e-mail.
SUBJECT_KINDS = {"user": "User", "serviceAccount": "User", "group": "Group"}

Member = Annotated[
    str,
    Pattern(
        r"(user|group|serviceAccount):[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
        "a member: user:, group: or serviceAccount: and an e-mail address",
    ),
]
"""https://cloud.google.com/iam/docs/principal-identifiers"""


class ClusterAdminsConfig(Configuration):
    """Configuration of `ClusterAdmins`."""

    members: Annotated[tuple[Member, ...], Field(strict=False), Unique] = Field(
        default=(),
        description="Who is bound: `user:`, `group:` or `serviceAccount:` and an e-mail address. Left out: the account that applies.",
    )
    cluster_role: RbacName = Field(default="cluster-admin", description="The cluster role that is bound.")
    binding_name: RbacName = Field(default="cluster-admin-binding", description="Name of the cluster role binding.")


class ClusterAdmins(Construct):
    """A cluster role binding for the administrators of a cluster; needs a google and a kubernetes provider in its stack.

    Attributes:
        subjects: the names that are bound, as RBAC sees them; a token for the applying account.
    """

    def __init__(self, scope: Construct, id: str, *, config: ClusterAdminsConfig | None = None) -> None:
        super().__init__(scope, id)
        config = config or ClusterAdminsConfig()
        members = [member.split(":", 1) for member in config.members] or [["user", self._applying_account()]]
        self.subjects: list[str] = [name for _, name in members]
        ClusterRoleBindingV1(
            self,
            "Default",
            metadata=ClusterRoleBindingV1Metadata(name=config.binding_name),
            role_ref=ClusterRoleBindingV1RoleRef(api_group=_RBAC_API_GROUP, kind="ClusterRole", name=config.cluster_role),
            # No namespace: the provider sends an explicit one even for kinds that have none.
            subject=[ClusterRoleBindingV1Subject(api_group=_RBAC_API_GROUP, kind=SUBJECT_KINDS[kind], name=name) for kind, name in members],
        )

    def _applying_account(self) -> str:
        userinfo = DataGoogleClientOpenidUserinfo(
            self,
            "applying_account",
            lifecycle=TerraformResourceLifecycle(
                postcondition=[
                    # The provider answers null under workload identity federation and without the e-mail scope.
                    Postcondition(
                        condition='${self.email != null && self.email != ""}',
                        error_message=(
                            "The account that applies has no e-mail address that Google tells, as under workload identity federation or "
                            "with credentials without the e-mail scope. Name the administrators in admins.members of the deployment, or "
                            "apply with credentials that have the scope https://www.googleapis.com/auth/userinfo.email."
                        ),
                    )
                ]
            ),
        )
        return userinfo.email
