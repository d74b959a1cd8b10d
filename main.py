"""Reads the deployments, builds the app and synthesizes it: `python main.py`, or through the cdktf CLI.

`python main.py NAME` prints the names of that deployment's stacks, in the order of deployment, and nothing else: what the Makefile
hands to the cdktf CLI. One call does both, so that a deploy starts Python once. `python main.py NAME ACTION` first prints a line that says
what is about to happen: the action (deploy or destroy), the project and the stacks in the order of the action.

Exit status: that of every command, see `deployment.commands`. When a deployment is refused, nothing is written.
"""

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.bindings import collect_no_garbage

from deployment.model import Deployment
from deployment.reading import RefusedDeploymentsError, find_deployment, load_deployments
from stacks.registry import build, stack_names
from stacks.states import unused_states

MANY = 20
"""From this number of deployments on, a synth takes seconds and prints its steps."""


@commands.refused(RefusedDeploymentsError)
def main(folder: Path = Path(__file__).parent / "deployments", name: str | None = None, action: str | None = None) -> int:
    """Synthesize every deployment of a folder; return the exit status.

    Args:
        folder: holds the deployment files.
        name: the deployment whose stack names are printed. None prints every stack and every warning.
        action: what is done with the stacks, for the line before their names: `deploy` or `destroy`. None prints no such line.
    """
    deployments = load_deployments(folder)
    lines = [] if name is None else selected(name, find_deployment(name, deployments), action)
    outdir = Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out")  # set by the cdktf CLI
    step = commands.step if len(deployments) >= MANY else nullcontext
    with commands.temporary_folder() as temporary:
        with step(f"build the stacks of {len(deployments)} deployments"):
            app = build(deployments, str(temporary))
        with step("synthesize"):
            app.synth()
        with step(f"write {outdir}"):
            files = [path for path in sorted(temporary.rglob("*")) if path.is_file()]
            commands.write_files(outdir, {str(path.relative_to(temporary)): path.read_bytes() for path in files})
    if name is None:
        report(outdir)
    else:
        print("\n".join(lines))
    for message in unused_states(outdir.absolute().parent, deployments):  # see LocalBackendConfig
        print(f"warning: {message}", file=sys.stdout if name is None else sys.stderr)
    return 0


def selected(name: str, deployment: Deployment, action: str | None) -> list[str]:
    """Return the names of a deployment's stacks in the order of deployment, after the line about the action if there is one."""
    stacks = [*stack_names(name, deployment)]
    in_order = reversed(stacks) if action == "destroy" else stacks
    announcement = [f"{action}: project {deployment.project}, stacks {', '.join(in_order)}"] if action else []
    return announcement + stacks


def report(outdir: Path) -> None:
    """Print each stack of a synthesized app with its path, and each warning once."""
    stacks = json.loads((outdir / "manifest.json").read_text(encoding="utf-8"))["stacks"].values()
    for stack in stacks:
        print(f"{stack['name']}  {outdir / stack['synthesizedStackPath']}")
    for stack in stacks:
        for annotation in stack["annotations"]:
            print(f"warning: {annotation['constructPath']}: {annotation['message']}")


if __name__ == "__main__":
    collect_no_garbage()
    arguments = commands.Arguments("python main.py")
    arguments.add_argument("name", metavar="NAME", nargs="?")
    arguments.add_argument("action", metavar="ACTION", nargs="?", choices=("deploy", "destroy"))
    commands.run(main, arguments)
