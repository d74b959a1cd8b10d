"""Prints, as one JSON object, what an app can observe of its bindings, and synthesizes the sample app.

Run once on stock, once on ours. Wrong types are what it is about, and it finds `sample_app` in its own directory.
"""
# mypy: disable-error-code="arg-type,call-arg,list-item,import-not-found"

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import gitpod_pov  # noqa: F401

import jsii
import sample_app
from cdktf import App, Aspects, IAspect, TerraformOutput, TerraformStack, Testing, Token
from cdktf_cdktf_provider_google.compute_subnetwork import ComputeSubnetwork, ComputeSubnetworkSecondaryIpRange
from cdktf_cdktf_provider_google.container_cluster import ContainerCluster
from cdktf_cdktf_provider_google.service_account import ServiceAccount
from constructs import IConstruct

seen: dict[str, Any] = {}


def error_of(action: Callable[[], object]) -> str:
    """The kind and message of the error that `action` raises."""
    try:
        action()
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}: {error}"
    return "none"


class Renamed(ServiceAccount):
    """A subclass with an additional method that Node calls."""

    def _synthesize_attributes(self) -> Any:
        return {**super()._synthesize_attributes(), "display_name": "from a subclass"}


@jsii.implements(IAspect)
class Accounts:
    """Collects the service accounts it visits."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit(self, node: IConstruct) -> None:
        """Called by cdktf for every construct of the stack."""
        if isinstance(node, ServiceAccount):
            self.found.append(f"{type(node).__name__} {node.node.id}")


stack = TerraformStack(App(), "stack")
ranges = [ComputeSubnetworkSecondaryIpRange(range_name="pods", ip_cidr_range="10.4.0.0/14")]
subnetwork = ComputeSubnetwork(stack, "subnet", name="n", network="default", secondary_ip_range=ranges)
cluster = ContainerCluster(stack, "cluster", name="c", location="l", subnetwork=subnetwork.name)
account = Renamed(stack, "account", account_id="a-b-c-d", depends_on=[cluster])
aspect = Accounts()
Aspects.of(stack).add(aspect)

seen["argument of the wrong type"] = error_of(lambda: ServiceAccount(stack, "wrong", account_id=5))
seen["scope of the wrong type"] = error_of(lambda: ServiceAccount("stack", "wrong", account_id="a"))
seen["none for a required argument"] = error_of(lambda: ServiceAccount(stack, "wrong", account_id=None))
seen["unknown argument"] = error_of(lambda: ServiceAccount(stack, "wrong", account_id="a", nothing=1))
seen["missing argument"] = error_of(lambda: ServiceAccount(stack, "wrong"))
seen["struct argument of the wrong type"] = error_of(lambda: ComputeSubnetworkSecondaryIpRange(range_name=1))
seen["list of the wrong type"] = error_of(lambda: ServiceAccount(stack, "w", account_id="a", depends_on=["no"]))
seen["setter"] = error_of(lambda: setattr(account, "display_name", 1))
seen["error in node"] = error_of(lambda: ServiceAccount(stack, "account", account_id="a"))
seen["nested output"] = [str(type(cluster.master_auth)), type(cluster.master_auth.client_certificate).__name__]
seen["list output"] = [str(type(subnetwork.secondary_ip_range)), str(type(subnetwork.secondary_ip_range.get(0)))]
references = {
    "string": account.email,
    "nested": cluster.master_auth.client_certificate,
    "boolean": cluster.master_auth.client_certificate_config.issue_client_certificate,
    "list": subnetwork.secondary_ip_range.get(0).range_name,
}
for name, value in references.items():
    TerraformOutput(stack, name, value=value)
seen["creation stack"] = [
    # jsii's own loop is left out: Node forgets the name of its function once it has run.
    re.sub(r"/\S*/(?=lib/)", "", line)
    for line in Token.as_any(cluster.master_auth).creation_stack
    if "program.js" not in line
]
seen["synthesized"] = json.loads(Testing.synth(stack))
seen["visited"] = aspect.found

import cdktf_cdktf_provider_google as google  # noqa: E402

seen["attribute access"] = google.dns_managed_zone.DnsManagedZone.TF_RESOURCE_TYPE
seen["unknown attribute"] = error_of(lambda: google.nothing)
seen["unknown import"] = error_of(lambda: exec("from cdktf_cdktf_provider_google import nothing"))
seen["public names"] = [name for name in dir(google) if not name.startswith("__")]
seen["documentation"] = google.__doc__
seen["loader"] = [str(type(google.__spec__.loader)), str(type(google.__loader__)), google.__file__]
sample_app.main()
seen["modules loaded"] = sum(name.startswith(f"{google.__name__}.") for name in sys.modules)
print(json.dumps(seen))
