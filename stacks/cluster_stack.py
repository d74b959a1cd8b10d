"""The cluster stack: the GCP identity layer and the labelled cluster."""

from gitpod_pov.cluster_network import ClusterNetwork
from gitpod_pov.gke_cluster import GkeCluster
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.node_pool import LabelledNodePool
from gitpod_pov.project_apis import ProjectApis

from constructs import Construct

from deployment.model import Deployment
from stacks.base import GitpodStack


class ClusterStack(GitpodStack):
    """APIs, node identity, network, control plane and node pool of one deployment."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment) -> None:
        super().__init__(scope, id, deployment)
        project, region = deployment.project, deployment.region

        apis = ProjectApis(self, "apis", project=project, config=deployment.apis)
        identity = NodeIdentity(self, "identity", project=project, apis=apis, config=deployment.identity)
        network = ClusterNetwork(
            self, "network", project=project, region=region, cluster_name=deployment.cluster.name, apis=apis, config=deployment.network
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
        pool = LabelledNodePool(self, "node_pool", cluster=cluster, identity=identity, config=deployment.node_pool, pools=deployment.pools)

        self.add_outputs(
            project=(project, "ID of the Google Cloud project."),
            cluster_id=(cluster.id, "ID of the GKE cluster, projects/PROJECT/locations/REGION/clusters/NAME."),
            cluster_name=(cluster.name, "Name of the GKE cluster."),
            cluster_location=(cluster.location, "Region of the GKE cluster."),
            endpoint=(cluster.endpoint, "IP address of the control plane, without a scheme."),
            dns_endpoint=(
                cluster.dns_endpoint,
                "DNS name of the control plane, without a scheme. It answers from outside the network only if the DNS endpoint is on.",
            ),
            ca_certificate=(
                cluster.ca_certificate,
                "Certificate of the control plane's certificate authority, in PEM, for clients of its IP address. It is public.",
            ),
            workload_pool=(
                cluster.workload_pool,
                "Workload identity pool of the project, which Pods use if Workload Identity Federation for GKE is enabled.",
            ),
            control_plane_version=(cluster.control_plane_version, "Kubernetes version of the control plane."),
            node_pool_id=(pool.id, "ID of the node pool, projects/PROJECT/locations/REGION/clusters/CLUSTER/nodePools/NAME."),
            node_pool_name=(pool.name, "Name of the node pool."),
            node_service_account_id=(identity.name, "ID of the node service account, projects/PROJECT/serviceAccounts/EMAIL."),
            node_service_account_email=(identity.email, "E-mail address of the node service account."),
            network_id=(network.network_id, "ID of the VPC network of the cluster, projects/PROJECT/global/networks/NAME."),
            network_name=(network.network_name, "Name of the VPC network of the cluster."),
            subnetwork_id=(network.subnetwork_id, "ID of the subnetwork, projects/PROJECT/regions/REGION/subnetworks/NAME."),
            subnetwork_name=(network.subnetwork_name, "Name of the subnetwork of the nodes."),
            pods_range_name=(network.pods_range_name, "Name of the subnetwork's secondary range for Pods."),
            services_range_name=(network.services_range_name, "Name of the subnetwork's secondary range for Services."),
            get_credentials_command=(
                f"gcloud container clusters get-credentials {cluster.name} --region {cluster.location} --project {project}"
                + (" --dns-endpoint" if deployment.cluster.dns_endpoint else ""),
                "Command that connects kubectl to the cluster.",
            ),
        )
