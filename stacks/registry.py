"""The registry of stacks: each kind of stack that a deployment can have, in the order of deployment, and the app that holds them.

A new kind of stack is one class and one line in `STACK_KINDS`. The commands, the hand-over and the rehearsal read the registry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cdktf import App
from constructs import Construct

from deployment.model import Deployment
from stacks.base import GitpodStack
from stacks.cluster_stack import ClusterStack
from stacks.rbac_stack import RbacStack


@dataclass(frozen=True)
class StackKind:
    """A kind of stack.

    Attributes:
        suffix: the last part of the stack's name: `cluster` for `NAME-cluster`.
        stack: the class, called with the app, the stack's name and the deployment.
        depends_on: the suffixes of the kinds that are applied before this one.
        wanted: whether a deployment has this kind.
    """

    suffix: str
    stack: Callable[[Construct, str, Deployment], GitpodStack]
    depends_on: tuple[str, ...] = ()
    wanted: Callable[[Deployment], bool] = lambda _: True


STACK_KINDS: tuple[StackKind, ...] = (
    StackKind("cluster", ClusterStack),
    StackKind("rbac", RbacStack, depends_on=("cluster",)),
)


def kinds_of(deployment: Deployment) -> tuple[StackKind, ...]:
    """Return the kinds of stack that a deployment has, in the order of deployment."""
    return tuple(kind for kind in STACK_KINDS if kind.wanted(deployment))


def build(deployments: Mapping[str, Deployment], outdir: str | None = None) -> App:
    """Return the app with the stacks of each deployment, named `NAME-SUFFIX`.

    Args:
        deployments: the deployments by name.
        outdir: where `synth` writes. Defaults to what the cdktf CLI asks for, or `cdktf.out` in the current directory.
    """
    app = App(outdir=outdir, stack_traces=False)  # stack traces would put paths of this machine into the manifest
    for name, deployment in deployments.items():
        stacks: dict[str, GitpodStack] = {}
        for kind in kinds_of(deployment):
            stacks[kind.suffix] = kind.stack(app, f"{name}-{kind.suffix}", deployment)
            for suffix in kind.depends_on:
                stacks[kind.suffix].add_dependency(stacks[suffix])
    return app
