"""`python -m stacks NAME`, which `make show` runs: prints what a deployment consists of.

First come its stacks and the roles of the account that runs Terraform, as comments, then the effective values of the deployment file.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from deployment import commands

if __name__ == "__main__":
    commands.start()

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from deployment.show import effective_values
from stacks.registry import kinds_of
from stacks.roles import missing_grants, roles_of


def describe(name: str, deployment: Deployment) -> Iterator[str]:
    """Yield one line for each stack of a deployment, in the order of deployment, and one for each required role, below headings."""
    kinds = kinds_of(deployment)
    yield "# Stacks, in the order of deployment:"
    for kind in kinds:
        after = [f"{name}-{other.suffix}" for other in kinds if other.suffix in kind.depends_on]
        yield f"# {name}-{kind.suffix}: {kind.creates}" + (f"; after {' and '.join(after)}" if after else "")
    yield "# Roles that the account that runs Terraform needs:"
    for required in roles_of(name, deployment):
        yield f"# {required.role} on {required.on}, to {' and to '.join(required.purposes)}"
    if missing := missing_grants(deployment):
        account = deployment.identity.email_in(deployment.project)
        yield f"# Roles that {account} must have on {deployment.project}:"
        yield from (f"# {role}" for role in missing)
    yield ""


@commands.refused(RefusedDeploymentsError)
def main(name: str, folder: Path = DEPLOYMENTS) -> int:
    """Print the stacks, the roles and the effective values of the deployment `name`; return the exit status, 2 when it is refused."""
    deployment = load_deployment(name, folder)
    content = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    print("\n".join([*describe(name, deployment), *effective_values(deployment, content)]))  # noqa: T201
    return 0


if __name__ == "__main__":
    commands.run(main, commands.Arguments("python -m stacks", "name"))
