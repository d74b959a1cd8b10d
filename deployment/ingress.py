"""The optional section `[ingress]` of a deployment: DNS, certificates and what both need of the cluster.

Owns: the keys of the section, which are those of the three constructs, the value that it implies for the cluster, and the rules between it
and other sections. Leaves to others: each key's own rule, which is beside the construct.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gitpod_pov.dns_identity import DnsIdentityConfig
from gitpod_pov.dns_zone import DnsZoneConfig
from gitpod_pov.faults import Fault
from gitpod_pov.gke_cluster import GkeClusterConfig
from gitpod_pov.ingress_charts import IngressChartsConfig
from gitpod_pov.node_identity import NodeIdentityConfig

INGRESS_APIS = ("dns.googleapis.com", "iamcredentials.googleapis.com")
"""The APIs that the section needs. The second issues the tokens of Workload Identity."""


class IngressConfig(IngressChartsConfig, DnsIdentityConfig, DnsZoneConfig):
    """A DNS zone, external-dns and cert-manager for the names of the installation."""


def derived_from_ingress(content: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the values, by section and key, that the section implies where the content of a deployment file has none."""
    return {"cluster": {"workload_identity": True}} if content.get("ingress") is not None else {}


def ingress_faults(ingress: IngressConfig | None, cluster: GkeClusterConfig, identity: NodeIdentityConfig, project: str) -> Iterator[Fault]:
    """Yield a fault for every value of another section that the section `[ingress]` contradicts."""
    if ingress is None:
        return
    if cluster.workload_identity is False:
        yield Fault(
            ("cluster", "workload_identity"),
            "contradicts [ingress]: external-dns and cert-manager use Workload Identity to reach Cloud DNS; remove it or set it to true",
            cluster.workload_identity,
        )
    if identity.email_in(project) == f"{ingress.account_id}@{project}.iam.gserviceaccount.com":
        key = "account_id" if identity.email is None else "email"
        yield Fault(("ingress", "account_id"), f"is identity.{key}, the node service account: choose another", ingress.account_id)
