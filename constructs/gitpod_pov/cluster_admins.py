"""Who may manage RBAC in the cluster.

Owns: one cluster role binding, and the look-up of the applying account where no member is configured. Leaves to others: the cluster
role, which Kubernetes ships, and IAM roles that grant access to the cluster beside RBAC.

Why a configured list comes first: the applying account is what the guide binds, but a workspace of Terraform Cloud applies under an
identity that may have no e-mail address, and is nobody's who will use kubectl.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control
"""

import re
from collections.abc import Iterator
from typing import Annotated

from gitpod_pov.configuration import Configuration, Fault, show
from gitpod_pov.gcp_names import SERVICE_ACCOUNT_EMAIL, Pattern, RbacName, Unique
from gitpod_pov.risks import warn

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
_MOST_SHOWN = 3

# To RBAC, GKE presents a Google service account as a User whose name is its e-mail.
SUBJECT_KINDS = {"user": "User", "serviceAccount": "User", "group": "Group"}

_EMAIL = r"[A-Za-z0-9._%+'-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
Member = Annotated[
    str,
    Pattern(
        rf"(user|group):{_EMAIL}|serviceAccount:{SERVICE_ACCOUNT_EMAIL}",
        "a member: user: or group: and an e-mail address, or serviceAccount: and one that ends in gserviceaccount.com, in lower case",
    ),
]
"""https://cloud.google.com/iam/docs/principal-identifiers"""

GKE_BINDINGS = frozenset(
    {
        *("ca-cr", "ca-pr-beta", "cluster-autoscaler", "cluster-autoscaler-updateinfo", "default:kmsplugin", "event-exporter-rb"),
        *("fluentbit-gke-pod-label-reader", "gce:beta:kubelet-certificate-bootstrap", "gce:beta:kubelet-certificate-rotation"),
        *("gce:cloud-provider", "gce:gke-metadata-server-reader", "gke-metrics-agent", "gmp-system:collector", "gmp-system:operator"),
        *("heapster-binding", "konnectivity-agent-cpha", "kube-apiserver-kubelet-api-admin", "kubelet-bootstrap"),
        *("kubelet-bootstrap-certificate-bootstrap", "kubelet-bootstrap-node-bootstrapper", "kubelet-cluster-admin"),
        *("kubelet-user-npd-binding", "maintenance-controller", "maintenance-handler", "master-monitoring-role-binding"),
        *("metrics-server:system:auth-delegator", "netd", "npd-binding", "pdcsi-controller-attacher-binding"),
        *("pdcsi-controller-provisioner-binding", "pdcsi-controller-resizer-binding", "pdcsi-snapshotter-binding"),
        *("snapshot-controller-role", "stackdriver:fluentd-gcp", "stackdriver:metadata-agent", "storage-version-migration-crd-creator"),
        *("storage-version-migration-initializer", "storage-version-migration-migrator", "storage-version-migration-migrator-v2"),
        *("storage-version-migration-trigger", "uas-hpa-external-metrics-reader"),
    }
)
"""Cluster role bindings that GKE creates without the prefix `system:`.

Sources: google/gke-auditor, KubernetesClusterDefaults.java (2020), and `kubectl get clusterrolebindings` of GKE clusters of 2022 and 2024.
"""


def _binding_of_the_cluster(config: "ClusterAdminsConfig") -> Iterator[Fault]:
    """Yield a fault when the binding is one that the cluster comes with: Terraform cannot create it, and must not destroy it.

    Those of Kubernetes are `cluster-admin` and every name that starts with `system:`:
    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
    """
    name = config.binding_name
    if name == "cluster-admin" or name.startswith("system:") or name in GKE_BINDINGS:
        owner = "GKE" if name in GKE_BINDINGS else "Kubernetes"
        yield Fault(("binding_name",), f"is a name that {owner} uses for a binding of its own: choose another, such as gitpod-admins", name)


def _groups(config: "ClusterAdminsConfig") -> Iterator[Fault]:
    for index, member in enumerate(config.members):
        if re.fullmatch(f"group:{SERVICE_ACCOUNT_EMAIL}", member):
            yield Fault(("members", index), "is a service account, which is not a group: write serviceAccount:", member)


def group_faults(admins: "ClusterAdminsConfig", rbac_security_group: str | None) -> Iterator[Fault]:
    """Yield a fault for every group that RBAC does not know, because the cluster has no security group.

    Source: https://cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac
    """
    for index, member in enumerate(admins.members if rbac_security_group is None else ()):
        if member.startswith("group:"):
            yield Fault(
                ("admins", "members", index),
                'has no effect: RBAC ignores "group:" members unless cluster.rbac_security_group is set; set it to '
                "gke-security-groups@DOMAIN, or list the users",
                member,
            )


class ClusterAdminsConfig(Configuration):
    """Configuration of `ClusterAdmins`."""

    members: Annotated[tuple[Member, ...], Field(strict=False), Unique] = Field(
        default=(),
        description=(
            "Who is bound: `user:`, `group:` or `serviceAccount:` and an e-mail address, in the spelling that Google has; a `group:` needs "
            "cluster.rbac_security_group. Left out: the account that applies, in place of the one that applied before."
        ),
    )
    cluster_role: RbacName = Field(default="cluster-admin", description="The cluster role that is bound.")
    binding_name: RbacName = Field(default="cluster-admin-binding", description="Name of the cluster role binding.")

    rules = (_groups, _binding_of_the_cluster)


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

        self._warn_of_risks(config)

    def _warn_of_risks(self, config: ClusterAdminsConfig) -> None:
        if not config.members:
            warn(
                self,
                "applying-account-becomes-admin",
                "admins.members is empty, so the account that applies is bound, and replaces the one that applied before; list the "
                "administrators in admins.members",
            )
        if capital := [show(member) for member in config.members if (email := member.partition(":")[2]) != email.lower()]:
            some = ", ".join([*capital[:_MOST_SHOWN], *(["…"] if len(capital) > _MOST_SHOWN else [])])
            warn(
                self,
                "admin-email-has-capital-letters",
                f"RBAC compares e-mail addresses exactly, and admins.members has capital letters in {some}; write each address as "
                "`kubectl auth whoami` prints it to its owner",
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
