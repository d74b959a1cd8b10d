"""The Google Cloud APIs of the guide's preparations chapter.

Owns: enabling the APIs before anything else is created. Leaves to others: the project, its billing account, and the two APIs that Terraform
needs to enable others (`cloudresourcemanager` and `serviceusage`; the first is on the list all the same, because the project needs it).

The APIs are never disabled, because other workloads of the project may use them.
"""

from typing import Annotated

from gitpod_pov.blocks import resources_of
from gitpod_pov.configuration import Configuration
from gitpod_pov.gcp_names import Api, Unique
from gitpod_pov.reasons import Reasons
from gitpod_pov.tokens import Items

from cdktf import ITerraformDependable, TerraformProvider
from cdktf_cdktf_provider_google.project_service import ProjectService
from constructs import Construct


class ProjectApisConfig(Configuration):
    """Configuration of `ProjectApis`."""

    manage: bool = True
    """Whether to enable the APIs. If false, they must be enabled before the first apply."""

    services: Annotated[Items[Api], Unique] = (
        "artifactregistry.googleapis.com",  # instead of containerregistry, which was shut down on 2025-03-18
        "cloudbilling.googleapis.com",
        "cloudresourcemanager.googleapis.com",  # project IAM and project lookups go through it
        "compute.googleapis.com",
        "container.googleapis.com",
        "dns.googleapis.com",
        "iam.googleapis.com",
        "sqladmin.googleapis.com",
    )
    """APIs to enable."""


REASONS: Reasons = {
    "google_project_service": {
        "": "Enables {service}.",
        "disable_on_destroy": "Other workloads in the project can use the API. The provider's default is true.",
    },
}


class ProjectApis(Construct):
    """The enabled APIs of a project. A destroy keeps them enabled.

    Attributes:
        services: one resource for each API; empty where they are not managed here.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        config: ProjectApisConfig | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        super().__init__(scope, id)
        config = config or ProjectApisConfig()
        self.services: list[ITerraformDependable] = [
            ProjectService(
                self,
                name,
                project=project,
                service=service,
                disable_on_destroy=False,
                for_each=for_each,
                provider=provider,
            )
            for name, service, for_each in resources_of(
                config.services if config.manage else (), lambda service: service.removesuffix(".googleapis.com").replace(".", "_")
            )
        ]


def waiting_for(apis: ProjectApis | None) -> list[ITerraformDependable] | None:
    """Return the `depends_on` of resources that need the APIs. Empty if they are not managed here."""
    return (apis.services or None) if apis else None
