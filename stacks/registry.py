"""The registry of stacks: each kind of stack that a deployment can have, the app, and what a synth writes of each stack.

A new kind of stack is one class and one entry in `STACK_KINDS`. The commands, the hand-over, the rehearsal and the tests read the
registry and do not name kinds. Leaves to others: the contents of a stack, which its class defines.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gitpod_pov import (
    cluster_admins,
    cluster_network,
    dns_identity,
    dns_zone,
    gke_cluster,
    ingress_charts,
    node_identity,
    node_pool,
    project_apis,
)
from gitpod_pov.reasons import Reasons
from gitpod_pov.risks import leave_printing_to_the_app

from cdktf import App
from constructs import Construct

from deployment.commands import temporary_folder
from deployment.model import Deployment
from stacks.base import CLUSTER_ACCESS, GitpodStack
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
        reasons: the reasons of its resources, by the id of their construct.
        wanted: whether a deployment has this kind. Every deployment by default.
    """

    suffix: str
    stack: Callable[[Construct, str, Deployment], GitpodStack]
    creates: str
    depends_on: tuple[str, ...] = ()
    reasons: Mapping[str, Reasons] = field(default_factory=dict)
    wanted: Callable[[Deployment], bool] = lambda _: True


STACK_KINDS: tuple[StackKind, ...] = (
    StackKind(
        "cluster",
        ClusterStack,
        creates="the node service account, the network, the GKE cluster and its labelled node pool",
        reasons={
            "apis": project_apis.REASONS,
            "identity": node_identity.REASONS,
            "network": cluster_network.REASONS,
            "cluster": gke_cluster.REASONS,
            "node_pool": node_pool.REASONS,
        },
    ),
    StackKind(
        "rbac",
        RbacStack,
        creates="the ClusterRoleBinding of the administrators",
        depends_on=("cluster",),
        reasons={"cluster": CLUSTER_ACCESS, "client": CLUSTER_ACCESS, "admins": cluster_admins.REASONS},
    ),
    StackKind(
        "ingress",
        IngressStack,
        creates="the DNS zone, external-dns, cert-manager and the ClusterIssuer",
        depends_on=("rbac",),
        reasons={
            "cluster": CLUSTER_ACCESS,
            "client": CLUSTER_ACCESS,
            "apis": project_apis.REASONS,
            "zone": dns_zone.REASONS,
            "dns_identity": dns_identity.REASONS,
            "charts": ingress_charts.REASONS,
        },
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
        for kind in kinds_of(deployment):
            stacks[kind.suffix] = kind.stack(app, f"{name}-{kind.suffix}", deployment)
            for suffix in kind.depends_on:
                if suffix in stacks:
                    stacks[kind.suffix].add_dependency(stacks[suffix])
    return app


@dataclass(frozen=True)
class SynthesizedStack:
    """A stack as a synth writes it.

    Attributes:
        name: its name.
        content: its Terraform configuration.
        annotations: its warnings, with the fields `constructPath` and `message`.
        assets: the other files of its folder by path, such as those of a TerraformAsset.
    """

    name: str
    content: dict[str, Any]
    annotations: Sequence[Mapping[str, str]]
    assets: Mapping[str, bytes]


def synthesize(name: str, deployment: Deployment) -> list[SynthesizedStack]:
    """Synthesize a deployment into a temporary folder and return its stacks, in the order of deployment."""
    stacks = []
    with temporary_folder() as directory:
        build({name: deployment}, str(directory)).synth()
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["stacks"]
        for stack in stack_names(name, deployment):
            configuration = directory / manifest[stack]["synthesizedStackPath"]
            folder = configuration.parent
            files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            content = json.loads(files.pop(configuration.name))
            stacks.append(SynthesizedStack(stack, content, manifest[stack]["annotations"], files))
    return stacks
