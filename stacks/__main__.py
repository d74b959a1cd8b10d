"""`python -m stacks NAME`: prints a deployment's stacks, and the roles that the applying account needs, as comments.

`make show` puts them above the values of the deployment file.

Exit status: that of every command, see `deployment.commands`.
"""

from collections.abc import Iterator
from pathlib import Path

from deployment import commands

if __name__ == "__main__":
    commands.start()

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from stacks.registry import kinds_of, stack_names
from stacks.roles import missing_grants, roles_of


def describe(name: str, deployment: Deployment) -> Iterator[str]:
    """Yield one line for each stack of a deployment, in the order of deployment, and one for each required role, below headings."""
    kinds = kinds_of(deployment)
    yield "# Stacks, in the order of deployment:"
    for kind, stack in zip(kinds, stack_names(name, deployment), strict=True):
        after = [f"{name}-{other.suffix}" for other in kinds if other.suffix in kind.depends_on]
        yield f"# {stack}: {kind.creates}" + (f"; after {' and '.join(after)}" if after else "")
    yield "# Roles that the applying account needs:"
    for required in roles_of(name, deployment):
        yield f"# {required.role} on {required.on}, to {' and to '.join(required.purposes)}"
    if missing := missing_grants(deployment):
        account = deployment.identity.email_in(deployment.project)
        yield f"# Roles that {account} must have on {deployment.project}:"
        yield from (f"# {role}" for role in missing)
    yield ""


@commands.refused(RefusedDeploymentsError)
def main(name: str, folder: Path = DEPLOYMENTS) -> int:
    """Print the stacks of the deployment `name`; return the exit status."""
    print("\n".join(describe(name, load_deployment(name, folder))))  # noqa: T201
    return 0


if __name__ == "__main__":
    arguments = commands.Arguments("python -m stacks")
    arguments.add_argument("name", metavar="NAME")
    commands.run(main, arguments)
