"""Who may manage RBAC in the cluster, and who else has a role in it.

Owns: the ClusterRoleBinding of the administrators, additional bindings, and the lookup of the account that runs Terraform if no member is
configured. Leaves to others: the ClusterRoles, which Kubernetes provides, and IAM roles, which also grant access to the cluster.

A configured list has priority. The guide binds the account that runs it, but a workspace of HCP Terraform runs with an identity that may
have no e-mail address and that no one uses with kubectl.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from gitpod_pov.blocks import Block
from gitpod_pov.configuration import Configuration, known
from gitpod_pov.faults import Fault, show
from gitpod_pov.gcp_names import SERVICE_ACCOUNT_EMAIL, Pattern, RbacName, Unique
from gitpod_pov.reasons import Reasons
from gitpod_pov.risks import warn
from gitpod_pov.tokens import Items, Nested, Table, is_token

from cdktf import Fn, IResolvable, Postcondition, TerraformIterator, TerraformProvider, TerraformResourceLifecycle, Token
from cdktf_cdktf_provider_google.data_google_client_openid_userinfo import DataGoogleClientOpenidUserinfo
from cdktf_cdktf_provider_kubernetes.cluster_role_binding_v1 import (
    ClusterRoleBindingV1,
    ClusterRoleBindingV1Metadata,
    ClusterRoleBindingV1RoleRef,
    ClusterRoleBindingV1Subject,
)
from cdktf_cdktf_provider_kubernetes.role_binding_v1 import (
    RoleBindingV1,
    RoleBindingV1Metadata,
    RoleBindingV1RoleRef,
    RoleBindingV1Subject,
)
from constructs import Construct
from pydantic import Field

_RBAC_API_GROUP = "rbac.authorization.k8s.io"
_MOST_SHOWN = 3

# For RBAC, a Google service account is a User whose name is the e-mail address.
SUBJECT_KINDS = {"user": "User", "serviceAccount": "User", "group": "Group"}

_EMAIL = r"[A-Za-z0-9._%+'-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
Member = Annotated[
    str,
    Pattern(
        rf"(user|group):{_EMAIL}|serviceAccount:{SERVICE_ACCOUNT_EMAIL}",
        "a member: user:EMAIL, group:EMAIL, or serviceAccount:EMAIL with a lowercase address that ends in gserviceaccount.com",
    ),
]
"""https://cloud.google.com/iam/docs/principal-identifiers"""

BindingName = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,252}",
        "a binding name: at most 253 letters, digits, hyphens and underscores, starting with a letter or digit",
    ),
]
"""What both a Terraform address and the name of an RBAC object can contain."""

