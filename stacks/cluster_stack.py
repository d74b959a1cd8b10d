"""The cluster stack: the GCP identity layer and the labelled cluster."""

from gitpod_pov.cluster_network import ClusterNetwork
from gitpod_pov.gke_cluster import GkeCluster
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.node_pool import LabelledNodePool
from gitpod_pov.project_apis import ProjectApis

from cdktf import TerraformOutput
from cdktf_cdktf_provider_google.provider import GoogleProvider
from constructs import Construct

from deployment.model import Deployment
from stacks.base import GitpodStack


class ClusterStack(GitpodStack):
    """APIs, node identity, network, control plane and node pool of one deployment."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            id,
            providers={"google": deployment.providers.google},
            backend=deployment.backend,
            acknowledged_risks=deployment.acknowledged_risks,
        )
        project, region = deployment.project, deployment.region
        GoogleProvider(self, "google", project=project, region=region)

        apis = ProjectApis(self, "apis", project=project, config=deployment.apis)
        identity = NodeIdentity(self, "identity", project=project, apis=apis, config=deployment.identity)
        network = ClusterNetwork(
            self,
            "network",
            project=project,
            region=region,
            cluster_name=deployment.cluster.name,
            apis=apis,
            config=deployment.network,
        )
        cluster = GkeCluster(
            self,
            "cluster",
            project=project,
            region=region,
            zones=deployment.zones,
            identity=identity,
            network=network,
            apis=apis,
            config=deployment.cluster,
        )
        LabelledNodePool(self, "node_pool", cluster=cluster, identity=identity, config=deployment.node_pool, pools=deployment.pools)

        for name, (value, description) in {
            "project": (project, "ID of the Google Cloud project."),
            "cluster_name": (cluster.name, "Name of the GKE cluster."),
            "cluster_location": (cluster.location, "Region of the GKE cluster."),
            "endpoint": (cluster.endpoint, "Address of the control plane, without a scheme."),
            "control_plane_version": (cluster.control_plane_version, "Kubernetes version of the control plane."),
            "node_service_account_email": (identity.email, "E-mail address of the node service account."),
            "network_name": (network.network_name, "Name of the VPC network of the cluster."),
            "subnetwork_name": (network.subnetwork_name, "Name of the subnetwork of the nodes."),
            "pods_range_name": (
                network.pods_range_name,
                "Name of the subnetwork's secondary range for pods.",
            ),
            "services_range_name": (
                network.services_range_name,
                "Name of the subnetwork's secondary range for Services.",
            ),
            "get_credentials_command": (
                f"gcloud container clusters get-credentials {cluster.name} --region {cluster.location} --project {project}"
                + (" --dns-endpoint" if deployment.cluster.dns_endpoint else ""),
                "Command that connects kubectl to the cluster.",
            ),
        }.items():
            TerraformOutput(self, name, value=value, description=description)
