"""Reads the deployments, builds the app and synthesizes it: `python main.py`, or through the cdktf CLI.

Exit status: 0 when every stack is written, 2 when a deployment is refused; then nothing is written.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from gitpod_pov.bindings import collect_no_garbage

from cdktf import App

from stacks.cluster_stack import ClusterStack
from stacks.deployment import Deployment, RefusedDeploymentsError, load_deployments
from stacks.rbac_stack import RbacStack

ROOT = Path(__file__).parent


def build(deployments: Mapping[str, Deployment], outdir: str | None = None) -> App:
    """Return the app with two stacks for each deployment, `NAME-cluster` and `NAME-rbac`.

    Args:
        deployments: the deployments by name.
        outdir: where `synth` writes. Defaults to what the cdktf CLI asks for, or `cdktf.out` in the current directory.
    """
    app = App(outdir=outdir, stack_traces=False)  # stack traces would put paths of this machine into the manifest
    for name, deployment in deployments.items():
        cluster = ClusterStack(app, f"{name}-cluster", deployment)
        RbacStack(app, f"{name}-rbac", deployment).add_dependency(cluster)
    return app


def main(folder: Path = ROOT / "deployments") -> int:
    """Synthesize every deployment of a folder and print the stacks and their warnings; return the exit status."""
    try:
        deployments = load_deployments(folder)
    except RefusedDeploymentsError as error:
        print(error, file=sys.stderr)
        return 2
    app = build(deployments)
    app.synth()
    report(Path(app.outdir))
    return 0


def report(outdir: Path) -> None:
    """Print each stack of a synthesized app with its path, and each warning once."""
    stacks = json.loads((outdir / "manifest.json").read_text())["stacks"].values()
    for stack in stacks:
        print(f"{stack['name']}  {outdir / stack['synthesizedStackPath']}")
    for stack in stacks:
        for annotation in stack["annotations"]:
            print(f"warning: {annotation['constructPath']}: {annotation['message']}")


if __name__ == "__main__":
    collect_no_garbage()
    sys.exit(main())
