"""The section of a hand-over's README on Shared VPC: what must be set up in the host project before the first apply.

Owns: the commands, which docs/networks.md has too. Leaves to others: the grants that Terraform makes (`cluster_network`).

Sources: https://cloud.google.com/vpc/docs/provisioning-shared-vpc and
https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-shared-vpc
"""

from collections.abc import Iterator

from deployment.model import Deployment
from handover.markdown import shell


def shared_vpc(deployment: Deployment) -> list[str]:
    """Return the section, its heading and each of its parts; nothing without a host project."""
    if deployment.network.host_project is None:
        return []
    grants = (
        "Terraform grants GKE's service agents their roles in the host project, and a destroy removes these grants."
        if deployment.network.grant_service_agents
        else "The last commands grant GKE's service agents their roles in the host project. Terraform does not."
    )
    return [
        "## Shared VPC",
        (
            f"The network is in the host project `{deployment.network.host_project}`, the cluster in its service project. An administrator "
            "of the Shared VPC runs these commands before the first apply. The names are those of the source deployment: if you "
            f"changed the inputs, use your names. {grants}"
        ),
        shell(*commands(deployment)),
    ]


def commands(deployment: Deployment) -> Iterator[str]:
    """Yield the commands that set up a Shared VPC for a deployment that has a host project."""
    network, project = deployment.network, deployment.project
    host = network.project_of(project)
    yield f"gcloud compute shared-vpc enable {host}"
    yield f"gcloud compute shared-vpc associated-projects add {project} --host-project {host}"
    yield f"gcloud services enable compute.googleapis.com container.googleapis.com --project {host}"
    yield f"gcloud services enable container.googleapis.com --project {project}"
    yield f"gcloud beta services identity create --service container.googleapis.com --project {project}"
    if network.grant_service_agents:
        return
    on_project = f"gcloud projects add-iam-policy-binding {host} --condition None"
    on_subnetwork = (
        f"gcloud compute networks subnets add-iam-policy-binding {network.subnetwork} --region {deployment.region} --project {host}"
    )
    gke = '"serviceAccount:service-$NUMBER@container-engine-robot.iam.gserviceaccount.com"'
    yield f"NUMBER=$(gcloud projects describe {project} --format 'value(projectNumber)')"
    yield f"{on_project} --member {gke} --role roles/container.hostServiceAgentUser"
    for member in (gke, '"serviceAccount:$NUMBER@cloudservices.gserviceaccount.com"'):
        # A subnetwork that Terraform creates does not exist yet.
        yield f"{on_project if network.create_subnetwork else on_subnetwork} --member {member} --role roles/compute.networkUser"
