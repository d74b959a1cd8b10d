"""The roles that GKE's service agents need in the host project of a Shared VPC.

Owns: the grants to the two accounts with which Google acts for a service project: GKE's service agent and the Google APIs service agent.
Leaves to others: all other members of these roles, because each grant adds and removes only itself, and sharing the network itself, which
takes an administrator of the organization: enabling the host project and attaching the service project.

The service agent exists once the project's GKE API is on, which the grants wait for. The google provider cannot create it: that resource,
`google_project_service_identity`, is only in google-beta.

Source: https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-shared-vpc#enabling_and_granting_roles
"""

from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.risks import warn

from cdktf import ITerraformDependable, TerraformProvider
from cdktf_cdktf_provider_google.compute_subnetwork_iam_member import ComputeSubnetworkIamMember
from cdktf_cdktf_provider_google.data_google_project import DataGoogleProject
from cdktf_cdktf_provider_google.project_iam_member import ProjectIamMember
from constructs import Construct


def grant_service_agents(
    scope: Construct,
    *,
    project: str,
    host_project: str,
    region: str,
    subnetwork: str,
    apis: ProjectApis | None,
    provider: TerraformProvider | None,
) -> list[ITerraformDependable]:
    """Add the grants in a host project for the clusters of a service project in one subnetwork.

    Args:
        scope: the construct to add them to.
        project: the service project, which has the cluster.
        host_project: the project that has the network.
        region: the region of the subnetwork.
        subnetwork: the name of the subnetwork.
        apis: the APIs of the service project.
        provider: the google provider.

    Returns:
        The grants, for `depends_on` of the cluster, which GKE refuses without them.
    """
    # It does not wait for the APIs: a later change of their list would defer the read and replace the grants.
    number = DataGoogleProject(scope, "service_agents_project", project_id=project, provider=provider).number
    gke = f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com"
    google_apis = f"serviceAccount:{number}@cloudservices.gserviceaccount.com"
    warn(
        scope,
        "destroy-removes-existing-grants",
        "network.grant_service_agents grants roles to GKE's service agents in the host project, and a destroy removes these grants "
        "even if they existed before or other clusters need them; leave it out, and have an administrator of the host project grant them",
    )
    return [
        ProjectIamMember(
            scope,
            "service_agents_host_service_agent_user",
            project=host_project,
            role="roles/container.hostServiceAgentUser",
            member=gke,
            depends_on=waiting_for(apis),
            provider=provider,
        ),
        *(
            ComputeSubnetworkIamMember(
                scope,
                f"service_agents_{name}_network_user",
                project=host_project,
                region=region,
                subnetwork=subnetwork,
                role="roles/compute.networkUser",
                member=member,
                depends_on=waiting_for(apis),
                provider=provider,
            )
            for name, member in {"gke": gke, "google_apis": google_apis}.items()
        ),
    ]
