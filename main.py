"""Reads the deployments, builds the app and synthesizes it: `python main.py`, or through the cdktf CLI.

`python main.py NAME` prints the names of that deployment's stacks, in the order of deployment, and nothing else: what the Makefile
hands to the cdktf CLI. One call does both, so that a deploy starts Python once.

Exit status: that of every command, see `deployment.commands`. When a deployment is refused, nothing is written.
"""

import json
import os
import sys
from pathlib import Path

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.bindings import collect_no_garbage

from deployment.reading import RefusedDeploymentsError, find_deployment, load_deployments
from stacks.registry import build, stack_names


def main(folder: Path = Path(__file__).parent / "deployments", name: str | None = None) -> int:
    """Synthesize every deployment of a folder; return the exit status.

    Args:
        folder: holds the deployment files.
        name: the deployment whose stack names are printed. None prints every stack and every warning.
    """
    try:
        deployments = load_deployments(folder)
        names = [] if name is None else stack_names(name, find_deployment(name, deployments))
    except RefusedDeploymentsError as error:
        print(error, file=sys.stderr)
        return 2
    outdir = Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out")  # set by the cdktf CLI
    with commands.temporary_folder() as temporary:
        build(deployments, str(temporary)).synth()
        files = [path for path in sorted(temporary.rglob("*")) if path.is_file()]
        commands.write_files(outdir, {str(path.relative_to(temporary)): path.read_bytes() for path in files})
    if name is None:
        report(outdir)
    else:
        print("\n".join(names))
    return 0


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
    commands.run(main, arguments)
