"""Where the state of a stack is kept.

Owns: the types of backend, and adding one to a stack. Leaves to others: buckets, organizations and workspaces, which must exist, and
credentials, which do not belong in a committed file: Terraform reads them from its environment.

The cloud block is written here and not by cdktf's `CloudBackend`, because that class runs `terraform version` during synth, and a synth
must not need Terraform. Disabling cdktf's validations would also disable the check for a missing provider.

Source: https://developer.hashicorp.com/terraform/language/backend
"""

import re
from typing import Annotated, Any, Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import inner_faults
from gitpod_pov.gcp_names import KmsKey, Pattern, ServiceAccountEmail

from cdktf import DataTerraformRemoteState, GcsBackend, LocalBackend, TerraformBackend, TerraformRemoteState, TerraformStack
from constructs import Construct
from pydantic import AfterValidator, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator


class LocalBackendConfig(Configuration):
    """State in a file in the project's folder, named after the stack."""

    model_config = ConfigDict(json_schema_extra={"required": ["type"]})  # the default is for code: a file names its type

    type: Literal["local"] = "local"
    """State in the file `terraform.STACK.tfstate` in the project's folder. The default."""

    def add_to(self, stack: TerraformStack, name: str) -> None:
        """Keep the state of the stack `name` in this backend."""
        # Without a path cdktf writes the directory of the synth into the output; this one is relative to the stack's own.
        LocalBackend(stack, path=f"../../../terraform.{name}.tfstate")


_LONGEST_PART = 63


def _bucket_name(value: str) -> str:
    parts = value.split(".")
    if max(map(len, parts)) > _LONGEST_PART:
        raise ValueError(f"is too long: a bucket name has at most {_LONGEST_PART} characters, or {_LONGEST_PART} in each part between dots")
    if not all(re.fullmatch(r"[^-](.*[^-])?", part) for part in parts):
        raise ValueError("has a dot next to another dot or a hyphen: a bucket name with dots must be a valid domain name")
    if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", value):
        raise ValueError("is an IP address, which Cloud Storage does not allow as a bucket name")
    if value.startswith("goog") or re.search("g[o0][o0]g[l1]e", value):
        raise ValueError(
            "starts with goog, or contains google or a close misspelling of it, which Cloud Storage does not allow in a bucket name"
        )
    return value


BucketName = Annotated[
    str,
    Pattern(
        r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]",
        "a bucket name: 3 to 222 lowercase letters, digits, hyphens, underscores and dots, starting and ending with a letter or digit",
    ),
    AfterValidator(_bucket_name),
]
"""https://cloud.google.com/storage/docs/buckets#naming"""

_LONGEST_OBJECT_NAME = 1024
_LONGEST_STATE = f"/{'n' * 40}-cluster/default.tfstate"


def _object_names_fit(prefix: str) -> str:
    longest = _LONGEST_OBJECT_NAME - len(_LONGEST_STATE)
    if (length := len(prefix.encode())) > longest:
        raise ValueError(
            f"has {length} bytes in UTF-8: use at most {longest}, since the name of an object has at most {_LONGEST_OBJECT_NAME}"
        )
    return prefix


_SEGMENT = r"(?!\.\.?(/|$))((?![$%]\{)[^/\x00-\x1f\x7f])+"
Prefix = Annotated[
    str,
    Pattern(
        rf"(?!\.well-known/acme-challenge(/|$)){_SEGMENT}(/{_SEGMENT})*",
        (
            "an object prefix, such as team/gitpod: names separated by single slashes, none of them . or .., "
            "without ${, %{ or control characters"
        ),
    ),
    AfterValidator(_object_names_fit),
]
"""https://cloud.google.com/storage/docs/objects#naming

Other slashes and dots would give one state two names: Terraform removes them when it reads a state, and not when it lists the states.
hashicorp/terraform at 883c722, internal/backend/remote-state/gcs/backend_state.go
"""

Organization = Annotated[str, Pattern(r"[A-Za-z0-9_-]{3,40}", "an organization name: 3 to 40 letters, digits, hyphens and underscores")]
"""https://developer.hashicorp.com/hcp/docs/hcp/admin/orgs#manage-an-organization"""

