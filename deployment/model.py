"""What a deployment is: the configurations of the constructs, and the rules between them.

Owns: the keys of a deployment file and the rules between its sections. Leaves to others: the rules of one section, which are in the
file of its construct, and reading files (`reading`).
"""

from typing import Annotated, Any, Self

from gitpod_pov.cluster_admins import ClusterAdminsConfig, group_faults
from gitpod_pov.cluster_network import ClusterNetworkConfig
from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Faults, inner_faults
from gitpod_pov.gcp_names import NodePoolName, ProjectId, Region, Unique, Zone
from gitpod_pov.gke_cluster import CLUSTER_RULES, GkeClusterConfig, provider_faults
from gitpod_pov.node_identity import NodeIdentityConfig, custom_role_faults
from gitpod_pov.node_pool import POOL_RULES, AdditionalNodePoolConfig, NodePoolConfig
from gitpod_pov.project_apis import ProjectApisConfig
from gitpod_pov.risks import Risk
from gitpod_pov.tokens import Items, Table

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator

from deployment.backend import BackendConfig, LocalBackendConfig
from deployment.ingress import IngressConfig, ingress_faults
from deployment.parameters import MARKS, HandoverConfig
from deployment.profile import PROFILES, Profile, with_profile
from deployment.providers import ProvidersConfig


class Deployment(Configuration):
    """One Gitpod proof of value: a project, a region and the configuration of each construct."""

    project: ProjectId
    """ID of an existing Google Cloud project with billing."""

    region: Region
    """Region of the cluster, such as us-central1."""

    zones: Items[Zone] = Field(default=(), json_schema_extra={"uniqueItems": True})
    """Zones of the nodes. Default: three zones of the region, which GKE chooses."""

    profile: Profile = "reference"
    """Default values of the inputs. `reference`: exactly what the guide's commands create. `hardened`: the safer values, see
    docs/hardening.md.
    """

    acknowledged_risks: Annotated[Items[Risk], Unique] = ()
    """Risks that `make synth` no longer warns about."""

    providers: ProvidersConfig = ProvidersConfig()
    """Versions of the Terraform providers."""

    apis: ProjectApisConfig = ProjectApisConfig()
    """APIs of the project."""

    identity: NodeIdentityConfig = NodeIdentityConfig()
    """Node service account."""

    network: ClusterNetworkConfig = ClusterNetworkConfig()
    """Network and subnetwork of the cluster."""

    cluster: GkeClusterConfig = GkeClusterConfig()
    """Control plane and cluster-wide settings."""

    node_pool: NodePoolConfig = NodePoolConfig()
    """The main node pool."""

    pools: Table[NodePoolName, AdditionalNodePoolConfig] = Field(default={})
    """Additional node pools, each with the inputs of the main one and `workloads`. NAME is the name of the pool in GKE and the last part of
    its address: a new name creates a new pool and deletes the old one.
    """

    admins: ClusterAdminsConfig = ClusterAdminsConfig()
    """Administrators of the cluster."""

    ingress: IngressConfig | None = None
    """DNS zone, certificates and DNS records for Gitpod. Without this section, there is no ingress stack."""

    backend: BackendConfig = LocalBackendConfig()
    """Storage of the Terraform state."""

    handover: HandoverConfig = HandoverConfig()
    """Contents of a hand-over."""

    rules = (
        # A hand-over works in any project, also in that of a custom role.
        lambda d: custom_role_faults(d.project, d.identity.roles) if d.project != MARKS["project"] else iter(()),
        *CLUSTER_RULES,
        lambda d: group_faults(d.admins, d.cluster.rbac_security_group),
        *POOL_RULES,
        lambda d: ingress_faults(d.ingress, d.cluster, d.identity, d.project),
        lambda d: provider_faults(d, "raise providers.google"),
    )

    @property
    def google(self) -> str:
        """Version of the google provider."""
        return self.providers.google

    @model_validator(mode="wrap")
    @classmethod
    def _profile_under_the_given_values(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        profile = data.get("profile", "reference")
        # With an unknown one, what is a fault with every profile is a fault with the one that was meant.
        names = [profile] if isinstance(profile, str) and profile in PROFILES else PROFILES
        refused = []
        for name in names:
            try:
                accepted = handler(with_profile(data, PROFILES[name]))
            except ValidationError as error:
                refused += [inner for detail in error.errors() if (inner := inner_faults(detail))]
        if not refused:  # the profile is a token, which only a file may not have
            return accepted
        raise Faults([fault for fault in refused[0].faults if all(fault in other.faults for other in refused)], refused[0].known)
