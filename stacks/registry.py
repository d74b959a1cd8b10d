"""The registry of stacks: each kind of stack that a deployment can have, the app, and what a synth writes of each stack.

A new kind of stack is one class and its name in `STACK_KINDS`. The commands, the hand-over, the rehearsal and the tests read the
registry and do not name kinds. Leaves to others: the contents of a stack, which its class defines.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitpod_pov.risks import leave_printing_to_the_app

from cdktf import App

from deployment.commands import temporary_folder
from deployment.model import Deployment
from stacks.base import GitpodStack
from stacks.cluster_stack import ClusterStack
from stacks.ingress_stack import IngressStack
from stacks.rbac_stack import RbacStack

STACK_KINDS: tuple[type[GitpodStack], ...] = (ClusterStack, RbacStack, IngressStack)
"""The kinds in the order of deployment: each kind follows those that it depends on."""


def kinds_of(deployment: Deployment) -> tuple[type[GitpodStack], ...]:
    """Return the kinds of stack that a deployment has, in the order of deployment."""
    return tuple(kind for kind in STACK_KINDS if kind.is_in(deployment))


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
            stacks[kind.suffix] = kind(app, f"{name}-{kind.suffix}", deployment)
            for suffix in kind.follows:
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
