"""Reads the deployments, builds the app and synthesizes it: `python main.py`, or through the cdktf CLI.

Exit status: 0 when every stack is written, 2 when a deployment is refused; then nothing is written.
"""

import json
import sys
from pathlib import Path

from gitpod_pov.bindings import collect_no_garbage

from deployment.reading import RefusedDeploymentsError, load_deployments
from stacks.registry import build


def main(folder: Path = Path(__file__).parent / "deployments") -> int:
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
