"""A small app with the shape of the real one: two stacks for each deployment, google and kubernetes.

Run as a child process by the tests and the bench; reads `deployments/*.toml` of the working directory and writes to
`CDKTF_OUTDIR`. With `GITPOD_POV_EAGER_BINDINGS=1` it is the stock app.
"""

import tomllib
from pathlib import Path

from gitpod_pov.bindings import collect_no_garbage

from cdktf import App, LocalBackend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_google.compute_subnetwork import ComputeSubnetwork, ComputeSubnetworkSecondaryIpRange
from cdktf_cdktf_provider_google.container_cluster import (
    ContainerCluster,
    ContainerClusterAddonsConfig,
    ContainerClusterAddonsConfigHttpLoadBalancing,
    ContainerClusterAddonsConfigNetworkPolicyConfig,
    ContainerClusterIpAllocationPolicy,
    ContainerClusterNetworkPolicy,
    ContainerClusterReleaseChannel,
)
from cdktf_cdktf_provider_google.container_node_pool import (
    ContainerNodePool,
    ContainerNodePoolAutoscaling,
    ContainerNodePoolManagement,
    ContainerNodePoolNodeConfig,
)
from cdktf_cdktf_provider_google.data_google_client_config import DataGoogleClientConfig
from cdktf_cdktf_provider_google.data_google_container_cluster import DataGoogleContainerCluster
from cdktf_cdktf_provider_google.data_google_container_engine_versions import DataGoogleContainerEngineVersions
from cdktf_cdktf_provider_google.project_iam_member import ProjectIamMember
from cdktf_cdktf_provider_google.project_service import ProjectService
from cdktf_cdktf_provider_google.provider import GoogleProvider
from cdktf_cdktf_provider_google.service_account import ServiceAccount
from cdktf_cdktf_provider_kubernetes.cluster_role_binding_v1 import (
    ClusterRoleBindingV1,
    ClusterRoleBindingV1Metadata,
    ClusterRoleBindingV1RoleRef,
    ClusterRoleBindingV1Subject,
)
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider
from constructs import Construct

APIS = ("container", "compute", "iam", "dns")
ROLES = ("storage.admin", "logging.logWriter", "monitoring.metricWriter", "container.admin")


class ClusterStack(TerraformStack):
    """Everything in the project: APIs, identity, network, cluster and pool."""

    def __init__(self, scope: Construct, id_: str, *, project: str, region: str, name: str) -> None:
        super().__init__(scope, id_)
        LocalBackend(self, path=f"../../../{id_}.tfstate")
        GoogleProvider(self, "google", project=project, region=region)
        apis = [ProjectService(self, api, project=project, service=f"{api}.googleapis.com", disable_on_destroy=False) for api in APIS]
        account = ServiceAccount(self, "account", account_id=f"{name}-gke", project=project, depends_on=apis)
        for role in ROLES:
            ProjectIamMember(self, role, project=project, role=f"roles/{role}", member=account.member)
        ranges = [
            ComputeSubnetworkSecondaryIpRange(range_name="pods", ip_cidr_range="10.4.0.0/14"),
            ComputeSubnetworkSecondaryIpRange(range_name="services", ip_cidr_range="10.8.0.0/20"),
        ]
        subnetwork = ComputeSubnetwork(
            self,
            "subnetwork",
            name=f"gitpod-{name}",
            network="default",
            region=region,
            ip_cidr_range="10.0.0.0/20",
            secondary_ip_range=ranges,
        )
        versions = DataGoogleContainerEngineVersions(self, "versions", location=region, project=project)
        cluster = ContainerCluster(
            self,
            "cluster",
            name=name,
            location=region,
            project=project,
            network="default",
            subnetwork=subnetwork.name,
            min_master_version=versions.latest_master_version,
            remove_default_node_pool=True,
            initial_node_count=1,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=ContainerClusterIpAllocationPolicy(
                cluster_secondary_range_name=subnetwork.secondary_ip_range.get(0).range_name,
                services_secondary_range_name=subnetwork.secondary_ip_range.get(1).range_name,
            ),
            addons_config=ContainerClusterAddonsConfig(
                http_load_balancing=ContainerClusterAddonsConfigHttpLoadBalancing(disabled=True),
                network_policy_config=ContainerClusterAddonsConfigNetworkPolicyConfig(disabled=False),
            ),
            network_policy=ContainerClusterNetworkPolicy(enabled=True, provider="CALICO"),
            release_channel=ContainerClusterReleaseChannel(channel="UNSPECIFIED"),
        )
        pool = ContainerNodePool(
            self,
            "pool",
            cluster=cluster.name,
            location=region,
            project=project,
            initial_node_count=1,
            max_pods_per_node=110,
            autoscaling=ContainerNodePoolAutoscaling(min_node_count=1, max_node_count=50),
            management=ContainerNodePoolManagement(auto_repair=True, auto_upgrade=False),
            node_config=ContainerNodePoolNodeConfig(
                machine_type="n2d-standard-16",
                disk_type="pd-ssd",
                disk_size_gb=100,
                service_account=account.email,
                labels={f"gitpod.io/workload_{kind}": "true" for kind in ("meta", "ide", "workspace_services")},
            ),
        )
        outputs = {
            "account_email": account.email,
            "account_member": account.member,
            "cluster_name": cluster.name,
            "cluster_endpoint": cluster.endpoint,
            "cluster_ca": cluster.master_auth.cluster_ca_certificate,
            "cluster_version": cluster.master_version,
            "subnetwork_name": subnetwork.name,
            "pods": subnetwork.secondary_ip_range.get(0).ip_cidr_range,
            "pool_name": pool.name,
            "pool_disk": pool.node_config.disk_type,
            "latest_version": versions.latest_node_version,
        }
        for key, value in outputs.items():
            TerraformOutput(self, key, value=value)


class RbacStack(TerraformStack):
    """The ClusterRoleBinding of the administrators of the cluster."""

    def __init__(self, scope: Construct, id_: str, *, project: str, region: str, name: str) -> None:
        super().__init__(scope, id_)
        LocalBackend(self, path=f"../../../{id_}.tfstate")
        GoogleProvider(self, "google", project=project, region=region)
        token = DataGoogleClientConfig(self, "client")
        cluster = DataGoogleContainerCluster(self, "cluster", name=name, location=region, project=project)
        KubernetesProvider(self, "kubernetes", host=f"https://{cluster.endpoint}", token=token.access_token)
        ClusterRoleBindingV1(
            self,
            "admins",
            metadata=ClusterRoleBindingV1Metadata(name="cluster-admin-binding"),
            role_ref=ClusterRoleBindingV1RoleRef(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name="cluster-admin"),
            subject=[ClusterRoleBindingV1Subject(kind="User", name="someone@example.com")],
        )


def main() -> None:
    """Two stacks for each deployment file, in one app."""
    app = App()
    for path in sorted(Path("deployments").glob("*.toml")):
        options = tomllib.loads(path.read_text())
        cluster = ClusterStack(app, f"{path.stem}-cluster", **options)
        RbacStack(app, f"{path.stem}-rbac", **options).add_dependency(cluster)
    app.synth()


if __name__ == "__main__":
    collect_no_garbage()
    main()
