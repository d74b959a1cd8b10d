"""`python -m handover NAME DIR [--format hcl|json] [--force]`: writes the hand-over of a deployment into a folder.

Exit status: that of every command, see `deployment.commands`. When it is refused, nothing is written.
"""

from pathlib import Path
from typing import get_args

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.bindings import collect_no_garbage

from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from handover.folder import files_of, write
from handover.stacks import Format, HandoverError


@commands.refused(RefusedDeploymentsError, HandoverError)
def hand_over(name: str, directory: Path, folder: Path = DEPLOYMENTS, *, form: Format = "hcl", force: bool = False) -> int:
    """Write the hand-over of a deployment and return the exit status.

    Args:
        name: the deployment's name.
        directory: the folder of the hand-over.
        folder: the folder of the deployment files.
        form: the syntax of the configuration.
        force: whether to overwrite edited files.
    """
    deployment = load_deployment(name, folder)
    with commands.step(f"synthesize {name} with its values and with variables"):
        files = files_of(name, deployment, form)
    with commands.step(f"write {directory}"):
        kept = write(files, directory, force=force)
    for path in files:
        print(f"{directory / path}{' (kept)' if path in kept else ''}")  # noqa: T201
    return 0


if __name__ == "__main__":
    collect_no_garbage()
    arguments = commands.Arguments("python -m handover", "name")
    arguments.add_argument("directory", metavar="DIR", type=Path)
    arguments.add_argument("--format", dest="form", choices=get_args(Format), default="hcl")
    arguments.add_argument("--force", action="store_true")
    commands.run(hand_over, arguments)