Namespace = Annotated[
    str,
    Pattern(
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "a namespace: at most 63 lowercase letters, digits and hyphens, starting and ending with a letter or digit",
    ),
]
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names"""

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


def _creator_of(binding: str) -> str | None:
    """Return what creates a binding that the cluster comes with: Terraform cannot create it, and must not destroy it.

    Those of Kubernetes are `cluster-admin` and every name that starts with `system:`:
    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
    """
    if binding in GKE_BINDINGS:
        return "GKE"
    return "Kubernetes" if binding == "cluster-admin" or binding.startswith("system:") else None


def _binding_name(config: "ClusterAdminsConfig") -> Iterator[Fault]:
    if creator := _creator_of(config.binding_name):
        yield Fault(("binding_name",), f"is the name of a binding that {creator} creates: choose another, such as gitpod-admins")


def _binding_names(config: "ClusterAdminsConfig") -> Iterator[Fault]:
    """Yield a fault for every additional ClusterRoleBinding whose name another one has."""
    for name, binding in config.bindings.items():
        if binding.namespace is not None:
            continue
        if creator := _creator_of(name):
            yield Fault(("bindings", name), f"has the name of a ClusterRoleBinding that {creator} creates: choose another name")
        if name == config.binding_name:
            yield Fault(("bindings", name), "has the name in admins.binding_name: choose another name")


def _groups(config: "ClusterAdminsConfig | BindingConfig") -> Iterator[Fault]:
    for index, member in enumerate(config.members):
        if re.fullmatch(f"group:{SERVICE_ACCOUNT_EMAIL}", member):
            yield Fault(("members", index), "is a service account, not a group: use serviceAccount: instead of group:")


def group_faults(admins: "ClusterAdminsConfig", rbac_security_group: str | None) -> Iterator[Fault]:
    """Yield a fault for every group that RBAC ignores, because the cluster has no security group.

    Source: https://cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac
    """
    for key, members in _members(admins) if rbac_security_group is None else ():
        for index, member in enumerate(members):
            if member.startswith("group:"):
                yield Fault(
                    ("admins", *key, index),
                    'has no effect: RBAC ignores "group:" members unless cluster.rbac_security_group is set; set it to '
                    "gke-security-groups@DOMAIN, or list the users",
                )


def _members(admins: "ClusterAdminsConfig") -> Iterator[tuple[tuple[str, ...], Sequence[str]]]:
    """Yield the members of each binding, with their key."""
    for field, members in known(admins, "members"):
        yield (field,), members
    for name, binding in admins.bindings.items():
        yield ("bindings", name, "members"), binding.members


class BindingConfig(Configuration):
    """Configuration of an additional binding of `ClusterAdmins`."""

    role: RbacName
    """ClusterRole to bind, for example `view`. A change replaces the binding."""

    members: Annotated[Items[Member], Unique, Field(min_length=1)]
    """Principals to bind, as in admins.members."""

    namespace: Namespace | None = None
    """Namespace in which the role applies. It must exist. Default: all namespaces. A change replaces the binding."""

    rules = (_groups,)


class ClusterAdminsConfig(Configuration):
    """Configuration of `ClusterAdmins`."""

    members: Annotated[Items[Member], Unique] = ()
    """Principals to bind, each with its prefix `user:`, `group:` or `serviceAccount:`. A `group:` needs Google Groups for RBAC. Default:
    the account that runs Terraform.
    """

    cluster_role: RbacName = "cluster-admin"
    """ClusterRole to bind."""

    binding_name: RbacName = "cluster-admin-binding"
    """Name of the ClusterRoleBinding."""

    bindings: Table[BindingName, Nested[BindingConfig]] = Field(default={})
    """Additional role bindings. NAME is the name of the ClusterRoleBinding, or with a `namespace` of the RoleBinding, and part of the
    Terraform address.
    """

    rules = (_groups, _binding_name, _binding_names)


def _kind_and_name(member: str) -> tuple[str, str]:
    """Return a member as an RBAC subject: kind and name."""
    kind, colon, name = member.partition(":")
    if colon:
        return SUBJECT_KINDS[kind], name
    is_group = Fn.startswith(member, "group:")
    return Token.as_string(Fn.conditional(is_group, "Group", "User")), Token.as_string(Fn.element(Fn.split(":", member), 1))


def _subjects(members: Sequence[str], block: Callable[..., Block]) -> list[Block] | IResolvable:
    """Return the blocks of a binding's subjects, without a namespace: the provider sends an explicit one even for kinds that have none."""
    if is_token(members):
        each = TerraformIterator.from_list(list(members))
        kind, name = _kind_and_name(Token.as_string(each.value))
        return each.dynamic({"api_group": _RBAC_API_GROUP, "kind": kind, "name": name})
    return [block(api_group=_RBAC_API_GROUP, kind=kind, name=name) for kind, name in map(_kind_and_name, members)]


_SUBJECT = "A user, a group or a Google service account, which Kubernetes treats as a user. Addresses are compared exactly."
REASONS: Reasons = {
    "data.google_client_openid_userinfo": {"": "The account that runs Terraform. It becomes administrator if no other is listed."},
    "kubernetes_cluster_role_binding_v1": {"": "Grants the ClusterRole to the subjects in all namespaces.", "subject": _SUBJECT},
    "kubernetes_role_binding_v1": {"": "Grants the ClusterRole to the subjects in one namespace.", "subject": _SUBJECT},
}


