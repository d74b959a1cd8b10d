"""The registry of stacks: each kind of stack that a deployment can have, and the app that holds them.

A new kind of stack is one class and one entry in `STACK_KINDS`. The commands, the hand-over, the rehearsal and the tests read the
registry and do not name kinds. Leaves to others: the contents of a stack, which its class defines.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitpod_pov.risks import leave_printing_to_the_app

from cdktf import App
from constructs import Construct

from deployment.model import Deployment
from stacks.base import GitpodStack
from stacks.cluster_stack import ClusterStack
from stacks.ingress_stack import IngressStack
from stacks.rbac_stack import RbacStack


@dataclass(frozen=True)
class StackKind:
    """A kind of stack.

    Attributes:
        suffix: the last part of the stack's name, `cluster` for `NAME-cluster`; also the name of the module in a hand-over.
        stack: the class, called with the app, the stack's name and the deployment.
        creates: what the stack creates, in a few words; `make show` and the README of a hand-over print it.
        depends_on: the suffixes of the kinds that are applied before this one and destroyed after it. Kinds that a
            deployment does not have are ignored.
        wanted: whether a deployment has this kind. Every deployment by default.
    """

    suffix: str
    stack: Callable[[Construct, str, Deployment], GitpodStack]
    creates: str
    depends_on: tuple[str, ...] = ()
    wanted: Callable[[Deployment], bool] = lambda _: True


STACK_KINDS: tuple[StackKind, ...] = (
    StackKind(
        "cluster",
        ClusterStack,
        creates="the node service account, the network, the GKE cluster and its labelled node pool",
    ),
    StackKind(
        "rbac",
        RbacStack,
        creates="the cluster role binding of the administrators",
        depends_on=("cluster",),
    ),
    StackKind(
        "ingress",
        IngressStack,
        creates="the DNS zone, external-dns, cert-manager and the ClusterIssuer",
        depends_on=("rbac",),
        wanted=lambda d: d.ingress is not None,
    ),
)
"""The kinds in the order of deployment: each kind follows those that it depends on."""


def kinds_of(deployment: Deployment) -> tuple[StackKind, ...]:
    """Return the kinds of stack that a deployment has, in the order of deployment."""
    return tuple(kind for kind in STACK_KINDS if kind.wanted(deployment))


def stack_names(name: str, deployment: Deployment) -> tuple[str, ...]:
    """Return the names of a deployment's stacks, in the order of deployment.

    Args:
        name: the deployment's name.
        deployment: the deployment.
    """
    return tuple(f"{name}-{kind.suffix}" for kind in kinds_of(deployment))


def build(deployments: Mapping[str, Deployment], outdir: str | None = None) -> App:
    """Return the app with the stacks of each deployment, named `NAME-SUFFIX`.

    Args:
        deployments: the deployments by name.
        outdir: where `synth` writes. Defaults to what the cdktf CLI asks for, or `cdktf.out` in the current directory.
    """
    app = App(outdir=outdir, stack_traces=False)  # stack traces would write paths of this machine to the manifest
    leave_printing_to_the_app(app)
    for name, deployment in deployments.items():
        stacks: dict[str, GitpodStack] = {}
        for kind, stack_name in zip(kinds_of(deployment), stack_names(name, deployment), strict=True):
            stacks[kind.suffix] = kind.stack(app, stack_name, deployment)
            for suffix in kind.depends_on:
                if suffix in stacks:
                    stacks[kind.suffix].add_dependency(stacks[suffix])
    return app
