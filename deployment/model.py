"""What a deployment is: the configurations of the constructs, and the rules between them.

Owns: the keys of a deployment file and the rules between its sections. Leaves to others: a section's own rules, which stand with its
construct, and reading files (`reading`).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from gitpod_pov.cluster_admins import ClusterAdminsConfig, group_faults
from gitpod_pov.cluster_network import ClusterNetworkConfig
from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Fault, Faults, inner_faults
from gitpod_pov.gcp_names import ProjectId, Region, Unique, Zone
from gitpod_pov.gke_cluster import (
    GkeClusterConfig,
    egress_faults,
    key_faults,
    provider_faults,
    repeated_zone_faults,
    zone_faults,
)
from gitpod_pov.node_identity import NodeIdentityConfig, custom_role_faults
from gitpod_pov.node_pool import NodePoolConfig, default_pool_range_faults, management_faults, node_range_faults, pod_range_faults
from gitpod_pov.project_apis import ProjectApisConfig
from gitpod_pov.risks import Risk

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator

from deployment.backend import BackendConfig, LocalBackendConfig
from deployment.ingress import IngressConfig, derived_from_ingress, ingress_faults
from deployment.parameters import MARKS, HandoverConfig
from deployment.profile import PROFILES, Profile, under, with_profile
from deployment.providers import ProvidersConfig


def _custom_roles(deployment: "Deployment") -> Iterator[Fault]:
    if deployment.project != MARKS["project"]:  # which stands for any project in a hand-over, also for that of a custom role
        yield from custom_role_faults(deployment.project, deployment.identity.roles)


class Deployment(Configuration):
    """One Gitpod proof of value: a project, a region and what each construct is to be."""

    project: ProjectId
    """ID of the Google Cloud project; it must exist and have billing."""

    region: Region
    """Region of the cluster, such as us-central1."""

    zones: Annotated[tuple[Zone, ...], Field(strict=False)] = Field(default=(), json_schema_extra={"uniqueItems": True})
    """Zones of the nodes. One zone: exactly one node at the start. Left out: one node in every zone of the region."""

    profile: Profile = "reference"
    """`reference`, the default: the guide to the letter. `hardened`: every input that makes it safer and needs no value of your own; an
    input that stands in this file wins over it. `make show` prints what results, docs/hardening.md what it means.
    """

    acknowledged_risks: Annotated[tuple[Risk, ...], Field(strict=False), Unique] = ()
    """Risks whose warnings are not repeated at every synth."""

    providers: ProvidersConfig = ProvidersConfig()
    """The versions of the Terraform providers."""

    apis: ProjectApisConfig = ProjectApisConfig()
    """The APIs of the project."""

    identity: NodeIdentityConfig = NodeIdentityConfig()
    """The service account of the nodes."""

    network: ClusterNetworkConfig = ClusterNetworkConfig()
    """Network and subnetwork of the cluster."""

    cluster: GkeClusterConfig = GkeClusterConfig()
    """The control plane."""

    node_pool: NodePoolConfig = NodePoolConfig()
    """The nodes."""

    admins: ClusterAdminsConfig = ClusterAdminsConfig()
    """Who may administer the cluster."""

    ingress: IngressConfig | None = None
    """DNS zone, certificates and DNS records for the installation. Left out: none, as without the stack."""

    backend: BackendConfig = LocalBackendConfig()
    """Where the state of the stacks is kept."""

    handover: HandoverConfig = HandoverConfig()
    """What a hand-over of the deployment is to be."""

    rules = (
        _custom_roles,
        lambda d: zone_faults(d.region, d.zones),
        lambda d: repeated_zone_faults(d.zones),
        lambda d: key_faults(d.region, d.cluster),
        lambda d: egress_faults(d.cluster, d.network),
        lambda d: group_faults(d.admins, d.cluster.rbac_security_group),
        lambda d: management_faults(d.cluster, d.node_pool),
        lambda d: pod_range_faults(d.network, d.node_pool, d.zones),
        lambda d: default_pool_range_faults(d.network, d.cluster, d.zones),
        lambda d: node_range_faults(d.network, d.node_pool, d.zones),
        lambda d: ingress_faults(d.ingress, d.cluster, d.identity),
        lambda d: provider_faults(d.cluster, d.providers.google, "raise providers.google"),
    )

    @model_validator(mode="wrap")
    @classmethod
    def _profile_under_the_given_values(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        derived = derived_from_ingress(data)
        profile = data.get("profile", "reference")
        if isinstance(profile, str) and profile in PROFILES:
            return handler(under(with_profile(data, PROFILES[profile]), derived))
        # An unknown one: what is a fault with every profile is a fault with the one that was meant.
        refused = []
        for values in PROFILES.values():
            try:
                accepted = handler(under(with_profile(data, values), derived))
            except ValidationError as error:
                refused += [inner for detail in error.errors() if (inner := inner_faults(detail))]
        if not refused:  # the profile is a token, which only a file may not have
            return accepted
        raise Faults([fault for fault in refused[0].faults if all(fault in other.faults for other in refused)], refused[0].known)
