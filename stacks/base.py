"""What the stacks share: backend, versions, the google provider, readable addresses, outputs and the connection to the cluster.

Leaves to others: every resource. Addresses are allocated here because cdktf appends a hash to every address below the top level. It also
removes characters without checking whether two addresses become the same. Platform teams read these addresses and use them in scripts.
"""

import re
from typing import Any

from gitpod_pov.bindings import address_by_path
from gitpod_pov.provider_versions import SUPPORTED, Provider, newer_than_tested, require_providers
from gitpod_pov.reasons import Reasons
from gitpod_pov.risks import acknowledge, warn

from cdktf import Fn, Postcondition, TerraformElement, TerraformOutput, TerraformResourceLifecycle, TerraformStack
from cdktf_cdktf_provider_google.data_google_client_config import DataGoogleClientConfig
from cdktf_cdktf_provider_google.data_google_container_cluster import DataGoogleContainerCluster
from cdktf_cdktf_provider_google.provider import GoogleProvider
from constructs import Construct, Node

from deployment.model import Deployment


class GitpodStack(TerraformStack):
    """A stack whose resources are addressed by their construct path: `identity/storage_admin` as `identity_storage_admin`."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment, *additional_providers: Provider) -> None:
        """Add the stack, with a google provider.

        Args:
            scope: the app.
            id: the stack's name.
            deployment: the deployment.
            additional_providers: the providers that the stack configures itself.
        """
        super().__init__(scope, id)
        self._paths: dict[str, str] = {}
        address_by_path(self)  # the rule below, without the round trips
        acknowledge(self, deployment.acknowledged_risks)  # before any child: constructs take no context after that
        deployment.backend.add_to(self, id)
        self.add_override("terraform.required_version", ">= 1.6.0")  # cdktf writes none
        versions: dict[Provider, str] = {name: getattr(deployment.providers, name) for name in ("google", *additional_providers)}
        require_providers(self, **versions)
        for provider, version in versions.items():
            if newer_than_tested(provider, version):
                warn(
                    self,
                    "untested-provider-version",
                    f"providers.{provider} is {version}, which is newer than {SUPPORTED[provider].newest_tested}, the newest tested "
                    "version; read the plan before you apply, or use the tested version",
                )
        GoogleProvider(self, "google", project=deployment.project, region=deployment.region)

    def add_outputs(self, **outputs: tuple[Any, str]) -> None:
        """Add outputs, each with its value and its description."""
        for name, (value, description) in outputs.items():
            TerraformOutput(self, name, value=value, description=description)

    def _allocate_logical_id(self, tf_element: TerraformElement | Node | Any) -> str:
        """Return the address of an element: its path below the stack, joined with underscores, without `Default`.

        Raises:
            ValueError: when another element has that address, or the path contains characters that Terraform does not allow. An output
                may have the address of another element.
        """
        path: str = (tf_element if isinstance(tf_element, Node) else tf_element.node).path
        name = "_".join(part for part in path.split("/")[1:] if part != "Default")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
            raise ValueError(f"construct path '{path}' cannot be a Terraform address: only letters, digits, - and _ are allowed")
        address = f"output.{name}" if isinstance(tf_element, TerraformOutput) else name
        if (other := self._paths.setdefault(address, path)) != path:
            raise ValueError(f"construct paths '{other}' and '{path}' have the same Terraform address '{name}'")
        return name


CLUSTER_ACCESS: Reasons = {
    "data.google_container_cluster": {
        "": "Finds the cluster by its name, so that this configuration does not need the state of the one that creates it."
    },
    "data.google_client_config": {"": "The access token of the account that runs Terraform. It is valid for an hour."},
}
"""The reasons of what `cluster_access` adds."""


def cluster_access(stack: GitpodStack, deployment: Deployment, *postconditions: Postcondition) -> dict[str, Any]:
    """Return the arguments with which a provider connects to the cluster: `host`, `cluster_ca_certificate` and `token`.

    Args:
        stack: a stack with a google provider, in which the cluster is looked up by name.
        deployment: the deployment.
        postconditions: conditions on the cluster.
    """
    lifecycle = TerraformResourceLifecycle(postcondition=[*postconditions]) if postconditions else None
    cluster = DataGoogleContainerCluster(
        stack, "cluster", project=deployment.project, location=deployment.region, name=deployment.cluster.name, lifecycle=lifecycle
    )
    client = DataGoogleClientConfig(stack, "client")
    endpoint: str = cluster.endpoint
    ca_certificate: str | None = Fn.base64decode(cluster.master_auth.get(0).cluster_ca_certificate)
    if deployment.cluster.dns_endpoint:
        # Its certificate is signed by a public authority, not by the cluster's CA.
        endpoint = cluster.control_plane_endpoints_config.get(0).dns_endpoint_config.get(0).endpoint
        ca_certificate = None
    return {"host": f"https://{endpoint}", "cluster_ca_certificate": ca_certificate, "token": client.access_token}
