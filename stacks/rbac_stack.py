"""The RBAC stack: who may administer the cluster of the cluster stack.

It is a separate stack, because the Kubernetes provider must not be configured from a cluster that the same apply creates:
https://registry.terraform.io/providers/hashicorp/kubernetes/2.38.0/docs#stacking-with-managed-kubernetes-cluster-resources

It finds the cluster by name instead of reading the other stack's state. The two stacks can therefore have different backends and owners.
"""

from gitpod_pov.cluster_admins import ClusterAdmins

from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider
from constructs import Construct

from deployment.model import Deployment
from stacks.base import GitpodStack, cluster_access


class RbacStack(GitpodStack):
    """The cluster admins of one deployment."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment) -> None:
        super().__init__(scope, id, deployment, "kubernetes")
        KubernetesProvider(self, "kubernetes", **cluster_access(self, deployment))
        admins = ClusterAdmins(self, "admins", config=deployment.admins)
        self.add_outputs(cluster_admins=(admins.subjects, "Users and groups to which the ClusterRoleBinding grants the ClusterRole."))