class ClusterAdmins(Construct):
    """The role bindings of a cluster, first that of its administrators; needs a google and a kubernetes provider in its stack.

    Attributes:
        subjects: the names that are bound, as RBAC sees them; a token for the account that runs Terraform.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: ClusterAdminsConfig | None = None,
        provider: TerraformProvider | None = None,
        google_provider: TerraformProvider | None = None,
    ) -> None:
        """Add the binding.

        Args:
            scope: the construct to add it to.
            id: its name there.
            config: the configuration. Left out: the defaults.
            provider: the kubernetes provider. Left out: the stack's.
            google_provider: the google provider, with which the account that runs Terraform is looked up. Left out: the stack's.
        """
        super().__init__(scope, id)
        config = config or ClusterAdminsConfig()
        self._provider = provider
        members = config.members or (f"user:{self._applying_account(google_provider)}",)
        if is_token(members):
            self.subjects: list[str] = Fn.split(",", Fn.replace(Fn.join(",", list(members)), "/(^|,)[A-Za-z]+:/", "$1"))
        else:
            self.subjects = [_kind_and_name(member)[1] for member in members]
        for name, binding in config.bindings.items():
            self._bind(f"bindings_{name}", name, binding.role, binding.members, binding.namespace)
        self._bind("Default", config.binding_name, config.cluster_role, members)
        self._warn_of_risks(config)

    def _bind(self, id: str, name: str, role: str, members: Sequence[str], namespace: str | None = None) -> None:
        if namespace is None:
            ClusterRoleBindingV1(
                self,
                id,
                metadata=ClusterRoleBindingV1Metadata(name=name),
                role_ref=ClusterRoleBindingV1RoleRef(api_group=_RBAC_API_GROUP, kind="ClusterRole", name=role),
                subject=_subjects(members, ClusterRoleBindingV1Subject),
                provider=self._provider,
            )
        else:
            RoleBindingV1(
                self,
                id,
                metadata=RoleBindingV1Metadata(name=name, namespace=namespace),
                role_ref=RoleBindingV1RoleRef(api_group=_RBAC_API_GROUP, kind="ClusterRole", name=role),
                subject=_subjects(members, RoleBindingV1Subject),
                provider=self._provider,
            )

    def _warn_of_risks(self, config: ClusterAdminsConfig) -> None:
        if not config.members:
            warn(
                self,
                "applying-account-becomes-admin",
                "admins.members is empty, so each apply binds the account that runs Terraform and removes the previous one; list the "
                "administrators in admins.members",
            )
        for key, members in _members(config):
            known_members = () if is_token(members) else [member for member in members if not is_token(member)]
            if capital := [show(member) for member in known_members if (email := member.partition(":")[2]) != email.lower()]:
                some = ", ".join([*capital[:_MOST_SHOWN], *(["…"] if len(capital) > _MOST_SHOWN else [])])
                warn(
                    self,
                    "admin-email-has-capital-letters",
                    f"RBAC compares e-mail addresses exactly, and {'.'.join(('admins', *key))} has uppercase letters in {some}; write each "
                    "address as `kubectl auth whoami` prints it for that user",
                )

    def _applying_account(self, provider: TerraformProvider | None) -> str:
        return DataGoogleClientOpenidUserinfo(
            self,
            "applying_account",
            provider=provider,
            lifecycle=TerraformResourceLifecycle(
                postcondition=[
                    # The provider returns null under Workload Identity Federation without impersonation, and without the e-mail scope.
                    Postcondition(
                        condition='${self.email != null && self.email != ""}',
                        error_message=(
                            "Google returned no e-mail address for the account that runs Terraform. This happens with Workload Identity "
                            "Federation without impersonation, and with credentials without the e-mail scope. List the administrators in "
                            "admins.members of the deployment, or apply with credentials that have the scope "
                            "https://www.googleapis.com/auth/userinfo.email."
                        ),
                    )
                ]
            ),
        ).email
