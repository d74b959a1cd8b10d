"""What a deployment is: the configurations of the constructs, and the rules between them.

Owns: the keys of a deployment file and the rules between its sections. Leaves to others: a section's own rules, which stand with its
construct, and reading files (`reading`).
"""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from gitpod_pov.cluster_admins import ClusterAdminsConfig, group_faults
from gitpod_pov.cluster_network import ClusterNetworkConfig
from gitpod_pov.configuration import Configuration, Fault
from gitpod_pov.gcp_names import ProjectId, Region, Unique, Zone
from gitpod_pov.gke_cluster import GkeClusterConfig, egress_faults, key_faults, provider_faults, zone_faults
from gitpod_pov.node_identity import NodeIdentityConfig, custom_role_faults
from gitpod_pov.node_pool import NodePoolConfig, management_faults, node_range_faults, pod_range_faults
from gitpod_pov.project_apis import ProjectApisConfig
from gitpod_pov.risks import Risk

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from deployment.backend import BackendConfig, LocalBackendConfig
from deployment.parameters import MARKS, HandoverConfig
from deployment.profile import Profile, with_profile
from deployment.providers import ProvidersConfig


def _custom_roles(deployment: "Deployment") -> Iterator[Fault]:
    if deployment.project != MARKS["project"]:  # which stands for any project in a hand-over, also for that of a custom role
        yield from custom_role_faults(deployment.project, deployment.identity.roles)


class Deployment(Configuration):
    """One Gitpod proof of value: a project, a region and what each construct is to be."""

    project: ProjectId = Field(description="ID of the Google Cloud project; it must exist and have billing.")
    region: Region = Field(description="Region of the cluster, such as us-central1.")
    zones: Annotated[tuple[Zone, ...], Field(strict=False)] = Field(
        default=(),
        json_schema_extra={"uniqueItems": True},  # zone_faults checks it
        description="Zones of the nodes. One zone: exactly one node at the start. Left out: one node in every zone of the region.",
    )
    profile: Profile = Field(
        default="reference",
        description=(
            "`reference`, the default: the guide to the letter. `hardened`: every input that makes it safer and needs no value of your "
            "own; an input that stands in this file wins over it. `make show` prints what results, docs/hardening.md what it means."
        ),
    )
    acknowledged_risks: Annotated[tuple[Risk, ...], Field(strict=False), Unique] = Field(
        default=(), description="Risks whose warnings are not repeated at every synth."
    )
    providers: ProvidersConfig = Field(default=ProvidersConfig(), description="The versions of the Terraform providers.")
    apis: ProjectApisConfig = Field(default=ProjectApisConfig(), description="The APIs of the project.")
    identity: NodeIdentityConfig = Field(default=NodeIdentityConfig(), description="The service account of the nodes.")
    network: ClusterNetworkConfig = Field(default=ClusterNetworkConfig(), description="Network and subnetwork of the cluster.")
    cluster: GkeClusterConfig = Field(default=GkeClusterConfig(), description="The control plane.")
    node_pool: NodePoolConfig = Field(default=NodePoolConfig(), description="The nodes.")
    admins: ClusterAdminsConfig = Field(default=ClusterAdminsConfig(), description="Who may administer the cluster.")
    backend: BackendConfig = Field(default=LocalBackendConfig(), description="Where the state of both stacks is kept.")
    handover: HandoverConfig = Field(default=HandoverConfig(), description="What a hand-over of the deployment is to be.")

    rules = (
        _custom_roles,
        lambda d: zone_faults(d.region, d.zones),
        lambda d: key_faults(d.region, d.cluster),
        lambda d: egress_faults(d.cluster, d.network),
        lambda d: group_faults(d.admins, d.cluster.rbac_security_group),
        lambda d: management_faults(d.cluster, d.node_pool),
        lambda d: pod_range_faults(d.network, d.cluster, d.node_pool, d.zones),
        lambda d: node_range_faults(d.network, d.node_pool, d.zones),
        lambda d: provider_faults(d.cluster, d.providers.google, "raise providers.google"),
    )

    @model_validator(mode="wrap")
    @classmethod
    def _profile_under_the_given_values(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return handler(with_profile(data) if isinstance(data, dict) else data)