ProjectName = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9_-][A-Za-z0-9 _-]{1,38}[A-Za-z0-9_-]",
        "a project name: 3 to 40 letters, digits, hyphens, underscores and spaces, not starting or ending with a space",
    ),
]
"""hashicorp/terraform-provider-tfe at 09e9fea, internal/provider/resource_tfe_project.go"""

WorkspacePrefix = Annotated[str, Pattern(r"[A-Za-z0-9_-]+", "a prefix of workspace names: letters, digits, hyphens and underscores")]
"""https://developer.hashicorp.com/terraform/cloud-docs/api-docs/workspaces#request-body"""

_LETTER = "A-Za-z0-9\u00a1-\uffff"
_LABEL = rf"(?!..--)[{_LETTER}]([{_LETTER}-]{{0,61}}[{_LETTER}])?"
_HIGHEST_PORT = 65_535


def _port(value: str) -> str:
    if int(value.partition(":")[2] or 0) > _HIGHEST_PORT:
        raise ValueError(f"has a port above {_HIGHEST_PORT}")
    return value


Hostname = Annotated[
    str,
    Pattern(
        rf"(?=[^:]{{1,253}}(:|$)){_LABEL}(\.{_LABEL})*(:[1-9][0-9]{{0,4}})?",
        "a host name, such as tfe.example.com, with an optional port: without https://, a path or xn-- labels",
    ),
    AfterValidator(_port),
]
"""hashicorp/terraform-svchost at de44f28, svchost.go: an internationalized name is written in its own letters."""


class GcsBackendConfig(Configuration):
    """State in a Cloud Storage bucket, one object prefix per stack."""

    type: Literal["gcs"]
    """State in a Cloud Storage bucket."""

    bucket: BucketName
    """Name of an existing bucket."""

    prefix: Prefix
    """Prefix of the object names, followed by the stack's name. Choose one that no other clone uses: clones with the same prefix share
    states. Earlier versions used 'gitpod-pov'; keep it for existing states.
    """

    impersonate_service_account: ServiceAccountEmail | None = None
    """E-mail address of the service account that reads and writes the state."""

    kms_encryption_key: KmsKey | None = None
    """Cloud KMS key of the state, projects/…/locations/…/keyRings/…/cryptoKeys/…."""

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
    """State and runs in HCP Terraform or Terraform Enterprise, one workspace per stack."""

    type: Literal["cloud"]
    """State and runs in HCP Terraform or Terraform Enterprise."""

    organization: Organization
    """Name of the organization."""

    hostname: Hostname = "app.terraform.io"
    """Host name of HCP Terraform or Terraform Enterprise."""

    project: ProjectName | None = None
    """HCP Terraform project in which new workspaces are created."""

    prefix: WorkspacePrefix | None = None
    """Prefix of the workspace names, followed by a hyphen and the stack's name. Choose one that no other clone uses: clones with the same
    prefix share workspaces.
    """

    def workspace_of(self, stack: str) -> str:
        """Return the name of a stack's workspace."""
        return f"{self.prefix}-{stack}" if self.prefix else stack

    def add_to(self, stack: TerraformStack, name: str) -> None:
        """Keep the state of the stack `name` in this backend."""
        _CloudBlock(stack, self, self.workspace_of(name))


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
        """Return the data source with which another stack reads this state. cdktf requires it of every backend."""
        return DataTerraformRemoteState(
            scope,
            name,
            hostname=self._config.hostname,
            organization=self._config.organization,
            workspaces={"name": self._config.workspace_of(from_stack)},
        )


def _keys_without_type(data: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    # pydantic names the type in the path of a fault, `backend.gcs.bucket`; the file has no such table.
    try:
        return handler(data)
    except ValidationError as error:
        raise inner_faults(error.errors()[0]) or error from None


BackendConfig = Annotated[
    LocalBackendConfig | GcsBackendConfig | CloudBackendConfig,
    Field(discriminator="type"),
    WrapValidator(_keys_without_type),
]
