"""Where the state of a stack is kept.

Owns: the backend types that a deployment can name, and the backend they put into a stack. Leaves to others: buckets, organizations
and workspaces, which exist before, and credentials, which never stand in a file that is committed: Terraform takes them from its
own environment.

Source: https://developer.hashicorp.com/terraform/language/backend
"""

from typing import Annotated, Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.gcp_names import Matching

from cdktf import CloudBackend, GcsBackend, LocalBackend, NamedCloudWorkspace, TerraformStack
from pydantic import Field


class LocalBackendConfig(Configuration):
    """State in a file in the project's folder, named after the stack."""

    type: Literal["local"] = Field(default="local", description="A file `terraform.STACK.tfstate` in the project's folder.")

    def add_to(self, stack: TerraformStack, name: str) -> None:
        """Keep the state of the stack `name` in this backend."""
        # Without a path cdktf writes the directory of the synth into the output; this one is relative to the stack's own.
        LocalBackend(stack, path=f"../../../terraform.{name}.tfstate")


BucketName = Annotated[
    str,
    Matching(
        r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]",
        "a bucket name: 3 to 222 lower-case letters, digits, hyphens, underscores and dots, the first and last a letter or digit",
    ),
]
"""https://cloud.google.com/storage/docs/buckets#naming"""


class GcsBackendConfig(Configuration):
    """State in a Cloud Storage bucket, one object prefix per stack."""

    type: Literal["gcs"] = Field(description="A Cloud Storage bucket.")
    bucket: BucketName = Field(description="Name of the bucket; it must exist.")
    prefix: str = Field(default="gitpod-pov", min_length=1, description="Prefix of the objects; the stack's name follows it.")
    impersonate_service_account: str | None = Field(
        default=None,
        min_length=1,
        description="E-mail of the service account to act as when reading and writing state.",
    )
    kms_encryption_key: str | None = Field(
        default=None,
        min_length=1,
        description="Cloud KMS key for the state, as projects/…/locations/…/keyRings/…/cryptoKeys/….",
    )

    def add_to(self, stack: TerraformStack, name: str) -> None:
        """Keep the state of the stack `name` in this backend."""
        GcsBackend(
            stack,
            bucket=self.bucket,
            prefix=f"{self.prefix}/{name}",
            impersonate_service_account=self.impersonate_service_account,
            kms_encryption_key=self.kms_encryption_key,
        )


class CloudBackendConfig(Configuration):
    """State and runs in HCP Terraform or Terraform Enterprise, one workspace per stack, named after it."""

    type: Literal["cloud"] = Field(description="HCP Terraform or Terraform Enterprise.")
    organization: str = Field(min_length=1, description="Name of the organization.")
    hostname: str = Field(default="app.terraform.io", min_length=1, description="Host of HCP Terraform or Terraform Enterprise.")
    project: str | None = Field(default=None, min_length=1, description="Project in which missing workspaces are created.")

    def add_to(self, stack: TerraformStack, name: str) -> None:
        """Keep the state of the stack `name` in this backend."""
        CloudBackend(
            stack,
            hostname=self.hostname,
            organization=self.organization,
            workspaces=NamedCloudWorkspace(name, self.project),
        )


BackendConfig = Annotated[LocalBackendConfig | GcsBackendConfig | CloudBackendConfig, Field(discriminator="type")]
