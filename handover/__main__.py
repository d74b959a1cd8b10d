"""`python -m handover NAME DIR`: writes the hand-over of a deployment into a folder; `make handover` knows the usual one.

Exit status: that of every command, see `deployment.commands`. When it is refused, nothing is written.
"""

import sys
from pathlib import Path

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.bindings import collect_no_garbage

from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from handover.folder import files_of, write
from handover.stacks import HandoverError


def hand_over(name: str, directory: Path, folder: Path = DEPLOYMENTS) -> int:
    """Write the hand-over of a deployment of a folder and return the exit status."""
    try:
        deployment = load_deployment(name, folder)
        with commands.step(f"synthesize {name} with its values and with variables"):
            files = files_of(name, deployment)
        with commands.step(f"write {directory}"):
            write(files, directory)
    except (RefusedDeploymentsError, HandoverError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    for path in files:
        print(directory / path)  # noqa: T201
    return 0


if __name__ == "__main__":
    collect_no_garbage()
    arguments = commands.Arguments("python -m handover")
    arguments.add_argument("name", metavar="NAME")
    arguments.add_argument("directory", metavar="DIR", type=Path)
    commands.run(hand_over, arguments)
