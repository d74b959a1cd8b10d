"""The risks of a deployment, and the warnings about them.

Owns: the name of every risk, and printing warnings. Leaves to others: when a risk is present and what it means, which each construct
defines.

Synth warns because the defaults reproduce exactly what the guide's commands create, including unsafe settings.
"""

import os
import sys
from collections.abc import Sequence
from typing import Literal

from cdktf import Annotations
from constructs import Construct

Risk = Literal[
    "node-account-is-cluster-admin",
    "node-account-has-broad-role",
    "destroy-removes-existing-grants",
    "docker-bridge-range",
    "public-control-plane",
    "dataplane-v2-instead-of-calico",
    "no-release-channel",
    "nodes-without-security-patches",
    "node-in-every-zone",
    "no-room-for-surge-nodes",
    "applying-account-becomes-admin",
    "admin-email-has-capital-letters",
    "dns-account-changes-every-zone",
    "untested-provider-version",
    "unknown-region",
    "unknown-machine-type",
    "unknown-disk-type",
    "image-not-ubuntu-containerd",
]
"""What can be acknowledged in a deployment file.

- `node-account-is-cluster-admin`: any Pod can use the node service account's `container.admin` and become cluster administrator.
- `node-account-has-broad-role`: any pod can use the node account's role to read or control most of the project.
- `destroy-removes-existing-grants`: a destroy also removes those roles of an existing service account that it had before.
- `docker-bridge-range`: a range of the subnetwork overlaps the one of Docker's bridge, so workspaces that run Docker cannot reach it.
- `public-control-plane`: every network can reach the external IP address of the control plane.
- `dataplane-v2-instead-of-calico`: GKE Dataplane V2 enforces network policies, which the guide's chapters do not support.
- `no-release-channel`: GKE refuses new clusters without a release channel and ends support for existing ones on 2027-06-14.
- `nodes-without-security-patches`: a maintenance exclusion prevents node upgrades, so nodes get no security patches.
- `node-in-every-zone`: the guide describes one node, but a cluster without `zones` starts with one in each of three zones.
- `no-room-for-surge-nodes`: the ranges have no room for the additional node that an upgrade creates.
- `applying-account-becomes-admin`: no administrator is listed, so each account that runs Terraform replaces the previous one.
- `admin-email-has-capital-letters`: RBAC compares e-mail addresses exactly, and an address that is spelled differently is not bound.
- `dns-account-changes-every-zone`: external-dns and cert-manager may change the records of every zone of the project.
- `untested-provider-version`: a provider is newer than the newest version that was tested.
- `unknown-region`, `unknown-machine-type`, `unknown-disk-type`: a name that is not on this package's lists. It may be newer than they
  are, or misspelled.
- `image-not-ubuntu-containerd`: Gitpod's workspaces need Ubuntu nodes with containerd.
"""

_ACKNOWLEDGED = "gitpod-pov/acknowledged-risks"
_NOT_PRINTED = "gitpod-pov/warnings-not-printed"


def acknowledge(scope: Construct, risks: Sequence[Risk]) -> None:
    """Silence the warnings of the named risks for a construct and everything that is added below it later.

    Args:
        scope: the construct, usually a stack.
        risks: the names of the risks.
    """
    scope.node.set_context(_ACKNOWLEDGED, list(risks))


def leave_printing_to_the_app(app: Construct) -> None:
    """Print no warnings on standard error for an app that prints those of its manifest itself. Call it before a stack is added."""
    app.node.set_context(_NOT_PRINTED, value=True)


def warn(scope: Construct, risk: Risk, meaning: str) -> None:
    """Attach a warning to a construct, unless the risk is acknowledged above it.

    It is printed on standard error at once, unless the cdktf CLI runs the app, which sets `CDKTF_OUTDIR` and prints the annotations of the
    manifest itself.

    Args:
        scope: the construct that carries the risk.
        risk: its name.
        meaning: what can happen, and the remedy.
    """
    if risk in (scope.node.try_get_context(_ACKNOWLEDGED) or ()):
        return
    Annotations.of(scope).add_warning(f"{risk}: {meaning}")
    printed_elsewhere = os.environ.get("CDKTF_OUTDIR") or scope.node.try_get_context(_NOT_PRINTED)
    if sys.stderr and not printed_elsewhere:  # None without a standard error, as under `2>&-`
        sys.stderr.write(f"warning: {scope.node.path}: {risk}: {meaning}\n")
