"""Where the state of a stack is kept.

Owns: the backend types that a deployment can name, and the backend they put into a stack. Leaves to others: buckets, organizations
and workspaces, which exist before, and credentials, which never stand in a file that is committed: Terraform takes them from its
own environment.

Why the cloud block is written here and not by cdktf's `CloudBackend`: that one runs `terraform version` during synth, and no synth
may need Terraform on the machine. Switching cdktf's validations off as a whole would lose the check for a missing provider.

Source: https://developer.hashicorp.com/terraform/language/backend
"""

from typing import Annotated, Any, Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Fault, Faults, faults_of
from gitpod_pov.gcp_names import KmsKey, Matching, PlainText

from cdktf import DataTerraformRemoteState, GcsBackend, LocalBackend, TerraformBackend, TerraformRemoteState, TerraformStack
from constructs import Construct
from pydantic import ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator


class LocalBackendConfig(Configuration):
    """State in a file in the project's folder, named after the stack."""

    model_config = ConfigDict(json_schema_extra={"required": ["type"]})  # the default is for code: a file names its type

    type: Literal["local"] = Field(
        default="local", description="State in the file `terraform.STACK.tfstate` of the project's folder, as without this section."
    )

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

Email = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9._-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "the e-mail address of a service account: ID@PROJECT.iam.gserviceaccount.com"
    ),
]

Organization = Annotated[str, Matching(r"[A-Za-z0-9_-]+", "an organization name: letters, digits, hyphens and underscores")]
"""https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/organizations"""

Hostname = Annotated[str, Matching(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?", "a host name, without https:// and path")]


class GcsBackendConfig(Configuration):
    """State in a Cloud Storage bucket, one object prefix per stack."""

    type: Literal["gcs"] = Field(description="State in a Cloud Storage bucket.")
    bucket: BucketName = Field(description="Name of the bucket; it must exist.")
    prefix: PlainText = Field(default="gitpod-pov", min_length=1, description="Prefix of the objects; the stack's name follows it.")
    impersonate_service_account: Email | None = Field(
        default=None,
        description="E-mail of the service account to act as when reading and writing state.",
    )
    kms_encryption_key: KmsKey | None = Field(
        default=None,
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

    type: Literal["cloud"] = Field(description="State and runs in HCP Terraform or Terraform Enterprise.")
    organization: Organization = Field(description="Name of the organization.")
    hostname: Hostname = Field(default="app.terraform.io", description="Host of HCP Terraform or Terraform Enterprise.")
    project: PlainText | None = Field(default=None, min_length=1, description="Project in which missing workspaces are created.")

    def add_to(self, stack: TerraformStack, name: str) -> None:
        """Keep the state of the stack `name` in this backend."""
        _CloudBlock(stack, self, name)


class _CloudBlock(TerraformBackend):
    """The `cloud` block of a stack."""

    def __init__(self, scope: Construct, config: CloudBackendConfig, workspace: str) -> None:
        super().__init__(scope, "backend", "cloud")
        self._config, self._workspace = config, workspace

    def to_terraform(self) -> Any:
        workspaces = {"name": self._workspace} | ({"project": self._config.project} if self._config.project else {})
        block = {"hostname": self._config.hostname, "organization": self._config.organization, "workspaces": workspaces}
        return {"terraform": {"cloud": block}}

    def get_remote_state_data_source(self, scope: Construct, name: str, from_stack: str) -> TerraformRemoteState:
        """Return the state of this stack as another one reads it; cdktf asks every backend for it."""
        return DataTerraformRemoteState(
            scope,
            name,
            hostname=self._config.hostname,
            organization=self._config.organization,
            workspaces={"name": from_stack},
        )


def _keys_without_type(data: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    # pydantic names the type in the path of a fault, `backend.gcs.bucket`; the file has no such table.
    try:
        return handler(data)
    except ValidationError as error:
        types = {"local", "gcs", "cloud"}
        raise Faults(
            Fault(fault.key[1:], fault.message, fault.value) if fault.key[0:1] and fault.key[0] in types else fault
            for fault in faults_of(error)
        ) from None


BackendConfig = Annotated[
    LocalBackendConfig | GcsBackendConfig | CloudBackendConfig,
    Field(discriminator="type"),
    WrapValidator(_keys_without_type),
]
