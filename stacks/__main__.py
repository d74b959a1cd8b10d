"""`python -m stacks NAME`: prints the stacks of a deployment as comments of a deployment file; `make show` puts them above its values.

Exit status: that of every command, see `deployment.commands`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from deployment import commands

if __name__ == "__main__":
    commands.start()

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from stacks.registry import kinds_of, stack_names


def describe(name: str, deployment: Deployment) -> Iterator[str]:
    """Yield one line for each stack of a deployment, in the order of deployment, below a heading."""
    kinds = kinds_of(deployment)
    yield "# Stacks, in the order of deployment:"
    for kind, stack in zip(kinds, stack_names(name, deployment), strict=True):
        after = [f"{name}-{other.suffix}" for other in kinds if other.suffix in kind.depends_on]
        yield f"# {stack}: {kind.creates}" + (f"; after {' and '.join(after)}" if after else "")
    yield ""


def main(name: str, folder: Path = DEPLOYMENTS) -> int:
    """Print the stacks of the deployment `name`; return the exit status."""
    try:
        deployment = load_deployment(name, folder)
    except RefusedDeploymentsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    print("\n".join(describe(name, deployment)))  # noqa: T201
    return 0


if __name__ == "__main__":
    arguments = commands.Arguments("python -m stacks")
    arguments.add_argument("name", metavar="NAME")
    commands.run(main, arguments)
