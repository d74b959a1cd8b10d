"""The RBAC stack: who may administer the cluster of the cluster stack.

A stack of its own, because the Kubernetes provider must not be configured from a cluster that the same apply creates:
https://registry.terraform.io/providers/hashicorp/kubernetes/2.38.0/docs#stacking-with-managed-kubernetes-cluster-resources

It finds the cluster by name and not through the other stack's state, so that the two can live in different backends and belong to
different teams.
"""

from gitpod_pov.cluster_admins import ClusterAdmins

from cdktf import Fn, TerraformOutput
from cdktf_cdktf_provider_google.data_google_client_config import DataGoogleClientConfig
from cdktf_cdktf_provider_google.data_google_container_cluster import DataGoogleContainerCluster
from cdktf_cdktf_provider_google.provider import GoogleProvider
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider
from constructs import Construct

from deployment.model import Deployment
from stacks.base import GitpodStack


class RbacStack(GitpodStack):
    """The cluster admins of one deployment."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            id,
            providers={"google": deployment.providers.google, "kubernetes": deployment.providers.kubernetes},
            backend=deployment.backend,
            acknowledged_risks=deployment.acknowledged_risks,
        )
        project, region = deployment.project, deployment.region
        GoogleProvider(self, "google", project=project, region=region)
        cluster = DataGoogleContainerCluster(self, "cluster", project=project, location=region, name=deployment.cluster.name)
        client = DataGoogleClientConfig(self, "client")
        endpoint: str = cluster.endpoint
        ca_certificate: str | None = Fn.base64decode(cluster.master_auth.get(0).cluster_ca_certificate)
        if deployment.cluster.dns_endpoint:
            # A name in Google's own domain, whose certificate is signed by a public authority and not by the cluster's.
            endpoint = cluster.control_plane_endpoints_config.get(0).dns_endpoint_config.get(0).endpoint
            ca_certificate = None
        KubernetesProvider(
            self,
            "kubernetes",
            host=f"https://{endpoint}",
            cluster_ca_certificate=ca_certificate,
            token=client.access_token,
        )
        admins = ClusterAdmins(self, "admins", config=deployment.admins)
        TerraformOutput(
            self,
            "cluster_admins",
            value=admins.subjects,
            description="RBAC names of the users and groups that are bound to the cluster role.",
        )
