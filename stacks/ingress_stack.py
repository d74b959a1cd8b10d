"""The ingress stack: DNS, certificates and what maintains them in the cluster. Only deployments with a section `[ingress]` have it.

It is a separate stack for the same reason as the RBAC stack, and because it needs two more providers and the chart repositories. It finds
the cluster by name.

The bindings of its providers are imported where they are used, so that other deployments do not load them.
"""

from gitpod_pov.dns_identity import DnsIdentity
from gitpod_pov.dns_zone import DnsZone
from gitpod_pov.ingress_charts import IngressCharts
from gitpod_pov.project_apis import ProjectApis, ProjectApisConfig

from cdktf import Postcondition
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider
from constructs import Construct

from deployment.ingress import INGRESS_APIS
from deployment.model import Deployment
from stacks.base import GitpodStack, cluster_access

_WITH_WORKLOAD_IDENTITY = Postcondition(
    condition='${try(self.workload_identity_config[0].workload_pool, "") != ""}',
    error_message=(
        "The cluster ${self.name} does not have Workload Identity, which external-dns and cert-manager use to reach Cloud DNS. "
        "Remove cluster.workload_identity or set it to true, and apply the cluster stack first; GKE then recreates the nodes."
    ),
)


class IngressStack(GitpodStack):
    """DNS zone, identity and charts of one deployment."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment) -> None:
        """Add the stack.

        Raises:
            ValueError: when the deployment has no section `[ingress]`.
        """
        from cdktf_cdktf_provider_helm.provider import HelmProvider, HelmProviderKubernetes

        config = deployment.ingress
        if config is None:
            raise ValueError(f"{id}: the deployment has no section [ingress]")
        super().__init__(scope, id, deployment, "kubernetes", "helm")
        project, region, cluster_name = deployment.project, deployment.region, deployment.cluster.name
        access = cluster_access(self, deployment, _WITH_WORKLOAD_IDENTITY)
        KubernetesProvider(self, "kubernetes", **access)
        HelmProvider(self, "helm", kubernetes=HelmProviderKubernetes(**access))

        left_to_enable = tuple(api for api in INGRESS_APIS if api not in deployment.apis.services)
        apis = ProjectApis(self, "apis", project=project, config=ProjectApisConfig(manage=deployment.apis.manage, services=left_to_enable))
        zone = DnsZone(self, "zone", project=project, cluster_name=cluster_name, apis=apis, config=config)
        identity = DnsIdentity(self, "dns_identity", project=project, zone=zone, apis=apis, config=config)
        charts = IngressCharts(
            self, "charts", project=project, region=region, cluster_name=cluster_name, zone=zone, identity=identity, config=config
        )

        self.add_outputs(
            name_servers=(zone.name_servers, "Name servers of the zone. Delegate the domain to them where its parent domain is managed."),
            dns_zone=(zone.name, "Name of the zone in Cloud DNS."),
            dns_service_account_email=(identity.email, "E-mail of the service account that changes DNS records."),
            dns_names=(
                [zone.domain, f"*.{zone.domain}", f"*.ws.{zone.domain}"],
                "Names that Gitpod serves: those of its certificate, and of the annotation external-dns.alpha.kubernetes.io/hostname.",
            ),
            installation_settings=(
                {
                    "domain": zone.domain,
                    "self_signed_certificate": False,
                    "cert_manager": True,
                    "issuer_name": charts.issuer_name,
                    "issuer_type": "cluster issuer",
                },
                "Settings for Gitpod's installer.",
            ),
            check_command=(
                f"kubectl wait --for=condition=Ready clusterissuer/{charts.issuer_name} --timeout=5m",
                "Command that waits until the ClusterIssuer has an ACME account. Terraform does not wait for it.",
            ),
        )
