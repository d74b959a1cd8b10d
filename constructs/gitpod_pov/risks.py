"""The risks that a deployment can carry, and how a synth tells them.

Owns: the name of every risk and the one way to warn of it. Leaves to others: when it is present and what it means, which each
construct knows of itself.

Why warn at all: the defaults reproduce the guide to the letter, insecure spots included, because the guide is the contract.
"""

from typing import Literal

from cdktf import Annotations
from constructs import Construct

Risk = Literal[
    "node-account-is-cluster-admin",
    "public-control-plane",
    "no-release-channel",
    "node-in-every-zone",
    "unknown-region",
    "unknown-machine-type",
    "unknown-disk-type",
    "image-not-ubuntu-containerd",
]
"""What can be acknowledged in a deployment file.

- `node-account-is-cluster-admin`: any pod can take the node account's `container.admin` and become cluster admin.
- `public-control-plane`: the control plane answers on a public address, to every network.
- `no-release-channel`: Google ends clusters without a release channel on 2027-06-14.
- `node-in-every-zone`: one node was expected, one in every zone of the region is what is created.
- `unknown-region`, `unknown-machine-type`, `unknown-disk-type`: a name that the lists of this package do not have; it may be newer than
  they are, or misspelled.
- `image-not-ubuntu-containerd`: Gitpod's workspaces need Ubuntu nodes with containerd.
"""

_ACKNOWLEDGED = "gitpod-pov/acknowledged-risks"


def acknowledge(scope: Construct, risks: tuple[Risk, ...]) -> None:
    """Silence the warnings of the named risks for a construct and everything that is added below it later."""
    scope.node.set_context(_ACKNOWLEDGED, list(risks))


def warn(scope: Construct, risk: Risk, meaning: str) -> None:
    """Attach a warning to a construct, unless the risk is acknowledged above it.

    `cdktf synth` and `make synth` print it; the manifest records it.

    Args:
        scope: the construct that carries the risk.
        risk: its name.
        meaning: what can happen and the way out.
    """
    if risk not in (scope.node.try_get_context(_ACKNOWLEDGED) or ()):
        Annotations.of(scope).add_warning(f"{risk}: {meaning}")
